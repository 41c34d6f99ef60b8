"""tidemarkd and tidemark as a test sees them: a configuration, processes, answers.

    with Daemon(folder, cluster.conninfo("shop")) as daemon:   # started, READY awaited
        daemon.wait_caught_up()
        daemon.status()["state"]

`TIDEMARK_BUILD` names another folder with the programs (a sanitizer's, for example).
"""
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from support.process import is_alive, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("TIDEMARK_BUILD", "build"))
CLEAN_ENVIRONMENT = {name: value for name, value in os.environ.items()
                     if not name.startswith(("TIDEMARK_", "PG", "NOTIFY_", "WATCHDOG_", "JOURNAL_"))}


def program(name, faults=False):
    return os.path.join(BUILD, "faults", name) if faults else os.path.join(BUILD, name)


def write_configuration(path, sections):
    """sections: {"primary": {"conninfo": …}, "table orders": {…}}; None leaves a key out."""
    with open(path, "w") as out:
        for section, keys in sections.items():
            out.write(f"[{section}]\n")
            out.writelines(f"{key} = {value}\n" for key, value in keys.items() if value is not None)
            out.write("\n")


class Answer:
    """What a command left behind."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def document(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.status}\nstdout: {self.out}\nstderr: {self.err}"


def run_program(path, *arguments, timeout_s=60, environment=None, prefix=(), **more):
    """Runs to its end. prefix: a command that runs it, such as setpriv."""
    result = subprocess.run([*prefix, path, *arguments], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=timeout_s, cwd="/",
                            env={**CLEAN_ENVIRONMENT, **(environment or {})}, **more)
    return Answer(result.returncode, result.stdout, result.stderr)


class Notifications:
    """Stands in for systemd: collects what comes over NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self.messages = []  # (monotonic time, line)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return
            if not text:
                return
            self.messages += [(time.monotonic(), line) for line in text.splitlines()]

    def lines(self, prefix=""):
        return [line for _, line in list(self.messages) if line.startswith(prefix)]

    def times(self, prefix):
        return [at for at, line in list(self.messages) if line.startswith(prefix)]

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        os.unlink(self.path)


class Daemon:
    """One cache: its folder, configuration, and the daemon that may run on it."""

    def __init__(self, folder, conninfo, settings=None, faults=False, start=True, environment=None, prefix=()):
        """settings: {"sync": {"poll_interval": "50ms"}, …} on top of the defaults here.
        prefix: a command that runs daemon and tool, such as nsenter."""
        os.makedirs(folder, exist_ok=True)
        self.folder, self.faults = folder, faults
        self.environment, self.prefix = environment or {}, list(prefix)
        self.config_path = os.path.join(folder, "tidemark.conf")
        self.cache_path = os.path.join(folder, "cache.db")
        self.log_path = os.path.join(folder, "tidemarkd.log")
        self.process = self.notifications = None
        self.settings = {
            "primary": {"conninfo": conninfo},
            "cache": {"path": self.cache_path},
            "sync": {"poll_interval": "100ms"},
            "control": {"socket": os.path.join(folder, "control.sock")},
        }
        self.configure(settings or {})
        if start:
            self.start()

    def configure(self, settings):
        for section, keys in settings.items():
            self.settings.setdefault(section, {}).update(keys)
        write_configuration(self.config_path, self.settings)

    # -- life --

    def start(self, fault=None, ready=True, prefix=(), environment=None):
        """Starts the daemon; fault: the crash point's name, "NAME:n" for its n-th pass.
        Call from the main thread: the daemon dies with the thread that started it."""
        assert self.process is None
        self.notifications = Notifications(os.path.join(self.folder, "notify.sock"))
        environment = {**CLEAN_ENVIRONMENT, **self.environment, **(environment or {}),
                       "NOTIFY_SOCKET": self.notifications.path}
        if fault:
            environment["TIDEMARK_FAULT"] = fault
        command = [program("tidemarkd", self.faults or bool(fault)), "-c", self.config_path]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", *self.prefix, *prefix, *command], cwd="/", env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s=20):
        wait_until(lambda: self.notifications.lines("READY=1") or self.ended(),
                   lambda: f"READY=1\n{self.log()}", timeout_s)

    def ended(self):
        return self.process.poll() is not None

    def wait_end(self, timeout_s=30):
        """Waits for the daemon to end by itself; its exit status, negative for a signal."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"tidemarkd still runs after {timeout_s} s\n{self.log()}") from None
        self._forget()
        return status

    def _forget(self):
        self.process = None
        self.notifications.close()
        self.notifications = None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout_s=10):
        """SIGTERM; returns (exit status, seconds it took)."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        return self.wait_end(timeout_s), time.monotonic() - started

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait_end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            if is_alive(self.process.pid):
                self.process.kill()
            self.wait_end()

    # -- what it says --

    def log(self, last=4000):
        try:
            with open(self.log_path, errors="replace") as log:
                return log.read()[-last:]
        except FileNotFoundError:
            return ""

    def tool(self, *arguments, **more):
        environment = {**self.environment, **more.pop("environment", {})}
        prefix = [*self.prefix, *more.pop("prefix", ())]
        return run_program(program("tidemark", self.faults), "-c", self.config_path, *arguments,
                           environment=environment, prefix=prefix, **more)

    def sync(self, **more):
        """`tidemark sync`, expected to succeed."""
        answer = self.tool("sync", **more)
        assert answer.status == 0, answer
        return answer

    def status(self):
        """The status document. Exit 3 says that something in it needs a person."""
        answer = self.tool("status", "--json")
        assert answer.status in (0, 3), answer
        return answer.document

    def table(self, name):
        """The table's entry in the status document, or None."""
        return next((table for table in self.status()["tables"] if table["name"] == name), None)

    def wait_state(self, *states, timeout_s=30):
        return wait_until(lambda: self.status()["state"] in states,
                          lambda: f"state {states}: {self.status()['state']} {self.status()['reason']}\n{self.log()}",
                          timeout_s)

    def wait_caught_up(self, timeout_s=60):
        """Returns when a whole round that began after this call is in the cache."""
        answer = self.tool("wait", "--timeout", f"{timeout_s}s", timeout_s=timeout_s + 10)
        assert answer.status == 0, f"{answer}\n{self.log()}"

    # -- what it costs --

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))

    def peak_resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # -- the cache, as an application opens it --

    def open_cache(self, timeout_s=5.0):
        connection = sqlite3.connect(self.cache_path, isolation_level=None, timeout=timeout_s)
        connection.execute("pragma foreign_keys = on")
        return connection

    def query(self, sql, parameters=()):
        connection = self.open_cache()
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def value(self, sql, parameters=()):
        return self.query(sql, parameters)[0][0]
