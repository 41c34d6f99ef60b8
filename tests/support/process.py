"""Processes for tests: started so that they end with us, as a user with no rights.

Everything started here carries a parent-death signal, so that a killed test run leaves
nothing behind; PostgreSQL and PgBouncer refuse to run as root, so as root they run as
`postgres`.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SERVER_USER = "postgres"


def wait_until(condition, what, timeout_s=30.0, interval_s=0.02):
    """Polls until condition() is true and returns its value; fails with `what` after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what() if callable(what) else what}")
        time.sleep(interval_s)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unprivileged():
    """Command prefix that drops root; empty when we are nobody special already."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--init-groups"]


def run_unprivileged(*command, **more):
    result = subprocess.run([*unprivileged(), *command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **more)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def start_unprivileged(*command, log, death_signal="QUIT", env=None):
    """Starts a server that gets death_signal when the thread that called this ends."""
    prefix = unprivileged() or ["setpriv"]
    return subprocess.Popen([*prefix, f"--pdeathsig={death_signal}", "--", *command], cwd="/",
                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                            start_new_session=True)


def give_to_server_user(path):
    if os.geteuid() == 0:
        entry = pwd.getpwnam(SERVER_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def children_of(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                if int(stat.read().rpartition(b")")[2].split()[1]) == pid:
                    found.append(int(name))
        except OSError:
            continue
    return found


def is_alive(pid):
    """A zombie counts as gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def kill_tree(process):
    """SIGKILL to a process and its children; returns when all are gone."""
    children = children_of(process.pid)
    for pid in [process.pid, *children]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    wait_until(lambda: not any(map(is_alive, children)), f"children of {process.pid} are gone")


class Folder:
    """A folder for servers that is removed at the end, even when this process is killed.

    It is `wanted` itself when the server's user can enter it and a socket's path fits
    into it, else one under /var/tmp.
    """

    SOCKET_PATH_LIMIT = 107 - len("/cluster-99/.s.PGSQL.65535.lock")

    def __init__(self, wanted, keep=False):
        self.path = self._make(os.path.abspath(wanted))
        self._remover = None if keep else self._start_remover()

    def _make(self, wanted):
        os.makedirs(os.path.dirname(wanted), exist_ok=True)
        shutil.rmtree(wanted, ignore_errors=True)
        os.mkdir(wanted, 0o755)
        if len(wanted.encode()) <= self.SOCKET_PATH_LIMIT and self._enterable(wanted):
            give_to_server_user(wanted)
            return wanted
        os.rmdir(wanted)
        path = tempfile.mkdtemp(prefix="tidemark-", dir="/var/tmp")
        os.chmod(path, 0o755)
        give_to_server_user(path)
        return path

    @staticmethod
    def _enterable(path):
        return subprocess.run([*unprivileged(), "test", "-x", path], cwd="/",
                              stderr=subprocess.DEVNULL).returncode == 0

    def _start_remover(self):
        script = 'cat >/dev/null; for i in $(seq 100); do rm -rf -- "$1"; [ -e "$1" ] || exit 0; sleep 0.1; done'
        return subprocess.Popen(["/bin/sh", "-c", script, "remover", self.path], cwd="/",
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def remove(self):
        if self._remover:
            self._remover.stdin.close()
            self._remover.wait()
            self._remover = None
