"""What an application writes into the file, and how it comes to the primary: at once while
there is a link, afterwards when there was none, and each change exactly once."""
import os
import random
import signal
import time

import screen
from screen import Stopwatch, count, fact, heading, note
from stage import Mismatch

OWNER = "5e55a0e4-0000-4000-8000-000000000001"
COUNTED = 20_000


class Writer:
    """An application that knows the file only, and a session on the primary that looks."""

    def __init__(self, stage):
        self.file = stage.open_file()
        self.primary = stage.connect()

    def write(self, sql, parameters=()):
        """The first row that comes back, if any."""
        return self.file.execute(sql, parameters).fetchone()

    def look(self, sql):
        with self.primary.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()

    def wait_for(self, sql, expected, timeout_s=60.0):
        """The moment when the primary showed it (monotonic)."""
        deadline = time.monotonic() + timeout_s
        while (found := self.look(sql)) != expected:
            if time.monotonic() > deadline:
                raise Mismatch(f"the primary shows {found!r} instead of {expected!r}: {sql}")
            time.sleep(0.0005)
        return time.monotonic()

    def close(self):
        self.file.close()
        self.primary.close()


def show(what, file, primary, seconds):
    fact(what, f"file     {file}")
    fact("", f"primary  {primary}")
    fact("", f"         {screen.painted(f'there {screen.milliseconds(seconds)} after the commit', screen.GREEN)}")


def write_online(stage):
    heading("Changes in the file, arriving on the primary")
    note("Stock SQLite writes; each time runs from its commit until a session on the primary sees the change.")
    writer = Writer(stage)
    key = insert(writer)
    update(writer, key)
    upsert(writer)
    delete(writer, key)
    writer.close()


def insert(writer):
    llm, = writer.write("select id from live_llms limit 1")
    key, = writer.write("insert into agent_chat_session (owner_id, llm_id, title, tags) values (?, ?, ?, ?) returning id",
                        (OWNER, llm, "Written in the file", '["local"]'))
    began = time.monotonic()
    took = writer.wait_for(f"select title, tags[1], status::text from agent_chat_session where id = '{key}'",
                           ("Written in the file", "local", "open")) - began
    show("insert", "insert … title, tags '[\"local\"]'; id and status by default", f"{key[:8]}… | {{local}} | open", took)
    return key


def update(writer, key):
    writer.write("update agent_chat_session set title = 'Renamed in the file', is_pinned = 1 where id = ?", (key,))
    began = time.monotonic()
    took = writer.wait_for(f"select title, is_pinned from agent_chat_session where id = '{key}'",
                           ("Renamed in the file", True)) - began
    show("update", "update … set title = …, is_pinned = 1", "these two columns, and no other", took)


def upsert(writer):
    key, language = writer.write("select id, language from live_user_preferences limit 1")
    wanted = "de" if language != "de" else "en"
    writer.write("insert into user_preferences (id, owner_id, language) values (?, ?, ?)"
                 " on conflict (id) do update set language = excluded.language", (key, OWNER, wanted))
    began = time.monotonic()
    took = writer.wait_for(f"select language from user_preferences where id = '{key}'", (wanted,)) - began
    show("upsert", "insert … on conflict (id) do update set language = …", f"language {wanted}", took)


def delete(writer, key):
    writer.write("delete from agent_chat_session where id = ?", (key,))
    began = time.monotonic()
    took = writer.wait_for(f"select deleted_at is not null from agent_chat_session where id = '{key}'", (True,)) - began
    show("delete", "delete … : the table has deleted_at, so the row becomes a tombstone", "deleted_at is set", took)


def write_offline(stage):
    heading("No link: the application goes on writing")
    writer = Writer(stage)
    sessions = [row[0] for row in writer.file.execute(
        "select id from live_agent_chat_session order by id limit ?", (COUNTED + 2,))]
    before, = writer.look("select sum(message_count) from agent_chat_session")
    stage.cut_link()
    count_up(writer, sessions[:COUNTED])
    write_bad_row(writer)
    write_both_sides(writer, *sessions[COUNTED:])
    while stage.document("status")["pending"]["count"] < COUNTED + 3:
        time.sleep(0.05)
    screen.command("tidemark status -q", stage.tool("status", "-q"))
    heal(stage, writer, before + COUNTED)
    settle(stage)
    writer.close()


def count_up(writer, sessions):
    with Stopwatch() as watch:
        for first in range(0, COUNTED, 1000):
            writer.write("begin immediate")
            writer.file.executemany("update agent_chat_session set message_count = message_count + 1 where id = ?",
                                    [(key,) for key in sessions[first:first + 1000]])
            writer.write("commit")
    fact("file", f"message_count + 1 in {count(COUNTED)} sessions, {COUNTED // 1000} transactions, {watch.seconds:.1f} s")


def write_bad_row(writer):
    writer.write("insert into points_ledger (owner_id, amount, reason) values (?, 0, 'Nothing for nothing')", (OWNER,))
    fact("file", "a booking of 0 points, which the primary's CHECK will refuse")


def write_both_sides(writer, same, other):
    writer.write("update agent_chat_session set title = 'Title of here' where id = ?", (same,))
    writer.write("update agent_chat_session set title = 'Title of here' where id = ?", (other,))
    writer.look(f"update agent_chat_session set title = 'Title of there' where id = '{same}' returning 1")
    writer.look(f"update agent_chat_session set status = 'closed' where id = '{other}' returning 1")
    fact("both", "one session gets another title here and there, one a title here and a status there")


def heal(stage, writer, expected):
    heading("The link is back, and tidemarkd is killed in the middle of its push")
    stage.restore_link()
    stage.tool("resume")
    writer.wait_for("select count(*) > 0 from pg_stat_activity where usename = 'tidemark' and state <> 'idle'"
                    " and backend_xid is not null", (True,))
    time.sleep(random.uniform(0.0, 0.3))
    stage.kill_daemon()
    fact("killed", f"kill -{signal.SIGKILL.value}; the primary has {progress(writer, expected)} of the push")
    stage.start_daemon()
    stage.tool("wait", "--timeout", "60s")
    total, = writer.look("select sum(message_count) from agent_chat_session")
    if total != expected:
        raise Mismatch(f"the counters sum up to {total} instead of {expected}")
    fact("counters", f"every one of the {count(COUNTED)} additions is there, and none twice")


def progress(writer, expected):
    total, = writer.look("select sum(message_count) from agent_chat_session")
    return "all" if total == expected else "nothing"


def settle(stage):
    heading("What needs a person, and what lost")
    screen.command("tidemark rejected", stage.tool("rejected", statuses=(3,)))
    number = stage.document("rejected")["changes"][0]["id"]
    screen.command(f"tidemark rejected discard {number} --yes",
                   stage.tool("rejected", "discard", str(number), "--yes").replace(stage.folder + os.sep, "…/"))
    screen.command("tidemark conflicts", stage.tool("conflicts"))
    stage.tool("wait", "--timeout", "60s")
