"""Eight applications write while the link breaks and the daemon dies: nothing is lost."""
import os
import random
import time

import pytest
from support.process import wait_until
from support.writers import SCHEMA, Writers, writer_names

PROCESSES = 8
CHANGES = int(os.environ.get("TIDEMARK_CHANGES", "4000"))  # by all of them together
CUTS = int(os.environ.get("TIDEMARK_CUTS", "12"))
CRASHES = int(os.environ.get("TIDEMARK_CRASHES", "12"))
HEALED_S = 10.0


@pytest.fixture
def applications(world):
    """A daemon behind a proxy, and eight writers that have just begun."""
    world.run(SCHEMA)
    world.track("entry", "counter")
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database))
    writers = None
    try:
        world.run("insert into counter (id) select unnest(%s)", (writer_names(PROCESSES),))
        daemon.wait_caught_up()
        writers = Writers(daemon, PROCESSES, CHANGES // PROCESSES)
        yield world, daemon, proxy, writers
    finally:
        if writers:
            writers.kill()


def cut_and_heal(proxy, choose):
    kind = choose.random()
    if kind < 0.4:
        proxy.cut_now()
    elif kind < 0.7:
        proxy.cut_after(choose.randint(0, 60), client=choose.random() < 0.5)
        time.sleep(choose.uniform(0.0, 0.1))
    else:
        proxy.refuse()
        time.sleep(choose.uniform(0.0, 0.1))
    proxy.heal()


def kill_and_start(daemon, choose):
    daemon.kill()
    time.sleep(choose.uniform(0.0, 0.05))
    daemon.start(ready=choose.random() < 0.3)


def trouble(daemon, proxy, choose):
    """Cuts and kills in any order, a moment apart."""
    moves = ["cut"] * CUTS + ["kill"] * CRASHES
    choose.shuffle(moves)
    for move in moves:
        time.sleep(choose.uniform(0.0, 0.15))
        if move == "cut":
            cut_and_heal(proxy, choose)
        else:
            kill_and_start(daemon, choose)


def test_what_eight_applications_write_arrives(applications):
    world, daemon, proxy, writers = applications
    choose = random.Random(int(os.environ.get("TIDEMARK_SEED", "7")))
    trouble(daemon, proxy, choose)
    writers.wait()
    proxy.cut_now()
    healed = time.monotonic()
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, lambda: f"an empty outbox\n{daemon.log()}",
               HEALED_S)
    print(f"outbox empty {time.monotonic() - healed:.1f} s after the last heal")
    daemon.wait_caught_up()
    assert dict(world.run("select id, number from entry")) == writers.entries
    assert dict(world.run("select id, n from counter")) == writers.counters
    assert daemon.query("select * from tide_rejected") == [] and daemon.query("select * from tide_conflict") == []
    world.assert_equal(daemon, "entry", "counter")
    assert daemon.value("pragma quick_check") == "ok"
