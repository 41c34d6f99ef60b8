"""Whatever settings the server, the database or the role come with, values are the same: sessions pin their own."""
import threading
import time

import pytest
from support.pooler import Pooler
from support.process import wait_until

SETTINGS = {
    "timezone": "'Asia/Kathmandu'", "datestyle": "'SQL, DMY'", "intervalstyle": "'postgres_verbose'",
    "extra_float_digits": "-15", "bytea_output": "escape", "standard_conforming_strings": "off",
    "xmloption": "document", "array_nulls": "off", "transform_null_equals": "on", "statement_timeout": "'300ms'",
    "idle_in_transaction_session_timeout": "'300ms'", "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on", "search_path": "nowhere", "row_security": "on", "jit": "on",
}
# each value is another one, or none, when the setting that it is here for is believed
ROW = """timestamptz '2026-03-04 05:06:07.123456+00', timestamp '2026-03-04 05:06:07', date '2026-03-04', time '05:06:07',
    interval '1 year -2 days 03:04:05.6', real '1.1', float8 '0.1', '\\x00ff5c27'::bytea, '{1,NULL,3}'::int[],
    '{{1,NULL},{NULL,4}}'::int[], '{0.1234567890123,NULL}'::float8[], '{"2026-03-04 05:06:07+00"}'::timestamptz[],
    '["2026-03-04 05:06:07+00","2026-03-05 00:00:00+00")'::tstzrange, 'text only'::xml, '(1,"2026-03-04")'::dated,
    array['\\x00ff5c27'::bytea, null]"""
SCHEMA = """
create type dated as (number int, day date);
create table thing (id text primary key, a timestamptz, b timestamp, c date, d time, e interval, f real, g float8, h bytea,
                    i int[], j int[], k float8[], l timestamptz[], m tstzrange, n xml, o dated, p bytea[], note text,
                    updated_at timestamptz not null default now());
create table dose (at timestamptz, weight float8, code bytea, note text, updated_at timestamptz not null default now(),
                   primary key (at, weight, code));
""" + f"insert into thing select E'back\\\\slash''' || n, {ROW}, 'of the primary' from generate_series(1, 3) n;" + \
    "insert into dose select timestamptz '2026-03-04 05:06:07.5+00' + n * interval '1 day', 0.1 + n, '\\x00ff' from generate_series(1, 4) n;"
TABLES = ("thing", "dose")
COLUMNS = "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p"


def believe_nothing(world):
    for name, value in SETTINGS.items():
        world.run(f'alter database "{world.database}" set {name} = {value}')


@pytest.fixture(params=["direct", "through a pooler"])
def device(request, world, place, numbers):
    """A device whose every session starts with these settings; the test's own session has the usual ones."""
    world.run(SCHEMA)
    world.track(*TABLES)
    believe_nothing(world)
    if request.param == "direct":
        yield world.daemon(start=False)
        return
    with Pooler(f"{place}/pooler{next(numbers)}", world.cluster) as pooler:
        yield world.daemon(conninfo=pooler.conninfo(world.database), start=False)


def test_values_are_the_same_on_both_sides(world, device):
    device.sync()
    world.assert_equal(device, *TABLES)
    world.run("update thing set note = 'changed' where id like '%1'; update dose set note = 'changed' where weight < 2;"
              "delete from dose where weight > 4; update dose set weight = 9.25 where weight > 3 and weight < 4")
    device.sync()
    assert device.value("select count(*) from dose") == 3
    world.assert_equal(device, *TABLES)


def test_values_written_here_arrive_as_they_are(world, device):
    device.sync()
    cache = device.open_cache()
    cache.execute(f"insert into thing (id, {COLUMNS}, note) select replace(id, 'slash', 'pack'), {COLUMNS}, 'here' from thing")
    cache.execute("update thing set note = 'here too', a = (select min(a) from thing), g = g * 2 where note = 'of the primary'")
    cache.execute("insert into dose (at, weight, code, note) select at, weight + 0.2, code, 'here' from dose where weight < 3")
    cache.execute("update dose set note = 'changed' where weight > 4")
    cache.execute("delete from dose where weight > 3 and weight < 4")
    cache.close()
    device.tool("sync")
    assert device.query("select row_key, sqlstate, message from tide_rejected") == []
    assert device.query("select * from tide_conflict") == []
    same = " and ".join(f"there.{name}::text is not distinct from here.{name}::text" for name in COLUMNS.split(", ") if name != "g")
    assert world.value(f"select count(*) from thing there join thing here on here.id = replace(there.id, 'slash', 'pack')"
                       f" where here.note = 'here' and there.note = 'here too' and {same} and there.g = 2 * here.g") == 3
    assert world.run("select weight, note from dose order by weight") == [
        (1.1, None), (1.1 + 0.2, "here"), (2.1, None), (2.1 + 0.2, "here"), (4.1, "changed")]
    world.assert_equal(device, *TABLES)


def test_a_row_that_is_read_again_is_found(world, device):
    """Keys travel as text there and back."""
    device.sync()
    world.run("update thing set note = 'there'; update dose set note = 'there'")
    cache = device.open_cache()
    cache.execute("update thing set note = 'here'")
    cache.execute("update dose set note = 'here'")
    cache.close()
    world.run("alter table thing add constraint refused check (note <> 'here'); alter table dose add constraint refused check (note <> 'here')")
    assert device.tool("sync").status in (0, 3)
    device.tool("sync")
    assert device.query("select distinct note from thing union select note from dose") == [("there",)]
    world.assert_equal(device, *TABLES)


def test_a_copy_goes_on_after_a_key_with_a_backslash(world):
    world.run("create table long (id text primary key, filler text not null, updated_at timestamptz not null default now());"
              "insert into long select E'it''s\\\\' || lpad(n::text, 6, '0'), repeat('x', 1000) from generate_series(1, 12000) n")
    world.track("long")
    believe_nothing(world)
    device = world.daemon(start=False)
    device.start(fault="snapshot.chunk_committed:1", ready=False)
    device.wait_end()
    device.sync()
    assert device.value("select count(*) from long") == 12000
    world.assert_equal(device, "long")


def test_a_push_that_takes_its_time_is_not_cut_off(world):
    """A statement takes longer than the server's limit, and then the transaction idles longer than its other one,
    since an application holds the lock of the cache."""
    world.run("create table slow (id int primary key, note text);"
              "create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.6); return new; end $$;"
              "create trigger dawdle before insert on slow for each row execute function dawdle()")
    world.track("slow")
    believe_nothing(world)
    device = world.daemon(start=False)
    device.sync()
    device.query("insert into slow values (1, 'here')")
    syncing = threading.Thread(target=device.tool, args=("sync",))
    syncing.start()
    wait_until(lambda: world.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), "the push runs")
    cache = device.open_cache()
    cache.execute("begin immediate")
    time.sleep(1.2)
    cache.execute("rollback")
    cache.close()
    syncing.join()
    assert device.value("select count(*) from tide_outbox") == 0
    assert world.value("select note from slow") == "here"


def test_nothing_stays_in_the_session_that_a_pooler_lends(world, place, numbers):
    """The next client of it has the server's own settings, and nobody listens for somebody who is gone."""
    world.run(SCHEMA)
    world.track(*TABLES)
    with Pooler(f"{place}/pooler{next(numbers)}", world.cluster, pool_size=1) as pooler:
        session = pooler.connect(world.database)
        look = ("select (select string_agg(name || ' ' || setting, ', ' order by name) from pg_settings where source = 'session' and name <> 'application_name'),"
                " (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels())")
        with session.cursor() as cursor:
            cursor.execute(look)
            before = cursor.fetchall()
            daemon = world.daemon(conninfo=pooler.conninfo(world.database))
            daemon.wait_caught_up()
            daemon.query("update thing set note = 'here'")
            daemon.wait_caught_up()
            assert world.value("select count(*) from thing where note = 'here'") == 3
            daemon.stop()
            cursor.execute(look)
            assert cursor.fetchall() == before
        session.close()
