"""What passes by itself is tried again by itself: no new local write is needed, rows arrive meanwhile."""
import re
import threading
import time

import pytest
from support.process import wait_until

SCHEMA = """
create table item (id int primary key, note text, updated_at timestamptz not null default now());
create table news (id int primary key, note text, updated_at timestamptz not null default now());
insert into item select n, 'note ' || n from generate_series(1, 20) n;
"""
# Whoever changes an item fails with what stands in here.
FAULT = """
create table fault (sqlstate text);
create function fail() returns trigger language plpgsql as $$
declare wanted text := (select sqlstate from fault);
begin
    if wanted is not null then
        raise exception 'made up' using errcode = wanted;
    end if;
    return new;
end $$;
create trigger fail before update on item for each row execute function fail();
"""
SETTINGS = {"sync": {"poll_interval": "100ms", "tables": "item, news"}, "primary": {"lock_timeout": "200ms"}}


def make(world, settings=None, **more):
    world.run(SCHEMA)
    world.run(FAULT)
    world.track("item", "news")
    daemon = world.daemon(settings or SETTINGS, **more)
    daemon.wait_caught_up()
    return daemon


def edit(daemon, note):
    connection = daemon.open_cache()
    connection.execute("update item set note = ? where id = 1", (note,))
    connection.close()


def rows_arrive(world, daemon, number):
    world.run("insert into news values (%s, 'news')", (number,))
    wait_until(lambda: daemon.query("select 1 from news where id = ?", (number,)), daemon.log, 20)


def change_arrives(world, daemon, note, timeout_s=40):
    wait_until(lambda: world.value("select note from item where id = 1") == note,
               lambda: f"{daemon.status()['push']}\n{daemon.log()}", timeout_s)
    wait_until(lambda: daemon.status()["pending"]["count"] == 0, daemon.log, 20)
    assert daemon.status()["rejected"]["count"] == 0


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "53300", "53200", "55P03", "57014", "58030", "25006", "25P03"])
def test_what_passes_is_waited_out(world, sqlstate):
    daemon = make(world)
    world.run("insert into fault values (%s)", (sqlstate,))
    edit(daemon, "patient")
    wait_until(lambda: daemon.status()["push"]["reason"], daemon.log, 20)
    status = daemon.status()
    assert status["push"]["state"] == "waiting" and status["push"]["reason"]["sqlstate"] == sqlstate, status["push"]
    # counted a moment later where counting took long
    wait_until(lambda: daemon.status()["pending"]["count"] == 1, daemon.log)
    assert daemon.status()["rejected"]["count"] == 0
    rows_arrive(world, daemon, 1)
    assert daemon.tool("sync").status == 75
    world.run("delete from fault")
    change_arrives(world, daemon, "patient")
    daemon.wait_state("live")


@pytest.mark.parametrize("sqlstate", ["55000", "42P01"])
def test_what_another_schema_might_cure_is_refused_when_it_stays(world, sqlstate):
    """The schema is read again first; a row does not wait for ever for an object of a trigger, say."""
    daemon = make(world)
    world.run("insert into fault values (%s)", (sqlstate,))
    edit(daemon, "never")
    wait_until(lambda: daemon.status()["rejected"]["count"], daemon.log, 40)
    assert daemon.query("select sqlstate from tide_rejected") == [(sqlstate,)]
    rows_arrive(world, daemon, 1)


def test_what_another_schema_has_cured_is_no_refusal(world):
    """Twice in a row, each time: the first time does not count the second time."""
    daemon = make(world)
    world.run("create sequence tries; create or replace function fail() returns trigger language plpgsql as $$ begin"
              " if nextval('tries') <= 2 then raise exception 'made up' using errcode = '55000'; end if; return new; end $$")
    for note in ("first", "second"):
        world.run("select setval('tries', 1, false)")
        edit(daemon, note)
        change_arrives(world, daemon, note)
    assert world.value("select last_value from tries") == 3


def rounds_of(daemon, seconds):
    before = daemon.status()["rounds"]["completed"]
    time.sleep(seconds)
    return daemon.status()["rounds"]["completed"] - before


def test_what_was_put_off_and_then_stops_is_no_work(world):
    """The time of the next try has passed, and there is none: the daemon still waits between its rounds."""
    daemon = make(world, settings={**SETTINGS, "sync": {"tables": "item, news", "poll_interval": "30s"}})
    edit(daemon, "known there")
    change_arrives(world, daemon, "known there")
    world.run("insert into fault values ('40001')")
    edit(daemon, "patient")
    wait_until(lambda: daemon.log(1 << 20).count("pushing again") >= 2, daemon.log, 20)
    world.run("update tidemark.device set last_push = gen_random_uuid()")
    wait_until(lambda: daemon.status()["push"]["state"] == "blocked", daemon.log, 40)
    assert rounds_of(daemon, 2) <= 2, daemon.log()
    rows_arrive(world, daemon, 1)


def waits(daemon, words):
    return [float(found) for found in re.findall(words + r" in ([0-9.]+) s", daemon.log())]


def first_wait(daemon, words, begin):
    """Of the trouble that begin() makes; several tries later it has gone on."""
    known = len(waits(daemon, words))
    begin()
    wait_until(lambda: len(waits(daemon, words)) >= known + 3, daemon.log, 20)
    return waits(daemon, words)[known]


def test_a_new_trouble_starts_with_a_short_wait(world):
    """However long the last one was waited for in the end."""
    proxy = world.proxy()
    daemon = make(world, conninfo=proxy.conninfo(world.database))
    for number in range(2):
        assert first_wait(daemon, "retrying", proxy.refuse) <= 0.5, daemon.log()
        proxy.heal()
        rows_arrive(world, daemon, number)
    for number in range(2):
        world.run("insert into fault values ('40001')")
        assert first_wait(daemon, "pushing again", lambda: edit(daemon, f"patient {number}")) <= 0.5, daemon.log()
        world.run("delete from fault")
        change_arrives(world, daemon, f"patient {number}")


def test_a_new_local_change_does_not_shorten_the_wait(world):
    daemon = make(world)
    world.run("insert into fault values ('40001')")
    edit(daemon, "first")
    wait_until(lambda: daemon.log(1 << 20).count("pushing again") >= 3, daemon.log, 30)
    tries = daemon.log(1 << 20).count("pushing again")
    for number in range(40):
        edit(daemon, f"edit {number}")
        time.sleep(0.01)
    assert daemon.log(1 << 20).count("pushing again") <= tries + 1
    world.run("delete from fault")
    change_arrives(world, daemon, "edit 39")


def test_a_row_that_somebody_locks_is_waited_for(world):
    daemon = make(world)
    holder = world.connect(autocommit=False)
    holder.cursor().execute("select 1 from item where id = 1 for update")
    edit(daemon, "after the lock")
    wait_until(lambda: daemon.status()["push"]["reason"], daemon.log, 20)
    assert daemon.status()["push"]["reason"]["sqlstate"] == "55P03"
    rows_arrive(world, daemon, 1)
    holder.rollback()
    holder.close()
    change_arrives(world, daemon, "after the lock")


def test_connections_that_are_shut_down_come_back(world):
    daemon = make(world)
    stop = threading.Event()

    def terminate():
        connection = world.connect()
        while not stop.wait(0.03):
            connection.cursor().execute("select pg_terminate_backend(pid) from pg_stat_activity "
                                        "where application_name = 'tidemarkd' and datname = current_database()")
        connection.close()
    thread = threading.Thread(target=terminate)
    thread.start()
    try:
        for number in range(20):
            edit(daemon, f"edit {number}")
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    change_arrives(world, daemon, "edit 19")


def test_a_primary_that_restarts_gets_the_changes(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    daemon = make(world)
    world.connection.close()
    cluster.stop("immediate")
    edit(daemon, "while it was down")
    daemon.wait_state("offline")
    cluster.start()
    world.connection = cluster.connect(world.database)
    change_arrives(world, daemon, "while it was down", 90)


def test_a_standby_keeps_changes_waiting_until_it_is_promoted(throw_away_cluster, world_on, place, numbers):
    cluster = throw_away_cluster("wal_level = replica\n")
    world = world_on(cluster)
    world.run(SCHEMA)
    world.track("item", "news")
    standby = cluster.standby(f"{place}/standby{next(numbers)}")
    try:
        standby.wait_for_replay(cluster)
        daemon = world.daemon(SETTINGS, conninfo=standby.conninfo(world.database))
        daemon.wait_caught_up()
        edit(daemon, "patient")
        wait_until(lambda: daemon.status()["push"]["reason"], daemon.log, 20)
        status = daemon.status()
        assert status["state"] == "live" and status["push"]["state"] == "waiting"
        assert "hot standby" in status["push"]["reason"]["text"] and status["pending"]["count"] == 1
        assert "hot standby" in daemon.tool("status").out
        assert daemon.tool("sync").status == 75
        world.connection.close()
        cluster.stop()
        standby.promote()
        world.connection = standby.connect(world.database)
        change_arrives(world, daemon, "patient", 60)
        world.connection.close()
        world.connection = standby.connect("postgres")
    finally:
        daemon.__exit__()
        standby.remove()
