"""Random histories of three devices and a server, with everything that can go wrong: whatever
happened, both sides are equal in the end and every local change is accounted for.

A failing seed prints how to play it again; its history is in build/storms/.
"""
import os
import time

import pytest
from support.daemon import ROOT
from support.storm import Storm, prepare
from support.storm_live import LiveStorm
from support.world import World

SECONDS = float(os.environ.get("TIDEMARK_STORM_SECONDS", "60"))
SEEDS = int(os.environ.get("TIDEMARK_STORM_SEEDS", "0"))  # at least so many, however long it takes
ONLY = os.environ.get("TIDEMARK_SEED")
FIRST = int(os.environ.get("TIDEMARK_STORM_FIRST", time.time_ns() // 1000 % 10**8))


@pytest.fixture(scope="module")
def template_world(cluster, place, numbers):
    number = next(numbers)
    path = os.path.join(place, f"t{number}")
    os.mkdir(path)
    world = World(cluster, path, f"storm{number}")
    prepare(world)
    yield world
    world.end()


def seeds(seconds, count):
    """The seed that is asked for, or one after the other until the time is over."""
    if ONLY:
        yield int(ONLY)
        return
    deadline, seed = time.monotonic() + seconds, FIRST
    while time.monotonic() < deadline or seed < FIRST + count:
        yield seed
        seed += 1


def play(kind, cluster, folder, template, seed, **more):
    """Plays one history; what it counted on the way."""
    world = World(cluster, os.path.join(folder, str(seed)), f"seed{seed}", template.database)
    storm = kind(world, seed, **more)
    try:
        return storm.run()
    except Exception as failure:
        path = write_down(storm, failure)
        raise AssertionError(f"seed {seed}: {failure}\nAgain: TIDEMARK_SEED={seed} make check-integration"
                             f" PYTEST='-k random_histories'\nHistory: {path}") from failure
    finally:
        storm.end()
        world.end()


def write_down(storm, failure):
    folder = os.path.join(ROOT, "build", "storms")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{storm.seed}.txt")
    with open(path, "w") as out:
        out.write("\n".join(storm.trace) + f"\n{failure}\n")
    return path


def play_all(kind, seconds, count, *arguments, **more):
    """Plays seed after seed; prints and returns the sums of what they counted."""
    total = {"histories": 0}
    for seed in seeds(seconds, count):
        for what, number in play(kind, *arguments, seed, **more).items():
            total[what] = total.get(what, 0) + number
        total["histories"] += 1
    print(f"from seed {FIRST}: {total}")
    return total


def test_random_histories(cluster, folder, template_world):
    total = play_all(Storm, SECONDS * 0.75, SEEDS, cluster, folder, template_world)
    assert ONLY or (total["exit -9"] and total["rejected"] and total["conflicts"]), total


def test_random_histories_beside_running_daemons(cluster, folder, template_world):
    total = play_all(LiveStorm, SECONDS / 4, SEEDS // 5, cluster, folder, template_world, steps=150)
    assert ONLY or (total["rejected"] and total["conflicts"] and total["ended -9"]), total
