"""A local transaction arrives on the primary whole: nobody there ever sees half of one."""
import os
import time

from support.background import Background
from support.process import wait_until

TRANSACTIONS = int(os.environ.get("TIDEMARK_TRANSACTIONS", "1000"))
PILES = TRANSACTIONS // 4
ROWS_EACH = 100
GROUPS = 50
SCHEMA = """
create table purse (id int primary key, points int not null, updated_at timestamptz not null default now());
create table bank (id int primary key, points int not null, updated_at timestamptz not null default now());
insert into purse select n, 1000 from generate_series(1, 20) n;
insert into bank select n, 1000 from generate_series(1, 20) n;
"""
GROUPED = f"""
create table leaf (id int primary key, tree int not null, mark int not null default 0,
                   updated_at timestamptz not null default now());
insert into leaf (id, tree) select n, n % {GROUPS} from generate_series(0, {GROUPS * ROWS_EACH - 1}) n;
create index on leaf (tree, mark);
"""
TORN = "select tree, count(distinct mark) from leaf group by tree having count(distinct mark) > 1"


class Watcher(Background):
    """A reader on the primary; collects every answer of a query that is not in `allowed`."""

    def __init__(self, world, sql, allowed):
        self._session, self._sql, self._allowed = world.connect(), sql, allowed
        self.looks, self.wrong = 0, []
        super().__init__(self._look)

    def _look(self):
        with self._session.cursor() as cursor:
            while not self.stopping.is_set():
                cursor.execute(self._sql)
                answer = cursor.fetchall()
                self.looks += 1
                if answer != self._allowed:
                    self.wrong.append(answer)
                time.sleep(0.002)

    def __exit__(self, *what):
        super().__exit__(*what)
        self._session.close()


def move_points(cache, number):
    cache.execute("begin immediate")
    cache.execute("update purse set points = points - 1 where id = ?", (number % 20 + 1,))
    cache.execute("update bank set points = points + 1 where id = ?", ((number * 7) % 20 + 1,))
    cache.execute("commit")


def test_the_sum_over_two_tables_never_changes_on_the_primary(world):
    world.run(SCHEMA)
    world.track("purse", "bank")
    daemon = world.daemon({"sync": {"poll_interval": "20ms"}})
    daemon.wait_caught_up()
    cache = daemon.open_cache(30)
    with Watcher(world, "select (select sum(points) from purse) + (select sum(points) from bank)", [(40_000,)]) as watcher:
        deadline, moves = time.monotonic() + 5, 0
        while time.monotonic() < deadline:
            move_points(cache, moves)
            moves += 1
            time.sleep(0.001)
        wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, "the outbox is empty")
    assert watcher.looks > 100 and not watcher.wrong, watcher.wrong[:5]
    assert world.value("select sum(points) from bank") == 20_000 + moves
    daemon.wait_caught_up()
    world.assert_equal(daemon, "purse", "bank")


def edit_offline(daemon):
    """1,000 transactions, each of which gives the 100 leaves of one tree the same mark."""
    cache = daemon.open_cache(30)
    for number in range(1, TRANSACTIONS + 1):
        cache.execute("begin immediate")
        changed = cache.execute("update leaf set mark = ? where tree = ?", (number, number % GROUPS)).rowcount
        cache.execute("commit")
        assert changed == ROWS_EACH
    cache.close()


def expected_marks():
    return {(number % GROUPS, number) for number in range(TRANSACTIONS - GROUPS + 1, TRANSACTIONS + 1)}


def test_a_hundred_thousand_rows_edited_while_no_daemon_ran_arrive_whole(world):
    world.run(GROUPED)
    world.track("leaf")
    daemon = world.daemon(start=False)
    daemon.sync()
    edit_offline(daemon)
    with Watcher(world, TORN, []) as watcher:
        daemon.sync()
    assert watcher.looks and not watcher.wrong, watcher.wrong[:3]
    assert set(world.run("select distinct tree, mark from leaf")) == expected_marks()
    world.assert_equal(daemon, "leaf")


INSERTED = """
create table sheet (id int primary key, pile int not null, updated_at timestamptz not null default now());
create index on sheet (pile);
"""


def test_many_rows_made_offline_beside_the_daemon_arrive_whole(world):
    """The daemon sees the commits go by while the primary is away, and may cut between them."""
    world.run(INSERTED)
    world.track("sheet")
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database))
    daemon.wait_caught_up()
    proxy.refuse()
    cache = daemon.open_cache(30)
    for pile in range(PILES):
        cache.execute("begin immediate")
        cache.executemany("insert into sheet (id, pile) values (?, ?)",
                          [(pile * ROWS_EACH + n, pile) for n in range(ROWS_EACH)])
        cache.execute("commit")
    cache.close()
    half = f"select pile, count(*) from sheet group by pile having count(*) <> {ROWS_EACH}"
    with Watcher(world, half, []) as watcher:
        proxy.heal()
        wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, lambda: f"an empty outbox\n{daemon.log()}", 120)
    assert watcher.looks > 3 and not watcher.wrong, watcher.wrong[:3]
    assert world.value("select count(*) from sheet") == PILES * ROWS_EACH
    daemon.wait_caught_up()
    world.assert_equal(daemon, "sheet")
