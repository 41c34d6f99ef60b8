"""Everything that runs for the demo: PostgreSQL, the link to it, tidemarkd; and how it ends.

All files are in build/demo, or under /var/tmp when PostgreSQL's user may not enter that.
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from support.cluster import Cluster, program
from support.process import Folder, free_port, is_alive, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, "demo")
WANTED = os.path.join(ROOT, "build", "demo")
STOP = os.path.join(WANTED, "stop")
DATABASE = "shop"
# The server's own default; a transaction that wakes listeners cannot be prepared.
SERVER_SETTINGS = "max_prepared_transactions = 0\n"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "PG", "NOTIFY_"))}

CONFIGURATION = """\
[primary]
conninfo = host=127.0.0.1 port={link} dbname={database} user=tidemark

[cache]
path = {folder}/cache.db

[control]
socket = {folder}/control.sock

[migrations]
conninfo = host=127.0.0.1 port={server} dbname={database} user=postgres
directory = {here}/migrations
data = {here}/data
"""

STOP_SCRIPT = """\
#!/bin/sh
# Ends what KEEP=1 make demo left running, and removes its files.
for process in {daemon}:TERM {link}:TERM {server}:INT; do
    pid=${{process%:*}}
    grep -qs {folder} "/proc/$pid/cmdline" || continue
    kill -s "${{process#*:}}" "$pid"
    while grep -qs {folder} "/proc/$pid/cmdline"; do sleep 0.1; done
done
rm -rf {folder} {wanted}
"""


def end_kept_demo():
    """Another demo may still be up, in the folder that we want."""
    if os.path.exists(STOP):
        print("An earlier demo is still up; it is stopped first.", flush=True)
        subprocess.run([STOP], check=True)


class Stage:
    """with Stage(keep) as stage: the folder exists. keep: nothing ends with us once keep_up() was called."""

    def __init__(self, keep):
        self.keep = keep
        self.cluster = self.link = self.daemon = None
        self.kept_up = False
        self._folder = Folder(WANTED, keep)
        self.folder = self._folder.path
        self.configuration = os.path.join(self.folder, "tidemark.conf")
        self.cache = os.path.join(self.folder, "cache.db")
        self.log = os.path.join(self.folder, "tidemarkd.log")
        self.link_port = free_port()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.kept_up:
            self.strike()

    def strike(self):
        """Ends all of it, whatever state it is in."""
        self._end("daemon")
        self._end("link")
        if self.cluster:
            self.cluster.remove()
        self._folder.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- processes --

    def _start(self, *command, log):
        """Ends with us, unless it is to be kept; out of reach of a Ctrl-C that is meant for us."""
        death_signal = "clear" if self.keep else "TERM"
        with open(log, "ab") as out:
            return subprocess.Popen(["setpriv", f"--pdeathsig={death_signal}", "--", *command], cwd="/",
                                    env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    start_new_session=True)

    def _end(self, name):
        process = getattr(self, name)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        setattr(self, name, None)

    def start_server(self):
        self.cluster = Cluster(os.path.join(self.folder, "pg"), settings=SERVER_SETTINGS, keep=self.keep)
        self.cluster.create_database(DATABASE)

    def connect(self, autocommit=True):
        """A connection of the application, straight to the primary."""
        return self.cluster.connect(DATABASE, autocommit=autocommit, application_name="shop")

    def configure(self):
        with open(self.configuration, "w") as out:
            out.write(CONFIGURATION.format(link=self.link_port, server=self.cluster.port, database=DATABASE,
                                           folder=self.folder, here=HERE))

    def restore_link(self):
        socket_path = os.path.join(self.cluster.socket_folder, f".s.PGSQL.{self.cluster.port}")
        self.link = self._start(sys.executable, "-B", os.path.join(HERE, "link.py"), str(self.link_port), socket_path,
                                log=os.path.join(self.folder, "link.log"))
        wait_until(self._link_listens, "the link is up", 10)

    def _link_listens(self):
        # asks the kernel: a connection made to find out would reach PostgreSQL
        wanted = f"0100007F:{self.link_port:04X} 00000000:0000 0A"
        with open("/proc/net/tcp") as table:
            return any(wanted in line for line in table)

    def cut_link(self):
        self._end("link")

    def start_daemon(self):
        self.daemon = self._start(os.path.join(ROOT, "build", "tidemarkd"), "-c", self.configuration, log=self.log)
        wait_until(lambda: self.daemon.poll() is not None or os.path.exists(os.path.join(self.folder, "control.sock")),
                   "tidemarkd listens on its control socket", 20)
        if self.daemon.poll() is not None:
            raise RuntimeError(f"tidemarkd ended with {self.daemon.returncode}:\n{self.last_log()}")

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None
        os.unlink(os.path.join(self.folder, "control.sock"))  # start_daemon() waits for a new one

    def document(self, *arguments):
        return json.loads(self.tool(*arguments, "--json", statuses=(0, 3)))

    def tool(self, *arguments, statuses=(0,)):
        """What `tidemark …` prints. Its progress goes to our own terminal."""
        result = subprocess.run([os.path.join(ROOT, "build", "tidemark"), "-c", self.configuration, *arguments],
                                env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                encoding="utf-8", errors="replace", timeout=120)
        if result.returncode not in statuses:
            raise RuntimeError(f"`tidemark {' '.join(arguments)}` ended with {result.returncode}\n{result.stdout}"
                               f"{self.last_log()}")
        return result.stdout

    def last_log(self):
        try:
            with open(self.log, errors="replace") as log:
                return log.read()[-3000:]
        except FileNotFoundError:
            return ""

    # -- the file --

    def open_file(self):
        """As any application opens it: SQLite's own library, nothing of ours."""
        return sqlite3.connect(self.cache, isolation_level=None, timeout=5)

    # -- afterwards --

    def keep_up(self):
        """Leaves everything running and writes the command that ends it."""
        os.makedirs(WANTED, exist_ok=True)
        with open(STOP, "w") as out:
            out.write(STOP_SCRIPT.format(daemon=self.daemon.pid, link=self.link.pid, server=self.cluster.pid,
                                         folder=quoted(self.folder), wanted=quoted(WANTED)))
        os.chmod(STOP, 0o755)
        self.kept_up = True

    def psql(self):
        return f"{program('psql')} 'host=127.0.0.1 port={self.cluster.port} user=postgres dbname={DATABASE}'"

    def left_behind(self):
        """What still runs after strike(): must be empty."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                if is_alive(pid) and self.folder in command_of(pid)]


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            return command.read().decode(errors="replace")
    except OSError:
        return ""


def quoted(path):
    return "'" + path.replace("'", "'\\''") + "'"


def interrupt_on_terminate():
    """A SIGTERM or a lost terminal cleans up like Ctrl-C."""
    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def wait_for_file(connection, sql, expected, timeout_s=30.0):
    """Looks into the file again and again until it shows `expected`; the moment it did (monotonic)."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = connection.execute(sql).fetchone()
        now = time.monotonic()
        if found == expected:
            return now
        if now > deadline:
            raise Mismatch(f"the file shows {found!r} instead of {expected!r} after {timeout_s:g} s: {sql}")
        time.sleep(0.0002)


class Mismatch(Exception):
    """The file does not show what it should."""
