"""A round too large for one transaction is applied in several: what applications do in between counts,
and it may end there.

In the build with fault points a slice is 4 MiB instead of 512.
"""
import pytest

ROWS = 30_000
SCHEMA = f"""
create table big (id int primary key, filler text not null, n int not null default 0, email text unique,
                  updated_at timestamptz not null default now());
create table small (id int primary key, note text, updated_at timestamptz not null default now());
insert into big (id, filler, email) select n, repeat('x', 1000), n || '@x' from generate_series(1, {ROWS}) n;
insert into small values (0, 'first');
"""
CHANGE = "update big set filler = repeat('y', 1000), n = n + 1; update small set note = 'changed' where id = 0"


@pytest.fixture
def followed(world):
    world.run(SCHEMA)
    world.track("big", "small")
    daemon = world.daemon(faults=True, start=False)
    daemon.sync()
    return world, daemon


@pytest.mark.parametrize("number", [1, 3])
def test_killed_between_two_slices(followed, number):
    world, daemon = followed
    daemon.query("update big set email = 'mine' where id in (1)")
    world.run(CHANGE + "; update big set email = 'tmp' where id = 2; update big set email = '2@x' where id = 29999;"
                       "update big set email = '29999@x' where id = 2; delete from big where id in (3, 30000)")
    answer = daemon.tool("sync", environment={"TIDEMARK_FAULT": f"pull.slice_committed:{number}"}, timeout_s=120)
    assert answer.status == -9, answer
    assert daemon.query("select state, reason from tide_status") == [
        ("catching up", "a large change is being applied in several steps")]
    assert 0 < daemon.value("select count(*) from big where n = 0 or id = 3") < ROWS
    daemon.query("update big set filler = 'of an application' where id in (5, 29000)")
    assert daemon.value("select count(*) from tide_outbox") == 2, "the gate is closed in between"
    daemon.sync()
    assert world.value("select count(*) from big where filler = 'of an application'") == 2
    assert world.value("select email from big where id = 1") == "mine"
    world.assert_equal(daemon, "big", "small")
