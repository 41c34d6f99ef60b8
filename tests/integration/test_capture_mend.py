"""The triggers are in a file that anybody may write; the daemon looks after them."""
import re
import sqlite3

import pytest

from support.daemon import ROOT
from support.process import wait_until

SCHEMA = """
create table note (id integer primary key, title text, updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into note (id, title) values (1, 'a'), (2, 'b');
"""


@pytest.fixture
def daemon(world):
    world.run(SCHEMA)
    world.track("note")
    daemon = world.daemon()
    daemon.wait_caught_up()
    return daemon


def triggers(daemon):
    return daemon.query("select name, sql from sqlite_schema where type in ('trigger', 'view') order by name")


@pytest.mark.parametrize("meddling", [
    "drop trigger tide_capture_update_note",
    "drop trigger tide_capture_keep_note",
    "drop view tide_capture_note",
    "drop view live_note",
    "create trigger thief after insert on tide_outbox begin delete from tide_outbox; end",
    "drop trigger tide_capture_update_note; create trigger tide_capture_update_note before update on note begin select 1; end",
])
def test_what_an_application_does_to_the_triggers_is_undone_and_said(world, daemon, meddling):
    before = triggers(daemon)
    for statement in re.split(r"; (?=create|drop)", meddling):
        daemon.query(statement)
    wait_until(lambda: triggers(daemon) == before, lambda: f"the triggers as they were\n{daemon.log()}")
    wait_until(lambda: "note: its triggers or its view" in daemon.log() or "trigger thief dropped" in daemon.log(), "a word about it")
    daemon.query("update note set title = 'mine' where id = 1")
    wait_until(lambda: world.value("select title from note where id = 1") == "mine", lambda: daemon.log())


def test_a_daemon_that_changes_the_file_itself_finds_nothing_to_mend(world, daemon):
    world.run("create table other (id integer primary key)")
    wait_until(lambda: daemon.table("other"), "the new table")
    daemon.wait_caught_up()
    assert "made anew" not in daemon.log() and "dropped: this table" not in daemon.log()


def first_format(path):
    """Makes a cache what the version before the outbox left behind."""
    with open(f"{ROOT}/migrations/cache/0001_mirror.sql") as script:
        names = set(re.findall(r"^create (?:table|view) (\w+)", script.read(), re.M))
    cache = sqlite3.connect(path, isolation_level=None)
    for kind, name in cache.execute("select type, name from sqlite_schema where type in ('trigger', 'view', 'table')"
                                    " and name like 'tide\\_%' escape '\\' order by type = 'table'").fetchall():
        if name not in names and not name.startswith("tide_unit_insert"):
            cache.execute(f'drop {kind} if exists "{name}"')
    for event in ("insert", "update", "delete"):
        cache.execute(f"create trigger tide_guard_{event}_note before {event} on note when coalesce((select open from tide_gate), 0) = 0"
                      " begin select raise(abort, 'tidemark: note is read-only in this version'); end")
    cache.execute("pragma user_version = 1")
    cache.close()


def test_a_cache_of_the_version_that_refused_writes_takes_them(world, daemon):
    daemon.stop()
    before = triggers(daemon)
    first_format(daemon.cache_path)
    with pytest.raises(sqlite3.Error, match="read-only"):
        daemon.query("update note set title = 'mine' where id = 1")
    daemon.start()
    daemon.wait_caught_up()
    wait_until(lambda: triggers(daemon) == before, lambda: f"{triggers(daemon)}\n{daemon.log()}")
    daemon.query("update note set title = 'mine' where id = 1")
    wait_until(lambda: world.value("select title from note where id = 1") == "mine", lambda: daemon.log())
