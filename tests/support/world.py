"""What a test works in: a database of its own, and daemons and proxies that look at it."""
import os

from support.compare import assert_equal, differences
from support.daemon import Daemon, program, run_program
from support.proxy import Proxy


class World:
    """A database of its own on a cluster, and the daemons and proxies that look at it."""

    def __init__(self, cluster, folder, name, template="template1"):
        self.cluster, self.folder, self.database = cluster, folder, name
        self._ends = []
        cluster.create_database(name, template)
        self.connection = cluster.connect(name)

    def run(self, sql, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql, parameters=None):
        return self.run(sql, parameters)[0][0]

    def connect(self, **more):
        return self.cluster.connect(self.database, **more)

    def track(self, *tables, notify=True):
        """Installs schema tidemark if need be, and tracks the tables. A transaction that
        notifies cannot be prepared: notify=False where two-phase commits are part of the load."""
        if not self.value("select to_regnamespace('tidemark') is not null"):
            config = os.path.join(self.folder, "migrate.conf")
            with open(config, "w") as out:
                out.write(f"[primary]\nconninfo = {self.cluster.conninfo(self.database)}\n"
                          f"[cache]\npath = {self.folder}/none.db\n")
            answer = run_program(program("tidemark"), "-c", config, "migrate")
            assert answer.status == 0, answer
        for table in tables:
            self.run("select tidemark.track(%s::regclass, notify => %s)", (table, notify))

    def daemon(self, settings=None, conninfo=None, **more):
        number = len(self._ends)
        daemon = Daemon(os.path.join(self.folder, f"d{number}"),
                        conninfo or self.cluster.conninfo(self.database), settings, **more)
        self._ends.append(lambda: daemon.__exit__())
        return daemon

    def proxy(self, **more):
        proxy = Proxy(self.cluster, **more)
        self._ends.append(proxy.close)
        return proxy

    def assert_equal(self, daemon, *tables, **more):
        assert_equal(daemon.cache_path, self.connection, tables, **more)

    def differences(self, daemon, table, **more):
        return differences(daemon.cache_path, self.connection, table, **more)

    def end(self):
        for end in reversed(self._ends):
            end()
        self._ends = []
        self.connection.close()
        if self.cluster.process:
            self.cluster.drop_database(self.database)
