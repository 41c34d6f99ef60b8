"""What passes by itself is tried again by itself, without a new local write; nothing is rejected for it."""
import os
import time

import pytest
from support.process import wait_until

SCHEMA = """
create table counter (id int primary key, n int not null default 0, updated_at timestamptz not null default now());
insert into counter (id) select generate_series(1, 4);
"""
# raised by a trigger twice, then no more
PASSING = ["40001", "55P03", "53100", "57014", "58030", "08006"]
FAILING = """
create sequence attempts;
create function fail_twice() returns trigger language plpgsql as $$
begin
    if nextval('attempts') <= 2 then raise exception 'not now' using errcode = tg_argv[0]; end if;
    return new;
end $$;
create trigger fail before update on counter for each statement execute function fail_twice('{state}');
"""


@pytest.fixture
def followed(world):
    world.run(SCHEMA)
    world.track("counter")
    daemon = world.daemon({"primary": {"lock_timeout": "5s"}})
    daemon.wait_caught_up()
    return world, daemon


def write(daemon):
    """One local write, the only one."""
    daemon.query("update counter set n = n + 1")


def arrives(world, daemon, timeout_s=30):
    wait_until(lambda: world.value("select min(n) from counter") == 1 and world.value("select max(n) from counter") == 1,
               lambda: f"the change arrives\n{daemon.log()}", timeout_s, 0.05)
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, "the outbox is empty", 10)
    daemon.wait_caught_up()
    assert daemon.query("select * from tide_rejected") == [] and daemon.query("select * from tide_conflict") == []
    world.assert_equal(daemon, "counter")


@pytest.mark.parametrize("state", PASSING)
def test_an_error_that_passes_is_tried_again(followed, state):
    world, daemon = followed
    world.run(FAILING.format(state=state))
    write(daemon)
    arrives(world, daemon)
    assert world.value("select last_value from attempts") >= 3


def test_a_deadlock_is_tried_again(followed):
    world, daemon = followed
    other = world.connect(autocommit=False)
    with other.cursor() as cursor:
        cursor.execute("set deadlock_timeout = '30s'; update counter set n = n where id = 4")
        write(daemon)
        wait_until(lambda: world.value("select count(*) from pg_locks where not granted"), "the push waits for row 4")
        cursor.execute("update counter set n = n where id = 1")
    other.commit()
    other.close()
    arrives(world, daemon)
    wait_until(lambda: world.value("select deadlocks from pg_stat_database where datname = current_database()"),
               "there was a deadlock", 10)


def test_a_lock_that_outlasts_the_time_limit(world):
    world.run(SCHEMA)
    world.track("counter")
    daemon = world.daemon({"primary": {"lock_timeout": "200ms"}})
    daemon.wait_caught_up()
    other = world.connect(autocommit=False)
    with other.cursor() as cursor:
        cursor.execute("select from counter where id = 2 for update")
        write(daemon)
        time.sleep(1.5)
        assert world.value("select max(n) from counter") == 0
        assert daemon.value("select count(*) from tide_rejected") == 0
    other.close()
    arrives(world, daemon)


def test_an_administrator_ends_the_session_of_a_push(followed):
    world, daemon = followed
    other = world.connect(autocommit=False)
    with other.cursor() as cursor:
        cursor.execute("select from counter where id = 2 for update")
        write(daemon)
        waiting = "select pid from pg_locks where not granted"
        wait_until(lambda: world.run(waiting), "the push waits for row 2")
        world.run(f"select pg_terminate_backend(pid) from ({waiting}) waits")
    other.close()
    arrives(world, daemon)


def test_the_primary_restarts_between_two_pushes_and_in_one(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    world.run(SCHEMA)
    world.track("counter")
    daemon = world.daemon()
    daemon.wait_caught_up()
    cluster.stop()
    write(daemon)
    daemon.wait_state("offline")
    cluster.start()
    world.connection = cluster.connect(world.database)
    arrives(world, daemon)


def test_a_standby_that_is_promoted_takes_over(place, numbers, throw_away_cluster, world_on):
    primary = throw_away_cluster()
    world = world_on(primary)
    world.run(SCHEMA)
    world.track("counter")
    standby = primary.standby(os.path.join(place, f"standby{next(numbers)}"))
    try:
        both = (f"host={primary.socket_folder},{standby.socket_folder} port={primary.port},{standby.port}"
                f" dbname={world.database} user=postgres target_session_attrs=read-write")
        daemon = world.daemon(conninfo=both)
        daemon.wait_caught_up()
        write(daemon)
        arrives(world, daemon)
        standby.wait_for_replay(primary)
        primary.kill()
        daemon.query("update counter set n = n + 1")
        daemon.wait_state("offline")
        standby.promote()
        world.connection = standby.connect(world.database)
        wait_until(lambda: world.value("select min(n) from counter") == 2, lambda: f"the change arrives\n{daemon.log()}")
        daemon.wait_caught_up()
        world.assert_equal(daemon, "counter")
        daemon.__exit__()
    finally:
        standby.remove()


def test_changes_wait_while_only_a_standby_is_there(place, numbers, throw_away_cluster, world_on):
    primary = throw_away_cluster()
    world = world_on(primary)
    world.run(SCHEMA)
    world.track("counter")
    standby = primary.standby(os.path.join(place, f"standby{next(numbers)}"))
    try:
        standby.wait_for_replay(primary)
        daemon = world.daemon(conninfo=standby.conninfo(world.database))
        daemon.wait_caught_up()
        write(daemon)
        wait_until(lambda: "standby" in daemon.tool("status").out.lower(), lambda: f"it says why\n{daemon.tool('status')}")
        assert daemon.value("select count(*) from tide_outbox") == 4
        standby.promote()
        world.connection = standby.connect(world.database)
        arrives(world, daemon, 60)
        daemon.__exit__()
    finally:
        standby.remove()
