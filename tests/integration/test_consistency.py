"""One round is one cut: an application never sees half a transaction of the primary."""
import time

import pytest
from support.background import Background

SCHEMA = """
create table purse (id int primary key, points int not null, updated_at timestamptz not null default clock_timestamp());
create table bank (id int primary key, points int not null, updated_at timestamptz not null default clock_timestamp());
insert into purse select n, 1000 from generate_series(1, {rows}) n;
insert into bank select n, 1000 from generate_series(1, {rows}) n;
"""
MOVE = """
update purse set points = points - %(n)s, updated_at = clock_timestamp() where id = %(id)s;
update bank set points = points + %(n)s, updated_at = clock_timestamp() where id = %(id)s;
"""
TOTAL = "select (select sum(points) from purse) + (select sum(points) from bank)"


class Mover(Background):
    """Moves points from purse to bank, one transaction each."""

    def __init__(self, world, rows):
        self._connection, self._rows = world.connect(), rows
        self.moves = 0
        super().__init__(self._move)

    def _move(self):
        with self._connection.cursor() as cursor:
            while not self.stopping.is_set():
                cursor.execute(MOVE, {"n": 1, "id": self.moves % self._rows + 1})
                self.moves += 1

    def __exit__(self, *what):
        super().__exit__(*what)
        self._connection.close()


def sums_seen(daemon, seconds):
    """Sums that a reader of the cache sees; a table that is not there yet counts for nothing."""
    cache = daemon.open_cache()
    seen, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.append(cache.execute(TOTAL).fetchone()[0])
    cache.close()
    return seen


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_the_sum_over_two_tables_never_changes(world, tracked):
    world.run(SCHEMA.format(rows=50))
    if tracked:
        world.track("purse", "bank")
    daemon = world.daemon({"sync": {"poll_interval": "10ms"}})
    daemon.wait_caught_up()
    with Mover(world, 50) as mover:
        seen = sums_seen(daemon, 3)
    daemon.wait_caught_up()
    assert mover.moves > 100 and len(seen) > 100
    assert set(seen) == {100_000}
    assert daemon.value("select sum(points) from bank") == 50_000 + mover.moves


def test_all_tables_appear_at_once_and_as_one_cut(world):
    world.run(SCHEMA.format(rows=20_000))
    world.track("purse", "bank")
    daemon = world.daemon(start=False)
    with Mover(world, 20_000):
        daemon.start(ready=False)
        seen = first_looks(daemon)
    assert None not in seen, "one table was there without the other"
    assert seen == {40_000_000}


def first_looks(daemon):
    """Every sum seen from before the first table exists until well after."""
    seen, deadline, after = set(), time.monotonic() + 30, None
    while time.monotonic() < (after or deadline):
        try:
            names = {row[0] for row in daemon.query("select name from sqlite_master where name in ('purse', 'bank')")}
            if names:
                seen.add(daemon.value(TOTAL))
                after = after or time.monotonic() + 1.0
        except Exception as error:  # noqa: BLE001 - the file may not be there yet
            if "purse" in str(error) or "bank" in str(error):
                seen.add(None)
    assert after, f"no table appeared\n{daemon.log()}"
    return seen


def test_a_large_transaction_is_seen_whole(world):
    world.run(SCHEMA.format(rows=30_000))
    world.track("purse", "bank")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.run("begin; update purse set points = points - 1, updated_at = now();"
              " update bank set points = points + 1, updated_at = now(); commit")
    sums = "select (select sum(points) from purse), (select sum(points) from bank)"
    before, after = (30_000_000, 30_000_000), (30_000 * 999, 30_000 * 1001)
    seen, deadline = set(), time.monotonic() + 30
    while after not in seen and time.monotonic() < deadline:
        seen.add(daemon.query(sums)[0])
    assert after in seen, daemon.log()
    assert seen <= {before, after}
