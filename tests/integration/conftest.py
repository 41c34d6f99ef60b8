"""Fixtures: one cluster for the session, a fresh database and folder for each test."""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
pytest.register_assert_rewrite("support.compare")

from support.cluster import Cluster  # noqa: E402
from support.compare import assert_equal, differences  # noqa: E402
from support.daemon import BUILD, Daemon, run_program, program  # noqa: E402
from support.process import Folder  # noqa: E402
from support.proxy import Proxy  # noqa: E402

SETTINGS = "autovacuum_naptime = 5s\n"


@pytest.fixture(scope="session")
def place():
    """The session's folder, gone at the end."""
    folder = Folder(os.path.join(BUILD, f"integration-{os.getpid()}"))
    yield folder.path
    folder.remove()


@pytest.fixture(scope="session")
def numbers():
    return itertools.count(1)


@pytest.fixture(scope="session")
def template(place):
    """A stopped cluster to copy from."""
    cluster = Cluster(os.path.join(place, "template"), start=False)
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def cluster(place, template):
    """The session's PostgreSQL: tests make databases in it and leave it running."""
    with Cluster(os.path.join(place, "pg"), template=template, settings=SETTINGS) as cluster:
        yield cluster


@pytest.fixture
def throw_away_cluster(place, template, numbers):
    """makes clusters that a test may break."""
    made = []

    def make(settings=""):
        made.append(Cluster(os.path.join(place, f"pg{next(numbers)}"), template=template, settings=SETTINGS + settings))
        return made[-1]

    yield make
    for cluster in made:
        cluster.remove()


@pytest.fixture
def folder(place, numbers):
    path = os.path.join(place, f"t{next(numbers)}")
    os.mkdir(path)
    return path


class World:
    """A database of its own on a cluster, and the daemons and proxies that look at it."""

    def __init__(self, cluster, folder, name):
        self.cluster, self.folder, self.database = cluster, folder, name
        self._ends = []
        cluster.create_database(name)
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
        """Installs schema tidemark if need be, and tracks the tables."""
        if not self.value("select to_regnamespace('tidemark') is not null"):
            config = os.path.join(self.folder, "migrate.conf")
            with open(config, "w") as out:
                out.write(f"[primary]\nconninfo = {self.cluster.conninfo(self.database)}\n"
                          f"[cache]\npath = {self.folder}/none.db\n")
            answer = run_program(program("tidemark"), "-c", config, "migrate")
            assert answer.status == 0, answer
        for table in tables:
            self.run("select tidemark.track(%s::regclass)" if notify else
                     "select tidemark.track(%s::regclass, notify => false)", (table,))

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
        self.connection.close()
        self.cluster.drop_database(self.database)


@pytest.fixture
def world_on(folder, numbers):
    """Makes worlds on a given cluster."""
    made = []

    def make(cluster):
        made.append(World(cluster, folder, f"shop{next(numbers)}"))
        return made[-1]

    yield make
    for world in made:
        if world.cluster.process:
            world.end()


@pytest.fixture
def world(cluster, world_on):
    return world_on(cluster)
