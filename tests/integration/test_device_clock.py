"""A device whose clock is wrong loses nothing, and last_write_wins judges by the corrected time."""
import glob
import subprocess
import time

import pytest

SCHEMA = """
create table note (id text primary key, body text, n int not null default 0, updated_at timestamptz not null default now(),
                   deleted_at timestamptz);
insert into note (id, body) select 'n' || i, 'first' from generate_series(1, 20) i;
"""
CLOCKS = {"an hour fast": 3600, "an hour slow": -3600, "in 1970": None}
GAP_S = 0.5  # between the two sides' edits


def wrong_clock(offset_s):
    """The environment of a process whose clock is off. In 1970: a day after the epoch."""
    if offset_s is None:
        offset_s = 86_400 - int(time.time())
    library, = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": library, "FAKETIME": f"{offset_s:+d}", "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture(params=CLOCKS)
def device(request, world):
    world.run(SCHEMA)
    world.track("note")
    environment = wrong_clock(CLOCKS[request.param])
    daemon = world.daemon({"sync": {"conflict": "last_write_wins"}}, start=False, environment=environment)
    daemon.sync()
    return world, daemon, environment


def write(daemon, environment, sql):
    """With the sqlite3 program, under the device's clock."""
    result = subprocess.run(["sqlite3", "-batch", "-bail", daemon.cache_path], input=f".timeout 10000\n{sql};\n", text=True,
                            capture_output=True, env=environment, timeout=30)
    assert result.returncode == 0, result.stderr


def test_the_clock_is_really_wrong(device, request):
    _, daemon, environment = device
    write(daemon, environment, "update note set body = 'x' where id = 'n1'")
    seen = daemon.value("select (max(changed_at) - julianday('now')) * 86400 from tide_outbox")
    wanted = CLOCKS[request.node.callspec.params["device"]]
    assert abs(seen - wanted) < 30 if wanted is not None else seen < -10**9


def test_nothing_is_lost(device):
    world, daemon, environment = device
    write(daemon, environment, "insert into note (id, body) values ('new', 'mine');"
                               "update note set body = 'mine' where id = 'n1'; delete from note where id = 'n2';"
                               "delete from note where id = 'n3'; update note set deleted_at = null where id = 'n3'")
    world.run("update note set n = 7 where id in ('n1', 'n2', 'n4'); insert into note values ('theirs', 'theirs')")
    daemon.sync()
    assert world.run("select id, body, n, deleted_at is null from note where id in ('new', 'n1', 'n2', 'n3') order by id") == [
        ("n1", "mine", 7, True), ("n2", "first", 7, False), ("n3", "first", 0, True), ("new", "mine", 0, True)]
    assert daemon.query("select * from tide_conflict") == []
    world.assert_equal(daemon, "note")
    write(daemon, environment, "update note set body = 'again' where id = 'new'")
    daemon.sync()
    assert world.value("select body from note where id = 'new'") == "again"
    world.assert_equal(daemon, "note")


def test_a_daemon_follows_as_ever(device):
    world, daemon, environment = device
    daemon.start()
    write(daemon, environment, "update note set body = 'mine' where id = 'n1'")
    world.run("update note set body = 'theirs' where id = 'n2'")
    daemon.wait_caught_up()
    assert world.value("select body from note where id = 'n1'") == "mine"
    assert daemon.value("select body from note where id = 'n2'") == "theirs"
    assert daemon.status()["state"] == "live"
    world.assert_equal(daemon, "note")


def test_the_later_write_wins_whatever_the_clock_says(device):
    world, daemon, environment = device
    write(daemon, environment, "update note set body = 'mine, earlier' where id = 'n1'")
    world.run("select pg_sleep(%s)", (GAP_S,))
    world.run("update note set body = 'theirs' where id in ('n1', 'n2')")
    world.run("select pg_sleep(%s)", (GAP_S,))
    write(daemon, environment, "update note set body = 'mine, later' where id = 'n2'")
    daemon.sync()
    assert world.run("select id, body from note where id in ('n1', 'n2') order by id") == [
        ("n1", "theirs"), ("n2", "mine, later")]
    filed = daemon.query("select row_key, winner, local_value, remote_value from tide_conflict where column_name = 'body' order by 1")
    assert filed == [('["n1"]', "remote", "mine, earlier", "theirs"), ('["n2"]', "local", "mine, later", "theirs")]
    world.assert_equal(daemon, "note")
