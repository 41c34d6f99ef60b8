"""The tool and the control socket: what a person and a script see and may do."""
import json
import os
import socket
import subprocess
import time

import pytest
from support.daemon import CLEAN_ENVIRONMENT, program, run_program
from support.process import SERVER_USER, wait_until

SCHEMA = """
create table item (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
create table log (line text);
insert into item (id, note) select n, 'note ' || n from generate_series(1, 100) n;
"""


@pytest.fixture
def followed(world):
    world.run(SCHEMA)
    world.track("item")
    daemon = world.daemon()
    daemon.wait_caught_up()
    return world, daemon


STATUS_KEYS = {"v", "kind", "cache", "state", "since", "reason", "next_try", "mark", "behind_s", "primary", "pending", "rejected",
               "conflicts", "push", "write_lock", "tables", "tables_known", "refused", "progress", "rounds", "cost", "version", "hints"}


def test_status_json_has_every_promised_key(followed):
    world, daemon = followed
    status = daemon.status()
    assert STATUS_KEYS <= set(status), STATUS_KEYS - set(status)
    assert status["v"] == 1 and status["kind"] == "status" and status["state"] == "live" and status["reason"] is None
    table = status["tables"][0]
    assert table["name"] == "item" and table["state"] == "live" and table["rows"] == 100 and table["mode"] == "tracked"
    assert table["cursor"] and table["mark"] and table["promise"]
    assert status["primary"]["connected"] is True and status["primary"]["database"] == world.database
    assert status["cost"]["file_bytes"] > 0 and status["cost"]["resident_bytes"] > 1_000_000


def test_status_without_a_daemon_says_the_same_of_each_table(world):
    world.run(SCHEMA + "create table plain (id int primary key); insert into plain values (1), (2)")
    world.run("update item set deleted_at = now() where id <= 10")
    daemon = world.daemon()
    daemon.wait_caught_up()
    keys = ("schema", "mode", "rows", "promise")
    running = {name: [daemon.table(name)[key] for key in keys] for name in ("item", "plain")}
    daemon.stop()
    answer = daemon.tool("status", "--json")
    stopped = {table["name"]: [table[key] for key in keys] for table in answer.document["tables"]}
    assert stopped == running


def test_status_for_people_says_state_table_and_rows(followed):
    world, daemon = followed
    out = daemon.tool("status").out
    assert out.startswith("live") and "item" in out and "100" in out and world.database in out
    assert "\x1b[" not in out, "no colour off a terminal"


def test_status_in_one_line_for_prompts(followed):
    _, daemon = followed
    answer = daemon.tool("status", "-q")
    assert answer.status == 0 and answer.out.startswith("live") and answer.out.count("\n") == 1, answer


def test_status_counts_live_rows(followed):
    world, daemon = followed
    world.run("update item set deleted_at = now() where id <= 10; insert into item (id) values (1000)")
    daemon.wait_caught_up()
    assert daemon.table("item")["rows"] == 91


def test_the_mark_moves_on_while_nothing_changes(followed):
    _, daemon = followed
    before = daemon.status()["mark"]
    daemon.wait_caught_up()
    assert daemon.status()["mark"] > before


def test_a_stop_leaves_how_fresh_the_cache_is(followed):
    """Rounds that bring nothing write nothing: only the end of the daemon writes down how far it came."""
    _, daemon = followed
    before = daemon.value("select complete_up_to from tide_status")
    daemon.wait_caught_up()
    seen = daemon.status()["mark"]
    assert seen > before
    daemon.stop()
    assert daemon.value("select complete_up_to from tide_status") >= seen


def test_status_without_a_daemon_reads_the_cache(followed):
    _, daemon = followed
    daemon.stop()
    answer = daemon.tool("status", "--json")
    assert answer.document["state"] == "stopped", answer
    assert answer.document["cost"]["resident_bytes"] is None, answer
    shown = daemon.tool("status")
    assert "disk " in shown.out and "memory" not in shown.out, shown
    assert answer.document["mark"] and [table["rows"] for table in answer.document["tables"]] == [100]


def test_status_before_the_first_sync(world):
    world.run(SCHEMA)
    daemon = world.daemon(start=False)
    answer = daemon.tool("status")
    assert answer.status == 75 and "cache.db" in answer.err and "tidemark sync" in answer.err, answer


def test_sync_without_a_daemon_makes_one_full_round(world):
    world.run(SCHEMA)
    daemon = world.daemon(start=False)
    daemon.sync()
    world.assert_equal(daemon, "item")
    world.run("update item set note = 'changed', updated_at = now()")
    daemon.sync()
    world.assert_equal(daemon, "item")


def test_sync_with_a_daemon_asks_it(followed):
    world, daemon = followed
    world.run("update item set note = 'changed'")
    answer = daemon.sync()
    world.assert_equal(daemon, "item")
    assert answer.status == 0


def test_sync_json_is_json_lines(world):
    world.run(SCHEMA)
    daemon = world.daemon(start=False)
    answer = daemon.tool("sync", "--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.status == 0 and lines and all(line["v"] == 1 and line["kind"] for line in lines)


def test_an_error_in_json_ends_with_one_error_document(world):
    daemon = world.daemon(conninfo="host=127.0.0.1 port=1 dbname=shop user=postgres", start=False)
    answer = daemon.tool("sync", "--json")
    document = json.loads(answer.err.splitlines()[-1])
    assert answer.status == 75 and document["kind"] == "error" and document["code"] == 75
    assert document["name"] == "transient" and document["message"]


def test_wait_ends_with_a_timeout_when_the_primary_is_away(world):
    world.run(SCHEMA)
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database))
    daemon.wait_caught_up()
    proxy.refuse()
    started = time.monotonic()
    answer = daemon.tool("wait", "--timeout", "1s")
    assert answer.status not in (0, 2) and 0.9 < time.monotonic() - started < 10, answer
    proxy.heal()
    daemon.wait_caught_up()


def test_wait_without_a_daemon_says_so(world):
    daemon = world.daemon(start=False)
    answer = daemon.tool("wait", "--timeout", "1s")
    assert answer.status != 0 and "tidemarkd" in answer.err, answer


def test_paused_nothing_arrives_and_resumed_everything_does(followed):
    world, daemon = followed
    assert daemon.tool("pause").status == 0
    daemon.wait_state("paused")
    before = daemon.status()["rounds"]["completed"]
    world.run("update item set note = 'while paused'")
    assert daemon.tool("wait", "--timeout", "500ms").status != 0
    assert daemon.value("select count(*) from item where note = 'while paused'") == 0
    assert daemon.status()["rounds"]["completed"] == before
    assert daemon.tool("resume").status == 0
    daemon.wait_caught_up()
    world.assert_equal(daemon, "item")
    assert daemon.status()["state"] == "live"


def test_resync_repairs_a_table_that_somebody_tampered_with(followed):
    world, daemon = followed
    cache = daemon.open_cache()
    for (name,) in cache.execute("select name from sqlite_master where type = 'trigger' and tbl_name = 'item'").fetchall():
        cache.execute(f'drop trigger "{name}"')
    cache.execute("update item set note = 'tampered'")
    cache.execute("delete from item where id = 1")
    cache.close()
    answer = daemon.tool("resync", "item")
    assert answer.status == 0, answer
    world.assert_equal(daemon, "item")
    assert daemon.value("select count(*) from sqlite_master where type = 'trigger' and tbl_name = 'item'") > 0


def test_resync_of_an_unknown_table_is_a_usage_error(followed):
    _, daemon = followed
    answer = daemon.tool("resync", "itme")
    assert answer.status == 2 and "itme" in answer.err, answer


class Watcher:
    """`tidemark watch` in the background."""

    def __init__(self, daemon):
        self.process = subprocess.Popen([program("tidemark"), "-c", daemon.config_path, "watch"], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=CLEAN_ENVIRONMENT, text=True)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.lines = []

    def poll(self):
        self.lines += [json.loads(line) for line in iter(self.process.stdout.readline, "")]
        return self.lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_watch_prints_one_line_per_applied_change_set(followed):
    world, daemon = followed
    with Watcher(daemon) as watcher:
        wait_until(lambda: changed_and_seen(world, watcher), "the watcher sees changes", 20)
        daemon.wait_caught_up()
        wait_until(lambda: not watcher.poll() or True, "what is left")
        seen = len(watcher.lines)
        world.run("begin; update item set note = 'w' where id <= 3; delete from item where id = 50; commit")
        wait_until(lambda: len(watcher.poll()) > seen, "one more line")
        last = watcher.lines[-1]
        assert last["kind"] == "change_set" and last["tables"] == [{"name": "item", "written": 3, "deleted": 1}], last
        ids = [line["id"] for line in watcher.lines]
        assert ids == sorted(set(ids))
        daemon.wait_caught_up()
        assert len(watcher.poll()) == seen + 1, "idle rounds are no change sets"


def changed_and_seen(world, watcher):
    world.run("update item set note = note || '.' where id = 90")
    return watcher.poll()


def test_watch_ends_when_the_daemon_ends(followed):
    _, daemon = followed
    with Watcher(daemon) as watcher:
        wait_until(lambda: changed_and_seen(followed[0], watcher), "the watcher is connected", 20)
        daemon.stop()
        watcher.process.wait(10)


# -- the socket --

def talk(daemon, data, timeout_s=5):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(daemon.settings["control"]["socket"])
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


@pytest.mark.parametrize("request_bytes", [
    b"hello\n", b"{}\n", b"[]\n", b'{"command":42}\n', b'{"command":"fly"}\n', b"\x00\xff\xfe\n", b'{"command":"status"',
    b"{" * 100_000 + b"\n", b'{"command":"resync"}\n', b'{"command":"wait","timeout_ms":"soon"}\n', b"\n\n\n",
    b'{"command":"resync","table":"' + b"x" * 2_000_000 + b'"}\n'], ids=lambda data: repr(data[:24]))
def test_nonsense_on_the_socket_is_answered_with_an_error_and_harms_nothing(followed, request_bytes):
    _, daemon = followed
    try:
        answer = talk(daemon, request_bytes)
    except BrokenPipeError:
        answer = b""
    for line in answer.splitlines():
        assert json.loads(line)["kind"] == "error"
    assert daemon.status()["state"] == "live"


def test_many_idle_connections_do_not_lock_others_out(followed):
    _, daemon = followed
    idle = []
    for _ in range(200):
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            connection.connect(daemon.settings["control"]["socket"])
        except BlockingIOError:
            connection.close()
            break
        idle.append(connection)
    for connection in idle[:100]:
        connection.close()
    wait_until(lambda: daemon.tool("status", "-q").status == 0, "the daemon answers", 20)
    for connection in idle[100:]:
        connection.close()
    daemon.wait_caught_up()


def test_the_socket_belongs_to_owner_and_group(followed):
    _, daemon = followed
    assert os.stat(daemon.settings["control"]["socket"]).st_mode & 0o777 == 0o660


@pytest.mark.skipif(os.geteuid() != 0, reason="takes a second user")
def test_the_folder_of_the_socket_is_for_whom_it_may_be(world):
    """In the runtime folder of a user it is nobody else's business; elsewhere the group must get there."""
    runtime = os.path.join(world.folder, "runtime")
    for path, mode in [("runtime/tidemark", 0o700), ("elsewhere/tidemark", 0o755)]:
        daemon = world.daemon({"control": {"socket": os.path.join(world.folder, path, "control.sock")}},
                              environment={"XDG_RUNTIME_DIR": runtime})
        assert os.stat(os.path.join(world.folder, path)).st_mode & 0o777 == mode, path
        daemon.stop()


def test_who_connects_and_says_nothing_is_sent_away(followed):
    _, daemon = followed
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(20)
        silent.connect(daemon.settings["control"]["socket"])
        assert "no request within 10 s" in silent.recv(4096).decode()
        assert silent.recv(4096) == b""


@pytest.mark.parametrize("mode", [0o660, 0o666], ids=["by the file's mode", "by peer credentials"])
def test_another_user_is_refused(followed, mode):
    _, daemon = followed
    os.chmod(daemon.settings["control"]["socket"], mode)
    answer = run_program(program("tidemark"), "-c", daemon.config_path, "pause",
                         prefix=["setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--init-groups", "--"])
    assert answer.status == 1 and ("ermission denied" in answer.err or "may not" in answer.err), answer
    assert daemon.status()["state"] == "live"
