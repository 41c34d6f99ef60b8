"""Schema tidemark may go and come back: what is certain goes on, what is in doubt is asked, and a primary that was
restored from a backup is still recognized."""
import os
import shutil

import pytest
from support.process import run_unprivileged, wait_until
from support.shop import Shop


def make(world, **more):
    shop = Shop(world, **more)
    world.run("create table audit (what text);"
              "create function audit() returns trigger language plpgsql as"
              " $$ begin insert into audit values (new.note); return null; end $$;"
              "create trigger audit after update on item for each row execute function audit()")
    shop.edit("update item set note = 'first' where id = 1")
    shop.sync()
    return shop


def install_again(shop):
    shop.world.run("drop schema tidemark cascade")
    shop.world.track(*shop.tables)


def notes(shop):
    return [note for note, in shop.world.run("select what from audit order by 1")]


def test_a_ledger_that_was_made_anew_stops_nothing(world):
    shop = make(world)
    install_again(shop)
    shop.edit("update item set note = 'second' where id = 2")
    shop.sync()
    assert notes(shop) == ["first", "second"]
    assert world.value("select last_push::text from tidemark.device") == shop.device.value("select last_push from tide_device")
    shop.edit("update item set note = 'third' where id = 3")
    shop.sync()
    assert notes(shop) == ["first", "second", "third"]
    assert world.value("select count(*) from tidemark.device") == 1
    shop.assert_equal()


def test_a_daemon_goes_on_with_it(world):
    shop = make(world)
    shop.device.start()
    shop.device.wait_caught_up()
    install_again(shop)
    shop.edit("update item set note = 'second' where id = 2")
    wait_until(lambda: notes(shop) == ["first", "second"], shop.device.log, 30)
    shop.device.wait_caught_up()
    assert shop.device.status()["state"] == "live"
    shop.assert_equal()


@pytest.mark.parametrize("point, arrived", [("push.before_commit", False), ("push.after_commit", True)])
def test_a_push_under_way_is_in_doubt_then(world, point, arrived):
    """Whether it arrived cannot be known: nothing is sent twice until a person says so."""
    shop = make(world, faults=True)
    shop.edit("update item set note = 'doubtful' where id = 2")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    install_again(shop)
    answer = shop.device.tool("sync")
    assert answer.status in (1, 3) and "nobody knows" in answer.err and "tidemark resync" in answer.err, answer
    assert ("doubtful" in notes(shop)) is arrived
    assert shop.pending() == (not arrived), "a round that brings the value back settles it, too"
    assert shop.device.tool("resync").status == 0
    assert notes(shop).count("doubtful") == 1
    assert shop.pending() == 0
    shop.assert_equal()


@pytest.mark.parametrize("point", ["push.before_commit", "push.after_commit"])
def test_a_push_under_way_without_a_ledger_is_repeated_even_if_one_comes(world, point):
    shop = Shop(world, track=False, faults=True)
    shop.edit("update item set note = 'patient' where id = 2")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    world.track(*shop.tables)
    shop.sync()
    assert world.value("select note from item where id = 2") == "patient"
    assert shop.pending() == 0 and shop.conflicts() == []
    shop.assert_equal()


def test_a_push_under_way_is_in_doubt_while_there_is_no_ledger_either(world):
    shop = make(world, faults=True)
    shop.edit("update item set note = 'doubtful' where id = 2")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": "push.after_commit"})
    world.run("drop schema tidemark cascade")
    answer = shop.device.tool("sync")
    assert answer.status in (1, 3) and "nobody knows" in answer.err, answer
    assert notes(shop).count("doubtful") == 1


def test_a_primary_without_a_ledger_any_more_takes_changes(world):
    shop = make(world, faults=True)
    world.run("drop schema tidemark cascade")
    shop.edit("update item set note = 'second' where id = 2")
    shop.sync()
    shop.edit("update item set note = 'third' where id = 3")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": "push.after_commit"})
    world.track(*shop.tables)
    shop.sync()
    assert notes(shop) == ["first", "second", "third"]
    shop.assert_equal()


def test_a_primary_restored_to_a_time_before_the_device_is_recognized(throw_away_cluster, world_on):
    """Its ledger has no row of this device, just as one that was made anew."""
    cluster = throw_away_cluster()
    world = world_on(cluster)
    shop = Shop(world)
    world.connection.close()
    cluster.stop()
    backup = cluster.data + ".backup"
    run_unprivileged("cp", "-a", cluster.data, backup)
    cluster.start()
    world.connection = cluster.connect(world.database)
    for number in range(5):
        shop.edit(f"update item set note = 'lost {number}' where id = {number + 1}")
        shop.sync()
    world.connection.close()
    cluster.stop()
    shutil.rmtree(cluster.data)
    os.rename(backup, cluster.data)
    cluster.start()
    world.connection = cluster.connect(world.database)
    shop.edit("update item set note = 'later' where id = 9")
    for _ in range(2):  # it stays so
        answer = shop.device.tool("sync")
        assert answer.status in (1, 3) and "restored" in answer.err and "resync" in answer.err, answer
        assert shop.pending() == 1
    assert shop.device.tool("resync").status == 0
    assert world.value("select note from item where id = 9") == "later"
    shop.assert_equal()
