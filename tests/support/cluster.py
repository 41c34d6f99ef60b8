"""A private PostgreSQL cluster: own folder, own socket, own port, gone at the end.

    with Cluster("build/demo/pg") as cluster:          # initdb and start
        with cluster.connect("postgres") as db: ...
        standby = cluster.standby("build/demo/standby")

As root it runs as the user `postgres`. Connections are trusted, except those of the user
`secret_reader` over TCP, who needs a password (scram-sha-256).
"""
import os
import signal
import subprocess

import psycopg2

from support.process import (Folder, free_port, give_to_server_user, kill_tree, run_unprivileged,
                             start_unprivileged, wait_until)

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0777
max_connections = 60
shared_buffers = 32MB
max_prepared_transactions = 10
wal_level = replica
max_wal_senders = 5
wal_keep_size = 64MB
hot_standby = on
full_page_writes = off
log_line_prefix = '%m [%p] %a: '
log_min_messages = warning
logging_collector = off
"""

HOST_RULES = """
local all all trust
local replication all trust
host all secret_reader 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


def program(name):
    folder = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout.strip()
    if not folder or not os.path.exists(os.path.join(folder, "initdb")):
        folder = "/usr/lib/postgresql/15/bin"
    return os.path.join(folder, name)


class Cluster:
    """A cluster that runs from the constructor on; `remove()` ends it and deletes its folder."""

    def __init__(self, folder, template=None, settings="", fsync=False, keep=False, start=True):
        """template: a stopped Cluster whose files are copied instead of running initdb.
        Copies have the template's system identifier."""
        self._prepare(folder, keep)
        if template:
            self._copy_of(template)
        else:
            self._initialize()
        self._configure(settings + f"fsync = {'on' if fsync else 'off'}\n")
        if start:
            self.start()

    def _prepare(self, folder, keep):
        self.folder = Folder(folder, keep)
        self.death_signal = "clear" if keep else "QUIT"
        self.data = os.path.join(self.folder.path, "data")
        self.socket_folder = self.folder.path
        self.log_path = os.path.join(self.folder.path, "server.log")
        self.port = free_port()
        self.process = None

    def _initialize(self):
        run_unprivileged(program("initdb"), "-D", self.data, "-U", "postgres", "--auth=trust", "-N",
                         "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")

    def _copy_of(self, template):
        assert template.process is None, "a template must be stopped"
        run_unprivileged("cp", "-a", "--reflink=auto", template.data, self.data)

    def _configure(self, settings):
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a") as out:
            out.write(SETTINGS + f"unix_socket_directories = '{self.socket_folder}'\nport = {self.port}\n" + settings)
        with open(os.path.join(self.data, "pg_hba.conf"), "w") as out:
            out.write(HOST_RULES)

    # -- life --

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        with open(self.log_path, "ab") as log:
            give_to_server_user(self.log_path)
            self.process = start_unprivileged(program("postgres"), "-D", self.data, log=log,
                                              death_signal=self.death_signal)
        wait_until(self._answers, lambda: f"the server answers\n{self.log()}", 60)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"postgres ended with {self.process.returncode}:\n{self.log()}")
        try:
            self.connect("postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self, mode="fast"):
        """fast: sessions are ended; immediate: as in a crash, but the children go too."""
        if self.process is None:
            return
        self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self.process.wait(60)
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """kill -9 of the postmaster and, as a power cut does, of all its backends."""
        kill_tree(self.process)
        self.process = None

    def promote(self):
        self.run("select pg_promote()")
        wait_until(lambda: self.value("select not pg_is_in_recovery()"), "the standby is promoted")

    def remove(self):
        if self.process:
            self.stop("immediate")
        self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    # -- talking to it --

    def conninfo(self, database="postgres", user="postgres", tcp=False, port=None):
        host = "127.0.0.1" if tcp else self.socket_folder
        return f"host={host} port={port or self.port} dbname={database} user={user}"

    def connect(self, database="postgres", autocommit=True, user="postgres", **more):
        connection = psycopg2.connect(self.conninfo(database, user), **more)
        connection.autocommit = autocommit
        return connection

    def run(self, sql, parameters=None, database="postgres"):
        """Runs one statement or many (then in one transaction); returns the rows of the last one, if it has any."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def run_alone(self, statement, database="postgres"):
        """For what must not stand in a transaction block: VACUUM, COMMIT PREPARED."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute("set lock_timeout = '10s'")
                cursor.execute(statement)
        finally:
            connection.close()

    def value(self, sql, parameters=None, database="postgres"):
        return self.run(sql, parameters, database)[0][0]

    def create_database(self, name, template="template1"):
        self.run(f'create database "{name}" template "{template}"')

    def drop_database(self, name):
        for gid, in self.run("select gid from pg_prepared_xacts where database = %s", (name,)):
            self.run_alone(f"rollback prepared '{gid}'", name)
        self.run(f'drop database if exists "{name}" with (force)')

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-4000:]

    # -- relatives --

    def standby(self, folder, settings=""):
        """A hot standby that streams from this cluster; itself a Cluster."""
        standby = Cluster.__new__(Cluster)
        standby._prepare(folder, keep=False)
        run_unprivileged(program("pg_basebackup"), "-D", standby.data, "-h", self.socket_folder,
                         "-p", str(self.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast")
        standby._configure(settings + "fsync = off\n")
        standby.start()
        return standby

    def wait_for_replay(self, primary):
        """Returns when this standby has replayed everything that `primary` has written by now."""
        position = primary.value("select pg_current_wal_lsn()::text")
        wait_until(lambda: self.value("select pg_last_wal_replay_lsn() >= %s::pg_lsn", (position,)),
                   f"the standby has replayed {position}")

    def start_xids_near(self, xid):
        """Restarts with `xid` as the next transaction id of epoch 0 (pg_resetwal).

        In steps of less than half the circle, each followed by a freeze of everything:
        what is older than that would lie in the future.
        """
        self.run("update pg_database set datallowconn = true")
        step = 3 * 2**29
        for target in [*range(step, xid - step // 2, step), xid]:
            self.freeze()
            self.stop()
            self._set_next_xid(target)
            self.start()
        self.freeze()

    def freeze(self):
        for (database,) in self.run("select datname from pg_database"):
            self.run_alone("vacuum (freeze, analyze off)", database)

    def _set_next_xid(self, xid):
        # The commit log's page for the id must be there, as if it had been crossed.
        transactions_per_segment = 8192 * 4 * 32
        segment = os.path.join(self.data, "pg_xact", f"{xid // transactions_per_segment:04X}")
        with open(segment, "wb") as out:
            out.write(bytes(8192 * 32))
        give_to_server_user(segment)
        run_unprivileged(program("pg_resetwal"), "-D", self.data, "-x", str(xid))

    def processes(self):
        """Number of sessions by application_name."""
        rows = self.run("select application_name, count(*) from pg_stat_activity"
                        " where backend_type = 'client backend' and pid <> pg_backend_pid() group by 1")
        return dict(rows)
