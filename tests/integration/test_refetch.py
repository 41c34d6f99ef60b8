"""Rows that are read again by key, among them keys that the primary cannot even read."""
import time

from support.process import wait_until

SCHEMA = """
create table by_uuid (id uuid primary key default gen_random_uuid(), note text);
create table by_text (id text primary key, note text);
create table by_number (id integer primary key, note text);
"""
TABLES = ("by_uuid", "by_text", "by_number")


def test_a_refused_row_with_an_impossible_key_goes_and_stops_nothing(world):
    world.run(SCHEMA)
    world.track(*TABLES)
    daemon = world.daemon(start=False)
    daemon.sync()
    for number in range(40):
        daemon.query("insert into by_uuid (id, note) values (?, 'bad')", (f"no-uuid-{number}",))
        daemon.query("insert into by_uuid (note) values ('good')")
    daemon.query("insert into by_text values ('a' || char(0) || 'b', 'nul'), (cast(x'ff61' as text), 'bytes'), ('fine', 'good')")
    daemon.query("insert into by_number values (99999999999, 'too large'), (7, 'good')")

    assert daemon.tool("sync").status == 3
    assert daemon.value("select count(*) from tide_rejected") == 43
    assert daemon.value("select count(*) from tide_refetch") == 0
    assert [daemon.value(f"select count(*) from {table}") for table in TABLES] == [40, 1, 1]
    world.assert_equal(daemon, *TABLES)
    assert all(table["state"] == "live" for table in daemon.status()["tables"])


def test_the_primary_goes_on_being_followed_beside_such_keys(world):
    world.run(SCHEMA)
    world.track(*TABLES)
    daemon = world.daemon(start=False)
    daemon.sync()
    daemon.query("insert into tide_refetch values ('by_uuid', '[\"nonsense\"]'), ('by_uuid', '[\"\\u0000\"]'),"
                 " ('by_number', '[\"x\"]'), ('by_text', '[\"fine\"]')")
    world.run("insert into by_uuid (note) values ('there'); insert into by_text values ('fine', 'there')")
    daemon.sync()
    assert daemon.value("select count(*) from tide_refetch") == 0
    world.assert_equal(daemon, *TABLES)


def test_edits_of_a_row_under_another_spelling_are_not_lost(world):
    """Some programs write UUIDs in upper case, and edit a row right after they made it."""
    world.run(SCHEMA)
    world.track("by_uuid")
    daemon = world.daemon()
    daemon.wait_caught_up()
    connection = daemon.open_cache()
    edited = 0
    for number in range(30):
        key = f"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD3800{number:02d}"
        connection.execute("insert into by_uuid values (?, 'made')", (key,))
        time.sleep(0.001 * (number % 15))
        edited += connection.execute("update by_uuid set note = 'edited' where id = ?", (key,)).rowcount
    connection.close()
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, "the outbox is empty")
    daemon.wait_caught_up()
    assert world.value("select count(*) from by_uuid where note = 'edited'") == edited > 0
    assert daemon.value("select count(*) from tide_conflict") == 0
    assert daemon.value("select count(*) from tide_refetch") == 0
    world.assert_equal(daemon, "by_uuid")
