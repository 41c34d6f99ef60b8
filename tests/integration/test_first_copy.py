"""A new cache is filled beside its place and moved in whole, whatever happens meanwhile."""
import os
import sqlite3
import stat

import pytest
from support.process import wait_until

ROWS = 40_000
SCHEMA = f"""
create table big (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
create index ix_big_note on big (note);
create table small (id int primary key, note text, updated_at timestamptz not null default now());
insert into big (id, note) select n, 'note ' || n || repeat(' long', 60) from generate_series(1, {ROWS}) n;
insert into small (id, note) select n, 'note ' || n from generate_series(1, 50) n;
"""
CHANGE = """
update big set note = 'changed', updated_at = now() where id % 100 = 7;
update big set deleted_at = now(), updated_at = now() where id = 8;
delete from small where id = 7;
"""
BESIDE = "-tide-first-copy"


@pytest.fixture
def shop(world):
    world.run(SCHEMA)
    world.track("big", "small")
    return world


def assert_equal_and_alone(world, daemon):
    """Nothing is left of the first copy."""
    daemon.wait_caught_up()
    world.assert_equal(daemon, "big", "small")
    assert daemon.value("pragma integrity_check") == "ok"
    assert daemon.value("pragma journal_mode") == "wal"
    left = {name for name in os.listdir(daemon.folder) if BESIDE in name}
    assert not left, left


def killed_at(daemon, point):
    daemon.start(fault=point, ready=False)
    assert daemon.wait_end() == -9, daemon.log()


def test_there_is_no_cache_until_it_is_whole(shop):
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed:2")
    assert not os.path.exists(daemon.cache_path)
    shown = daemon.tool("status")
    assert shown.status == 75 and "there is no cache at" in shown.err and "first copy" in shown.err, shown
    assert daemon.tool("sync").status == 0
    assert stat.S_IMODE(os.stat(daemon.cache_path).st_mode) == 0o660
    assert_equal_and_alone(shop, daemon.start())


@pytest.mark.parametrize("point", ["first_copy.finished", "first_copy.moved"])
@pytest.mark.parametrize("early", [False, True], ids=["free place", "opened too early"])
def test_killed_on_its_way_in(shop, point, early):
    daemon = shop.daemon(start=False)
    if early:
        killed_at(daemon, "snapshot.chunk_committed")
        sqlite3.connect(daemon.cache_path).execute("select count(*) from sqlite_schema").fetchone()
        assert os.path.getsize(daemon.cache_path) == 0
    killed_at(daemon, point)
    shop.run(CHANGE)
    assert_equal_and_alone(shop, daemon.start())


def test_who_opens_the_file_too_early_sees_the_rows(shop):
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed")
    early = sqlite3.connect(daemon.cache_path)
    assert early.execute("select count(*) from sqlite_schema").fetchone() == (0,)
    daemon.start()
    daemon.wait_caught_up()
    assert early.execute("select count(*) from big").fetchone() == (ROWS,)
    early.execute("update small set note = 'from here' where id = 1")
    early.commit()
    daemon.wait_caught_up()
    assert shop.value("select note from small where id = 1") == "from here"
    assert_equal_and_alone(shop, daemon)
    early.close()


def test_a_reader_in_the_midst_of_reading_is_waited_for(shop):
    """It has the empty file and looks at it for longer than a lock is waited for."""
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed")
    reader = sqlite3.connect(daemon.cache_path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from sqlite_schema").fetchone()
    daemon.start()
    wait_until(lambda: "is locked" in daemon.log(), daemon.log, 30)
    assert daemon.cpu_seconds() < 3, "it waits, and does not try all the time"
    reader.execute("commit")
    assert_equal_and_alone(shop, daemon)
    assert reader.execute("select count(*) from big").fetchone() == (ROWS,)
    reader.close()


def test_who_reads_the_first_copy_is_waited_for(shop):
    """It is nobody's business; the copy goes on when they are done."""
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed")
    curious = sqlite3.connect(daemon.cache_path + BESIDE, isolation_level=None)
    curious.execute("begin")
    assert curious.execute("select row_count from tide_copy").fetchone()[0] > 0
    daemon.start(ready=False)
    wait_until(lambda: "is locked" in daemon.log(), daemon.log, 30)
    assert not os.path.exists(daemon.cache_path)
    curious.close()
    assert_equal_and_alone(shop, daemon)


def test_what_another_boot_has_left_is_not_trusted(shop):
    """A computer that stops keeps what it likes of a file that was not flushed."""
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed:3")
    with open(daemon.cache_path + "-tide-lock", "w") as note:
        note.write("00000000-0000-4000-8000-000000000000")
    with open(daemon.cache_path + BESIDE, "r+b") as lost:
        lost.seek(8192)
        lost.write(bytes(1 << 20))
    shop.run(CHANGE)
    assert_equal_and_alone(shop, daemon.start())


def test_a_folder_that_refuses_the_move_is_tried_again(shop):
    """What cures it is tried by itself, and the copy is not made anew."""
    daemon = shop.daemon(start=False)
    killed_at(daemon, "first_copy.finished")
    os.mkdir(daemon.cache_path)
    answer = daemon.tool("sync")
    assert answer.status == 1 and "that is a folder" in answer.err, answer
    os.rmdir(daemon.cache_path)
    assert os.path.exists(daemon.cache_path + BESIDE)
    assert_equal_and_alone(shop, daemon.start())


def slowly(world):
    """A daemon whose first copy takes half a minute, until the proxy heals; some of it is there."""
    proxy = world.proxy()
    proxy.delay(0.0005)
    daemon = world.daemon(conninfo=proxy.conninfo(world.database))
    beside = daemon.cache_path + BESIDE
    wait_until(lambda: os.path.exists(beside) and os.path.getsize(beside) > 900_000, daemon.log, 30)
    return proxy, daemon


def test_a_file_that_somebody_removes_is_made_anew(shop):
    proxy, daemon = slowly(shop)
    os.unlink(daemon.cache_path + BESIDE)
    proxy.heal()
    assert_equal_and_alone(shop, daemon)
    assert "somebody has removed" in daemon.log(), daemon.log()


def test_somebody_who_looks_into_it_may_switch_it_to_wal(shop):
    proxy, daemon = slowly(shop)
    curious = sqlite3.connect(daemon.cache_path + BESIDE, timeout=5)
    assert curious.execute("pragma journal_mode = wal").fetchone() == ("wal",)
    curious.execute("select count(*) from sqlite_schema").fetchone()
    proxy.heal()
    wait_until(lambda: "another program" in daemon.log() or daemon.ended(), daemon.log, 30)
    curious.close()
    assert_equal_and_alone(shop, daemon)


def test_what_a_removed_cache_has_left_is_not_laid_over_the_new_one(shop):
    """Killed, then thrown away as one throws a file away: by its name."""
    daemon = shop.daemon()
    daemon.wait_caught_up()
    for number in range(50):
        shop.run("update small set note = repeat(%s, 200) where id = %s", (f"n{number}", number + 1))
    daemon.wait_caught_up()
    daemon.kill()
    assert os.path.getsize(daemon.cache_path + "-wal") > 0
    os.unlink(daemon.cache_path)
    shop.run(CHANGE)
    assert_equal_and_alone(shop, daemon.start())


@pytest.mark.skipif(os.geteuid() != 0, reason="makes files of two users")
def test_an_empty_file_of_another_user_does_not_keep_the_cache_out(shop):
    """SQLite makes files that only their owner writes, whatever the group of the folder may do."""
    daemon = shop.daemon(start=False)
    os.chmod(daemon.folder, 0o777)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    daemon.start(fault="snapshot.chunk_committed", ready=False, prefix=nobody)
    assert daemon.wait_end() == -9, daemon.log()
    sqlite3.connect(daemon.cache_path).execute("select count(*) from sqlite_schema").fetchone()
    daemon.start(fault="first_copy.finished", ready=False, prefix=nobody)
    assert daemon.wait_end() == -9, daemon.log()
    sqlite3.connect(daemon.cache_path).execute("select count(*) from sqlite_schema").fetchone()
    daemon.start(ready=False, prefix=nobody)
    wait_until(lambda: "in its place" in daemon.log(), daemon.log, 30)
    assert_equal_and_alone(shop, daemon)
    assert stat.S_IMODE(os.stat(daemon.cache_path).st_mode) == 0o660


def test_who_opens_it_early_may_choose_another_page_size(shop):
    daemon = shop.daemon(start=False)
    killed_at(daemon, "snapshot.chunk_committed")
    early = sqlite3.connect(daemon.cache_path, isolation_level=None)
    early.execute("pragma page_size = 1024")
    early.execute("pragma journal_mode = wal")
    assert_equal_and_alone(shop, daemon.start())
    assert early.execute("select count(*) from big").fetchone() == (ROWS,)
    early.close()


def test_somebody_who_looked_into_it_in_wal_mode_leaves(shop):
    """Whoever believes to be the last one takes the WAL away."""
    proxy, daemon = slowly(shop)
    curious = sqlite3.connect(daemon.cache_path + BESIDE, timeout=5)
    assert curious.execute("pragma journal_mode = wal").fetchone() == ("wal",)
    curious.execute("select count(*) from sqlite_schema").fetchone()
    wait_until(lambda: os.path.getsize(daemon.cache_path + BESIDE + "-wal") > 2_000_000, daemon.log, 30)
    curious.close()
    assert os.path.exists(daemon.cache_path + BESIDE + "-wal"), "the daemon still has it open"
    proxy.heal()
    assert_equal_and_alone(shop, daemon)
