"""Primaries that have something to say about what a push writes, and a pooler between: what can arrive does, the rest
waits or is set aside with its reason, and nothing is taken for success that is none."""
import os
import threading
import time

import pytest
from support.pooler import Pooler
from support.process import wait_until
from support.shop import Shop


def one(world, columns, more="", **options):
    shop = Shop(world, f"create table thing ({columns}); insert into thing (id) select generate_series(1, 5);", ("thing",), **options)
    if more:
        world.run(more)
    return shop


def notes(world, table="thing"):
    return world.run(f"select id, note from {table} where note is not null order by id")


# ---- what the primary does with a row ----

def test_a_trigger_that_swallows_a_row_is_no_success(world):
    shop = one(world, "id int primary key, note text",
               "create function swallow() returns trigger language plpgsql as"
               " $$ begin if coalesce(new.note, '') = 'bad' then return null; end if; return new; end $$;"
               "create trigger swallow before insert or update on thing for each row execute function swallow()")
    shop.edit("update thing set note = 'bad' where id = 1", "update thing set note = 'good' where id = 2",
              "insert into thing values (9, 'bad')", "insert into thing values (8, 'good')")
    shop.sync(status=3)
    assert sorted(row[1:4] for row in shop.rejected()) == [('["1"]', "update", "09000"), ('["9"]', "insert", "09000")]
    assert notes(world) == [(2, "good"), (8, "good")]
    shop.assert_equal()


def test_a_rule_that_does_nothing_instead_is_no_success(world):
    shop = one(world, "id int primary key, note text",
               "create rule nothing as on update to thing where new.note = 'bad' do instead nothing")
    shop.edit("update thing set note = 'bad' where id = 1", "update thing set note = 'good' where id = 2")
    answer = shop.device.tool("sync")
    assert answer.status == 3, answer
    assert [row[1] for row in shop.rejected()] and ('["1"]' in [row[1] for row in shop.rejected()])
    assert (1, "bad") not in notes(world) and shop.pending() == 0
    shop.assert_equal()


def test_an_identity_that_is_always_generated_takes_the_keys_of_the_cache(world):
    shop = Shop(world, "create table thing (id int generated always as identity primary key, note text)", ("thing",))
    shop.edit("insert into thing (id, note) values (7, 'new')")
    shop.sync()
    assert notes(world) == [(7, "new")]
    shop.edit("update thing set note = 'changed' where id = 7")
    shop.sync()
    assert notes(world) == [(7, "changed")]
    shop.assert_equal()


def test_a_constraint_that_is_checked_at_the_end_rejects_its_row_only(world):
    shop = one(world, "id int primary key, note text, twin int",
               "alter table thing add constraint one_twin unique (twin) deferrable initially deferred;"
               "create function check_late() returns trigger language plpgsql as"
               " $$ begin if new.note = 'late' then raise exception 'too late'; end if; return null; end $$;"
               "create constraint trigger late after update on thing deferrable initially deferred"
               " for each row execute function check_late(); update thing set twin = 9 where id = 5")
    shop.edit("update thing set note = 'late' where id = 1", "update thing set note = 'good' where id = 2",
              "update thing set twin = 9 where id = 3", "update thing set twin = 8 where id = 4")
    shop.sync(status=3)
    assert sorted(row[1:4:2] for row in shop.rejected()) == [('["1"]', "P0001"), ('["3"]', "23505")]
    assert notes(world) == [(2, "good")] and world.value("select twin from thing where id = 4") == 8
    shop.assert_equal()


def test_rows_that_exclude_each_other_are_told_apart(world):
    shop = one(world, "id int primary key, note text, during int4range, exclude using gist (during with &&)")
    shop.edit("update thing set during = '[1,5)' where id = 1", "update thing set during = '[4,8)' where id = 2",
              "update thing set during = '[8,9)' where id = 3")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["2"]', "update", "23P01")]
    assert world.run("select id from thing where during is not null order by id") == [(1,), (3,)]
    shop.assert_equal()


def test_a_column_that_goes_while_the_push_is_on_its_way(world):
    """The catalog was read, the rows are sent, and the table has another shape meanwhile."""
    shop = one(world, "id int primary key, note text, gone text")
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database)}})
    shop.edit("update thing set note = 'here', gone = 'x' where id = 1", "update thing set note = 'here' where id = 2")
    dropped = []

    def drop(message, from_client):
        if from_client and b"savepoint tide_push" in message and not dropped:
            dropped.append(message)
            world.run("alter table thing drop column gone")
    proxy.watch(drop)
    answer = shop.device.tool("sync")
    assert dropped and answer.status in (0, 3), answer
    assert notes(world) == [(1, "here"), (2, "here")]
    assert shop.pending() == 0
    shop.assert_equal()


# ---- settings of the primary ----

def test_a_primary_that_is_read_only_for_a_while(world):
    """A default of new sessions: the daemon's own does not hear of its end by itself."""
    shop = one(world, "id int primary key, note text")
    world.run(f'alter database "{world.database}" set default_transaction_read_only = on')
    shop.device.start()
    shop.device.wait_caught_up()
    shop.edit("update thing set note = 'patient' where id = 1")
    wait_until(lambda: shop.device.status()["push"]["reason"], shop.device.log, 20)
    assert shop.device.status()["push"]["reason"]["sqlstate"] == "25006" and shop.rejected() == []
    world.run("begin; set transaction read write; insert into thing (id, note) values (9, 'from there'); commit;")
    wait_until(lambda: shop.device.query("select 1 from thing where id = 9"), shop.device.log, 20)
    world.run(f'alter database "{world.database}" reset default_transaction_read_only')
    wait_until(lambda: (1, "patient") in notes(world), shop.device.log, 70)
    shop.device.wait_caught_up()
    shop.assert_equal()


@pytest.mark.parametrize("setting", ["statement_timeout = '50ms'", "idle_in_transaction_session_timeout = '50ms'"])
def test_time_limits_of_the_primary_are_not_ours(world, setting):
    shop = one(world, "id int primary key, note text",
               "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.1); return new; end $$;"
               "create trigger slow before update on thing for each row execute function slow()")
    world.run(f'alter database "{world.database}" set {setting}')
    shop.edit(*(f"update thing set note = 'slow' where id = {number}" for number in range(1, 4)))
    shop.sync()
    assert len(notes(world)) == 3
    shop.assert_equal()


def test_an_attempt_that_the_server_still_works_on_is_waited_for(world):
    """The link is cut while the server is in the middle of it: the next try must not do it again."""
    shop = one(world, "id int primary key, note text",
               "create table audit (id int);"
               "create function slow() returns trigger language plpgsql as"
               " $$ begin perform pg_sleep(1); insert into audit values (new.id); return new; end $$;"
               "create trigger slow before update on thing for each row execute function slow()")
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database), "lock_timeout": "5s"}})
    shop.edit("update thing set note = 'once' where id = 1")
    cutter = threading.Timer(0.7, proxy.cut_now)
    cutter.start()
    shop.device.tool("sync")
    cutter.join()
    for _ in range(5):
        if shop.device.tool("sync").status == 0:
            break
    assert world.run("select id from audit") == [(1,)] and notes(world) == [(1, "once")]
    shop.assert_equal()


# ---- a pooler ----

@pytest.fixture
def pooled(world, folder):
    shop = Shop(world)
    os.mkdir(os.path.join(folder, "pooler"))
    with Pooler(os.path.join(folder, "pooler"), world.cluster, pool_size=3) as pooler:
        shop.device.configure({"primary": {"conninfo": pooler.conninfo(world.database)}})
        shop.pooler = pooler
        yield shop


def busy_clients(shop, stop):
    """So that the daemon's server connection changes all the time, and carries settings of others."""
    client = shop.pooler.connect(shop.world.database)
    while not stop.is_set():
        with client.cursor() as cursor:
            cursor.execute("set timezone = 'Asia/Tokyo'; set datestyle = 'German'; select pg_sleep(0.003)")
    client.close()


def test_many_pushes_go_through_a_busy_pooler(pooled):
    stop = threading.Event()
    threads = [threading.Thread(target=busy_clients, args=(pooled, stop)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        pooled.device.start()
        pooled.device.wait_caught_up()
        for number in range(30):
            pooled.edit(f"update item set total = total + 1, note = 'edit {number}' where id <= 10",
                        f"insert into customer (id, name) values ({100 + number}, 'new')",
                        "update item set total = -1 where id = 20" if number == 15 else "select 1")
            time.sleep(0.03)
        wait_until(lambda: pooled.pending() == 0, pooled.device.log, 40)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    pooled.device.wait_caught_up()
    assert [row[1:4] for row in pooled.rejected()] == [('["20"]', "update", "23514")] and pooled.conflicts() == []
    assert pooled.world.value("select sum(total) from item where id <= 10") == 55 + 300
    pooled.assert_equal()


def test_a_pooler_that_dies_and_comes_back(pooled):
    pooled.device.start()
    pooled.device.wait_caught_up()
    for number in range(5):
        pooled.edit("update item set total = total + 1 where id <= 10")
        if number % 2:
            pooled.pooler.process.kill()
            pooled.pooler.process.wait()
            pooled.pooler.start()
        time.sleep(0.1)
    wait_until(lambda: pooled.pending() == 0, pooled.device.log, 60)
    pooled.device.wait_caught_up()
    assert pooled.world.value("select sum(total) from item where id <= 10") == 55 + 50
    assert pooled.conflicts() == []
    pooled.assert_equal()
