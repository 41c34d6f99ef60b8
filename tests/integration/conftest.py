"""Fixtures: one cluster for the session, a fresh database and folder for each test."""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
pytest.register_assert_rewrite("support.compare")

from support.cluster import Cluster  # noqa: E402
from support.daemon import BUILD  # noqa: E402
from support.process import Folder  # noqa: E402
from support.world import World  # noqa: E402

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


@pytest.fixture
def world_on(folder, numbers):
    """Makes worlds on a given cluster."""
    made = []

    def make(cluster):
        made.append(World(cluster, folder, f"shop{next(numbers)}"))
        return made[-1]

    yield make
    for world in made:
        world.end()


@pytest.fixture
def world(cluster, world_on):
    return world_on(cluster)


@pytest.fixture(scope="module")
def module_world(cluster, place, numbers):
    """One world for all tests of a file that only look."""
    number = next(numbers)
    path = os.path.join(place, f"t{number}")
    os.mkdir(path)
    world = World(cluster, path, f"shop{number}")
    yield world
    world.end()
