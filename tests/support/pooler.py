"""PgBouncer in transaction mode before a cluster: few server connections, many clients."""
import os
import signal

import psycopg2

from support.process import Folder, free_port, give_to_server_user, start_unprivileged, wait_until

SETTINGS = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users.txt
admin_users = postgres
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 50
server_reset_query =
"""


class Pooler:
    def __init__(self, folder, cluster, pool_size=2, users=("postgres",)):
        self.folder = Folder(folder)
        self.port = free_port()
        self._write("users.txt", "".join(f'"{user}" ""\n' for user in users))
        self._write("pgbouncer.ini", SETTINGS.format(
            host=cluster.socket_folder, server_port=cluster.port, port=self.port,
            folder=self.folder.path, pool_size=pool_size))
        self.start()

    def _path(self, name):
        return os.path.join(self.folder.path, name)

    def _write(self, name, text):
        with open(self._path(name), "w") as out:
            out.write(text)
        give_to_server_user(self._path(name))

    def start(self):
        with open(self._path("pgbouncer.log"), "ab") as log:
            self.process = start_unprivileged("/usr/sbin/pgbouncer", self._path("pgbouncer.ini"),
                                              log=log, death_signal="TERM")
        wait_until(self._answers, lambda: f"pgbouncer answers\n{self.log()}")

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"pgbouncer ended with {self.process.returncode}:\n{self.log()}")
        try:
            self.connect("postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def conninfo(self, database, user="postgres"):
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user}"

    def connect(self, database, autocommit=True):
        connection = psycopg2.connect(self.conninfo(database))
        connection.autocommit = autocommit
        return connection

    def log(self):
        with open(self._path("pgbouncer.log"), errors="replace") as log:
            return log.read()[-4000:]

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except Exception:
                self.process.kill()
                self.process.wait()
            self.process = None

    def remove(self):
        self.stop()
        self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
