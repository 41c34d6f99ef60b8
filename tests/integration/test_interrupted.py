"""Interrupted at any point, by anybody: the cache always ends equal, and a snapshot goes on
where it stopped."""
import os
import random
import time

import psycopg2
import pytest
from support.load import SCHEMA as LOAD_SCHEMA
from support.load import STAMP, TABLES, Load
from support.process import wait_until

KILLS = int(os.environ.get("TIDEMARK_KILLS", "100"))
ROWS = 60_000
SCHEMA = f"""
create table big (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
create table small (id int primary key, note text, updated_at timestamptz not null default now());
insert into big (id, note) select n, 'note ' || n || repeat(' long', 60) from generate_series(1, {ROWS}) n;
insert into small (id, note) select n, 'note ' || n from generate_series(1, 50) n;
analyze;
"""
CHANGE = """
update big set note = 'changed', updated_at = now() where id %% 100 = %(n)s;
delete from small where id = %(n)s;
insert into small (id, note) values (1000 + %(n)s, 'new');
update big set deleted_at = now(), updated_at = now() where id = %(n)s;
"""


def sound(daemon):
    """What a reader finds after a crash is a whole database."""
    assert daemon.value("pragma quick_check") == "ok"


def equal(world, daemon, *tables):
    daemon.wait_caught_up()
    world.assert_equal(daemon, *(tables or ("big", "small")))
    sound(daemon)


# -- kill -9 of the daemon --

@pytest.mark.parametrize("point", ["cache.migrated", "snapshot.chunk_committed", "snapshot.chunk_committed:3",
                                   "snapshot.before_index", "snapshot.before_switch"])
def test_killed_during_the_snapshot_at(world, point):
    world.run(SCHEMA)
    world.track("big", "small")
    daemon = world.daemon(start=False)
    daemon.start(fault=point, ready=False)
    assert daemon.wait_end() == -9, daemon.log()
    world.run(CHANGE, {"n": 7})
    daemon.start()
    equal(world, daemon)


@pytest.mark.parametrize("point", ["pull.received", "pull.before_commit", "pull.after_commit"])
@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_killed_during_a_pull_at(world, point, tracked):
    world.run(SCHEMA)
    if tracked:
        world.track("big", "small")
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}}, start=False)
    daemon.sync()
    for number in range(3):
        world.run(CHANGE, {"n": number})
        daemon.start(fault=point, ready=False)
        assert daemon.wait_end() == -9, daemon.log()
        sound(daemon)
    daemon.start()
    daemon.wait_caught_up()
    wait_until(lambda: not world.differences(daemon, "small"), lambda: world.differences(daemon, "small"), 20)
    equal(world, daemon)


def test_a_killed_snapshot_resumes_and_does_not_start_over(world):
    world.run(SCHEMA)
    world.track("big", "small")
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.start(fault="snapshot.chunk_committed:3", ready=False)
    assert daemon.wait_end() == -9, daemon.log()
    world.run(CHANGE, {"n": 7})
    proxy.heal()  # counts from here: a row is a message
    daemon.start()
    equal(world, daemon)
    assert proxy.server_messages < ROWS, "every row came over the wire again"


def test_a_snapshot_whose_link_is_cut_resumes_in_the_same_process(world):
    world.run(SCHEMA)
    world.track("big", "small")
    proxy = world.proxy()
    proxy.cut_after(ROWS * 3 // 4)
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.start()
    wait_until(lambda: proxy.server_messages > ROWS * 3 // 4, "the link was cut")
    proxy.heal()
    equal(world, daemon)
    assert proxy.server_messages < ROWS, "every row came over the wire again"


def test_a_hundred_kills_at_random_moments_under_load(world):
    choose = random.Random(int(os.environ.get("TIDEMARK_SEED", "7")))
    world.run(LOAD_SCHEMA + SCHEMA)
    world.track(*TABLES, "big", "small", notify=False)
    daemon = world.daemon(start=False)
    with Load(world.cluster, world.database, tracked=True, writers=2):
        for number in range(KILLS):
            daemon.start(ready=False)
            time.sleep(choose.uniform(0.0, 0.25))  # the moment is the point
            daemon.kill()
            if number % 10 == 9 and os.path.exists(daemon.cache_path):
                sound(daemon)
    daemon.start()
    equal(world, daemon, *TABLES, "big", "small")


# -- the primary goes away --

def terminate_daemon_sessions(world):
    return world.value("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                       " where datname = current_database() and application_name like 'tidemark%%'")


def test_terminated_backends_under_load(world):
    world.run(LOAD_SCHEMA)
    world.track(*TABLES, notify=False)
    daemon = world.daemon()
    with Load(world.cluster, world.database, tracked=True, writers=2):
        for _ in range(10):
            wait_until(lambda: terminate_daemon_sessions(world), "the daemon has a session to lose")
            daemon.wait_caught_up()
    equal(world, daemon, *TABLES)


def test_terminated_backend_during_the_snapshot(world):
    world.run(SCHEMA)
    daemon = world.daemon(start=False)
    daemon.start(ready=False)
    for _ in range(3):
        wait_until(lambda: terminate_daemon_sessions(world), "the daemon has a session to lose")
    equal(world, daemon)


def test_postmaster_killed_under_load(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    world.run(LOAD_SCHEMA + STAMP)
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}})
    daemon.wait_caught_up()
    load = Load(cluster, world.database, tracked=False, writers=3)
    load.start()
    wait_until(lambda: sum(load.counts.values()) > 100, "the load is under way")
    cluster.kill()
    with pytest.raises(psycopg2.Error):
        load.stop()
    daemon.wait_state("offline")
    cluster.start()
    world.connection = cluster.connect(world.database)
    for (name,) in world.run("select gid from pg_prepared_xacts"):
        cluster.run_alone(f"commit prepared '{name}'", world.database)
    swept_equal(world, daemon)


def swept_equal(world, daemon):
    def settled():
        return not any(world.differences(daemon, table) for table in TABLES)
    wait_until(settled, lambda: [world.differences(daemon, table)[:3] for table in TABLES], 40)
    assert daemon.status()["state"] == "live"


# -- the link misbehaves --

SMALL = """
create table big (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
create table small (id int primary key, note text, updated_at timestamptz not null default now());
insert into big (id, note) select n, 'note ' || n from generate_series(1, 40) n;
insert into small (id, note) select n, 'note ' || n from generate_series(1, 10) n;
"""


def sync_through(world, daemon, proxy, count, extra_bytes=0, client=False):
    """One attempt that is cut, one that is not; True when the cut came too late to matter."""
    proxy.heal()
    proxy.cut_after(count, client=client, extra_bytes=extra_bytes)
    first = daemon.tool("sync")
    assert first.status in (0, 75), (count, first)
    proxy.heal()
    daemon.sync()
    world.assert_equal(daemon, "big", "small")
    return first.status == 0


@pytest.mark.parametrize("client", [False, True], ids=["from the server", "from the client"])
def test_cut_after_any_message_of_a_first_sync(world, client):
    world.run(SMALL)
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    total = proxy.client_messages if client else proxy.server_messages
    for count in range(0, total, max(1, total // 25)):
        for name in os.listdir(daemon.folder):
            if name.startswith("cache.db"):
                os.unlink(os.path.join(daemon.folder, name))
        sync_through(world, daemon, proxy, count, extra_bytes=count % 3 * 2, client=client)


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_cut_after_any_message_of_a_delta(world, tracked):
    world.run(SMALL)
    if tracked:
        world.track("big", "small")
    proxy = world.proxy()
    daemon = world.daemon({"sync": {"overlap": "60s"}}, conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    proxy.heal()
    daemon.sync()
    total = proxy.server_messages + 10
    for count in range(0, total, max(1, total // 25)):
        world.run("update big set note = %s, updated_at = now() where id %% 3 = 0", (f"cut {count}",))
        world.run("update small set note = %s, updated_at = now()", (f"cut {count}",))
        sync_through(world, daemon, proxy, count, extra_bytes=count % 3 * 2)


@pytest.fixture
def followed(world):
    """A daemon behind a proxy that gives up on a silent primary after a second."""
    world.run(SMALL)
    world.track("big", "small")
    proxy = world.proxy()
    daemon = world.daemon({"primary": {"silence_timeout": "1s", "connect_timeout": "1s"}},
                          conninfo=proxy.conninfo(world.database))
    daemon.wait_caught_up()
    return world, daemon, proxy


def test_a_primary_that_goes_silent_is_noticed_and_left(followed):
    world, daemon, proxy = followed
    proxy.silent_after(0)
    daemon.wait_state("offline", timeout_s=15)
    assert daemon.status()["reason"]["text"]
    world.run(CHANGE, {"n": 3})
    proxy.heal()
    equal(world, daemon)


def test_a_primary_that_goes_silent_in_the_middle_of_a_delta(followed):
    world, daemon, proxy = followed
    for count in (2, 5, 9, 14):
        proxy.silent_after(count)
        world.run(CHANGE, {"n": count})
        daemon.wait_state("offline", timeout_s=15)
        proxy.heal()
        equal(world, daemon)


def test_a_primary_that_goes_silent_during_the_snapshot(world):
    world.run(SCHEMA)
    proxy = world.proxy()
    proxy.silent_after(ROWS // 2)
    daemon = world.daemon({"primary": {"silence_timeout": "1s"}}, conninfo=proxy.conninfo(world.database), start=False)
    daemon.start()
    wait_until(lambda: proxy.connections > 1, "the daemon connects again", 20)
    proxy.heal()
    equal(world, daemon)


def test_a_link_that_trickles(world):
    world.run(SMALL)
    world.track("big", "small")
    proxy = world.proxy()
    proxy.trickle(chunk=3, pause_s=0.0)
    daemon = world.daemon({"primary": {"silence_timeout": "5s"}}, conninfo=proxy.conninfo(world.database))
    equal(world, daemon)
    world.run(CHANGE, {"n": 5})
    equal(world, daemon)


def test_a_slow_link_is_not_taken_for_a_dead_one(followed):
    world, daemon, proxy = followed
    proxy.delay(0.02)
    world.run(CHANGE, {"n": 4})
    equal(world, daemon)
    assert daemon.status()["state"] in ("live", "catching up")


def test_a_link_that_comes_and_goes(followed):
    world, daemon, proxy = followed
    for number in range(5):
        proxy.refuse()
        world.run(CHANGE, {"n": number})
        daemon.wait_state("offline", timeout_s=15)
        proxy.heal()
        equal(world, daemon)


def test_a_client_side_cut_in_the_middle_of_a_round(followed):
    world, daemon, proxy = followed
    for count in range(0, 6):
        proxy.cut_after(count, client=True)
        world.run(CHANGE, {"n": count})
        wait_until(lambda: proxy.client_messages > count, "the cut came")
        proxy.heal()
        equal(world, daemon)
