"""A row for which the primary raises, for ever, what should pass by itself is found and set aside;
rows that really do pass on another try are not."""
import threading
import time

import pytest
from support.process import wait_until
from support.shop import Shop

# raises what stands in a row's note: 'raise 40001'
RAISING = """
create function raise_it() returns trigger language plpgsql as $$
begin
    if new.note like 'raise %' then raise exception 'made up for row %', new.id using errcode = substr(new.note, 7); end if;
    return new;
end $$;
create trigger raise_it before insert or update on item for each row execute function raise_it();
"""
ATTEMPTS = 5


@pytest.fixture
def shop(world):
    shop = Shop(world)
    world.run(RAISING)
    return shop


def fail(shop, count=ATTEMPTS):
    """So many whole attempts fail, and nothing is refused for it."""
    for _ in range(count):
        shop.sync(status=75)
        assert shop.rejected() == []


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "57014", "58030", "57P01"])
def test_a_row_that_always_raises_it_is_set_aside_after_some_attempts(shop, sqlstate):
    shop.edit(*(f"update item set total = 100 + id where id = {n}" for n in range(3, 20)),
              f"update item set note = 'raise {sqlstate}' where id = 2", "insert into customer (id, name) values (9, 'new')")
    fail(shop)
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["2"]', "update", sqlstate)]
    assert "made up for row 2" in shop.device.value("select message from tide_rejected")
    assert shop.world.value("select count(*) from item where total = 100 + id") == 17
    assert shop.world.value("select name from customer where id = 9") == "new"
    assert shop.pending() == 0
    shop.assert_equal()


def test_all_such_rows_are_set_aside_at_once_and_their_children_with_them(world):
    shop = Shop(world, "create table node (id int primary key, parent_id int references node, note text);", ("node",))
    world.run(RAISING.replace("on item", "on node"))
    shop.edit("insert into node values (1, null, 'fine')", "insert into node values (2, 1, 'raise 40001')",
              "insert into node values (3, 2, 'child')", "insert into node values (4, 1, 'raise 57014')",
              "insert into node values (5, 1, 'fine')")
    fail(shop)
    shop.sync(status=3)
    assert {row[1]: row[3] for row in shop.rejected()} == {'["2"]': "40001", '["3"]': "40001", '["4"]': "57014"}
    assert world.run("select id from node order by id") == [(1,), (5,)]
    shop.assert_equal()


def test_a_row_that_cannot_stand_alone_takes_a_little_longer(world):
    """Without its parent, which is as new as itself, it fails for another reason."""
    shop = Shop(world, "create table parent (id int primary key); create table item (id int primary key,"
                       " parent_id int references parent, note text);", ("parent", "item"))
    world.run(RAISING.replace("before insert or update", "after insert"))
    shop.edit("insert into parent values (1)", "insert into item values (1, 1, 'raise 40001')", "insert into item values (2, 1, 'fine')")
    fail(shop, ATTEMPTS + 3)
    shop.sync(status=3)
    assert [row[1] for row in shop.rejected()] == ['["1"]']
    assert world.run("select id from item") == [(2,)]
    shop.assert_equal()


def test_a_unit_goes_with_such_a_row(shop):
    shop.edit(["insert into tide_unit values ('begin')", "update item set total = 50 where id = 1",
               "update item set note = 'raise 40001' where id = 2", "insert into tide_unit values ('end')"],
              "update item set total = 60 where id = 3")
    fail(shop)
    shop.sync(status=3)
    assert sorted(row[1] for row in shop.rejected()) == ['["1"]', '["2"]']
    assert shop.world.value("select total from item where id = 3") == 60
    shop.assert_equal()


def test_what_passed_in_time_is_forgiven(shop):
    shop.edit("update item set note = 'raise 40001' where id = 2")
    fail(shop, ATTEMPTS - 1)
    shop.world.run("alter table item disable trigger raise_it")
    shop.sync()
    shop.world.run("alter table item enable trigger raise_it")
    shop.edit("update item set note = 'raise 40001' where id = 4")
    fail(shop, ATTEMPTS)


def test_a_row_that_gets_through_alone_is_not_to_blame(shop):
    """It fails only in company: the push waits, and nothing is set aside."""
    shop.world.run("drop trigger raise_it on item; create table seen (transaction xid8, id int);"
                   "create or replace function raise_it() returns trigger language plpgsql as $$ begin"
                   " insert into seen values (pg_current_xact_id(), new.id);"
                   " if (select count(distinct id) from seen where transaction = pg_current_xact_id()) > 1 then"
                   "  raise exception 'crowded' using errcode = '40001'; end if;"
                   " return new; end $$;"
                   "create trigger raise_it before insert or update on item for each row execute function raise_it()")
    shop.edit("update item set note = 'a' where id = 1", "update item set note = 'b' where id = 2")
    fail(shop, ATTEMPTS + 5)
    shop.world.run("drop trigger raise_it on item")
    shop.sync()
    shop.assert_equal()


def test_attempts_are_counted_only_as_long_as_something_follows_from_it(shop):
    """No row is to blame: a server that fails for a day is not written down all day long."""
    shop.world.run("create function tidemark.fail() returns trigger language plpgsql as $$ begin"
                   " raise exception 'made up' using errcode = '57014'; end $$;"
                   "create trigger fail before update on tidemark.device for each row execute function tidemark.fail()")
    shop.edit("update item set note = 'here' where id = 2")
    fail(shop, ATTEMPTS + 4)
    counted = shop.device.value("select failures from tide_device")
    assert counted > ATTEMPTS
    fail(shop, 3)
    assert shop.device.value("select failures from tide_device") == counted
    shop.world.run("drop trigger fail on tidemark.device")
    shop.sync()
    assert shop.device.value("select failures from tide_device") == 0
    shop.assert_equal()


def test_the_daemon_comes_to_it_by_itself(shop):
    shop.device.start()
    shop.device.wait_caught_up()
    shop.edit("update item set note = 'raise 40001' where id = 2", "update item set note = 'fine' where id = 3")
    wait_until(lambda: shop.world.value("select note from item where id = 3") == "fine", shop.device.log, 60)
    wait_until(lambda: [row[1] for row in shop.rejected()] == ['["2"]'], shop.device.log)
    shop.device.wait_caught_up()
    shop.assert_equal()


def test_good_rows_survive_heavy_contention(world):
    """Others take the same rows in the other order, all the time: deadlocks, and no refusal."""
    shop = Shop(world, settings={"primary": {"lock_timeout": "10s"}})
    world.run("alter database \"%s\" set deadlock_timeout = '10ms'" % world.database)
    stop = threading.Event()

    def contend():
        connection = world.connect(autocommit=False)
        while not stop.is_set():
            try:
                with connection.cursor() as cursor:
                    for number in range(20, 0, -1):
                        cursor.execute("update item set total = total + 1 where id = %s", (number,))
                connection.commit()
            except Exception:
                connection.rollback()
        connection.close()
    threads = [threading.Thread(target=contend) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 20
        rounds = 0
        while time.monotonic() < deadline and rounds < 20:
            shop.edit(*(f"update item set note = 'round {rounds}' where id = {number}" for number in range(1, 21)))
            answer = shop.device.tool("sync")
            assert answer.status in (0, 75), answer
            assert shop.rejected() == []
            rounds += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    shop.sync()
    assert world.value("select count(distinct note) from item") == 1
    shop.assert_equal()
