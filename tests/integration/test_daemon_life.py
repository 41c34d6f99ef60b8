"""The daemon's life: notifications, signals, one at a time, and what it costs to have it."""
import os
import signal
import socket
import threading
import time

import pytest
from support.daemon import program, run_program
from support.process import wait_until

SCHEMA = """
create table item (id int primary key, note text, updated_at timestamptz not null default now());
insert into item select n, 'note ' || n from generate_series(1, 1000) n;
"""


@pytest.fixture
def shop(world):
    world.run(SCHEMA)
    return world


@pytest.fixture
def followed(shop):
    daemon = shop.daemon()
    daemon.wait_caught_up()
    return shop, daemon


# -- systemd --

def test_ready_and_status_are_notified(followed):
    _, daemon = followed
    assert daemon.notifications.lines("READY=1") == ["READY=1"]
    wait_until(lambda: any("live" in line for line in daemon.notifications.lines("STATUS=")), "STATUS says live")


def test_the_watchdog_is_fed_twice_in_its_time(shop):
    daemon = shop.daemon(start=False)
    daemon.start(environment={"WATCHDOG_USEC": "1000000"})
    times = wait_until(lambda: len(daemon.notifications.times("WATCHDOG=1")) >= 5 and daemon.notifications.times("WATCHDOG=1"),
                       "five signs of life", 15)
    assert max(later - earlier for earlier, later in zip(times, times[1:])) < 1.0


def test_the_watchdog_is_fed_while_the_primary_is_away(shop):
    proxy = shop.proxy()
    daemon = shop.daemon(conninfo=proxy.conninfo(shop.database), start=False)
    daemon.start(environment={"WATCHDOG_USEC": "1000000"})
    daemon.wait_caught_up()
    proxy.refuse()
    daemon.wait_state("offline")
    seen = len(daemon.notifications.times("WATCHDOG=1"))
    wait_until(lambda: len(daemon.notifications.times("WATCHDOG=1")) >= seen + 3, "signs of life go on", 15)


def test_stopping_is_notified_and_the_exit_is_clean(followed):
    _, daemon = followed
    daemon.signal(signal.SIGTERM)
    notifications = daemon.notifications
    assert daemon.wait_end() == 0
    assert "STOPPING=1" in notifications.lines("STOPPING")
    assert not os.path.exists(daemon.settings["control"]["socket"])


# -- SIGTERM within a second, at any moment --

def stops_in_time(daemon):
    status, seconds = daemon.stop()
    assert status == 0, daemon.log()
    assert seconds < 1.0, f"took {seconds:.2f} s\n{daemon.log()}"


def test_stops_in_time_when_idle(followed):
    _, daemon = followed
    stops_in_time(daemon)


def test_stops_in_time_during_a_snapshot(shop):
    shop.run("insert into item select n, repeat('x', 200) from generate_series(1001, 200000) n")
    proxy = shop.proxy()
    daemon = shop.daemon(conninfo=proxy.conninfo(shop.database), start=False)
    daemon.start()
    wait_until(lambda: proxy.server_messages > 5_000, "the snapshot is under way")
    stops_in_time(daemon)
    daemon.start()
    daemon.wait_caught_up()
    shop.assert_equal(daemon, "item")


def test_stops_in_time_while_the_primary_says_nothing(shop):
    proxy = shop.proxy()
    daemon = shop.daemon(conninfo=proxy.conninfo(shop.database))
    daemon.wait_caught_up()
    proxy.silent_after(0)
    shop.run("update item set note = 'x'")
    wait_until(lambda: proxy.client_messages > 0, "the daemon asks and gets no answer")
    stops_in_time(daemon)


def test_stops_in_time_while_it_connects_to_a_black_hole(shop):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        daemon = shop.daemon(conninfo=f"host=127.0.0.1 port={hole.getsockname()[1]} dbname=shop user=postgres", start=False)
        daemon.start(ready=False)
        connection, _ = hole.accept()
        stops_in_time(daemon)
        connection.close()


def test_stops_in_time_while_a_table_is_locked(followed):
    world, daemon = followed
    locker = world.connect(autocommit=False)
    with locker.cursor() as cursor:
        cursor.execute("lock table item in access exclusive mode")
        wait_until(lambda: world.value("select count(*) from pg_locks where not granted") > 0, "the daemon waits for the lock", 15)
        stops_in_time(daemon)
        wait_until(lambda: world.value("select count(*) from pg_locks where not granted") == 0, "its statement has ended on the server", 3)
    locker.rollback()
    locker.close()


def test_stops_in_time_while_a_commit_waits_for_a_standby_and_leaves_it_waiting(throw_away_cluster, world_on):
    world = world_on(throw_away_cluster())
    world.run(SCHEMA)
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.run("alter system set synchronous_standby_names = 'nobody'")
    world.run("select pg_reload_conf()")
    cache = daemon.open_cache()
    cache.execute("update item set note = 'waits' where id = 1")
    cache.close()
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'tidemarkd'"
    try:
        wait_until(lambda: world.value(waiting) == 1, "the push's COMMIT waits")
        stops_in_time(daemon)
        time.sleep(0.5)
        assert world.value(waiting) == 1
    finally:
        world.run("alter system reset synchronous_standby_names")
        world.run("select pg_reload_conf()")


def test_stops_in_time_while_an_application_holds_the_write_lock(followed):
    world, daemon = followed
    cache = daemon.open_cache()
    cache.execute("begin immediate")
    world.run("update item set note = 'x', updated_at = now()")
    assert daemon.tool("wait", "--timeout", "300ms").status != 0
    stops_in_time(daemon)
    cache.close()


def test_stops_in_time_while_a_huge_round_is_applied(followed):
    world, daemon = followed
    world.run("insert into item select n, repeat('x', 100) from generate_series(1001, 150000) n")
    wait_until(lambda: daemon.status()["state"] != "x", "it answers")
    stops_in_time(daemon)
    daemon.start()
    daemon.wait_caught_up()
    world.assert_equal(daemon, "item")


def test_interrupt_from_the_keyboard_ends_it_too(followed):
    _, daemon = followed
    daemon.signal(signal.SIGINT)
    assert daemon.wait_end(5) == 0


# -- SIGHUP --

def test_hangup_takes_over_new_settings(followed):
    world, daemon = followed
    world.run("create table later (id int primary key, updated_at timestamptz not null default now()); insert into later values (1)")
    daemon.configure({"sync": {"tables": "item"}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.notifications.lines("READY=1")) == 2, "READY again")
    assert daemon.notifications.lines("RELOADING=1")
    daemon.wait_caught_up()
    wait_until(lambda: [table["name"] for table in daemon.status()["tables"]] == ["item"], lambda: daemon.status()["tables"], 15)
    daemon.configure({"sync": {"tables": "*"}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.table("later") and daemon.table("later")["state"] == "live", lambda: daemon.log(), 15)
    world.assert_equal(daemon, "item", "later")


def test_hangup_names_what_takes_a_restart(followed):
    _, daemon = followed
    daemon.configure({"cache": {"mode": "0600"}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "restart" in daemon.log(), lambda: daemon.log())
    assert "mode" in daemon.log()


def test_hangup_with_a_broken_configuration_keeps_the_old_one(followed):
    world, daemon = followed
    daemon.configure({"sync": {"poll_interval": "soon"}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "poll_interval" in daemon.log(), lambda: daemon.log())
    daemon.configure({"sync": {"poll_interval": "100ms"}})
    world.run("update item set note = 'still here', updated_at = now() where id = 1")
    daemon.wait_caught_up()
    assert daemon.value("select note from item where id = 1") == "still here"


# -- one at a time --

def test_a_second_daemon_on_the_same_cache_is_refused(followed):
    world, daemon = followed
    for control in (daemon.settings["control"]["socket"], os.path.join(world.folder, "other.sock")):
        other = world.daemon({"cache": {"path": daemon.cache_path}, "control": {"socket": control}}, start=False)
        answer = run_program(program("tidemarkd"), "-c", other.config_path)
        assert answer.status == 2 and "cache.db" in answer.err, answer
    assert daemon.status()["state"] == "live"
    world.run("update item set note = 'x', updated_at = now() where id = 1")
    daemon.wait_caught_up()


def test_a_daemon_starts_after_another_was_killed(followed):
    world, daemon = followed
    daemon.kill()
    assert os.path.exists(daemon.settings["control"]["socket"])
    daemon.start()
    daemon.wait_caught_up()
    world.assert_equal(daemon, "item")


def test_a_sync_on_a_cache_that_a_daemon_without_reachable_socket_has_is_refused(followed):
    world, daemon = followed
    other = world.daemon({"cache": {"path": daemon.cache_path}}, start=False)
    answer = other.tool("sync")
    assert answer.status == 2 and "cache.db" in answer.err, answer


# -- the primary's restarts --

def test_it_reconnects_after_a_restart_of_the_primary(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    world.run(SCHEMA)
    world.track("item")
    daemon = world.daemon()
    daemon.wait_caught_up()
    for _ in range(3):
        world.connection.close()
        cluster.restart()
        world.connection = cluster.connect(world.database)
        world.run("update item set note = note || '.' where id <= 10")
        daemon.wait_caught_up()
        world.assert_equal(daemon, "item")
    assert "panic" not in daemon.log().lower()


def test_an_outage_is_logged_once_and_not_at_every_try(shop):
    proxy = shop.proxy()
    daemon = shop.daemon(conninfo=proxy.conninfo(shop.database))
    daemon.wait_caught_up()
    before = daemon.log().count("\n")
    proxy.refuse()
    daemon.wait_state("offline")
    tries = proxy.connections
    wait_until(lambda: daemon.tool("wait", "--timeout", "200ms").status is not None and daemon.log().count("\n") > before, "it is logged")
    first = daemon.status()["since"]
    wait_until(lambda: daemon.status()["next_try"], "the next try is known", 15)
    assert daemon.status()["since"] == first, "offline since the first failure"
    assert daemon.log().count("\n") - before <= 4 and tries >= 1, daemon.log()


# -- what it costs --

def test_resident_memory_stays_flat_for_a_large_snapshot(shop):
    shop.run("insert into item select n, repeat('x', 100) from generate_series(1001, 300000) n")
    daemon = shop.daemon()
    daemon.wait_caught_up(120)
    assert daemon.peak_resident_bytes() < 64 << 20


def test_resident_memory_stays_flat_for_a_large_round(followed):
    world, daemon = followed
    world.run("insert into item select n, repeat('x', 500) from generate_series(1001, 150000) n")
    daemon.wait_caught_up(120)
    assert daemon.peak_resident_bytes() < 64 << 20
    world.assert_equal(daemon, "item")


def test_an_idle_daemon_is_small_and_quiet(followed):
    _, daemon = followed
    before, rounds = daemon.cpu_seconds(), daemon.status()["rounds"]["completed"]
    wait_until(lambda: daemon.status()["rounds"]["completed"] >= rounds + 20, "twenty idle rounds", 30)
    assert daemon.resident_bytes() <= 16 << 20
    assert daemon.cpu_seconds() - before < 0.3


def test_many_notifications_at_once_do_not_starve_the_control_socket(shop):
    shop.track("item")
    daemon = shop.daemon()
    daemon.wait_caught_up()
    stop = threading.Event()

    def shout():
        connection = shop.connect()
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("select pg_notify('tidemark', 'x' || n) from generate_series(1, 100) n")
        connection.close()

    thread = threading.Thread(target=shout, daemon=True)
    thread.start()
    try:
        for _ in range(10):
            assert daemon.tool("status", "-q", timeout_s=5).status == 0
    finally:
        stop.set()
        thread.join()
    daemon.wait_caught_up()


def test_a_file_that_another_program_keeps_to_itself_is_waited_for(world):
    """An application in exclusive mode, a VACUUM of an hour: no reason to end, and to be started again and again."""
    world.run("create table item (id int primary key); insert into item values (1)")
    daemon = world.daemon()
    daemon.wait_caught_up()
    daemon.stop()
    holder = daemon.open_cache()
    holder.execute("pragma locking_mode = exclusive")
    holder.execute("begin exclusive")
    daemon.start(ready=False)
    daemon.wait_ready(30)
    status = daemon.status()
    assert status["state"] == "catching up" and f"{daemon.cache_path}: " in status["reason"]["text"] and "locked" in status["reason"]["text"], status
    shown = daemon.tool("status").out
    assert "locked" in shown and "No table is mirrored" not in shown and "Not every table" not in shown, shown
    holder.close()
    daemon.wait_caught_up()
    assert daemon.status()["state"] == "live"
