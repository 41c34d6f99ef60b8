"""What conflict clauses do is in tide_outbox: UPSERT, OR IGNORE, OR REPLACE and the others, with
and without recursive_triggers; and statements that fail leave nothing there.
"""
import sqlite3

import pytest

from support.application import A, B, C, app, template_cache  # noqa: F401


# ---- conflict clauses ----

def test_an_upsert_is_what_it_does(app):
    upsert = ("insert into doc (id, title, size) values (?, ?, 5) on conflict (id) do update set title = excluded.title,"
              " size = excluded.size")
    app.run(upsert, A, "renamed")
    app.run(upsert, "new", "fresh")
    assert app.value("select changes()") == 1
    app.run("insert into doc (id, title) values (?, 'x') on conflict do nothing", A)
    assert app.value("select changes()") == 0
    app.run("insert into doc (id, title, email) values ('z', 'x', 'a@X') on conflict (email) do update set body = 'b'")
    assert app.outbox() == [("doc", "update", A, {"title": "first", "size": 0}), ("doc", "insert", "new", None),
                            ("doc", "update", A, {"body": None})]


def test_insert_or_ignore_captures_what_goes_in(app):
    app.run("insert or ignore into tag (id, label) values (1, 'x'), (20, 'red'), (21, 'y')")
    assert app.value("select changes()") == 1
    assert app.outbox() == [("tag", "insert", "21", None)]


@pytest.mark.parametrize("statement", ["insert or replace", "replace"])
def test_replacing_a_row_is_an_update_of_what_differs(app, statement):
    app.run(f"{statement} into tag (id, label, colour, weight, raw, exact) values (1, 'red', 'x', 1.5, x'00', '1.10')")
    assert app.value("select changes()") == 1
    assert app.outbox() == [("tag", "update", "1", {"colour": "r", "raw": b"\0\xff"})]


def test_replacing_a_row_by_itself_is_no_entry(app):
    app.run("insert or replace into tag select * from tag")
    assert app.outbox() == []
    app.run("insert or replace into bare values (1, 1, 'x')")
    assert app.outbox() == [("bare", "update", "1", {})]


def test_a_row_that_another_one_replaces_is_deleted(app):
    app.run("insert or replace into tag (id, label) values (10, 'red')")
    assert app.outbox() == [("tag", "delete", "1", {"id": 1, "label": "red", "colour": "r", "weight": 1.5, "raw": b"\0\xff",
                                                    "exact": "1.10"}), ("tag", "insert", "10", None)]


def test_a_key_that_sqlite_makes_replaces_too(app):
    app.run("insert or replace into tag (label, colour) values ('red', 'new')")
    assert [entry[1:3] for entry in app.outbox()] == [("delete", "1"), ("insert", "4")]
    app.run("update line set doc_id = null")
    app.outbox()
    app.run("insert or replace into doc (title, email) values ('x', 'a@x')")
    entries = app.outbox()
    assert [entry[1] for entry in entries] == ["delete", "insert"] and entries[0][2] == A
    assert entries[0][3]["title"] == "first" and len(entries[1][2]) == 36


def test_one_row_may_replace_several(app):
    app.run("update line set doc_id = null")
    app.outbox()
    app.run("insert or replace into doc (id, title, email) values (?, 'second', 'a@x')", C)
    entries = app.outbox()
    assert sorted(entry[1:3] for entry in entries) == [("delete", A), ("delete", B), ("update", C)]
    assert entries[-1] == ("doc", "update", C, {"title": "third", "email": None})


def test_a_tombstone_is_outside_a_partial_index(app):
    app.run("delete from doc where id = ?", A)
    app.run("insert or replace into doc (id, title) values ('x', 'first')")
    assert [entry[1:3] for entry in app.outbox()] == [("update", A), ("insert", "x")]
    assert app.value("select count(*) from doc where title = 'first'") == 2


def test_a_restored_row_replaces_its_live_twin(app):
    app.run("delete from doc where id = ?", A)
    app.run("insert into doc (id, title) values ('x', 'first')")
    app.outbox()
    app.run("update or replace doc set deleted_at = null where id = ?", A)
    assert sorted(entry[1:3] for entry in app.outbox()) == [("delete", "x"), ("update", A)]


def test_replacing_a_tombstone_is_an_update(app):
    app.run("delete from doc where id = ?", A)
    app.outbox()
    app.run("insert or replace into doc (id, title, size, email, updated_at) values (?, 'first', 0, 'A@x', 'now')", A)
    ((table, op, key, base),) = app.outbox()
    assert (table, op, key, list(base)) == ("doc", "update", A, ["deleted_at"]) and base["deleted_at"]


def test_update_or_replace_deletes_who_stood_in_the_way(app):
    app.run("update or replace tag set label = 'blue' where id = 1")
    assert [entry[1:3] for entry in sorted(app.outbox())] == [("delete", "2"), ("update", "1")]
    app.run("update or replace tag set id = 3 where id = 1")
    entries = app.outbox()
    assert [entry[1:3] for entry in entries] == [("delete", "1"), ("update", "3")]
    assert entries[1][3] == {"label": "green", "colour": None, "weight": "NaN", "raw": b"", "exact": None}


@pytest.mark.parametrize("key", [-1, 0, 30])
def test_who_stood_in_the_way_is_not_forgotten_for_what_a_trigger_writes_meanwhile(app, key):
    """Whatever the row's key is: SQLite calls one that it is still to make -1."""
    app.run("insert into tag (id, label) values (?, 'a')", key)
    app.run(f"create trigger mine after update of label on tag when new.id = {key} begin"
            " insert into tag (id, label) values (50, 'z'); end")
    app.run("delete from tide_outbox")
    app.run(f"update or replace tag set label = 'red' where id = {key}")
    assert [entry[1:3] for entry in app.outbox()] == [("update", str(key)), ("insert", "50"), ("delete", "1")]


def test_a_changed_key_replaces_by_another_value_too(app):
    app.run("update or replace tag set id = 10, label = 'blue' where id = 1")
    entries = app.outbox()
    assert [entry[1:3] for entry in entries] == [("delete", "1"), ("delete", "2"), ("insert", "10")]
    assert entries[1][3]["label"] == "blue"


def test_composite_keys_replace(app):
    app.run("insert or replace into member (team, position, name, points) values ('OPS', 'lead  ', 'Bob', 5)")
    entries = app.outbox()
    assert [entry[1:3] for entry in entries] == [("delete", ("ops", "two")), ("update", ("ops", "lead"))]
    assert entries[1][3] == {"team": "Ops", "position": "lead", "name": "Ann", "points": 1}


def test_many_rows_replace_in_one_statement(app):
    app.run("insert or replace into tag (id, label, colour) select id, label, 'z' from tag union all select 9, 'red', 'q'")
    entries = [entry[1:3] for entry in app.outbox()]
    assert sorted(entries[:3]) == [("update", "1"), ("update", "2"), ("update", "3")]
    assert entries[3:] == [("delete", "1"), ("insert", "9")]


def test_what_was_kept_in_vain_does_no_harm(app):
    app.run("update or ignore tag set label = 'blue' where id = 1")
    app.run("insert or ignore into tag (id, label) values (2, 'x')")
    # taken down before the statement passed the row over: the row is as it was, so nothing is sent
    assert app.run("select op, base from tide_outbox") == [("update", """{"label":"'red'"}""")]
    app.run("delete from tide_outbox")
    app.script("delete from tag where id = 2; insert into tag (id, label) values (2, 'again'); update tag set label = 'blue' where id = 1")
    app.script("insert into tag (id, label) values (3, 'x') on conflict (id) do update set colour = 'v'")
    app.run("delete from tide_replaced")
    assert [entry[1:3] for entry in app.outbox()] == [("delete", "2"), ("insert", "2"), ("update", "1"), ("update", "3")]


def test_a_replace_that_a_trigger_of_the_application_refuses_does_no_harm(app):
    app.run("create trigger mine before insert on tag when new.colour = 'no' begin select raise(ignore); end")
    app.run("insert or replace into tag (id, label, colour) values (1, 'red', 'no')")
    assert app.value("select changes()") == 0
    app.run("delete from tag where id = 1")
    app.run("insert into tag (id, label) values (1, 'red')")
    assert [entry[1:3] for entry in app.outbox()] == [("delete", "1"), ("insert", "1")]


@pytest.mark.parametrize("policy, statement, message", [
    ("insert", "into tag (id) values (1)", "UNIQUE constraint failed: tag.id"),
    ("insert", "into tag (id, label) values (5, 'red')", "UNIQUE constraint failed: tag.label"),
    ("insert or abort", "into tag (id) values (1)", "UNIQUE constraint failed"),
    ("insert or fail", "into tag (id, label) values (30, 'x'), (1, 'y')", "UNIQUE constraint failed"),
    ("insert or rollback", "into tag (id) values (1)", "UNIQUE constraint failed"),
    ("update", "tag set label = 'red'", "UNIQUE constraint failed: tag.label"),
    ("update or fail", "tag set label = 'red' where id = 2", "UNIQUE constraint failed: tag.label"),
    ("insert", "into tag (id, label) values (1, 'q') on conflict (id) do update set label = 'blue'",
     "UNIQUE constraint failed: tag.label"),
])
def test_a_statement_that_fails_fails_as_ever_and_leaves_nothing(app, policy, statement, message):
    with pytest.raises(sqlite3.IntegrityError, match=message):
        app.run(f"{policy} {statement}")
    kept = {"insert or fail": [("tag", "insert", "30", None)],
            "update or fail": [("tag", "update", "2", {"label": "blue"})]}.get(policy, [])
    app.run("delete from tide_replaced")
    assert app.outbox() == kept


def test_a_statement_that_fails_in_the_middle_leaves_no_entry(app):
    app.script("begin; insert into tag (id) values (50)")
    with pytest.raises(sqlite3.IntegrityError):
        app.run("insert into tag (id, label) values (60, 'a'), (61, 'b'), (62, 'red')")
    app.run("commit")
    assert app.outbox() == [("tag", "insert", "50", None)]


def test_a_savepoint_rolled_back_leaves_no_entry(app):
    app.script("begin; savepoint s; update tag set colour = 'x'; delete from doc; rollback to s; release s;"
               " insert into tag (id) values (5); commit")
    assert app.outbox() == [("tag", "insert", "5", None)]


def test_a_row_that_is_replaced_by_an_applications_own_index_is_deleted(world):
    world.run("create table thing (id int primary key, name text, n int, code text);"
              "insert into thing values (1, 'one', 1, 'a'), (2, 'two', 2, 'b'), (3, 'three', 3, 'c')")
    world.track("thing")
    daemon = world.daemon(start=False)
    daemon.sync()
    daemon.query("create unique index by_name on thing (name, n)")
    daemon.query("create unique index by_code on thing (lower(code))")
    daemon.sync()
    daemon.query("insert or replace into thing values (9, 'one', 1, 'x')")
    daemon.query("update or replace thing set name = 'two', n = 2 where id = 3")
    daemon.query("insert or ignore into thing values (10, 'one', 1, 'y')")
    daemon.query("insert into thing values (11, 'one', 1, 'z') on conflict do nothing")
    daemon.sync()
    assert world.run("select id, name from thing order by id") == [(3, "two"), (9, "one")]
    world.assert_equal(daemon, "thing")
    assert daemon.value("select count(*) from tide_outbox") == 0
    daemon.query("drop index by_name")
    daemon.sync()
    daemon.query("insert or replace into thing values (12, 'one', 1, 'w')")
    daemon.sync()
    assert world.value("select count(*) from thing where name = 'one'") == 2
