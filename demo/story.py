"""What happens on the primary once the file follows it, seen from both sides."""
import time

import screen
from screen import fact, heading, note
from stage import Mismatch, wait_for_file

SESSION = "md5('session 42')::uuid"
OTHER = "md5('session 43')::uuid"
WRITTEN_OFFLINE = "select count(*) from agent_chat_session where title = 'Written while offline'"
LATE = "md5('session 44')::uuid"


class Application:
    """Writes on the primary and looks into the file, as two programs would."""

    def __init__(self, stage):
        self.primary = stage.connect(autocommit=False)
        self.file = stage.open_file()

    def write(self, sql, parameters=None):
        """One statement in the open transaction; its RETURNING row, if any."""
        with self.primary.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone() if cursor.description else None

    def commit(self):
        """Commits; the moment before COMMIT was sent (monotonic)."""
        at = time.monotonic()
        self.primary.commit()
        return at

    def wait_for(self, sql, expected):
        return wait_for_file(self.file, sql, expected)

    def close(self):
        self.primary.close()
        self.file.close()


def follow_changes(stage):
    heading("Changes on the primary, arriving in the file")
    note("Each time runs from COMMIT until another program, polling the file with SQLite, reads the change.")
    application = Application(stage)
    insert(application)
    update(application)
    soft_delete(application)
    hard_delete(application)
    many_rows(application)
    late_commit(stage, application)
    application.close()


def insert(application):
    key, title = application.write(
        "insert into agent_chat_session (owner_id, llm_id, title, tags, context, cost)"
        " values (md5('owner 1')::uuid, md5('llm 7')::uuid, 'A new chat', '{demo,\"two words\"}',"
        " '{\"city\": \"Graz\"}', 0.000125) returning id::text, title")
    look = f"select title, tags, context, cost from agent_chat_session where id = '{key}'"
    expected = (title, '["demo","two words"]', '{"city": "Graz"}', 0.000125)
    took = -application.commit() + application.wait_for(look, expected)
    screen.change("insert", f"insert … title '{title}', tags {{demo,\"two words\"}}, cost 0.000125",
                  " | ".join(map(str, expected)), took)


def update(application):
    key, updated_at = application.write(
        f"update agent_chat_session set title = 'Renamed', status = 'closed' where id = {SESSION}"
        """ returning id::text, to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""")
    look = f"select title, status, updated_at from agent_chat_session where id = '{key}'"
    expected = ("Renamed", "closed", updated_at)
    took = -application.commit() + application.wait_for(look, expected)
    screen.change("update", "update … set title = 'Renamed', status = 'closed'", " | ".join(expected), took)


def soft_delete(application):
    key, = application.write(
        f"update agent_chat_session set deleted_at = now() where id = {OTHER} returning id::text")
    look = (f"select deleted_at is not null, (select count(*) from live_agent_chat_session where id = '{key}')"
            f" from agent_chat_session where id = '{key}'")
    took = -application.commit() + application.wait_for(look, (1, 0))
    screen.change("soft delete", "update … set deleted_at = now()",
                  "a tombstone in agent_chat_session, gone from live_agent_chat_session", took)


def hard_delete(application):
    key, = application.write("delete from points_ledger where id = (select min(id::text)::uuid from points_ledger)"
                             " returning id::text")
    took = -application.commit() + application.wait_for(f"select count(*) from points_ledger where id = '{key}'", (0,))
    screen.change("hard delete", "delete from points_ledger …", "0 rows with that key", took)


def many_rows(application):
    application.write("update agent_chat_session set message_count = message_count + 1000"
                      " where id in (select md5('session ' || n)::uuid from generate_series(1001, 11000) n)")
    took = -application.commit() + application.wait_for(
        "select count(*) from agent_chat_session where message_count >= 1000", (10000,))
    screen.change("10 000 rows", "update … 10 000 rows in one transaction",
                  "all 10 000 at once: one transaction there, one here", took)


def late_commit(stage, application):
    """The case that a cursor on updated_at loses: an old stamp that becomes visible after a newer one."""
    late = Application(stage)
    stamp = "to_char(updated_at at time zone 'UTC', 'HH24:MI:SS.US')"
    early_stamp, key = late.write(
        f"update agent_chat_session set title = 'Late' where id = {LATE} returning {stamp}, id::text")
    time.sleep(0.5)
    newer_stamp, newer_key = application.write(
        f"update agent_chat_session set title = 'Sooner' where id = {SESSION} returning {stamp}, id::text")
    took = -application.commit() + application.wait_for(
        f"select title from agent_chat_session where id = '{newer_key}'", ("Sooner",))
    screen.change("sooner", f"a later transaction commits first   (updated_at {newer_stamp})", "Sooner", took)
    time.sleep(0.5)
    took = -late.commit() + application.wait_for(
        f"select title from agent_chat_session where id = '{key}'", ("Late",))
    screen.change("late commit", f"the earlier one commits at last     (updated_at {early_stamp}: in the past)", "Late", took)
    note("A cursor on updated_at has passed that time already and would never look there again.")
    late.close()


def lose_the_link(stage):
    heading("The link is cut")
    application = Application(stage)
    cut_at = time.monotonic()
    stage.cut_link()
    wait_for_state(stage, "offline")
    application.write("update agent_chat_session set title = 'Written while offline' where id in"
                      " (select md5('session ' || n)::uuid from generate_series(101, 1100) n)")
    application.write("delete from points_ledger where id = (select max(id::text)::uuid from points_ledger)")
    application.commit()
    fact("primary", "1 000 rows updated and one deleted, out of the file's sight")
    rows, changed = application.file.execute(f"select count(*), ({WRITTEN_OFFLINE})"
                                               " from live_agent_chat_session").fetchone()
    if changed:
        raise Mismatch(f"the link is cut, and {changed} changes came through it")
    fact("file", f"goes on being read: {screen.count(rows)} sessions, none of the 1 000 changes yet")
    stay_offline(cut_at)
    screen.command("tidemark status", stage.tool("status"))
    restore(stage, application)
    application.close()


def stay_offline(since, wanted_s=3.0):
    time.sleep(max(0.0, since + wanted_s - time.monotonic()))


def wait_for_state(stage, wanted, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while (words := stage.tool("status", "-q").split()) and words[0] != wanted:
        if time.monotonic() > deadline:
            raise Mismatch(f"the state is {words[0]} and not {wanted} after {timeout_s:g} s")
        time.sleep(0.05)


def restore(stage, application):
    heading("The link is back")
    back_at = time.monotonic()
    stage.restore_link()
    seen_at = application.wait_for(WRITTEN_OFFLINE, (1000,))
    fact("file", f"all 1 000 changes are there {screen.milliseconds(seen_at - back_at)} after the link came back,"
                 " at the next try")
    stage.tool("wait", "--timeout", "60s")
    wait_for_state(stage, "live")
    screen.command("tidemark status", stage.tool("status"))
