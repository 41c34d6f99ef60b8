"""What the benchmark runs against: a private PostgreSQL with the tables of the measures.

`fsync` is off for the cluster: reads do not wait for it, and a commit on the primary counts
from the moment when COMMIT was answered. `shared_buffers` holds the largest table, so that
no measure waits for the primary's disk.
"""
import os
import shutil
import subprocess

from support.cluster import Cluster
from support.daemon import BUILD, Daemon, program, run_program

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(BUILD, "bench")
TABLE = "agent_chat_session"
SETTINGS = """
jit = off
shared_buffers = 768MB
max_wal_size = 4GB
checkpoint_timeout = 30min
autovacuum = off
"""


class Workload:
    """A cluster, databases made when first asked for, rulers compiled when first asked for."""

    def __init__(self):
        os.makedirs(FOLDER, exist_ok=True)
        self.cluster = Cluster(os.path.join(FOLDER, f"cluster-{os.getpid()}"), settings=SETTINGS)
        self._databases = set()
        self._caches = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cluster.remove()

    def sessions(self, row_count):
        """The database with so many chat sessions, tracked; its name."""
        with open(os.path.join(HERE, "sessions.sql")) as script:
            sql = script.read().replace(":row_count", str(row_count))
        return self._database(f"sessions_{row_count}", sql, [TABLE])

    def many_tables(self, table_count):
        """A database with so many small tracked tables."""
        tables = [f"poll_{number:03d}" for number in range(1, table_count + 1)]
        with open(os.path.join(HERE, "many_tables.sql")) as script:
            one = script.read()
        return self._database("many_tables", "".join(one.replace(":table", table) for table in tables), tables)

    def _database(self, name, sql, tables):
        if name in self._databases:
            return name
        self.cluster.create_database(name)
        self.cluster.run(sql, database=name)
        self._migrate(name)
        for table in tables:
            self.cluster.run("select tidemark.track(%s::regclass, notify => true)", (table,), database=name)
        self.cluster.run_alone("vacuum (freeze, analyze)", name)
        self.cluster.run("checkpoint", database=name)
        self._databases.add(name)
        return name

    def _migrate(self, name):
        path = os.path.join(FOLDER, "migrate.conf")
        with open(path, "w") as out:
            out.write(f"[primary]\nconninfo = {self.conninfo(name)}\n[cache]\npath = {FOLDER}/none.db\n")
        answer = run_program(program("tidemark"), "-c", path, "migrate")
        assert answer.status == 0, answer

    def conninfo(self, database):
        return self.cluster.conninfo(database)

    def fresh_cache(self, database, conninfo=None):
        """A configured daemon, not started, on a cache that does not exist yet."""
        self._caches += 1
        return Daemon(os.path.join(FOLDER, f"cache-{self._caches}"), conninfo or self.conninfo(database),
                      {"sync": {"poll_interval": "2s"}}, start=False)


def discard(daemon):
    """Deletes the cache of a daemon that does not run."""
    shutil.rmtree(daemon.folder)


def ruler(name):
    """Compiles tests/bench/NAME.c into the benchmark's folder unless it is there; its path."""
    source, path = os.path.join(HERE, f"{name}.c"), os.path.join(FOLDER, name)
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        flags = subprocess.run(["pkg-config", "--cflags", "libpq", "sqlite3"], capture_output=True, text=True,
                               check=True).stdout.split()
        subprocess.run(["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", *flags, "-o", path, source,
                        "-lpq", "-lsqlite3"], check=True)
    return path
