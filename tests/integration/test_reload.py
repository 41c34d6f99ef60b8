"""SIGHUP: a running daemon takes each setting over that does not need a restart, also between two pushes."""
import signal

import pytest
from support.process import wait_until

SCHEMA = """
create table note (id int primary key, body text, n int not null default 0, updated_at timestamptz not null default now(),
                   deleted_at timestamptz);
insert into note (id, body) select n, 'first' from generate_series(1, 9) n;
create table plain (id int primary key, body text, updated_at timestamptz not null default now());
insert into plain select n, 'first' from generate_series(1, 9) n;
"""


@pytest.fixture
def followed(world):
    """A daemon that has pushed already: what it keeps for that outlives no reload."""
    world.run(SCHEMA)
    world.track("note")
    daemon = world.daemon({"sync": {"conflict": "server_wins", "sweep_interval": "1h", "overlap": "0s"}})
    daemon.wait_caught_up()
    daemon.query("update note set body = 'before' where id = 9")
    wait_until(lambda: world.value("select body from note where id = 9") == "before", "a first push")
    daemon.wait_caught_up()
    return world, daemon


def reload(daemon, settings):
    ready = len(daemon.notifications.lines("READY=1"))
    daemon.configure(settings)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.notifications.lines("READY=1")) > ready, daemon.log)
    assert "keeping the configuration" not in daemon.log()
    daemon.wait_caught_up()


def change_both_sides(world, daemon, here, there):
    daemon.tool("pause")
    daemon.wait_state("paused")
    daemon.query(f"update note set body = '{here}' where id = 1")
    world.run(f"update note set body = '{there}' where id = 1")
    daemon.tool("resume")
    daemon.wait_caught_up()
    return world.value("select body from note where id = 1")


def test_the_policy_of_conflicts(followed):
    world, daemon = followed
    assert change_both_sides(world, daemon, "here", "there") == "there"
    reload(daemon, {"sync": {"conflict": "client_wins"}})
    assert change_both_sides(world, daemon, "here again", "there again") == "here again"
    reload(daemon, {"table note": {"conflict": "server_wins"}})
    assert change_both_sides(world, daemon, "here at last", "there at last") == "there at last"
    world.assert_equal(daemon, "note")


def test_how_often_untracked_tables_are_swept(followed):
    world, daemon = followed
    world.run("update plain set body = 'silent' where id = 3")
    daemon.wait_caught_up()
    assert daemon.value("select body from plain where id = 3") == "first"
    assert "60 min" in daemon.table("plain")["promise"], daemon.table("plain")
    reload(daemon, {"sync": {"sweep_interval": "1s"}})
    wait_until(lambda: daemon.value("select body from plain where id = 3") == "silent", daemon.log)
    assert "60 min" not in daemon.table("plain")["promise"], daemon.table("plain")


def test_for_how_long_tombstones_are_kept(followed):
    world, daemon = followed
    world.run("update note set deleted_at = now() - interval '1 hour' where id = 2")
    daemon.wait_caught_up()
    assert daemon.value("select count(*) from note where id = 2") == 1
    reload(daemon, {"sync": {"tombstone_retention": "1s"}})
    wait_until(lambda: daemon.value("select count(*) from note where id = 2") == 0, daemon.log)


def test_columns_and_scope_of_a_table(followed):
    world, daemon = followed
    reload(daemon, {"table note": {"scope": "id <= 5", "columns": "!n"}})
    wait_until(lambda: daemon.value("select count(*) from note") == 5, daemon.log)
    assert "n" not in [name for _, name, *_ in daemon.query("pragma table_info(note)")]
    daemon.query("update note set body = 'after' where id = 5")
    wait_until(lambda: world.value("select body from note where id = 5") == "after", daemon.log)


def test_another_user_and_role(followed):
    world, daemon = followed
    world.run("create role reload_reader login; create role reload_nobody; grant reload_nobody to reload_reader;"
              "grant select on note, plain to reload_reader; select tidemark.grant_sync('reload_reader')")
    try:
        conninfo = world.cluster.conninfo(world.database)
        reload(daemon, {"primary": {"conninfo": f"{conninfo} user=reload_reader"}})
        assert daemon.status()["primary"]["user"] == "reload_reader"
        assert {user for user, in world.run("select usename from pg_stat_activity where application_name = 'tidemarkd'"
                                            " and datname = current_database()")} == {"reload_reader"}
        daemon.configure({"primary": {"role": "reload_nobody"}})
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "no permission to read it" in daemon.log(), daemon.log)
    finally:
        daemon.stop()
        world.run("drop owned by reload_reader, reload_nobody; drop role reload_reader, reload_nobody")


def test_the_time_for_a_lock(followed):
    world, daemon = followed
    reload(daemon, {"primary": {"lock_timeout": "100ms"}})
    holder = world.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("select from note where id = 4 for update")
    daemon.query("update note set body = 'after' where id = 4")
    wait_until(lambda: "lock timeout" in daemon.log(), daemon.log, 4)
    holder.close()
    wait_until(lambda: world.value("select body from note where id = 4") == "after", daemon.log)
