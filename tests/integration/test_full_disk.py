"""A disk that fills up: every message says so, nothing is lost, and space alone cures it."""
import os
import signal
import time

import pytest
from support.compare import assert_equal
from support.process import is_alive, wait_until
from support.small_disk import SmallDisk

DONE, FAILED, NEEDS_PERSON = 0, 1, 3
SCHEMA = """
create table item (id int primary key, note text, counter int not null default 0,
                   updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into item (id, note) select n, repeat('x', 100) from generate_series(1, 2000) n;
"""


@pytest.fixture
def disk(folder, request):
    disk = SmallDisk(folder, getattr(request, "param", "3m"))
    yield disk
    disk.close()


@pytest.fixture
def shop(disk, world):
    """Asks for the disk first: it ends after the daemons on it."""
    world.run(SCHEMA)
    world.track("item")
    return world


def daemon_on(disk, world, **more):
    return world.daemon({"cache": {"path": disk.path("cache.db")}}, start=False, prefix=disk.prefix, **more)


def started_on(disk, world, **more):
    daemon = daemon_on(disk, world, **more).start()
    daemon.wait_caught_up()
    return daemon


def names_the_full_disk(text, path):
    for word in ("make room", "KiB", "-> "):
        assert word in text, text
    assert "full" in text or "No space left" in text, text
    assert text.count(path) == 1, f"the file is named once:\n{text}"


def wait_equal(disk, world, daemon):
    """The daemon goes on by itself: nobody asks it to."""
    wait_until(lambda: daemon.status()["state"] == "live", daemon.log, 60)
    daemon.wait_caught_up()
    wait_until(lambda: disk.sql("select count(*) from tide_outbox") == (0, "0"), daemon.log)
    assert_equal(disk.copy_out(os.path.join(world.folder, "copy.db")), world.connection, ("item",))


# -- without a daemon --

def test_a_first_copy_on_a_full_disk(disk, shop):
    daemon = daemon_on(disk, shop)
    disk.fill()
    answer = daemon.tool("sync")
    assert answer.status == FAILED
    names_the_full_disk(answer.err, disk.path("cache.db"))
    disk.make_room()
    assert daemon.tool("sync").status == DONE
    assert disk.sql("select count(*) from item") == (0, "2000")


@pytest.mark.parametrize("disk", ["3m,nr_inodes=3"], indirect=True)
def test_a_disk_without_room_for_one_more_file(disk, shop):
    daemon = daemon_on(disk, shop)
    disk.run("sh", "-c", "for n in 1 2 3; do : > " + disk.path("file") + "$n; done")
    answer = daemon.tool("sync")
    assert answer.status == FAILED and "No space left" in answer.err and "make room" in answer.err, answer
    disk.run("sh", "-c", "rm " + disk.path("file") + "*")


@pytest.mark.parametrize("disk", ["3m,nr_inodes=3"], indirect=True)
def test_a_disk_without_room_for_the_lock_beside_the_file(disk, shop):
    """Room is what it wants, not permissions."""
    daemon = daemon_on(disk, shop)
    disk.run("touch", disk.path("file"), disk.path("file2"))
    answer = daemon.tool("sync")
    assert answer.status == FAILED and "tide-lock: No space left" in answer.err and "make room" in answer.err, answer
    assert "this user" not in answer.err, answer
    disk.run("rm", disk.path("file"), disk.path("file2"))


def test_a_copy_that_fills_the_disk_goes_on_when_there_is_room(disk, shop):
    shop.run("insert into item (id, note) select n, repeat('x', 100) from generate_series(2001, 7000) n")
    daemon = daemon_on(disk, shop)
    disk.run("dd", "if=/dev/zero", "of=" + disk.path("fill"), "bs=4k", "count=500")
    answer = daemon.tool("sync")
    assert answer.status == FAILED and "item: " in answer.err, answer
    names_the_full_disk(answer.err, disk.path("cache.db"))
    disk.make_room()
    assert daemon.tool("sync").status == DONE
    assert disk.sql("select count(*) from item") == (0, "7000")


@pytest.mark.parametrize("command", ["status", "sync", "outbox", "rejected"])
def test_a_file_that_cannot_even_be_opened_says_why(disk, shop, command):
    """SQLite needs room for its index of the WAL, and calls the lack of it an I/O error."""
    daemon = daemon_on(disk, shop)
    assert daemon.tool("sync").status == DONE
    disk.fill()
    answer = daemon.tool(command)
    assert answer.status == FAILED, answer
    names_the_full_disk(answer.err, disk.path("cache.db"))
    shown = daemon.tool("doctor")
    assert "only 0 B free" in shown.out and "make room" in shown.out, shown


# -- the daemon --

def test_the_daemon_waits_for_room_and_goes_on_by_itself(disk, shop):
    daemon = started_on(disk, shop)
    pid = daemon.process.pid
    disk.fill()
    shop.run("update item set note = repeat('y', 200)")
    daemon.wait_state("blocked")
    before = daemon.cpu_seconds()
    status = daemon.status()
    assert "full" in status["reason"]["text"] and "make room" in status["reason"]["hint"], status["reason"]
    assert status["since"] and status["next_try"], status
    shown = wait_until(lambda: next((answer for answer in [daemon.tool("status")] if "Next try in" in answer.out), None), daemon.log)
    assert shown.status == NEEDS_PERSON, shown
    for words in ("blocked", "since ", "full", "make room", "Reads work"):
        assert words in shown.out, shown
    asked = daemon.tool("sync")
    assert asked.status == FAILED
    names_the_full_disk(asked.err, disk.path("cache.db"))
    assert disk.sql("select count(*) from item where note like 'x%'") == (0, "2000")
    assert daemon.cpu_seconds() - before < 1, "it waits, and does not try all the time"
    disk.make_room()
    wait_equal(disk, shop, daemon)
    assert daemon.process.pid == pid and is_alive(pid)


def stays_blocked_until_there_is_room(disk, world, daemon):
    """Up, with its reason, and not busy with trying."""
    daemon.wait_state("blocked")
    pid = daemon.process.pid
    before = daemon.cpu_seconds()
    status = daemon.status()
    assert status["next_try"] and "make room" in status["reason"]["hint"], status
    shown = daemon.tool("status")
    assert shown.status == NEEDS_PERSON and "blocked" in shown.out and "make room" in shown.out, shown
    asked = daemon.tool("sync")
    assert asked.status == FAILED
    names_the_full_disk(asked.err, disk.path("cache.db"))
    assert daemon.cpu_seconds() - before < 1, "it waits, and does not try all the time"
    disk.make_room()
    wait_equal(disk, world, daemon)
    assert daemon.process.pid == pid and is_alive(pid)


def test_a_daemon_that_is_started_on_a_full_disk_waits_for_room(disk, shop):
    disk.fill()
    daemon = daemon_on(disk, shop).start()
    stays_blocked_until_there_is_room(disk, shop, daemon)


def test_a_daemon_that_is_started_again_on_a_full_disk_waits_for_room(disk, shop):
    daemon = started_on(disk, shop)
    daemon.stop()
    disk.fill()
    shop.run("update item set note = 'changed meanwhile'")
    daemon.start()
    stays_blocked_until_there_is_room(disk, shop, daemon)


def test_a_daemon_that_waits_for_room_stops_at_once(disk, shop):
    disk.fill()
    daemon = daemon_on(disk, shop).start()
    daemon.wait_state("blocked")
    status, seconds = daemon.stop()
    assert status == DONE and seconds < 2


def test_settings_that_are_read_while_room_is_waited_for_move_no_file(disk, shop):
    disk.fill()
    daemon = daemon_on(disk, shop).start()
    daemon.wait_state("blocked")
    daemon.configure({"cache": {"path": disk.path("elsewhere.db")}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "takes effect after a restart" in daemon.log(), daemon.log)
    disk.make_room()
    wait_until(lambda: daemon.status()["state"] == "live", daemon.log, 60)
    assert disk.sql("select count(*) from item") == (0, "2000")
    assert "elsewhere" not in disk.run("ls", disk.folder).stdout


def test_a_local_write_that_finds_no_room_is_refused_whole(disk, shop):
    daemon = started_on(disk, shop)
    assert disk.sql("update item set counter = counter + 1 where id <= 10")[0] == 0
    disk.fill()
    status, text = disk.sql("update item set counter = counter + 1, note = 'local'")
    assert status != 0 and "full" in text
    disk.make_room()
    wait_equal(disk, shop, daemon)
    assert shop.value("select sum(counter) from item") == 10


def test_a_resync_without_room_does_not_end_the_daemon(disk, shop):
    daemon = started_on(disk, shop)
    disk.fill()
    answer = daemon.tool("resync")
    assert answer.status == FAILED and "make room" in answer.err, f"{answer}\n{daemon.log()}"
    daemon.wait_state("blocked")
    disk.make_room()
    wait_equal(disk, shop, daemon)


def test_a_refused_change_that_cannot_be_kept_in_a_file_is_not_discarded(disk, shop):
    shop.run("alter table item add check (counter < 5)")
    daemon = started_on(disk, shop)
    assert disk.sql("update item set counter = 7, note = hex(zeroblob(10000)) where id = 1")[0] == 0
    wait_until(lambda: daemon.status()["rejected"]["count"] == 1, daemon.log)
    disk.fill()
    for command in (("rejected", "discard", "--all", "--yes"), ("rejected", "retry", "--all")):
        answer = daemon.tool(*command)
        assert answer.status == FAILED and "make room" in answer.err, answer
        assert disk.sql("select count(*) from tide_rejected") == (0, "1"), "it is still there"
    assert "discarded" not in disk.run("ls", disk.folder).stdout
    disk.make_room()
    assert daemon.tool("rejected", "discard", "--all", "--yes").status == DONE
    wait_equal(disk, shop, daemon)


@pytest.mark.parametrize("disk", ["40m"], indirect=True)
def test_a_full_folder_for_temporary_files_is_told_from_a_full_disk(disk, shop):
    """A push keeps what it sends in temporary files of SQLite, beside which there may be room enough."""
    shop.run("insert into item (id, note) select n, repeat('x', 1000) from generate_series(2001, 10000) n")
    daemon = shop.daemon({"sync": {"push_batch": "100000"}}, prefix=disk.prefix, environment={"SQLITE_TMPDIR": disk.folder})
    daemon.wait_caught_up()
    disk.fill()
    cache = daemon.open_cache()
    cache.execute("update item set counter = counter + 1, note = note || 'y'")
    cache.close()
    daemon.wait_state("blocked")
    reason = daemon.status()["reason"]
    assert "full" in reason["text"] and "SQLITE_TMPDIR" in reason["hint"], reason
    disk.make_room()
    wait_until(lambda: daemon.status()["state"] == "live" and daemon.value("select count(*) from tide_outbox") == 0, daemon.log, 60)
    daemon.wait_caught_up()
    shop.assert_equal(daemon, "item")
    assert shop.value("select count(*) from item where counter = 1") == 10000


# -- a push --

def wait_for_sleeper(world):
    wait_until(lambda: world.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), "the push is under way")


def test_a_push_that_cannot_be_recorded_is_taken_back(disk, shop):
    shop.run("""create function slowly() returns trigger language plpgsql as
                $$ begin perform pg_sleep(1); return null; end $$;
                create trigger slowly after update on item execute function slowly()""")
    daemon = started_on(disk, shop)
    assert disk.sql("update item set counter = counter + 1, note = 'local'")[0] == 0
    wait_for_sleeper(shop)
    disk.fill()
    daemon.wait_state("blocked")
    status = daemon.status()
    assert shop.value("select sum(counter) from item") == 0
    assert status["pending"]["count"] == 2000 and "make room" in status["reason"]["hint"], status
    shown = daemon.tool("status")
    assert "2 000 pending" in shown.out and "full" in shown.out, shown
    disk.make_room()
    wait_equal(disk, shop, daemon)
    assert shop.value("select count(*) from item where counter = 1") == 2000


def set_on_server(world, name, value):
    world.cluster.run_alone(f"alter system set {name} = '{value}'")
    world.run("select pg_reload_conf()")
    wait_until(lambda: world.value("select current_setting(%s)", (name,)) == value, f"{name} is {value!r}")


def made_to_wait(world):
    """Its primary can be made to keep every COMMIT waiting: for a standby that is not there.
    And it makes something else of what is written."""
    world.run("set synchronous_commit = local")
    world.run(SCHEMA)
    world.track("item")
    world.run("""create function shout() returns trigger language plpgsql as
                 $$ begin new.note = upper(new.note); return new; end $$;
                 create trigger shout before update on item for each row execute function shout()""")
    return world


def test_a_push_that_arrived_and_cannot_be_finished_is_finished_later(disk, throw_away_cluster, world_on):
    """Meanwhile no round may pass: the echo would meet changes that are taken for pending."""
    shop = made_to_wait(world_on(throw_away_cluster()))
    daemon = started_on(disk, shop)
    assert disk.sql("update item set note = 'first' where id = 30")[0] == 0  # the device has its row there
    wait_equal(disk, shop, daemon)
    set_on_server(shop, "synchronous_standby_names", "nobody")
    assert disk.sql("update item set counter = counter + 1, note = 'local' where id <= 20")[0] == 0
    wait_until(lambda: shop.value("select count(*) from pg_stat_activity where wait_event = 'SyncRep'"), daemon.log)
    disk.fill()
    set_on_server(shop, "synchronous_standby_names", "")
    wait_until(lambda: shop.value("select sum(counter) from item") == 20, daemon.log)
    daemon.wait_state("blocked")
    reason = daemon.status()["reason"]
    assert "finish the push" in reason["text"] and "full" in reason["text"], reason
    time.sleep(1)
    disk.make_room()
    wait_equal(disk, shop, daemon)
    assert shop.value("select count(*) from item where counter = 1 and note = 'LOCAL'") == 20


def test_a_push_that_arrived_while_an_application_held_the_file(throw_away_cluster, world_on):
    """The finish gives up after 5 s; a round that then passed would lose what the primary made of the rows."""
    shop = made_to_wait(world_on(throw_away_cluster()))
    daemon = shop.daemon()
    daemon.wait_caught_up()
    cache = daemon.open_cache()
    cache.execute("update item set note = 'first' where id = 30")
    daemon.wait_caught_up()
    set_on_server(shop, "synchronous_standby_names", "nobody")
    cache.execute("update item set counter = counter + 1, note = 'local' where id <= 20")
    wait_until(lambda: shop.value("select count(*) from pg_stat_activity where wait_event = 'SyncRep'"), daemon.log)
    cache.execute("begin immediate")
    set_on_server(shop, "synchronous_standby_names", "")
    wait_until(lambda: "database is locked" in daemon.log(), daemon.log)
    time.sleep(0.5)
    cache.execute("rollback")
    cache.close()
    wait_until(lambda: daemon.status()["state"] == "live" and daemon.value("select count(*) from tide_outbox") == 0, daemon.log)
    daemon.wait_caught_up()
    shop.assert_equal(daemon, "item")
    assert shop.value("select count(*) from item where counter = 1 and note = 'LOCAL'") == 20
