"""Rows that are gone on the primary go from the cache: by the delete log, or by the sweep."""
import time

from support.process import wait_until

SCHEMA = """
create table item (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into item (id, note) select n, 'note ' || n from generate_series(1, 100) n;
"""


def tracked_daemon(world, settings=None):
    world.run(SCHEMA)
    world.track("item")
    daemon = world.daemon(settings)
    daemon.wait_caught_up()
    return daemon


def untracked_daemon(world, **sync):
    world.run(SCHEMA)
    daemon = world.daemon({"sync": {"sweep_interval": "1s", **sync}})
    daemon.wait_caught_up()
    return daemon


def caught_up_and_equal(world, daemon, *tables):
    daemon.wait_caught_up()
    world.assert_equal(daemon, *(tables or ["item"]))


def test_a_tracked_hard_delete_arrives_in_the_next_round(world):
    daemon = tracked_daemon(world)
    world.run("delete from item where id <= 10")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select count(*) from item") == 90


def test_a_tracked_delete_and_insert_of_the_same_key_leaves_the_new_row(world):
    daemon = tracked_daemon(world)
    world.run("begin; delete from item where id = 1; insert into item (id, note) values (1, 'again'); commit")
    caught_up_and_equal(world, daemon)
    world.run("delete from item where id = 2")
    world.run("insert into item (id, note) values (2, 'again')")
    world.run("delete from item where id = 3; insert into item (id, note) values (3, 'x'); delete from item where id = 3")
    caught_up_and_equal(world, daemon)
    assert daemon.query("select note from item where id in (1, 2, 3)") == [("again",), ("again",)]


def test_a_tracked_truncate_empties_the_table(world):
    daemon = tracked_daemon(world)
    world.run("truncate item")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select count(*) from item") == 0


def test_rows_written_after_a_truncate_in_the_same_transaction_stay(world):
    daemon = tracked_daemon(world)
    world.run("begin; insert into item (id) values (500); truncate item; insert into item (id, note) values (1, 'new'), (501, 'new'); commit")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select count(*) from item") == 2


def test_rows_deleted_and_truncated_while_the_daemon_is_away_go_when_it_is_back(world):
    daemon = tracked_daemon(world)
    daemon.stop()
    world.run("delete from item where id = 1")
    world.run("truncate item")
    world.run("insert into item (id, note) values (7, 'after')")
    world.run("insert into item (id, note) values (8, 'after'); delete from item where id = 8")
    daemon.start()
    caught_up_and_equal(world, daemon)
    assert daemon.query("select id from item") == [(7,)]


def test_a_tracked_key_change_moves_the_row(world):
    daemon = tracked_daemon(world)
    world.run("update item set id = id + 1000 where id <= 5")
    world.run("update item set id = 1 where id = 1002")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select count(*) from item") == 100


def test_a_tracked_key_swap_is_followed(world):
    daemon = tracked_daemon(world)
    world.run("begin; update item set id = -1 where id = 1; update item set id = 1 where id = 2;"
              " update item set id = 2 where id = -1; commit")
    caught_up_and_equal(world, daemon)
    assert daemon.query("select note from item where id in (1, 2) order by id") == [("note 2",), ("note 1",)]


def test_a_delete_that_is_rolled_back_is_not_applied(world):
    daemon = tracked_daemon(world)
    world.run("begin; savepoint s; delete from item where id = 1; rollback to s; delete from item where id = 2; commit")
    caught_up_and_equal(world, daemon)
    assert daemon.query("select id from item where id in (1, 2)") == [(1,)]


def test_values_of_a_unique_column_may_change_places(world):
    world.run("create table item (id int primary key, place int not null unique deferrable, updated_at timestamptz not null default now());"
              "insert into item select n, n from generate_series(1, 20) n")
    world.track("item")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.run("begin; set constraints all deferred; update item set place = 21 - place; commit")
    caught_up_and_equal(world, daemon)
    world.run("delete from item where id = 20; update item set place = 1 where id = 19")
    caught_up_and_equal(world, daemon)


def test_deleted_parents_and_children_go_together(world):
    world.run("create table parent (id int primary key, updated_at timestamptz not null default now());"
              "create table child (id int primary key, parent_id int references parent on delete cascade, updated_at timestamptz not null default now());"
              "insert into parent select generate_series(1, 10); insert into child select n, n from generate_series(1, 10) n")
    world.track("parent", "child")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.run("delete from parent where id <= 5")
    caught_up_and_equal(world, daemon, "parent", "child")
    assert daemon.value("select count(*) from child") == 5
    assert daemon.query("pragma foreign_key_check") == []


def test_the_sweep_finds_untracked_hard_deletes(world):
    daemon = untracked_daemon(world)
    world.run("delete from item where id <= 10")
    wait_until(lambda: daemon.value("select count(*) from item") == 90, "the sweep removed ten rows", 20)
    caught_up_and_equal(world, daemon)


def test_the_sweep_finds_an_untracked_truncate_and_key_changes(world):
    daemon = untracked_daemon(world)
    world.run("update item set id = id + 1000 where id <= 5")
    wait_until(lambda: not world.differences(daemon, "item"), lambda: world.differences(daemon, "item"), 20)
    world.run("truncate item")
    wait_until(lambda: daemon.value("select count(*) from item") == 0, "the sweep emptied the table", 20)


def test_a_row_that_was_taken_out_of_the_cache_behind_the_triggers_is_missed(world):
    """No sweep brings back what did not change there: the numbers tell, and the table says so."""
    world.run("create table note (id int primary key, body text); insert into note select n, 'x' from generate_series(1, 20) n")
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}})
    daemon.wait_caught_up()
    cache = daemon.open_cache()
    cache.executescript("begin immediate; update tide_gate set open = 1; delete from note where id = 7; update tide_gate set open = 0; commit")
    cache.close()
    wait_until(lambda: "19 rows here and 20 on the primary" in daemon.log(), daemon.log, 20)
    assert daemon.table("note")["state"] == "failed"
    assert daemon.tool("resync", "note").status in (0, 3)
    wait_until(lambda: not world.differences(daemon, "note"), daemon.log, 20)


def test_the_sweep_finds_updates_that_leave_updated_at_alone(world):
    daemon = untracked_daemon(world, overlap="0s")
    world.run("update item set note = 'silent' where id = 50")
    wait_until(lambda: daemon.value("select note from item where id = 50") == "silent", "the sweep found it", 20)


def test_a_table_without_updated_at_is_followed_by_sweeps(world):
    world.run("create table tag (id int primary key, label text); insert into tag values (1, 'a'), (2, 'b')")
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}})
    daemon.wait_caught_up()
    world.run("update tag set label = 'changed' where id = 1; delete from tag where id = 2; insert into tag values (3, 'c')")
    wait_until(lambda: not world.differences(daemon, "tag"), lambda: world.differences(daemon, "tag"), 20)


def test_a_soft_delete_arrives_as_a_tombstone_and_leaves_the_live_view(world):
    daemon = tracked_daemon(world)
    world.run("update item set deleted_at = now() where id = 1")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select deleted_at is not null from item where id = 1") == 1
    assert daemon.query("select 1 from live_item where id = 1") == []
    world.run("update item set deleted_at = null where id = 1")
    caught_up_and_equal(world, daemon)
    assert daemon.query("select 1 from live_item where id = 1") == [(1,)]


def test_an_untracked_soft_delete_that_leaves_updated_at_alone_arrives_without_a_sweep(world):
    daemon = untracked_daemon(world, sweep_interval="1h")
    world.run("update item set deleted_at = now() where id = 1")
    daemon.wait_caught_up()
    assert daemon.value("select deleted_at is not null from item where id = 1") == 1


def test_tombstones_are_not_copied_by_the_snapshot(world):
    world.run(SCHEMA + "update item set deleted_at = now() where id <= 40")
    daemon = world.daemon(start=False)
    daemon.sync()
    assert daemon.value("select count(*) from item") == 60
    world.assert_equal(daemon, "item")


def test_tombstones_are_purged_after_their_time(world):
    daemon = tracked_daemon(world, {"sync": {"tombstone_retention": "2s"}})
    world.run("update item set deleted_at = now() where id <= 40")
    daemon.wait_caught_up()
    purged = time.monotonic()
    wait_until(lambda: daemon.value("select count(*) from item") == 60, "forty tombstones are purged", 30)
    assert time.monotonic() - purged > 0.5
    world.run("update item set deleted_at = null where id <= 5")
    caught_up_and_equal(world, daemon)
    assert daemon.value("select count(*) from item") == 65


def test_a_table_that_becomes_tracked_is_swept_before_its_cursor_counts(world):
    world.run(SCHEMA)
    daemon = world.daemon({"sync": {"sweep_interval": "1h"}})
    daemon.wait_caught_up()
    world.run("update item set note = 'silent' where id = 1; delete from item where id = 2")
    world.track("item")
    daemon.wait_caught_up()
    wait_until(lambda: daemon.table("item")["mode"] == "tracked", "the table is seen as tracked", 20)
    caught_up_and_equal(world, daemon)
    world.run("delete from item where id = 3")
    caught_up_and_equal(world, daemon)


def test_a_table_that_is_no_longer_tracked_is_swept_too(world):
    daemon = tracked_daemon(world, {"sync": {"sweep_interval": "1s"}})
    daemon.stop()
    world.run("delete from item where id = 3")
    world.run("select tidemark.untrack('item')")
    world.run("delete from item where id = 4; update item set note = 'silent' where id = 5")
    daemon.start()
    wait_until(lambda: not world.differences(daemon, "item"), lambda: world.differences(daemon, "item"), 20)
    assert daemon.table("item")["mode"] == "untracked"


def test_a_cache_that_was_away_longer_than_deletes_are_remembered_sweeps_once(world):
    world.run("create table note (id int primary key, body text, updated_at timestamptz default now(), deleted_at timestamptz)")
    world.run("insert into note select n, 'x' from generate_series(1, 20) n")
    world.track("note")
    daemon = world.daemon(start=False)
    daemon.sync()
    world.run("delete from note where id <= 3; update note set deleted_at = now() where id in (4, 5)")
    world.run("insert into note select n, 'new' from generate_series(101, 105) n")
    # as purge_tombstones() leaves things a month later
    world.run("delete from note where id in (4, 5)")
    world.run("delete from tidemark.deleted_row;"
              " insert into tidemark.retention values ('note'::regclass, '1 day', now() + interval '1 second')")
    daemon.sync()
    world.assert_equal(daemon, "note")


def test_a_long_pause_is_a_time_away_too(world):
    """The link stays open, and what was deleted meanwhile is forgotten all the same."""
    world.run("create table note (id int primary key, body text); insert into note select n, 'x' from generate_series(1, 20) n")
    world.track("note")
    daemon = world.daemon()
    daemon.wait_caught_up()
    daemon.tool("pause")
    daemon.wait_state("paused")
    world.run("delete from note where id <= 3; delete from tidemark.deleted_row;"
              " insert into tidemark.retention values ('note'::regclass, '1 day', now() + interval '1 second')")
    daemon.tool("resume")
    daemon.wait_caught_up()
    world.assert_equal(daemon, "note")
