"""Rows that are read again by key, among them keys that the primary cannot even read."""

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
