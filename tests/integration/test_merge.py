"""Local changes that wait for their push meet what the primary sends: nothing of either side is lost.

The daemon's sessions are read-only on the primary, so that nothing is pushed in these tests.
"""
import sqlite3
import time

import pytest
from support.process import wait_until

SCHEMA = """
create table note (id int primary key, title text unique, body text, n int not null default 0,
                   updated_at timestamptz not null default now(), deleted_at timestamptz);
create table tag (id int primary key, label text, updated_at timestamptz not null default now());
create table plain (id int primary key, label text);
insert into plain values (1, 'one');
create table code (id bytea primary key, label text, n int, updated_at timestamptz not null default now());
insert into code select ('\\x0' || i)::bytea, 'label ' || i from generate_series(1, 5) i;
insert into note (id, title, body) select i, 'title ' || i, 'body ' || i from generate_series(1, 20) i;
insert into tag (id, label) select i, 'label ' || i from generate_series(1, 5) i;
create function touch() returns trigger language plpgsql as
$$ begin new.updated_at := clock_timestamp(); return new; end $$;
create trigger touch before update on note for each row execute function touch();
create trigger touch before update on tag for each row execute function touch();
"""


class Pair:
    """A world and a daemon whose local changes wait."""

    def __init__(self, world, tracked, options="-c default_transaction_read_only=on", **settings):
        self.world, self.tracked = world, tracked
        world.run(SCHEMA)
        if tracked:
            world.track("note", "tag", "plain", "code")
        conninfo = world.cluster.conninfo(world.database) + f" options='{options}'"
        sync = {"sweep_interval": "1s", **settings}
        self.daemon = world.daemon({"sync": sync}, conninfo=conninfo)
        self.daemon.wait_caught_up()

    def here(self, sql):
        """One local transaction while the daemon is at work."""
        cache = self.daemon.open_cache()
        cache.executescript(f"begin immediate; {sql}; commit")
        cache.close()

    def there(self, sql):
        self.world.run(sql)

    def apart(self, here, there, **more):
        """Both sides change while the daemon is away; it comes back."""
        self.daemon.stop()
        self.here(here)
        self.there(there)
        self.daemon.start(**more)

    def arrives(self, sql, expected):
        """The query of the cache has these rows soon."""
        wait_until(lambda: self.query(sql) == expected,
                   lambda: f"{expected}\n{self.query(sql)}\n{self.daemon.log()}", 30)

    def query(self, sql):
        try:
            return self.daemon.query(sql)
        except sqlite3.OperationalError as error:
            return str(error)

    def waiting(self):
        return self.query("select table_name, row_key from tide_pending order by first_sequence")

    def rejected(self):
        return self.query("select table_name, row_key, op, sqlstate from tide_rejected order by rejected_id")

    def conflicts(self):
        return self.query("select table_name, row_key, column_name, rule, winner, base_value, local_value"
                          " from tide_conflict order by conflict_id, column_name")


@pytest.fixture(params=[True, False], ids=["tracked", "untracked"])
def pair(world, request):
    return Pair(world, request.param)


def test_columns_changed_on_different_sides_are_merged(pair):
    pair.apart("update note set body = 'mine' where id = 1; insert into note (id, title) values (100, 'new')",
               "update note set n = 7 where id = 1; update note set body = 'theirs' where id = 2")
    pair.arrives("select id, title, body, n from note where id in (1, 2, 100)",
                 [(1, "title 1", "mine", 7), (2, "title 2", "theirs", 0), (100, "new", None, 0)])
    assert pair.waiting() == [("note", '["1"]'), ("note", '["100"]')]
    assert pair.rejected() == pair.conflicts() == []


def test_what_was_merged_arrives_once_it_can_be_sent(pair):
    pair.apart("update note set body = 'mine' where id in (1, 2); insert into note (id, title) values (100, 'new');"
               "delete from tag where id = 1; update note set body = 'mine' where id = 4",
               "update note set title = 'x' where id = 1; update note set title = 'title 1' where id = 2;"
               "update note set title = 'title 2' where id = 1; insert into note (id, title) values (200, 'theirs');"
               "update note set n = 3 where id = 4")
    pair.arrives("select title from note where id in (1, 2, 200) order by id", [("title 2",), ("title 1",), ("theirs",)])
    pair.daemon.stop()
    pair.daemon.configure({"primary": {"conninfo": pair.world.cluster.conninfo(pair.world.database)}})
    pair.daemon.start()
    pair.daemon.wait_caught_up()
    pair.world.assert_equal(pair.daemon, "note", "tag")
    assert pair.world.run("select id, title, body, n from note where id in (1, 2, 4, 100) order by id") == \
        [(1, "title 2", "mine", 0), (2, "title 1", "mine", 0), (4, "title 4", "mine", 3), (100, "new", None, 0)]
    assert pair.waiting() == pair.rejected() == pair.conflicts() == []


def test_an_edit_stays_until_its_push_is_decided(pair):
    pair.apart("update note set body = 'mine' where id = 1; delete from tag where id = 1",
               "update note set body = 'theirs', n = 1 where id = 1; update tag set label = 'theirs' where id = 1")
    pair.arrives("select body, n from note where id = 1", [("mine", 1)])
    assert pair.query("select count(*) from tag where id = 1") == [(0,)]
    assert len(pair.waiting()) == 2 and pair.conflicts() == []


def test_a_deletion_there_stands_and_the_edit_is_kept(pair):
    pair.apart("update note set body = 'mine' where id = 1; delete from tag where id = 1",
               "delete from note where id = 1; delete from tag where id = 1")
    pair.arrives("select count(*) from note where id = 1", [(0,)])
    pair.arrives("select count(*) from tide_outbox", [(0,)])
    assert pair.conflicts() == [("note", '["1"]', "body", "deleted there", "remote", "body 1", "mine")]


def test_a_row_made_anew_there_is_merged(world):
    pair = Pair(world, tracked=True)
    pair.apart("update note set body = 'mine' where id = 1",
               "begin; delete from note where id = 1; insert into note (id, title) values (1, 'again'); commit")
    pair.arrives("select title, body from note where id = 1", [("again", "mine")])
    assert pair.waiting() == [("note", '["1"]')] and pair.conflicts() == []


def test_a_truncation_spares_what_only_this_side_has(world):
    pair = Pair(world, tracked=True)
    pair.apart("update note set body = 'mine' where id in (1, 2); insert into note (id, title) values (100, 'new')",
               "begin; truncate note; insert into note (id, title) values (2, 'again'), (3, 'new 3'); commit")
    pair.arrives("select id, title, body from note order by id",
                 [(2, "again", "mine"), (3, "new 3", None), (100, "new", None)])
    assert pair.conflicts() == [("note", '["1"]', "body", "deleted there", "remote", "body 1", "mine")]
    assert pair.waiting() == [("note", '["2"]'), ("note", '["100"]')]


def test_sweeps_live_with_numbers_that_differ(world):
    pair = Pair(world, tracked=False)
    pair.here("insert into note (id, title) values (100, 'new'), (101, 'newer'); delete from tag where id = 1;"
              "delete from note where id = 3")
    pair.there("delete from note where id = 4; delete from tag where id = 2")
    pair.arrives("select count(*) from note where id = 4", [(0,)])
    pair.arrives("select id from tag order by id", [(3,), (4,), (5,)])
    pair.there("insert into note (id, title) values (100, 'theirs')")
    for n in (5, 6):
        pair.there(f"update note set n = {n} where id = 5")
        pair.arrives("select n from note where id = 5", [(n,)])
        time.sleep(1.2)  # a sweep, and the keys that it asks for
    pair.there("delete from note where id in (6, 7)")
    pair.arrives("select count(*) from note where id in (6, 7)", [(0,)])
    assert pair.query("select title from note where id = 100") == [("new",)]
    assert [table["state"] for table in pair.daemon.status()["tables"]] == ["live"] * 4
    assert "after all keys were compared" not in pair.daemon.log(100_000)


def test_unique_values_may_move_under_edited_rows(pair):
    swap = ("begin; update note set title = 'x' where id = 1; update note set title = 'title 1' where id = 2;"
            "update note set title = 'title 2' where id = 1; commit")
    pair.apart("update note set body = 'mine' where id in (1, 2, 3)",
               f"{swap}; begin; delete from note where id = 3; insert into note (id, title) values (200, 'title 3'); commit")
    pair.arrives("select id, title, body from note where id in (1, 2, 3, 200)",
                 [(1, "title 2", "mine"), (2, "title 1", "mine"), (200, "title 3", None)])
    assert pair.waiting() == [("note", '["1"]'), ("note", '["2"]')]
    if pair.tracked:
        assert pair.rejected() == []
        assert pair.conflicts() == [("note", '["3"]', "body", "deleted there", "remote", "body 3", "mine")]
    else:
        assert len(pair.rejected()) + len(pair.conflicts()) == 1


def test_a_unique_value_that_is_taken_there_is_rejected(pair):
    pair.apart("insert into note (id, title) values (100, 'wanted'); update note set title = 'too' where id = 1",
               "insert into note (id, title) values (200, 'wanted'), (201, 'too')")
    pair.arrives("select id, title from note where id in (1, 100, 200, 201)",
                 [(1, "title 1"), (200, "wanted"), (201, "too")])
    assert sorted(pair.rejected()) == [("note", '["1"]', "update", "23505"), ("note", '["100"]', "insert", "23505")]
    assert pair.waiting() == []


def test_a_row_that_is_refused_while_it_is_read_again_comes_back(pair):
    """The row was there already when a later one of the same round took its value."""
    pair.there("update note set title = 'wanted' where id = 2")
    pair.arrives("select title from note where id = 2", [("wanted",)])
    pair.daemon.stop()
    pair.here("update tide_gate set open = 1; update note set title = 'stale' where id = 2; update tide_gate set open = 0;"
              "insert into tide_refetch values ('note', '[\"1\"]'), ('note', '[\"2\"]')")
    pair.here("update note set title = 'wanted' where id = 1")
    pair.daemon.start()
    pair.arrives("select id, title from note where id in (1, 2)", [(1, "title 1"), (2, "wanted")])
    pair.arrives("select count(*) from tide_refetch", [(0,)])
    assert pair.rejected() == [("note", '["1"]', "update", "23505")]


def test_a_unit_of_work_is_refused_as_a_whole(pair):
    begin, end = "insert into tide_unit values ('begin')", "insert into tide_unit values ('end')"
    pair.apart(f"{begin}; insert into note (id, title) values (100, 'wanted'); update tag set label = 'mine' where id = 1;"
               f"delete from tag where id = 2; {end}; {begin}; update tag set label = 'mine too' where id = 1;"
               f"update note set body = 'mine' where id = 5; {end}; {begin}; update note set body = 'mine' where id = 6; {end};"
               "update note set body = 'mine' where id = 7",
               "insert into note (id, title) values (200, 'wanted')")
    pair.arrives("select id, title from note where id in (100, 200)", [(200, "wanted")])
    pair.arrives("select id, label from tag where id < 3", [(1, "label 1"), (2, "label 2")])
    pair.arrives("select id, body from note where id in (5, 6, 7)", [(5, "body 5"), (6, "mine"), (7, "mine")])
    rejected = pair.query("select table_name, row_key, op, cause_id, unit_id from tide_rejected order by rejected_id")
    cause, unit = 1, rejected[0][4]
    assert rejected == [("note", '["100"]', "insert", None, unit), ("tag", '["1"]', "update", cause, unit),
                        ("tag", '["2"]', "delete", cause, unit), ("note", '["5"]', "update", cause, unit)]
    assert pair.waiting() == [("note", '["6"]'), ("note", '["7"]')]


def test_a_row_whose_key_is_text_where_bytes_belong_waits_as_any_other(pair):
    """A list of keys names it by its bytes."""
    pair.here("insert into code (id, label) values ('abc', 'new'); update code set label = 'mine' where id = x'01'")
    pair.there("delete from code where id = '\\x02'; update code set n = 3")
    expected = [(b"\x01", "mine", 3), (b"\x03", "label 3", 3), (b"\x04", "label 4", 3), (b"\x05", "label 5", 3)]
    query = "select cast(id as blob), label, n from code order by cast(id as blob)"
    pair.arrives(query, [*expected, (b"abc", "new", None)])
    assert pair.daemon.tool("resync", "code").status == 75
    pair.there("update code set n = 4")
    expected = [(key, label, 4) for key, label, _ in expected]
    pair.arrives(query, [*expected, (b"abc", "new", None)])
    pair.there("truncate code; insert into code (id, label) values ('other', 'theirs')")
    pair.arrives(query, [(b"abc", "new", None), (b"other", "theirs", None)])
    assert pair.waiting() == [("code", '["\\\\x616263"]')]


def test_a_resync_keeps_what_waits(pair):
    pair.here("update note set body = 'mine' where id = 1; insert into note (id, title) values (100, 'new');"
              "delete from tag where id = 1")
    assert pair.daemon.tool("resync", "note").status == 75  # copied; what waits goes on waiting
    assert pair.daemon.tool("resync", "tag").status == 75
    pair.there("update note set n = 3 where id = 1")
    pair.arrives("select id, title, body, n from note where id in (1, 100)",
                 [(1, "title 1", "mine", 3), (100, "new", None, 0)])
    pair.arrives("select count(*) from tide_copy", [(0,)])
    assert pair.waiting() == [("note", '["1"]'), ("note", '["100"]'), ("tag", '["1"]')]
    assert pair.query("select count(*) from tag") == [(4,)]


def test_values_follow_their_columns_into_a_new_shape(pair):
    pair.apart("update note set body = 'mine', n = 9 where id = 1; insert into note (id, title, n) values (100, 'new', 4);"
               "delete from tag where id = 1; update note set n = 8 where id = 2",
               "alter table note drop column n, add column pages int not null default 3; alter table tag add column more text")
    pair.arrives("select id, title, body, pages from note where id in (1, 2, 100)",
                 [(1, "title 1", "mine", 3), (2, "title 2", "body 2", 3), (100, "new", None, 3)])
    pair.arrives("select count(*), max(more) from tag", [(4, None)])
    assert pair.waiting() == [("note", '["1"]'), ("note", '["100"]'), ("tag", '["1"]')]
    assert pair.rejected() == [("note", f'["{key}"]', "update", "42703") for key in (1, 100, 2)]


def test_changes_of_a_table_that_is_dropped_there_are_kept_as_rejected(pair):
    pair.apart("update tag set label = 'mine' where id = 1; insert into tag (id, label) values (100, 'new')",
               "drop table tag")
    pair.arrives("select count(*) from sqlite_schema where name = 'tag'", [(0,)])
    assert pair.rejected() == [("tag", '["1"]', "update", "42P01"), ("tag", '["100"]', "insert", "42P01")]
    assert pair.waiting() == []


def test_a_tombstone_with_changes_outlives_its_retention(world):
    pair = Pair(world, tracked=True, tombstone_retention="1s")
    pair.there("update note set deleted_at = '2020-01-01' where id in (1, 2)")
    pair.here("update note set deleted_at = '2020-01-01T00:00:00.000000Z' where id = 3;"
              "update note set body = 'mine' where id = 1")
    pair.arrives("select id from note where id in (1, 2, 3)", [(1,), (3,)])
    pair.there("update note set n = 1 where id = 9")
    pair.arrives("select n from note where id = 9", [(1,)])
    assert pair.query("select id from note where id in (1, 2, 3)") == [(1,), (3,)]
    assert len(pair.waiting()) == 2


@pytest.mark.parametrize("point", ["pull.received", "pull.before_commit", "pull.after_commit"])
def test_a_crash_in_the_merge_loses_nothing(world, point):
    pair = Pair(world, tracked=True)
    pair.apart("update note set body = 'mine' where id in (1, 2, 3); insert into note (id, title) values (100, 'wanted')",
               "delete from note where id = 1; insert into note (id, title) values (200, 'wanted');"
               "update note set n = 1 where id = 2", fault=point, ready=False)
    pair.daemon.wait_end()
    pair.daemon.start()
    pair.arrives("select id, body, n from note where id in (1, 2, 3, 100, 200)",
                 [(2, "mine", 1), (3, "mine", 0), (200, None, 0)])
    assert pair.conflicts() == [("note", '["1"]', "body", "deleted there", "remote", "body 1", "mine")]
    assert pair.rejected() == [("note", '["100"]', "insert", "23505")]
    assert pair.waiting() == [("note", '["2"]'), ("note", '["3"]')]


def test_rounds_that_change_nothing_write_nothing(world):
    """The ledger holds up the push: instead of a read-only session a new one is asked for, which is noted."""
    pair = Pair(world, tracked=True, options="")
    pair.there("create function busy() returns trigger language plpgsql as"
               " $$ begin raise exception 'busy' using errcode = '55P03'; end $$;"
               " create trigger busy before insert or update on tidemark.device for each row execute function busy()")
    pair.here("update plain set label = 'mine' where id = 1")
    pair.arrives("select state from tide_status", [("catching up",)])  # the push cannot go through
    time.sleep(1)  # what the first try of a push writes is written
    cache = pair.daemon.open_cache()
    before = cache.execute("pragma data_version").fetchone()
    for label in ("theirs", "theirs again", "theirs"):
        pair.there(f"update plain set label = '{label}' where id = 1")
        time.sleep(0.5)
    assert cache.execute("pragma data_version").fetchone() == before
    pair.there("update plain set label = 'mine' where id = 1")
    pair.arrives("select count(*) from tide_outbox", [(0,)])
    cache.close()
