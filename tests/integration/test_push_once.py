"""A change arrives exactly once, whatever dies and whatever answer is lost; and never from a copied cache."""
import os
import shutil

import pytest
from support.shop import Shop

# A counter shows a change that was applied twice: the audit has one line for each write.
AUDIT = """
create table audit (line int generated always as identity, what text);
create function audit() returns trigger language plpgsql as $$ begin
    insert into audit (what) values (tg_op || ' ' || tg_table_name || ' ' || coalesce(new.id, old.id)); return null;
end $$;
create trigger audit after insert or update or delete on item for each row execute function audit();
create trigger audit after insert or update or delete on customer for each row execute function audit();
"""
EDITS = ("insert into customer (id, name) values (6, 'new')", "update item set note = 'once' where id = 2",
         "delete from customer where id = 5", "update item set total = -1 where id = 3",
         "update item set note = 'mine' where id = 4")
EXPECTED = ["DELETE customer 5", "INSERT customer 6", "UPDATE item 2", "UPDATE item 4"]


def make(world, **more):
    shop = Shop(world, faults=True, settings={"sync": {"conflict": "client_wins"}}, **more)
    world.run(AUDIT)
    world.run("alter table item disable trigger audit; update item set note = 'theirs' where id = 4;"
              "alter table item enable trigger audit")
    shop.edit(*EDITS)
    return shop


def check_arrived_once(shop):
    assert sorted(row[0] for row in shop.world.run("select what from audit")) == EXPECTED
    assert [row[1:4] for row in shop.rejected()] == [('["3"]', "update", "23514")]
    assert [row[1:5] for row in shop.conflicts()] == [('["4"]', "note", "client_wins", "local")]
    assert shop.pending() == 0
    assert shop.device.value("select count(*) from tide_push") == 0
    shop.assert_equal()


POINTS = ["push.ledger_moved", "push.rows_sent", "push.recorded", "push.before_commit", "push.after_commit",
          "push.before_finish", "push.finished"]


@pytest.mark.parametrize("point", POINTS)
def test_death_at(world, point):
    shop = make(world)
    answer = shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    assert answer.status == -9, answer
    shop.device.tool("sync")
    check_arrived_once(shop)


@pytest.mark.parametrize("point", POINTS)
def test_death_at_with_edits_afterwards(world, point):
    """What was written after the crash goes with the next push, not with the one in flight."""
    shop = make(world)
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    shop.edit("update item set note = 'twice' where id = 2", "update item set note = 'mine' where id = 4")
    shop.device.tool("sync")
    assert shop.world.value("select note from item where id = 2") == "twice"
    assert shop.pending() == 0
    shop.assert_equal()


def test_the_answer_to_the_commit_is_lost(world):
    shop = make(world)
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database)}})
    committed = []

    def cut_at_commit(message, from_client):
        if from_client and b"commit" in message.lower() and not committed and world.value("select count(*) from audit") == 0:
            committed.append(message)
        elif committed and not from_client:
            proxy.cut_now()
    proxy.watch(cut_at_commit)
    shop.device.tool("sync")
    proxy.watch(None)
    proxy.heal()
    shop.device.tool("sync")
    check_arrived_once(shop)


@pytest.mark.parametrize("count", range(20, 130, 6))
def test_the_link_is_cut_anywhere(world, count):
    shop = make(world)
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database)}})
    proxy.cut_after(count)
    shop.device.tool("sync")
    proxy.heal()
    shop.device.tool("sync")
    check_arrived_once(shop)


@pytest.mark.parametrize("point", POINTS)
def test_without_a_ledger(world, point):
    """Repeated until the answer is known; what is there already is no conflict."""
    shop = make(world, track=False)
    assert shop.world.value("select to_regnamespace('tidemark') is null")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    shop.device.tool("sync")
    assert shop.world.run("select name from customer where id = 6") == [("new",)]
    assert shop.world.value("select note from item where id = 2") == "once"
    assert shop.world.value("select note from item where id = 4") == "mine"
    assert [row[1:4] for row in shop.rejected()] == [('["3"]', "update", "23514")]
    # nobody can tell whether the conflict of the first attempt was one: it is kept too
    assert {row[1:5] for row in shop.conflicts()} == {('["4"]', "note", "client_wins", "local")}
    assert shop.pending() == 0
    shop.assert_equal()


def test_a_ledger_that_comes_later_is_believed(world):
    shop = Shop(world, track=False)
    shop.edit("update item set note = 'before' where id = 1")
    shop.sync()
    shop.world.track("customer", "item")
    shop.edit("update item set note = 'after' where id = 1")
    shop.sync()
    assert shop.world.value("select note from item where id = 1") == "after"
    assert shop.world.value("select count(*) from tidemark.device where last_push is not null") == 1


def test_a_copied_cache_stops_pushing(world):
    shop = Shop(world)
    shop.edit("update item set note = 'first' where id = 1")
    shop.sync()
    shutil.copy(shop.device.cache_path, shop.device.cache_path + ".copy")
    shop.edit("update item set note = 'second' where id = 1")
    shop.sync()
    shutil.copy(shop.device.cache_path + ".copy", shop.device.cache_path)
    for end in ("-wal", "-shm"):
        if os.path.exists(shop.device.cache_path + end):
            os.unlink(shop.device.cache_path + end)
    shop.edit("update item set note = 'of the copy' where id = 2")
    answer = shop.device.tool("sync")
    assert answer.status != 0 and "copied" in answer.err and "resync" in answer.err, answer
    assert shop.pending() == 1
    assert shop.world.value("select note from item where id = 2") == "note 2"


def test_a_restored_primary_stops_pushing(world):
    shop = Shop(world)
    for number in range(3):
        shop.edit(f"update item set note = 'edit {number}' where id = 1")
        shop.sync()
        if number == 0:
            shop.world.run("create table backup as select * from tidemark.device")
    shop.world.run("update tidemark.device set last_push = backup.last_push from backup")
    shop.edit("update item set note = 'later' where id = 2")
    answer = shop.device.tool("sync")
    assert answer.status != 0 and "restored" in answer.err and "resync" in answer.err, answer
    assert shop.pending() == 1


def test_a_lost_ledger_is_recovered_from_with_a_push_in_flight(world):
    """What the ledger once knew is gone: the record of it must not stop the new device too."""
    shop = make(world)
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": "push.before_commit"})
    world.run("delete from tidemark.device")
    answer = shop.device.tool("sync")
    assert answer.status != 0 and "nobody knows" in answer.err, answer
    assert shop.device.tool("resync").status in (0, 3)
    shop.device.tool("sync")
    check_arrived_once(shop)


def test_two_devices_push_their_own(world):
    shop = Shop(world)
    other = world.daemon(start=False)
    other.sync()
    shop.edit("update item set note = 'one' where id = 1")
    connection = other.open_cache()
    connection.execute("update item set note = 'two' where id = 2")
    connection.close()
    shop.sync()
    other.sync()
    shop.sync()
    assert shop.world.run("select note from item where id in (1, 2) order by id") == [("one",), ("two",)]
    assert shop.world.value("select count(*) from tidemark.device") == 2
    shop.assert_equal()
    world.assert_equal(other, "customer", "item")


def test_an_attempt_that_the_server_still_works_on_is_waited_for(world):
    """The ledger's row is locked by it; after the lock time-out the push is tried again."""
    shop = Shop(world, settings={"primary": {"lock_timeout": "300ms"}})
    shop.edit("update item set note = 'x' where id = 1")
    shop.sync()
    holder = world.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("select from tidemark.device for update")
    shop.edit("update item set note = 'y' where id = 1")
    answer = shop.device.tool("sync")
    assert answer.status != 0 and "lock timeout" in answer.err, answer
    assert shop.pending() == 1
    holder.rollback()
    holder.close()
    shop.sync()
    assert shop.world.value("select note from item where id = 1") == "y"
