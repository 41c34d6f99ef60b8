"""Local changes reach the primary: at once, after a time offline, in parts, or not, with a reason."""
import statistics
import time
import uuid

import pytest
from support.process import wait_until

SCHEMA = """
create table customer (id int primary key, name text not null, updated_at timestamptz not null default now());
create table item (id int primary key, customer_id int references customer, note text,
                   total int check (total >= 0), updated_at timestamptz not null default now());
insert into customer select n, 'customer ' || n from generate_series(1, 5) n;
insert into item select n, 1, 'note ' || n, n from generate_series(1, 20) n;
"""
SLOW_POLL = {"sync": {"poll_interval": "60s"}}


def make(world, settings=None, **more):
    world.run(SCHEMA)
    world.track("customer", "item")
    daemon = world.daemon(settings, **more)
    if more.get("start", True):
        daemon.wait_caught_up()
    return daemon


def edit(daemon, sql, parameters=()):
    connection = daemon.open_cache()
    try:
        connection.execute(sql, parameters)
    finally:
        connection.close()


def arrives(world, sql, expected, daemon, timeout_s=20):
    wait_until(lambda: world.value(sql) == expected, lambda: f"{world.value(sql)}\n{daemon.log()}", timeout_s, 0.002)


def test_a_local_commit_arrives_at_once(world):
    daemon = make(world, SLOW_POLL)
    connection = daemon.open_cache()
    times = []
    for number in range(30):
        connection.execute("update item set note = ? where id = 7", (f"edit {number}",))
        start = time.monotonic()
        arrives(world, "select note from item where id = 7", f"edit {number}", daemon)
        times.append(time.monotonic() - start)
    connection.close()
    assert statistics.median(times) < 0.1, times
    assert daemon.status()["push"]["rows"] >= 30


def test_a_careful_writer_is_noticed_at_once_too(world):
    """Its commit can be seen only after a flush, which no event announces."""
    daemon = make(world, SLOW_POLL)
    connection = daemon.open_cache()
    connection.execute("pragma synchronous = full")
    for number in range(5):
        connection.execute("update item set note = ? where id = 7", (f"edit {number}",))
        arrives(world, "select note from item where id = 7", f"edit {number}", daemon, 5)
    connection.close()


def test_after_a_rest_changes_of_both_sides_are_noticed(world):
    """A daemon that rests asks the cache for nothing while nobody has written to it."""
    daemon = make(world, {"sync": {"poll_interval": "1s"}})
    time.sleep(7)
    edit(daemon, "update item set note = 'here' where id = 7")
    arrives(world, "select note from item where id = 7", "here", daemon)
    time.sleep(7)
    world.run("update item set note = 'there', updated_at = now() where id = 8")
    wait_until(lambda: daemon.value("select note from item where id = 8") == "there", daemon.log)
    assert daemon.status()["state"] == "live"


def test_an_application_that_writes_its_own_tables_causes_no_rounds(world):
    daemon = make(world, SLOW_POLL)
    connection = daemon.open_cache()
    connection.execute("create table draft (text)")
    time.sleep(0.5)
    before = daemon.status()["rounds"]["completed"]
    for number in range(50):
        connection.execute("insert into draft values (?)", (number,))
        time.sleep(0.005)
    connection.close()
    time.sleep(0.3)
    assert daemon.status()["rounds"]["completed"] <= before + 1


def test_a_push_is_followed_by_one_round(world):
    daemon = make(world, SLOW_POLL)
    time.sleep(0.3)
    before = daemon.status()["rounds"]["completed"]
    edit(daemon, "update item set note = 'x' where id = 7")
    arrives(world, "select note from item where id = 7", "x", daemon)
    time.sleep(0.5)
    assert daemon.status()["rounds"]["completed"] - before == 1


def test_offline_edits_wait_and_arrive(world):
    proxy = world.proxy()
    daemon = make(world, {"sync": {"poll_interval": "100ms"}}, conninfo=proxy.conninfo(world.database))
    proxy.refuse()
    proxy.cut_now()
    daemon.wait_state("offline")
    edit(daemon, "insert into customer (id, name) values (9, 'offline')")
    edit(daemon, "insert into item (id, customer_id, total) values (99, 9, 1)")
    edit(daemon, "update item set note = 'offline' where id = 1")
    edit(daemon, "delete from item where id = 2")
    wait_until(lambda: daemon.status()["pending"]["count"] == 4, lambda: daemon.status()["pending"], 10)
    status = daemon.status()
    assert status["push"]["state"] == "waiting" and status["pending"]["entries"] == 4 and status["pending"]["oldest_s"] >= 0
    assert daemon.table("item")["pending"] == 3 and daemon.table("customer")["pending"] == 1
    line = daemon.tool("status", "-q")
    assert line.status == 0 and line.out.startswith("offline 4 pending 0 rejected behind="), line
    proxy.heal()
    daemon.tool("sync")
    daemon.wait_caught_up()
    assert world.run("select customer_id, total from item where id = 99") == [(9, 1)]
    assert world.value("select note from item where id = 1") == "offline"
    assert world.run("select 1 from item where id = 2") == []
    assert daemon.status()["pending"]["count"] == 0
    world.assert_equal(daemon, "customer", "item")


def test_wait_returns_when_local_changes_are_there(world):
    daemon = make(world, SLOW_POLL)
    for number in range(10):
        edit(daemon, "update item set total = ? where id = 3", (100 + number,))
        daemon.wait_caught_up()
        assert world.value("select total from item where id = 3") == 100 + number


def test_sync_without_a_daemon_sends_too(world):
    daemon = make(world, start=False)
    daemon.sync()
    edit(daemon, "update item set note = 'by hand' where id = 4")
    assert daemon.status()["pending"]["count"] == 1
    daemon.sync()
    assert world.value("select note from item where id = 4") == "by hand"
    assert daemon.status()["pending"]["count"] == 0


def test_what_is_refused_holds_nothing_up_and_needs_a_person(world):
    daemon = make(world)
    edit(daemon, "update item set total = -5 where id = 1")
    edit(daemon, "update item set total = 55 where id = 2")
    daemon.tool("wait", "--timeout", "20s")
    assert world.run("select total from item where id in (1, 2) order by id") == [(1,), (55,)]
    status = daemon.status()
    assert status["rejected"]["count"] == 1 and status["pending"]["count"] == 0
    assert status["rejected"]["first"]["sqlstate"] == "23514" and daemon.table("item")["rejected"] == 1
    assert daemon.tool("status").status == 3 and daemon.tool("sync").status == 3
    screen = daemon.tool("status").out
    assert "rejected  1 change needs you" in screen and "tidemark rejected show" in screen


def test_a_pause_keeps_changes_here(world):
    daemon = make(world)
    assert daemon.tool("pause").status == 0
    edit(daemon, "update item set note = 'paused' where id = 5")
    wait_until(lambda: daemon.status()["pending"]["count"] == 1, "pending", 10)
    time.sleep(0.3)
    assert world.value("select note from item where id = 5") == "note 5"
    daemon.tool("resume")
    arrives(world, "select note from item where id = 5", "paused", daemon)


def test_a_backlog_goes_in_parts_between_transactions(world):
    proxy = world.proxy()
    daemon = make(world, {"sync": {"poll_interval": "50ms", "push_batch": "10"}},
                  conninfo=proxy.conninfo(world.database))
    proxy.refuse()
    proxy.cut_now()
    daemon.wait_state("offline")
    connection = daemon.open_cache()
    for number in range(12):
        connection.execute("begin immediate")
        for row in range(1, 5):
            connection.execute("update item set total = ? where id = ?", (1000 + number, row))
        connection.execute("commit")
        time.sleep(0.03)
    connection.close()
    proxy.heal()
    daemon.tool("sync")
    daemon.wait_caught_up()
    assert world.run("select distinct total from item where id <= 4") == [(1011,)]
    assert daemon.status()["push"]["pushes"] > 1


@pytest.mark.parametrize("entry", [
    "(1, '[\"1\"]', 'explode', null)", "(77, '[\"1\"]', 'update', '{}')", "(1, 'what', 'update', '{}')",
    "(1, '[\"1\"]', 'update', 'ever')", "(1, x'00', 'insert', x'00')", "('x', null, 'delete', 5)"])
def test_nonsense_in_the_outbox_stops_nothing(world, entry):
    daemon = make(world)
    edit(daemon, f"insert into tide_outbox (table_id, row_key, op, base) values {entry}")
    edit(daemon, "update item set note = 'behind nonsense' where id = 6")
    arrives(world, "select note from item where id = 6", "behind nonsense", daemon)
    world.run("update item set note = 'news' where id = 8")
    daemon.tool("wait", "--timeout", "20s")
    assert daemon.value("select note from item where id = 8") == "news"
    assert daemon.value("select count(*) from tide_rejected") == 1
    assert "makes no sense" in daemon.value("select message from tide_rejected")


def test_a_unit_of_work_with_nonsense_in_it_is_set_aside_whole(world):
    daemon = make(world)
    application = daemon.open_cache()
    application.executescript("""begin;
        insert into tide_unit values ('begin');
        update item set note = 'of the unit' where id = 1;
        insert into tide_outbox (table_id, row_key, op, base) values (1, '["1"]', 'explode', null);
        update item set note = 'of the unit too' where id = 2;
        insert into tide_unit values ('end');
        update item set note = 'for itself' where id = 3;
        commit""")
    application.close()
    arrives(world, "select note from item where id = 3", "for itself", daemon)
    daemon.tool("wait", "--timeout", "20s")
    assert world.run("select note from item where id < 3 order by id") == [("note 1",), ("note 2",)]
    rejected = daemon.query("select table_name, row_key, cause_id, unit_id is not null from tide_rejected order by rejected_id")
    assert [row[2:] for row in rejected] == [(None, 1), (1, 1), (1, 1)], rejected
    assert sorted(rejected[1:]) == [("item", '["1"]', 1, 1), ("item", '["2"]', 1, 1)], rejected
    wait_until(lambda: daemon.query("select note from item where id < 3 order by id") == [("note 1",), ("note 2",)],
               "the cache shows what the primary has", 20)
    assert daemon.value("select count(*) from tide_outbox") == 0


def tamper_with_ledger(world):
    world.run("update tidemark.device set last_push = %s", (str(uuid.uuid4()),))


def test_a_strange_ledger_stops_pushes_but_no_rounds(world):
    daemon = make(world)
    edit(daemon, "update item set note = 'first' where id = 1")
    arrives(world, "select note from item where id = 1", "first", daemon)
    tamper_with_ledger(world)
    edit(daemon, "update item set note = 'second' where id = 1")
    daemon.wait_state("blocked")
    status = daemon.status()
    assert status["push"]["state"] == "blocked" and "tidemark resync" in status["reason"]["hint"], status["reason"]
    world.run("update item set note = 'from there' where id = 2")
    wait_until(lambda: daemon.value("select note from item where id = 2") == "from there", daemon.log, 20)
    assert world.value("select note from item where id = 1") == "first"
    assert daemon.tool("sync").status == 1
    old_device = daemon.status()["push"]["device_id"]
    answer = daemon.tool("resync", timeout_s=60)
    assert answer.status == 0, f"{answer}\n{daemon.log()}"
    assert world.value("select note from item where id = 1") == "second"
    assert daemon.status()["push"]["device_id"] != old_device
    world.assert_equal(daemon, "customer", "item")


def test_resync_without_a_daemon_recovers_too(world):
    daemon = make(world)
    edit(daemon, "update item set note = 'first' where id = 1")
    daemon.wait_caught_up()
    daemon.stop()
    tamper_with_ledger(world)
    edit(daemon, "update item set note = 'second' where id = 1")
    assert daemon.tool("sync").status == 1
    assert daemon.tool("resync").status == 0
    assert world.value("select note from item where id = 1") == "second"
    world.assert_equal(daemon, "customer", "item")


def test_changes_of_a_table_in_a_new_shape_arrive(world):
    proxy = world.proxy()
    daemon = make(world, conninfo=proxy.conninfo(world.database))
    proxy.refuse()
    proxy.cut_now()
    daemon.wait_state("offline")
    edit(daemon, "update item set note = 'before' where id = 1")
    world.run("alter table item add column colour text not null default 'red'")
    proxy.heal()
    daemon.tool("sync")
    daemon.wait_caught_up()
    assert world.run("select note, colour from item where id = 1") == [("before", "red")]
    world.assert_equal(daemon, "customer", "item")


def test_changes_of_a_table_that_is_refused_do_not_stop_the_others(world):
    proxy = world.proxy()
    daemon = make(world, conninfo=proxy.conninfo(world.database))
    proxy.refuse()
    proxy.cut_now()
    daemon.wait_state("offline")
    edit(daemon, "update item set note = 'stays here' where id = 1")
    edit(daemon, "update customer set name = 'goes' where id = 1")
    world.run("alter table item drop constraint item_pkey")
    proxy.heal()
    arrives(world, "select name from customer where id = 1", "goes", daemon)
    wait_until(lambda: daemon.status()["rejected"]["count"] == 1, daemon.log, 20)
    assert "no primary key" in daemon.status()["rejected"]["first"]["text"]


def test_a_sync_that_only_finishes_a_lost_push_says_that_a_row_was_refused(world):
    world.run("create table note (id int primary key, n int check (n < 10))")
    world.track("note")
    daemon = world.daemon(start=False, faults=True)
    daemon.sync()
    daemon.query("insert into note values (1, 5), (2, 50)")
    assert daemon.tool("sync", environment={"TIDEMARK_FAULT": "push.after_commit"}).status == -9
    assert daemon.tool("sync").status == 3
    assert daemon.value("select count(*) from tide_rejected") == 1
