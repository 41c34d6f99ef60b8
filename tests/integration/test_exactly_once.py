"""Every local change takes effect on the primary once: whatever is cut, killed, delayed or copied.

Between an attempt and its retry the server often changes the very rows: a push that is
repeated although it had arrived would overwrite that, and one that is taken for arrived
although it had not would lose its change.
"""
import os
import random
import shutil
import struct
import time

import pytest
from support.background import Background
from support.history import audit
from support.process import wait_until
from support.proxy import at_commit
from support.storm import KILLED, fault_points

CUT_POINTS = int(os.environ.get("TIDEMARK_CUT_POINTS", "100"))
KILLS = int(os.environ.get("TIDEMARK_PUSH_KILLS", "25"))
SEED = int(os.environ.get("TIDEMARK_SEED", "7"))
COUNTERS = 6
SCHEMA = """
create table counter (id int primary key, n int not null default 0, note text, updated_at timestamptz not null default now());
create table item (id text primary key, counter_id int references counter, note text,
                   updated_at timestamptz not null default now(), deleted_at timestamptz);
""" + f"insert into counter (id) select generate_series(1, {COUNTERS});" + audit("counter", "item")


def count_in(world):
    """A device behind a proxy, synced once. client_wins: a repeated push would show."""
    world.run(SCHEMA)
    world.track("counter", "item")
    proxy = world.proxy()
    daemon = world.daemon({"sync": {"tables": "counter, item", "conflict": "client_wins"},
                           "primary": {"lock_timeout": "300ms", "silence_timeout": "1s", "connect_timeout": "1s"}},
                          conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    daemon.query("update counter set note = 'the first push also makes the device known'")
    daemon.sync()
    return world, daemon, proxy


@pytest.fixture
def counted(world):
    return count_in(world)


class Ledger:
    """What each counter must be on the primary, and how often each item must have come."""

    def __init__(self, world, daemon):
        self.world, self.daemon = world, daemon
        self.items = 0
        self.arrived_unanswered = self.not_arrived = 0

    def write(self, rows=COUNTERS):
        """One local transaction: counters go up by reading and writing, and items are made."""
        cache = self.daemon.open_cache()
        cache.execute("begin immediate")
        cache.execute("update counter set n = n + 1 where id <= ?", (rows,))
        for _ in range(rows):
            self.items += 1
            cache.execute("insert into item (id, counter_id) values (?, 1)", (f"i{self.items}",))
        cache.execute("commit")
        cache.close()
        return self.items - rows

    def meddle(self, before, items_before):
        """The server writes after an attempt: counters get 100 more, new items are deleted."""
        arrived = self.world.value("select n from counter where id = 1") > before
        self.world.run("update counter set n = n + 100 where id = 1")
        self.world.run("delete from item where id = %s", (f"i{items_before + 1}",))
        return arrived

    def check_meddled(self, before, items_before, arrived):
        """An attempt that arrived is not repeated; one that did not overwrites, by policy, and says so."""
        item = self.world.run("select op from audit where name = 'item' and id = %s order by number",
                              (f"i{items_before + 1}",))
        conflicts = self.daemon.query("select row_key from tide_conflict")
        if arrived:
            self.arrived_unanswered += 1
            assert self.world.value("select n from counter where id = 1") == before + 101, "it was pushed twice"
            assert item == [("INSERT",), ("DELETE",)], "the item came back"
        else:
            self.not_arrived += 1
            assert self.world.value("select n from counter where id = 1") == before + 1
            assert item == [("INSERT",)]
        return len(conflicts)

    def check(self):
        """Each counter is the same on both sides, every item came once, nothing waits."""
        assert self.world.value("select count(*) from (select id from audit where name = 'item' and op = 'INSERT'"
                                " group by id having count(*) > 1) twice") == 0
        assert self.world.value("select count(distinct id) from audit where name = 'item' and op = 'INSERT'") == self.items
        assert self.daemon.value("select count(*) from tide_outbox") == 0
        assert self.daemon.query("select * from tide_rejected") == []
        self.world.assert_equal(self.daemon, "counter", "item")


def counter(world):
    return world.value("select n from counter where id = 1")


def messages_of_a_push(daemon, proxy, ledger):
    """How many messages a sync that pushes has, (from the server, from the client)."""
    ledger.write()
    proxy.heal()
    daemon.sync()
    return proxy.server_messages, proxy.client_messages


def cut_points(server, client, wanted):
    """(count, from the client, extra bytes): boundaries of both directions, then cuts inside messages.
    Where fewer are wanted than there are boundaries, any of them."""
    points, extra = [], 0
    while len(points) < wanted:
        points += [(count, False, extra) for count in range(server)] + [(count, True, extra) for count in range(client)]
        extra += 3
    return sorted(random.Random(SEED).sample(points, wanted))


def attempt_cut(daemon, proxy, point):
    count, client, extra_bytes = point
    proxy.heal()
    proxy.cut_after(count, client=client, extra_bytes=extra_bytes)
    answer = daemon.tool("sync")
    assert answer.status in (0, 3, 75), (point, answer)
    proxy.heal()


def test_a_push_cut_at_any_message_has_its_effect_once(counted):
    world, daemon, proxy = counted
    ledger = Ledger(world, daemon)
    points = cut_points(*messages_of_a_push(daemon, proxy, ledger), CUT_POINTS)
    for number, point in enumerate(points):
        before, known = counter(world), daemon.value("select count(*) from tide_conflict")
        items_before = ledger.write(1 + number % COUNTERS)
        attempt_cut(daemon, proxy, point)
        if number % 3 == 0:
            answer = daemon.tool("sync")
            assert answer.status == 0 and counter(world) == before + 1, (point, answer)
            continue
        arrived = ledger.meddle(before, items_before)
        assert daemon.tool("sync").status in (0, 3)
        now = ledger.check_meddled(before, items_before, arrived)
        assert (now == known) == arrived, (point, arrived, daemon.query("select * from tide_conflict"))
        daemon.sync()
    ledger.check()
    print(f"{len(points)} cut points, {ledger.arrived_unanswered} arrived, {ledger.not_arrived} did not")
    assert ledger.arrived_unanswered > 5 and ledger.not_arrived > 5


def test_an_answer_that_is_lost_after_commit_is_found_in_the_ledger(counted):
    world, daemon, proxy = counted
    ledger = Ledger(world, daemon)
    for number in range(5):
        before = counter(world)
        items_before = ledger.write()
        proxy.heal()
        at_commit(proxy, lambda: proxy.silent_after(0))  # COMMIT passes, its answer does not
        assert daemon.tool("sync").status == 75
        wait_until(lambda: counter(world) == before + 1, "the push arrived")
        arrived = ledger.meddle(before, items_before)
        proxy.heal()
        daemon.sync()
        ledger.check_meddled(before, items_before, arrived)
    ledger.check()
    assert ledger.arrived_unanswered == 5


def test_a_commit_that_never_left_is_pushed_again(counted):
    world, daemon, proxy = counted
    ledger = Ledger(world, daemon)
    for number in range(5):
        before = counter(world)
        ledger.write()
        proxy.heal()
        at_commit(proxy, proxy.cut_now)
        assert daemon.tool("sync").status == 75
        assert counter(world) == before
        proxy.heal()
        daemon.sync()
        assert counter(world) == before + 1
    ledger.check()


def message(kind, *fields):
    body = b"".join(field + b"\0" for field in fields)
    return kind + struct.pack("!I", len(body) + 4) + body


def error_message(sqlstate):
    return message(b"E", b"SERROR", b"VERROR", b"C" + sqlstate, b"Mit may be there or not", b"")


@pytest.mark.parametrize("answer", [message(b"C", b"COMMITTED"), error_message(b"40003"), error_message(b"08007"),
                                    message(b"E", b"SERROR", b"Mwhat libpq says when it has no memory", b""),
                                    message(b"E", b"SFATAL", b"VFATAL", b"C57P01", b"Mterminating connection", b"")],
                         ids=["an unknown word", "statement_completion_unknown", "transaction_resolution_unknown",
                              "a failure of our own", "the session ends"])
def test_an_answer_to_commit_that_is_no_clear_no_decides_nothing(counted, answer):
    """The push arrived, and the link may stay: the record must stay too."""
    world, daemon, proxy = counted
    ledger, spoiled, pushing = Ledger(world, daemon), [], []
    before = counter(world)
    items_before = ledger.write()

    def spoil(text, from_client):
        if from_client and b"savepoint tide_push" in text:
            pushing.append(True)
        if from_client or not pushing or spoiled or text != message(b"C", b"COMMIT"):
            return None
        spoiled.append(text)
        return answer
    proxy.watch(spoil)
    assert daemon.tool("sync").status == 75
    assert spoiled and daemon.value("select count(*) from tide_push") == 1
    assert ledger.meddle(before, items_before)
    proxy.heal()
    daemon.sync()
    ledger.check_meddled(before, items_before, True)
    ledger.check()


def hold_commits(cluster, held):
    """While held, no COMMIT that wrote something ends: it waits for a standby that does not exist."""
    cluster.run_alone("alter system set synchronous_standby_names = " + ("'nobody'" if held else "''"))
    cluster.run("select pg_reload_conf()")


def test_a_retry_waits_for_the_attempt_that_is_still_committing(throw_away_cluster, world_on):
    """COMMIT was sent and takes long; the link breaks; the retry may not decide before it is known."""
    cluster = throw_away_cluster()
    world, daemon, proxy = count_in(world_on(cluster))
    ledger = Ledger(world, daemon)
    before = counter(world)
    items_before = ledger.write()
    hold_commits(cluster, True)
    assert daemon.tool("sync").status == 75
    retry = daemon.tool("sync")
    assert retry.status == 75, f"it cannot know yet\n{retry}"
    assert counter(world) == before and daemon.value("select count(*) from tide_push") == 1
    hold_commits(cluster, False)
    wait_until(lambda: counter(world) == before + 1, "the first attempt commits")
    arrived = ledger.meddle(before, items_before)
    proxy.heal()
    daemon.sync()
    ledger.check_meddled(before, items_before, arrived)
    ledger.check()


def test_a_daemon_whose_attempt_hangs_on_a_row_lock_gets_through_by_itself(counted):
    world, daemon, proxy = counted
    ledger = Ledger(world, daemon)
    before = counter(world)
    holder = world.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("select from counter where id = 1 for update")
    daemon.start()
    ledger.write()
    time.sleep(1.5)  # several attempts, each of which gives up
    proxy.silent_after(0)
    time.sleep(0.5)
    proxy.heal()
    assert counter(world) == before
    holder.close()
    wait_until(lambda: counter(world) == before + 1, lambda: f"the push arrives\n{daemon.log()}", 20)
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, "the outbox is empty")
    daemon.wait_caught_up()
    ledger.check()


# -- kill -9 --

@pytest.mark.parametrize("point", fault_points("push.") or ["push.none"])
def test_killed_in_a_push_at(counted, point):
    """First at every pass of the point until a push gets through; then again with a meddling server."""
    world, daemon, proxy = counted
    ledger = Ledger(world, daemon)
    killed = 0
    for number in range(1, 7):
        before, known = counter(world), daemon.value("select count(*) from tide_conflict")
        items_before = ledger.write()
        daemon.faults = True
        answer = daemon.tool("sync", environment={"TIDEMARK_FAULT": f"{point}:{(number + 1) // 2}"})
        daemon.faults = False
        assert answer.status in (0, KILLED), answer
        killed += answer.status == KILLED
        assert daemon.value("pragma quick_check") == "ok"
        if number % 2:
            daemon.sync()
            assert counter(world) == before + 1
        else:
            arrived = ledger.meddle(before, items_before)
            daemon.tool("sync")
            assert (ledger.check_meddled(before, items_before, arrived) == known) == arrived
            daemon.sync()
    ledger.check()
    assert killed, f"{point} was never passed"


class Applications(Background):
    """Writes all the time."""

    def __init__(self, ledger):
        self._ledger, self.writes = ledger, 0
        super().__init__(self._work)

    def _work(self):
        while not self.stopping.is_set():
            self._ledger.write(2)
            self.writes += 1
            time.sleep(0.002)


def test_killed_at_random_moments_under_load(counted):
    world, daemon, _ = counted
    choose, ledger = random.Random(SEED), Ledger(world, daemon)
    with Applications(ledger) as applications:
        for _ in range(KILLS):
            daemon.start(ready=False)
            time.sleep(choose.uniform(0.0, 0.25))  # the moment is the point
            daemon.kill()
    daemon.start()
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, lambda: f"an empty outbox\n{daemon.log()}")
    daemon.wait_caught_up()
    assert counter(world) == applications.writes
    assert daemon.query("select * from tide_conflict") == []
    ledger.check()


# -- copies of the cache --

def cache_files(daemon):
    return [name for name in os.listdir(daemon.folder) if name in ("cache.db", "cache.db-wal")]


def copy_cache(source, target_folder):
    for name in cache_files(source):
        shutil.copy(os.path.join(source.folder, name), os.path.join(target_folder, name))


def resync(daemon):
    answer = daemon.tool("resync")
    assert answer.status in (0, 3), answer
    daemon.sync()


def test_a_cache_restored_from_an_older_copy_stops_and_recovers(counted, folder):
    world, daemon, _ = counted
    ledger = Ledger(world, daemon)
    ledger.write()
    daemon.sync()
    kept = os.path.join(folder, "kept")
    os.mkdir(kept)
    copy_cache(daemon, kept)
    ledger.write()
    daemon.sync()
    for name in cache_files(daemon):
        os.unlink(os.path.join(daemon.folder, name))
    for name in os.listdir(kept):
        shutil.copy(os.path.join(kept, name), os.path.join(daemon.folder, name))
    before = counter(world)
    daemon.query("update counter set note = 'after the restore' where id = 2")
    stopped(daemon, "resync")
    assert world.value("select note from counter where id = 2") != "after the restore"
    resync(daemon)
    assert world.value("select note from counter where id = 2") == "after the restore"
    assert counter(world) == before
    ledger.check()


def stopped(daemon, *words):
    """Pushing has stopped with a reason that says what to do; reading goes on."""
    answer = daemon.tool("sync")
    assert answer.status in (1, 3), answer
    text = (answer.out + answer.err).lower()
    assert all(word in text for word in words), answer
    assert daemon.value("select count(*) from tide_outbox") > 0


def test_a_cloned_cache_stops_and_recovers(counted):
    world, daemon, _ = counted
    ledger = Ledger(world, daemon)
    ledger.write()
    daemon.sync()
    twin = world.daemon({"sync": {"tables": "counter, item", "conflict": "client_wins"}}, start=False)
    copy_cache(daemon, twin.folder)
    ledger.write()
    daemon.sync()
    twin.query("update counter set note = 'from the twin' where id = 2")
    twin.query("insert into item (id) values ('twin')")
    stopped(twin, "copied", "resync")
    resync(twin)
    assert world.value("select note from counter where id = 2") == "from the twin"
    assert world.value("select count(*) from item where id = 'twin'") == 1
    ledger.write()
    daemon.sync()  # the original goes on as before
    twin.query("update counter set note = 'twice' where id = 2")
    twin.sync()
    daemon.sync()
    assert world.value("select note from counter where id = 2") == "twice"
    ledger.items += 1
    ledger.check()
    world.assert_equal(twin, "counter", "item")


def test_a_clone_with_pending_changes_brings_them_once(counted):
    """Both the cache and its copy hold the same unpushed entries."""
    world, daemon, _ = counted
    ledger = Ledger(world, daemon)
    ledger.write()
    daemon.sync()
    before = counter(world)
    ledger.write()
    twin = world.daemon({"sync": {"tables": "counter, item", "conflict": "client_wins"}}, start=False)
    copy_cache(daemon, twin.folder)
    daemon.sync()
    stopped(twin, "copied", "resync")
    resync(twin)
    assert counter(world) == before + 1
    ledger.check()
    world.assert_equal(twin, "counter", "item")
