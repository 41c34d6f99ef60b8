"""No row is missed, whatever transactions do; and a cut is a cut at every moment."""
import functools
import os
import time
from contextlib import closing, nullcontext

import pytest
from support.background import Background
from support.load import SCHEMA, STAMP, TABLES, Load
from support.plain_cursor import PlainCursor
from support.pooler import Pooler
from support.process import wait_until

SECONDS = float(os.environ.get("TIDEMARK_RACE_SECONDS", "20"))
SHORT_SECONDS = SECONDS * 0.4

POINTS = """
create table purse (id int primary key, points int not null, updated_at timestamptz not null default now());
create table bank (id int primary key, points int not null, updated_at timestamptz not null default now());
create table ledger (id int primary key, version int not null, updated_at timestamptz not null default now());
insert into purse select n, 100 from generate_series(1, 10) n;
insert into bank select n, 100 from generate_series(1, 10) n;
insert into ledger select n, 0 from generate_series(1, 10) n;
"""
ALL_TABLES = [*TABLES, "purse", "bank", "ledger"]


class Witness(Background):
    """Moves points between tables in one transaction, and writes down what was committed when."""

    def __init__(self, cluster, database):
        self._connection = cluster.connect(database)
        self.committed = []  # (time after the commit, ledger id, version)
        super().__init__(self._write)

    def _write(self):
        version = 0
        with self._connection.cursor() as cursor:
            while not self.stopping.is_set():
                version += 1
                number = version % 10 + 1
                cursor.execute("begin; update purse set points = points - 1, updated_at = now() where id = %s", (number,))
                time.sleep(0.002)
                cursor.execute("update bank set points = points + 1, updated_at = now() where id = %s", (11 - number,))
                cursor.execute("update ledger set version = %s, updated_at = now() where id = %s; commit", (version, number))
                self.committed.append((time.time(), number, version))
                time.sleep(0.003)
        self._connection.close()

    def versions_before(self, moment):
        return {number: version for at, number, version in list(self.committed) if at < moment}


class Reader(Background):
    """An application that looks at the cache all the time and notes what must not be."""

    def __init__(self, daemon, witness):
        self._daemon, self._witness = daemon, witness
        self.sums, self.late, self.marks = 0, [], 0
        self.wrong_sums = []
        super().__init__(self._sums, self._versions)

    def _sums(self):
        cache = self._daemon.open_cache()
        while not self.stopping.is_set():
            total = cache.execute("select (select sum(points) from purse) + (select sum(points) from bank)").fetchone()[0]
            self.sums += 1
            if total != 2000:
                self.wrong_sums.append(total)
            time.sleep(0.001)

    def _versions(self):
        cache = self._daemon.open_cache()
        while not self.stopping.is_set():
            mark = self._daemon.status()["mark"]
            found = dict(cache.execute("select id, version from ledger"))
            self.marks += 1
            promised = self._witness.versions_before(seconds_of(mark))
            self.late += [(mark, number, version, found[number]) for number, version in promised.items()
                          if found[number] < version]
            time.sleep(0.02)

    def assert_no_complaint(self):
        assert self.sums > 50 and self.marks > 5, "the reader hardly looked"
        assert not self.wrong_sums, f"{len(self.wrong_sums)} torn cuts: {self.wrong_sums[:5]}"
        assert not self.late, f"the mark promised more than there was: {self.late[:5]}"


def seconds_of(mark):
    from datetime import datetime
    return datetime.fromisoformat(mark.replace("Z", "+00:00")).timestamp()


def prepare(world, tracked):
    world.run(SCHEMA + POINTS)
    if tracked:
        world.track(*ALL_TABLES, notify=False)
    else:
        world.run(STAMP)


def race(world, daemon, tracked, seconds, connect=None, wait=None, halfway=None):
    """The load, the witness and the reader; at the end the daemon is caught up."""
    with Witness(world.cluster, world.database) as witness, Reader(daemon, witness) as reader:
        with Load(world.cluster, world.database, tracked, connect=connect) as load:
            load.run_for(seconds, halfway)
    (wait or daemon.wait_caught_up)()
    print(f"seed {load.seed}: {sum(load.counts.values())} actions, {len(witness.committed)} moves, {reader.sums} looks")
    return reader


def swept_after(daemon, moment):
    tables = [table for table in daemon.status()["tables"] if table["mode"] == "untracked"]
    return tables and all(table["swept"] and seconds_of(table["swept"]) > moment for table in tables)


def test_a_plain_updated_at_cursor_loses_rows(world):
    prepare(world, tracked=False)
    mirror = PlainCursor(world.cluster, world.database, TABLES)
    with Load(world.cluster, world.database, tracked=False) as load:
        load.run_for(SHORT_SECONDS)
    mirror.stop()
    assert mirror.lost() > 10, "if this mirror is good enough, the race tests see nothing"


def test_tracked_tables_are_equal_and_every_cut_is_a_cut(world):
    prepare(world, tracked=True)
    daemon = world.daemon()
    daemon.wait_caught_up()
    reader = race(world, daemon, True, SECONDS)
    world.assert_equal(daemon, *ALL_TABLES)
    reader.assert_no_complaint()
    assert {table["mode"] for table in daemon.status()["tables"]} == {"tracked"}


def test_untracked_tables_are_equal_after_one_sweep(world):
    prepare(world, tracked=False)
    daemon = world.daemon({"sync": {"overlap": "0s", "sweep_interval": "3s"}})
    daemon.wait_caught_up()
    race(world, daemon, False, SHORT_SECONDS)
    ended = time.time()
    wait_until(lambda: swept_after(daemon, ended), "every table is swept once more", 30)
    world.assert_equal(daemon, *ALL_TABLES)


def test_an_overlap_longer_than_every_transaction_needs_no_sweep_for_updates(world):
    prepare(world, tracked=False)
    daemon = world.daemon({"sync": {"overlap": "60s", "sweep_interval": "1h"}})
    daemon.wait_caught_up()
    race(world, daemon, False, SHORT_SECONDS)
    left = [problem for table in ALL_TABLES for problem in world.differences(daemon, table)
            if "not on the primary any more" not in problem]  # hard deletes wait for the sweep
    assert not left, left[:10]


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_equal_through_a_transaction_pooler(world, tracked):
    prepare(world, tracked)
    with Pooler(world.folder + "/pooler", world.cluster, pool_size=2) as pooler:
        daemon = world.daemon({"sync": {"overlap": "1s", "sweep_interval": "3s"}},
                              conninfo=pooler.conninfo(world.database))
        daemon.wait_caught_up()
        clients = [pooler.connect(world.database) for _ in range(3)]
        with BusyClients(clients):
            reader = race(world, daemon, tracked, SHORT_SECONDS)
        ended = time.time()
        if not tracked:
            wait_until(lambda: swept_after(daemon, ended), "every table is swept once more", 30)
        world.assert_equal(daemon, *ALL_TABLES)
        if tracked:
            reader.assert_no_complaint()
        assert daemon.status()["primary"]["pooler"] is True


class BusyClients(Background):
    """Other clients of the pooler, so that the daemon's server connection changes all the time."""

    def __init__(self, connections):
        super().__init__(*(functools.partial(self._work, connection) for connection in connections))

    def _work(self, connection):
        with connection.cursor() as cursor:
            while not self.stopping.is_set():
                cursor.execute("begin; set local timezone = 'Asia/Tokyo'; select pg_sleep(0.01); commit")
                time.sleep(0.005)
        connection.close()


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_equal_when_the_daemon_reads_a_hot_standby(place, numbers, throw_away_cluster, world_on, tracked):
    primary = throw_away_cluster()
    world = world_on(primary)
    prepare(world, tracked)
    standby = primary.standby(os.path.join(place, f"standby{next(numbers)}"),
                              "hot_standby_feedback = on\nmax_standby_streaming_delay = -1\n")
    try:
        standby.wait_for_replay(primary)
        daemon = world.daemon({"sync": {"overlap": "1s", "sweep_interval": "3s"}},
                              conninfo=standby.conninfo(world.database))
        daemon.wait_caught_up()

        def wait():
            ended = time.time()
            world.run("update ledger set version = version")  # a standby's time is that of its last commit
            standby.wait_for_replay(primary)
            daemon.wait_caught_up()
            if not tracked:
                wait_until(lambda: swept_after(daemon, ended), "every table is swept once more", 30)

        reader = race(world, daemon, tracked, SHORT_SECONDS, wait=wait)
        world.assert_equal(daemon, *ALL_TABLES)
        if tracked:
            reader.assert_no_complaint()
        assert daemon.status()["primary"]["standby"] is True
        daemon.__exit__()
    finally:
        standby.remove()


def test_the_mark_of_a_standby_does_not_run_ahead_of_its_replay(place, numbers, throw_away_cluster, world_on):
    primary = throw_away_cluster()
    world = world_on(primary)
    prepare(world, tracked=True)
    standby = primary.standby(os.path.join(place, f"standby{next(numbers)}"))
    try:
        standby.wait_for_replay(primary)
        daemon = world.daemon(conninfo=standby.conninfo(world.database))
        daemon.wait_caught_up()
        standby.run("select pg_wal_replay_pause()")
        wait_until(lambda: standby.value("select pg_get_wal_replay_pause_state()") == "paused", "the replay pauses")
        world.run("update ledger set version = 77 where id = 1")
        committed = time.time()
        for _ in range(3):
            daemon.wait_caught_up()
        assert daemon.value("select version from ledger where id = 1") == 0
        assert seconds_of(daemon.status()["mark"]) < committed, "it promises what the standby has not seen"
        standby.run("select pg_wal_replay_resume()")
        standby.wait_for_replay(primary)
        daemon.wait_caught_up()
        assert daemon.value("select version from ledger where id = 1") == 77
        daemon.__exit__()
    finally:
        standby.remove()


@pytest.fixture
def read_from_standby(place, numbers, throw_away_cluster, world_on):
    """A world with tracked tables and `standby`, a hot standby of its primary."""
    primary = throw_away_cluster()
    world = world_on(primary)
    prepare(world, tracked=True)
    world.standby = primary.standby(os.path.join(place, f"standby{next(numbers)}"), "max_standby_streaming_delay = -1\n")
    world.standby.wait_for_replay(primary)
    yield world
    world.standby.remove()


def replay_commits_while_it_waits(world, ask, locked):
    """While the reader that `ask` sends waits for a lock on `locked`, which is the primary's and by that
    the standby's, the standby replays commits. The time after the first of them."""
    holder = world.connect(autocommit=False)
    holder.cursor().execute(f"lock table {locked} in access exclusive mode")
    world.run("update ledger set version = version")  # a commit takes the lock along to the standby
    world.standby.wait_for_replay(world.cluster)
    with Background(ask), closing(holder):
        wait_until(lambda: world.standby.value("select count(*) from pg_locks where not granted"), "the reader waits")
        world.run("update ledger set version = 77 where id = 1")
        committed = time.time()
        world.run("update ledger set version = 77 where id = 2")
        world.standby.wait_for_replay(world.cluster)
    return committed


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooler"])
def test_the_mark_of_a_standby_is_from_before_its_snapshot(read_from_standby, pooled):
    world = read_from_standby
    with Pooler(world.folder + "/pooler", world.standby) if pooled else nullcontext(world.standby) as server:
        daemon = world.daemon({"sync": {"poll_interval": "1h"}}, conninfo=server.conninfo(world.database))
        daemon.wait_caught_up()
        # the header of the cut reads pg_enum: nothing before its snapshot does
        committed = replay_commits_while_it_waits(world, daemon.wait_caught_up, "pg_enum")
        assert daemon.value("select version from ledger where id = 1") == 0, "the snapshot was taken too late for this test"
        assert seconds_of(daemon.status()["mark"]) < committed, "it promises what came after its snapshot"
        daemon.wait_caught_up()
        assert daemon.value("select version from ledger where id = 1") == 77
        assert seconds_of(daemon.status()["mark"]) > committed
        daemon.__exit__()


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooler"])
def test_the_snapshot_of_a_standby_is_from_after_its_locks(read_from_standby, pooled):
    """That it is asked how far it is must not bring the snapshot forward: before the locks, DDL can come between."""
    world = read_from_standby
    with Pooler(world.folder + "/pooler", world.standby) if pooled else nullcontext(world.standby) as server:
        daemon = world.daemon({"sync": {"poll_interval": "1h"}}, conninfo=server.conninfo(world.database))
        daemon.wait_caught_up()
        committed = replay_commits_while_it_waits(world, daemon.wait_caught_up, "purse")
        assert daemon.value("select version from ledger where id = 1") == 77
        assert seconds_of(daemon.status()["mark"]) < committed
        daemon.__exit__()


def test_the_mark_of_a_copy_from_a_standby_is_from_before_its_snapshot(read_from_standby):
    world = read_from_standby
    daemon = world.daemon({"sync": {"poll_interval": "1h"}}, conninfo=world.standby.conninfo(world.database))
    daemon.wait_caught_up()
    daemon.stop()
    daemon.start(fault="snapshot.chunk_committed")
    daemon.wait_caught_up()
    committed = replay_commits_while_it_waits(world, lambda: daemon.tool("resync", "ledger"), "pg_enum")
    daemon.wait_end()
    name, mark_us = daemon.query("select copy_name, mark_us from tide_copy where name = 'ledger'")[0]
    assert daemon.value(f'select version from "{name}" where id = 1') == 0, "the snapshot was taken too late for this test"
    assert mark_us / 1e6 < committed, "it promises what came after its snapshot"


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_equal_across_xid_wraparound(throw_away_cluster, world_on, tracked):
    cluster = throw_away_cluster("autovacuum = off\n")
    world = world_on(cluster)
    prepare(world, tracked)
    world.connection.close()
    cluster.start_xids_near(2**32 - 1500)
    world.connection = cluster.connect(world.database)
    daemon = world.daemon({"sync": {"overlap": "0s", "sweep_interval": "2s"}})
    daemon.wait_caught_up()
    before = world.value("select pg_current_xact_id()::text::bigint")

    def cross():
        """Amid the load, which would take a time of its own to use up what is left."""
        world.run("do 'begin while pg_current_xact_id()::text::bigint <= 2^32 loop commit; end loop; end'")

    reader = race(world, daemon, tracked, SHORT_SECONDS, halfway=cross)
    assert before < 2**32 < world.value("select pg_current_xact_id()::text::bigint"), "the ids did not wrap"
    ended = time.time()
    if not tracked:
        wait_until(lambda: swept_after(daemon, ended), "every table is swept once more", 30)
    world.assert_equal(daemon, *ALL_TABLES)
    if tracked:
        reader.assert_no_complaint()


def test_a_sweep_over_more_than_half_of_all_ids_is_one_of_every_row(throw_away_cluster, world_on):
    """Ages of ids are told apart on half the circle only: what changed since may look older than what did not."""
    cluster = throw_away_cluster("autovacuum = off\n")
    world = world_on(cluster)
    world.run("create table quiet (id int primary key, note text); insert into quiet select n, 'first' from generate_series(1, 9) n")
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}}, start=False)
    daemon.sync()
    for xid, change in [(15 * 10**8, "update quiet set note = 'changed' where id = 5; delete from quiet where id = 6"),
                        (2**31 + 10**8, "select")]:
        world.connection.close()
        cluster.start_xids_near(xid)
        world.connection = cluster.connect(world.database)
        world.run(change)
    time.sleep(1)
    daemon.sync()
    world.assert_equal(daemon, "quiet")


def test_late_commit_is_not_missed(world):
    prepare(world, tracked=True)
    daemon = world.daemon()
    late = world.connect(autocommit=False)
    with late.cursor() as cursor:
        cursor.execute("update load_a set note = 'late' where id = 1")
    world.run("update load_a set note = 'early' where id = 2")
    daemon.wait_caught_up()
    assert daemon.value("select note from load_a where id = 2") == "early"
    late.commit()
    daemon.wait_caught_up()
    assert daemon.value("select note from load_a where id = 1") == "late"


def test_prepared_transaction_is_not_missed_after_many_rounds(world):
    prepare(world, tracked=True)
    daemon = world.daemon()
    world.run("begin; update load_a set note = 'prepared' where id = 1; prepare transaction 'later'")
    try:
        for number in range(5):
            world.run("update load_a set amount = amount + 1 where id = 2")
            daemon.wait_caught_up()
        assert daemon.value("select note from load_a where id = 1") == "first 1"
        world.run("commit prepared 'later'")
    except BaseException:
        world.run("rollback prepared 'later'")
        raise
    daemon.wait_caught_up()
    assert daemon.value("select note from load_a where id = 1") == "prepared"
