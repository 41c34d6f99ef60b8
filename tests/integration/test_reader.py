"""An application with stock SQLite beside the daemon: never blocked, never surprised."""
import os
import sqlite3
import subprocess
import time

import pytest
from support.background import Background
from support.process import wait_until

ROWS = 50_000
SCHEMA = f"""
create table doc (id int primary key, title text not null, n int not null default 0,
                  updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into doc (id, title) select n, 'title ' || n from generate_series(1, {ROWS}) n;
"""


@pytest.fixture
def followed(world):
    world.run(SCHEMA)
    world.track("doc")
    daemon = world.daemon()
    daemon.wait_caught_up()
    return world, daemon


class ImpatientReader(Background):
    """Reads all the time and waits for nobody: any lock is an error."""

    def __init__(self, daemon):
        self._daemon = daemon
        self.looks, self.longest_s = 0, 0.0
        super().__init__(self._read)

    def _read(self):
        cache = self._daemon.open_cache(timeout_s=0)
        while not self.stopping.is_set():
            started = time.monotonic()
            cache.execute("select id, title, n from doc where id between 100 and 110").fetchall()
            cache.execute("select title from live_doc where id = 5").fetchone()
            self.longest_s = max(self.longest_s, time.monotonic() - started)
            self.looks += 1


def test_a_reader_is_never_blocked_while_rounds_are_applied(followed):
    world, daemon = followed
    with ImpatientReader(daemon) as reader:
        for number in range(3):
            world.run("update doc set n = n + 1")
            daemon.wait_caught_up()
    assert reader.looks > 20
    assert reader.longest_s < 1.0


def test_a_reader_is_never_blocked_while_a_table_is_copied_anew(followed):
    _, daemon = followed
    with ImpatientReader(daemon) as reader:
        for _ in range(3):
            assert daemon.tool("resync", "doc").status == 0
    assert reader.looks > 20
    assert reader.longest_s < 1.0


def test_a_reader_of_another_table_is_never_blocked_during_a_first_copy(followed):
    world, daemon = followed
    with ImpatientReader(daemon):
        world.run(SCHEMA.replace("doc", "later"))
        wait_until(lambda: daemon.table("later") and daemon.table("later")["state"] == "live", lambda: daemon.log(), 60)
    world.assert_equal(daemon, "later", "doc")


def test_a_reader_that_never_ends_does_not_hold_up_the_daemon(followed):
    world, daemon = followed
    cache = daemon.open_cache()
    cache.execute("begin")
    before = cache.execute("select sum(n) from doc").fetchone()
    for _ in range(3):
        world.run("update doc set n = n + 1 where id <= 1000")
        daemon.wait_caught_up()
    assert cache.execute("select sum(n) from doc").fetchone() == before, "a transaction reads one state"
    assert daemon.value("select sum(n) from doc") == 3000
    cache.close()


def test_an_application_that_holds_the_write_lock_is_waited_for(followed):
    world, daemon = followed
    cache = daemon.open_cache()
    cache.execute("create table my_own (id integer primary key, note text)")
    cache.execute("begin immediate")
    cache.execute("insert into my_own (note) values ('mine')")
    world.run("update doc set n = 7 where id = 1")
    assert daemon.tool("wait", "--timeout", "2s").status != 0, "nobody can write now"
    assert daemon.value("select n from doc where id = 1") == 0
    cache.execute("commit")
    daemon.wait_caught_up()
    assert daemon.value("select n from doc where id = 1") == 7
    assert daemon.value("select note from my_own") == "mine"
    assert daemon.status()["state"] == "live"


FTS = """
create virtual table doc_search using fts5(title, content='doc', content_rowid='id');
insert into doc_search(doc_search) values ('rebuild');
create trigger doc_search_insert after insert on doc begin
    insert into doc_search(rowid, title) values (new.id, new.title); end;
create trigger doc_search_delete after delete on doc begin
    insert into doc_search(doc_search, rowid, title) values ('delete', old.id, old.title); end;
create trigger doc_search_update after update on doc begin
    insert into doc_search(doc_search, rowid, title) values ('delete', old.id, old.title);
    insert into doc_search(rowid, title) values (new.id, new.title); end;
"""


def found(daemon, word):
    return [row[0] for row in daemon.query("select rowid from doc_search where doc_search match ? order by rowid", (word,))]


@pytest.fixture
def searched(followed):
    world, daemon = followed
    cache = daemon.open_cache()
    cache.executescript(FTS)
    cache.close()
    return world, daemon


def test_an_fts5_trigger_on_a_mirrored_table_keeps_working(searched):
    world, daemon = searched
    world.run("update doc set title = 'walrus' where id = 3; insert into doc (id, title) values (99999, 'a walrus too'); delete from doc where id = 4")
    daemon.wait_caught_up()
    assert found(daemon, "walrus") == [3, 99999]
    assert found(daemon, "4") == []
    world.assert_equal(daemon, "doc")


def test_an_fts5_trigger_survives_a_resync_and_a_schema_change(searched):
    world, daemon = searched
    world.run("update doc set title = 'heron' where id = 5")
    assert daemon.tool("resync", "doc").status == 0
    assert found(daemon, "heron") == [5]
    world.run("alter table doc add column extra int; update doc set title = 'osprey' where id = 6")
    wait_until(lambda: not differences_or_none(world, daemon), lambda: daemon.log(), 30)
    world.run("update doc set title = 'walrus' where id = 7")
    daemon.wait_caught_up()
    assert found(daemon, "walrus") == [7] and found(daemon, "osprey") == [6]
    daemon.query("insert into doc_search(doc_search) values ('integrity-check')")


def differences_or_none(world, daemon):
    try:
        return world.differences(daemon, "doc")
    except sqlite3.Error as failure:
        return str(failure)


def test_an_applications_index_and_view_survive_a_resync(followed):
    _, daemon = followed
    cache = daemon.open_cache()
    cache.executescript("create index my_index on doc (n, title); create view my_view as select id, title from doc where n = 0")
    cache.close()
    assert daemon.tool("resync", "doc").status == 0
    assert daemon.value("select count(*) from my_view") == ROWS
    assert daemon.query("select 1 from sqlite_master where type = 'index' and name = 'my_index' and tbl_name = 'doc'")


def test_stock_sqlite3_reads_everything(followed):
    _, daemon = followed
    script = "pragma integrity_check; pragma foreign_key_check; select count(*) from doc; select count(*) from live_doc; select * from tide_status;"
    result = subprocess.run(["sqlite3", "-batch", daemon.cache_path, script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:3] == ["ok", str(ROWS), str(ROWS)] and len(lines) == 4
    dump = subprocess.run(["sqlite3", "-batch", daemon.cache_path, ".dump doc"], capture_output=True, text=True)
    assert dump.returncode == 0 and dump.stdout.count("INSERT INTO doc") == ROWS


def test_stock_sqlite3_reads_a_file_that_was_copied_away(followed):
    _, daemon = followed
    daemon.stop()
    copy = os.path.join(daemon.folder, "copy.db")
    result = subprocess.run(["sqlite3", daemon.cache_path, f".backup {copy}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    cache = sqlite3.connect(copy)
    assert cache.execute("select count(*) from doc").fetchone() == (ROWS,)
    cache.close()


def test_the_status_view_says_how_fresh_the_cache_is(followed):
    _, daemon = followed
    cache = daemon.open_cache()
    cache.row_factory = sqlite3.Row
    rows = cache.execute("select * from tide_status").fetchall()
    cache.close()
    assert len(rows) == 1 and any("20" in str(value) for value in dict(rows[0]).values())


def test_the_cache_file_has_the_configured_mode(world):
    world.run(SCHEMA)
    daemon = world.daemon({"cache": {"mode": "0640"}})
    daemon.wait_caught_up()
    for name in ("", "-wal", "-shm"):
        assert os.stat(daemon.cache_path + name).st_mode & 0o777 == 0o640, name


def test_a_row_that_did_not_change_is_not_written(followed):
    world, daemon = followed
    watch = daemon.open_cache()
    watch.executescript("create table seen (id int); create trigger seen_update after update on doc begin insert into seen values (new.id); end;")
    world.run("update doc set n = n where id = 1; update doc set n = 1 where id = 2")
    daemon.wait_caught_up()
    assert (2,) in watch.execute("select id from seen").fetchall()
    seen_before = watch.execute("select count(*) from seen").fetchone()
    size = os.path.getsize(daemon.cache_path + "-wal")
    for _ in range(5):
        daemon.wait_caught_up()
    assert watch.execute("select count(*) from seen").fetchone() == seen_before
    assert os.path.getsize(daemon.cache_path + "-wal") <= size + 5 * 40_000, "idle rounds fill the WAL"
    watch.close()
