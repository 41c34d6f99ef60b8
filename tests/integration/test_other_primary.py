"""The cursor is bound to the cluster: a restored, promoted or exchanged primary is seen."""
import os
import shutil

import pytest
from support.cluster import Cluster
from support.process import run_unprivileged, wait_until

SCHEMA = """
create table item (id int primary key, note text, updated_at timestamptz not null default now());
insert into item select n, 'note ' || n from generate_series(1, 200) n;
"""
modes = pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])


def prepare(world, tracked):
    world.run(SCHEMA)
    if tracked:
        world.track("item")


def change(world):
    """What the other primary has not."""
    for number in range(1, 40):
        world.run("update item set note = 'lost', updated_at = now() where id = %s", (number,))
    world.run("insert into item select n, 'lost' from generate_series(201, 220) n")
    world.run("delete from item where id = 100")


def becomes_equal(world, daemon):
    def settled():
        return not world.differences(daemon, "item")
    wait_until(settled, lambda: f"{world.differences(daemon, 'item')[:5]}\n{daemon.log()}", 40)


@modes
def test_a_primary_restored_from_a_backup_is_noticed(throw_away_cluster, world_on, tracked):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    prepare(world, tracked)
    daemon = world.daemon({"sync": {"sweep_interval": "1h"}})
    daemon.wait_caught_up()
    world.connection.close()
    cluster.stop()
    backup = cluster.data + ".backup"
    run_unprivileged("cp", "-a", cluster.data, backup)
    cluster.start()
    world.connection = cluster.connect(world.database)
    change(world)
    daemon.wait_caught_up()
    assert daemon.value("select count(*) from item where note = 'lost'") == 59
    world.connection.close()
    cluster.stop()
    shutil.rmtree(cluster.data)
    os.rename(backup, cluster.data)
    cluster.start()
    world.connection = cluster.connect(world.database)
    becomes_equal(world, daemon)
    world.run("update item set note = 'after' where id = 5")
    if tracked:
        daemon.wait_caught_up()
        world.assert_equal(daemon, "item")


@modes
def test_a_promoted_standby_is_noticed(place, numbers, throw_away_cluster, world_on, tracked):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    prepare(world, tracked)
    standby = cluster.standby(os.path.join(place, f"standby{next(numbers)}"))
    try:
        standby.wait_for_replay(cluster)
        daemon = world.daemon({"sync": {"sweep_interval": "1h"}})
        daemon.wait_caught_up()
        standby.stop("immediate")  # it misses what comes now
        change(world)
        daemon.wait_caught_up()
        daemon.stop()
        world.connection.close()
        cluster.stop()
        os.unlink(os.path.join(standby.data, "standby.signal"))
        standby.start()
        standby.run("select 1")
        daemon.configure({"primary": {"conninfo": standby.conninfo(world.database)}})
        world.cluster, world.connection = standby, standby.connect(world.database)
        daemon.start()
        becomes_equal(world, daemon)
        daemon.__exit__()
    finally:
        standby.remove()


def test_a_promoted_standby_that_has_gone_on_is_noticed(place, numbers, throw_away_cluster, world_on):
    """It has more transactions than the one before, and other ones: only its timeline tells."""
    cluster = throw_away_cluster()
    world = world_on(cluster)
    prepare(world, tracked=True)
    standby = cluster.standby(os.path.join(place, f"standby{next(numbers)}"))
    try:
        standby.wait_for_replay(cluster)
        daemon = world.daemon({"sync": {"sweep_interval": "1h"}})
        daemon.wait_caught_up()
        standby.stop("immediate")  # it misses what comes now
        change(world)
        daemon.wait_caught_up()
        daemon.stop()
        world.connection.close()
        cluster.stop()
        standby.start()
        standby.run("select pg_promote()")
        world.cluster, world.connection = standby, standby.connect(world.database)
        for number in range(101, 200):
            world.run("update item set note = 'kept' where id = %s", (number,))
        daemon.configure({"primary": {"conninfo": standby.conninfo(world.database)}})
        daemon.start()
        becomes_equal(world, daemon)
        daemon.__exit__()
    finally:
        standby.remove()


@modes
def test_another_cluster_with_the_same_tables_is_noticed(place, numbers, world, tracked):
    prepare(world, tracked)
    daemon = world.daemon({"sync": {"sweep_interval": "1h"}})
    daemon.wait_caught_up()
    change(world)
    daemon.wait_caught_up()
    daemon.stop()
    with Cluster(os.path.join(place, f"pg{next(numbers)}")) as other:
        other.create_database(world.database)
        keep = world.cluster, world.connection
        world.cluster, world.connection = other, other.connect(world.database)
        prepare(world, tracked)
        world.run("update item set note = 'here' where id > 150")
        daemon.configure({"primary": {"conninfo": other.conninfo(world.database)}})
        daemon.start()
        becomes_equal(world, daemon)
        daemon.__exit__()
        world.connection.close()
        world.cluster, world.connection = keep
