"""What applications write to a cache is in tide_outbox, whatever statement they use.

The daemon makes the cache once; each test writes to a copy of its own, with Python's
sqlite3 and no daemon anywhere near.
"""
import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

SCHEMA = """
create extension if not exists citext;
create table doc (
    id uuid primary key default gen_random_uuid(),
    title text not null,
    body text,
    size integer default 0,
    email citext unique,
    code char(3),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create unique index doc_title on doc (title) where deleted_at is null;
create table line (
    id bigint primary key,
    doc_id uuid references doc,
    amount numeric(10, 2),
    deleted_at timestamptz
);
create table tag (
    id integer primary key,
    label text unique,
    colour text,
    weight double precision,
    raw bytea,
    exact numeric
);
create table member (
    team citext,
    position char(4),
    name text unique,
    points integer,
    updated_at timestamp not null default now(),
    primary key (team, position)
);
create table oddkey (number double precision, raw bytea, exact numeric(8, 2), day date, value text,
    primary key (number, raw, exact, day));
create table bare (id integer primary key, stamp integer, updated_at timestamptz not null);
create table keyonly (a integer, b text, primary key (a, b));
create table computed (id integer primary key, a integer, twice integer generated always as (a * 2) stored);
create table "We""ird' Tab é [select] `x` -- /* ?1 %s aaaaaaaaaaaa" (
    "select" integer primary key, "We""ird' Tab" text unique, "rowid" text, "oid" text, "back\\slash" text, deleted_at timestamptz);
create table "New" ("id" text primary key, "old" text, "new" text, "rowid" text, updated_at timestamptz, deleted_at timestamptz);
create table "old" ("id" text primary key, "rowid" text, "oid" text, "_rowid_" text unique, updated_at timestamptz, deleted_at timestamptz);
create table "order" ("group" integer primary key, "Group By" text);
insert into doc (id, title, email) values ('00000000-0000-0000-0000-00000000000a', 'first', 'A@x'),
    ('00000000-0000-0000-0000-00000000000b', 'second', 'B@x'), ('00000000-0000-0000-0000-00000000000c', 'third', null);
insert into line values (1, '00000000-0000-0000-0000-00000000000a', 1.5), (2, '00000000-0000-0000-0000-00000000000b', 2);
insert into tag values (1, 'red', 'r', 1.5, '\\x00ff', 1.10), (2, 'blue', 'b', null, null, null), (3, 'green', null, 'NaN', '', null);
insert into member values ('Ops', 'lead', 'Ann', 1), ('ops', 'two', 'Bob', 2), ('dev', 'lead', 'Cyd', 3);
insert into oddkey values (0.5, '\\x00ff', 1.5, '2026-01-02', 'a'), ('infinity', '', 3, '2026-01-02', 'b');
insert into bare values (1, 1, now());
insert into keyonly values (1, 'a');
insert into computed values (1, 2);
"""
WIDE = 1600
A, B, C = (f"00000000-0000-0000-0000-00000000000{letter}" for letter in "abc")
ODD = "We\"ird' Tab é [select] `x` -- /* ?1 %s aaaaaaaaaaaa"


@pytest.fixture(scope="module")
def template_cache(module_world):
    world = module_world
    world.run(SCHEMA)
    world.run(f"create table wide ({', '.join(f'c{i} integer' for i in range(WIDE - 1))}, id integer primary key)")
    world.run("insert into wide (id, c0) values (1, 5)")
    daemon = world.daemon()
    daemon.wait_caught_up()
    daemon.stop()
    return daemon.cache_path


class Application:
    """A connection to a cache, and what it has left in the outbox."""

    def __init__(self, path, **more):
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, **more)
        self.db.execute("pragma foreign_keys = on")

    def run(self, sql, *parameters):
        return self.db.execute(sql, parameters).fetchall()

    def script(self, sql):
        """Without the COMMIT that executescript() puts before; the last statement's changes()."""
        for statement in sql.split(";"):
            self.db.execute(statement)
        return self.value("select changes()")

    def value(self, sql, *parameters):
        return self.run(sql, *parameters)[0][0]

    def outbox(self):
        """Entries since the last call: (table, op, key, base), base with its values unquoted."""
        entries = self.run("select t.name, op, row_key, base from tide_outbox left join tide_table t using (table_id)"
                           " order by sequence")
        assert self.run("select * from tide_replaced") == []
        assert self.run("select open from tide_gate") == [(0,)]
        self.run("delete from tide_outbox")
        return [(table, op, key_of(key), base_of(base)) for table, op, key, base in entries]


def key_of(text):
    key = json.loads(text, strict=False)
    return key[0] if len(key) == 1 else tuple(key)


def base_of(text):
    return text and {name: unquoted(value) for name, value in json.loads(text, strict=False).items()}


def unquoted(text):
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith("X'"):
        return bytes.fromhex(text[2:-1])
    return {"NULL": None, "Inf": float("inf"), "-Inf": float("-inf")}[text] if text[-1] in "Lf" else \
        (float(text) if "." in text or "e" in text else int(text))


@pytest.fixture(params=[False, True], ids=["", "recursive"])
def app(request, template_cache, folder):
    path = os.path.join(folder, "cache.db")
    shutil.copyfile(template_cache, path)
    application = Application(path)
    application.run(f"pragma recursive_triggers = {int(request.param)}")
    yield application
    assert application.value("pragma integrity_check") == "ok"
    assert application.run("pragma foreign_key_check") == []
    application.db.close()


# ---- insert, update, delete ----

def test_an_insert_is_an_entry_with_the_key_alone(app):
    app.run("insert into tag (id, label) values (10, 'x'), (11, 'y')")
    assert app.value("select changes()") == 2
    assert app.outbox() == [("tag", "insert", "10", None), ("tag", "insert", "11", None)]


def test_an_update_keeps_only_what_changed(app):
    app.run("update tag set colour = 'c', label = label")
    assert app.value("select changes()") == 3
    assert app.outbox() == [("tag", "update", "1", {"colour": "r"}), ("tag", "update", "2", {"colour": "b"}),
                            ("tag", "update", "3", {"colour": None})]


def test_an_update_that_changes_nothing_is_no_entry(app):
    app.script("update tag set colour = colour; update doc set title = title, updated_at = updated_at")
    assert app.outbox() == []


def test_a_hard_delete_keeps_every_value(app):
    app.run("delete from tag where id = 1")
    assert app.value("select changes()") == 1
    assert app.outbox() == [("tag", "delete", "1", {"id": 1, "label": "red", "colour": "r", "weight": 1.5,
                                                    "raw": b"\0\xff", "exact": "1.10"})]


def test_a_table_without_a_where_is_deleted_row_by_row(app):
    app.run("delete from tag")
    assert [entry[1:3] for entry in app.outbox()] == [("delete", "1"), ("delete", "2"), ("delete", "3")]


def test_an_update_from_another_table_is_captured(app):
    app.run("update tag set colour = line.amount from line where line.id = tag.id")
    assert app.outbox() == [("tag", "update", "1", {"colour": "r"}), ("tag", "update", "2", {"colour": "b"})]


def test_a_changed_key_is_a_delete_and_an_insert(app):
    app.run("update tag set id = 9, colour = 'x' where id = 2")
    assert app.outbox() == [("tag", "delete", "2", {"id": 2, "label": "blue", "colour": "b", "weight": None, "raw": None,
                                                    "exact": None}), ("tag", "insert", "9", None)]


def test_entries_say_when(app):
    app.run("update tag set colour = 'x' where id = 1")
    assert app.value("select abs(changed_at - julianday('now')) * 86400 < 60 from tide_outbox")


# ---- soft delete ----

def test_a_delete_leaves_a_tombstone_under_the_same_rowid(app):
    before = app.value("select rowid from doc where id = ?", B)
    app.run("delete from doc where id = ?", B)
    assert app.value("select changes()") == 1
    assert app.outbox() == [("doc", "update", B, {"deleted_at": None})]
    rowid, title, deleted_at, updated_at = app.run("select rowid, title, deleted_at, updated_at from doc where id = ?", B)[0]
    assert (rowid, title) == (before, "second")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z", deleted_at) and updated_at == deleted_at
    assert app.value("select count(*) from live_doc") == 2


def test_a_tombstone_cannot_be_deleted_again(app):
    app.script("delete from doc")
    assert len(app.outbox()) == 3
    rows = app.run("select * from doc")
    app.script("delete from doc")
    assert app.value("select changes()") == 0
    assert app.outbox() == [] and app.run("select * from doc") == rows


def test_a_soft_delete_by_update_and_a_restore_are_updates(app):
    app.run("update doc set deleted_at = '2026-01-01T00:00:00.000000Z' where id = ?", A)
    app.run("update doc set deleted_at = null where id = ?", A)
    assert app.outbox() == [("doc", "update", A, {"deleted_at": None}),
                            ("doc", "update", A, {"deleted_at": "2026-01-01T00:00:00.000000Z"})]


def test_a_row_that_was_born_and_deleted_is_an_insert_and_an_update(app):
    app.script("insert into line (id) values (9); delete from line where id = 9")
    assert app.outbox() == [("line", "insert", "9", None), ("line", "update", "9", {"deleted_at": None})]


def test_a_new_tombstone_is_an_insert(app):
    app.run("insert into line (id, deleted_at) values (9, '2026-01-01T00:00:00.000000Z'), (10, '2026-01-01T00:00:00.000000Z')")
    assert app.outbox() == [("line", "insert", "9", None), ("line", "insert", "10", None)]


def test_a_deleted_parent_keeps_its_children(app):
    app.script("begin; delete from doc; commit")
    assert [entry[1:3] for entry in app.outbox()] == [("update", key) for key in (A, B, C)]
    assert app.value("select count(*) from line") == 2


# ---- updated_at ----

def test_updated_at_is_stamped_unless_the_application_sets_it(app):
    app.run("update doc set title = 'new' where id = ?", A)
    assert app.outbox() == [("doc", "update", A, {"title": "first"})]
    stamp = app.value("select updated_at from doc where id = ?", A)
    assert abs(app.value("select julianday(?) - julianday('now')", stamp)) * 86400 < 60 and len(stamp) == 27
    app.run("update doc set title = 'newer', updated_at = '2020-01-01T00:00:00.000000Z' where id = ?", A)
    assert app.outbox() == [("doc", "update", A, {"title": "new"})]
    assert app.value("select updated_at from doc where id = ?", A) == "2020-01-01T00:00:00.000000Z"


def test_a_timestamp_without_zone_is_stamped_as_the_primary_spells_it(app):
    app.run("update member set points = 9 where name = 'Ann'")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", app.value("select updated_at from member where name = 'Ann'"))
    assert app.outbox() == [("member", "update", ("ops", "lead"), {"points": 1})]


def test_a_touch_is_an_update_of_nothing(app):
    app.run("update doc set updated_at = '2020-01-01T00:00:00.000000Z' where id = ?", A)
    app.run("update computed set twice = 5")
    assert app.outbox() == [("doc", "update", A, {}), ("computed", "update", "1", {})]


def test_touches_of_several_rows_are_several_entries(app):
    app.run("update doc set updated_at = '2020-01-01T00:00:00.000000Z'")
    assert [entry[2] for entry in app.outbox()] == [A, B, C]


def test_every_row_of_a_statement_is_stamped(app):
    app.run("update doc set size = 7")
    assert app.outbox() == [("doc", "update", key, {"size": 0}) for key in (A, B, C)]
    assert app.value("select count(distinct updated_at) from doc") == 1


def test_a_new_key_is_stamped_once(app):
    app.script("pragma foreign_keys = off; update doc set id = 'x' where id = '%s'" % C)
    assert [entry[1:3] for entry in app.outbox()] == [("delete", C), ("insert", "x")]
    assert app.value("select updated_at > '2026-01-01' from doc where id = 'x'")


def test_generated_columns_and_updated_at_are_in_no_base(app):
    app.script("update computed set a = 5, twice = 10; delete from computed; update bare set stamp = 2, updated_at = 'x'")
    assert app.outbox() == [("computed", "update", "1", {"a": 2}), ("computed", "delete", "1", {"id": 1, "a": 5}),
                            ("bare", "update", "1", {"stamp": 1})]


def test_a_required_updated_at_need_not_be_given(app):
    app.run("insert into bare (id) values (5)")
    assert app.outbox() == [("bare", "insert", "5", None)]
    assert len(app.value("select updated_at from bare where id = 5")) == 27


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
    assert app.run("select op from tide_outbox") == []
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
    kept = [("tag", "insert", "30", None)] if policy == "insert or fail" else []
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


# ---- what the application is told ----

def test_changes_and_returning_and_the_last_rowid_are_the_applications(app):
    assert app.run("insert into tag (label) values ('n') returning id, label") == [(4, "n")]
    assert app.value("select last_insert_rowid()") == 4
    assert app.run("update doc set size = 3 where id = ? returning id, size", A) == [(A, 3)]
    assert app.value("select changes()") == 1
    assert app.run("delete from doc where id = ? returning title", A) == [("first",)]
    assert app.value("select changes()") == 1
    assert app.run("insert or replace into tag (id, label) values (1, 'blue') returning label") == [("blue",)]
    assert app.value("select last_insert_rowid()") == 1
    assert app.run("insert into doc (title) values ('t') returning length(id), length(updated_at)") == [(36, 27)]


def test_a_default_key_is_a_random_uuid(app):
    app.run("insert into doc (title) values ('t1'), ('t2')")
    keys = [entry[2] for entry in app.outbox()]
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", key) for key in keys)
    assert [app.value("select title from doc where id = ?", key) for key in keys] == ["t1", "t2"]


# ---- values ----

@pytest.mark.parametrize("value", [
    "it's \"quoted\" \\ back", "a\0b", "\0", "", "tab\tnew\nline\x01", "emoji 🎉 ", b"\0\xff'", b"", 0, -1, 2**63 - 1, -2**63,
    1.5, -0.5, 1e300, 5e-324, float("inf"), float("-inf"), None, "NULL", "'", "1",
])
def test_any_value_is_in_the_base_as_it_was(app, value):
    app.run("update tag set colour = ?, weight = 1", value)
    app.outbox()
    stored = app.value("select colour from tag where id = 1")
    app.run("update tag set colour = 'other' where id = 1")
    ((_, _, _, base),) = app.outbox()
    assert base.get("colour", "other") == stored and type(base.get("colour")) is type(stored)
    app.run("update tag set colour = ? where id = 2", value)
    app.run("delete from tag where id = 2")
    assert app.outbox()[-1][3]["colour"] == app_value(value)


def app_value(value):
    """As a TEXT column keeps it."""
    return {True: str(value)}.get(isinstance(value, int), value) if not isinstance(value, float) else \
        {float("inf"): "Inf", float("-inf"): "-Inf", 5e-324: "4.94065645841247e-324"}.get(value, str(value).replace("1e+300", "1.0e+300"))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 0.1, 1e300, 12345678.9, None, "NaN"])
def test_real_values_are_in_the_base_as_they_were(app, value):
    app.run("update tag set weight = ? where id = 1", value)
    app.outbox()
    app.run("update tag set weight = 42.5 where id = 1")
    assert app.outbox() == [("tag", "update", "1", {"weight": value})]


def test_text_that_is_no_utf8_is_kept_byte_for_byte(app):
    app.run("update tag set colour = cast(x'ff41c3' as text) where id = 1")
    app.run("delete from tide_outbox")
    app.run("update tag set colour = 'x' where id = 1")
    assert app.value("select hex(cast(base as blob)) from tide_outbox") == b'{"colour":"\'\xffA\xc3\'"}'.hex().upper()
    app.run("update tag set label = cast(x'fe' as text) where id = 1")
    app.run("insert or replace into tag (id, label) values (1, 'z')")


def test_large_values_are_kept(app):
    text, blob = "x'" * 5_000_000, os.urandom(10_000_000)
    app.run("update tag set colour = ?, raw = ? where id = 1", text, blob)
    app.outbox()
    app.run("update tag set colour = null, raw = null where id = 1")
    assert app.outbox() == [("tag", "update", "1", {"colour": text, "raw": blob})]


def test_a_change_of_case_is_a_change(app):
    app.run("update doc set email = 'a@X' where id = ?", A)
    app.run("update member set team = 'OPS' where name = 'Ann'")
    app.run("update member set position = 'lead  ' where name = 'Ann'")
    assert app.outbox() == [("doc", "update", A, {"email": "A@x"}), ("member", "update", ("ops", "lead"), {"team": "Ops"}),
                            ("member", "update", ("ops", "lead"), {"position": "lead"})]


def test_keys_of_every_kind_are_spelt(app):
    app.run("update oddkey set value = 'x'")
    keys = [entry[2] for entry in app.outbox()]
    assert keys == [("0.5", "\\x00ff", "1.5", "2026-01-02"), ("Inf", "\\x", "3", "2026-01-02")]
    app.run("insert into oddkey values ('NaN', 'text', 'NaN', x'00', null)")
    assert app.outbox()[0][2][0] == "NaN"


def test_a_table_of_nothing_but_key_is_captured(app):
    app.script("insert into keyonly values (2, 'b'); update keyonly set b = 'c' where a = 2; insert or replace into keyonly values (1, 'a');"
               " delete from keyonly where a = 1")
    assert [entry[1:3] for entry in app.outbox()] == [("insert", ("2", "b")), ("delete", ("2", "b")), ("insert", ("2", "c")),
                                                      ("delete", ("1", "a"))]


def test_a_table_of_as_many_columns_as_the_primary_allows(app):
    app.run("update wide set c1597 = 7, c0 = 6")
    assert app.outbox() == [("wide", "update", "1", {"c0": 5, "c1597": None})]
    app.run("insert or replace into wide (id, c5) values (1, 1)")
    assert app.outbox() == [("wide", "update", "1", {"c0": 6, "c5": None, "c1597": 7})]
    app.run("delete from wide")
    assert len(app.outbox()[0][3]) == WIDE


def test_names_of_every_kind(app):
    odd = '"' + ODD.replace('"', '""') + '"'
    column = '"We""ird\' Tab"'
    app.run(f"insert into {odd} (\"select\", {column}, \"rowid\", \"back\\slash\") values (1, 'a', 'r', 'b'), (2, 'c', 'r', 'd')")
    app.run(f"update {odd} set {column} = 'z', \"back\\slash\" = 'y' where \"select\" = 1")
    app.run(f"insert or replace into {odd} (\"select\", {column}) values (3, 'c')")
    app.run(f"delete from {odd} where \"select\" = 1")
    entries = app.outbox()
    assert {entry[0] for entry in entries} == {ODD}
    assert [entry[1:3] for entry in entries] == [("insert", "1"), ("insert", "2"), ("update", "1"), ("delete", "2"), ("insert", "3"),
                                                 ("update", "1")]
    assert entries[2][3] == {"We\"ird' Tab": "a", "back\\slash": "b"}
    assert app.value(f"select deleted_at is not null from {odd} where \"select\" = 1") == 1


@pytest.mark.parametrize("table", ["New", "old"])
def test_tables_called_new_and_old(app, table):
    app.run(f"insert into \"{table}\" (id, \"rowid\") values ('a', 'x'), ('b', 'y'), ('c', 'z')")
    app.run(f"update \"{table}\" set updated_at = '2020-01-01'")
    app.outbox()
    app.run(f"update \"{table}\" set \"rowid\" = 'q' where id = 'a'")
    assert app.outbox() == [(table, "update", "a", {"rowid": "x"})]
    assert app.run(f"select count(*) from \"{table}\" where updated_at = '2020-01-01'") == [(2,)]
    app.run(f"insert or replace into \"{table}\" (id, \"rowid\") values ('b', 'n')")
    app.run(f"delete from \"{table}\" where id = 'c'")
    assert [entry[1:3] for entry in app.outbox()] == [("update", "b"), ("update", "c")]
    assert app.value(f"select count(*) from \"live_{table}\"") == 2


def test_a_table_called_by_a_reserved_word(app):
    app.script('insert into "order" values (1, null); update "order" set "Group By" = 2')
    assert app.outbox() == [("order", "insert", "1", None), ("order", "update", "1", {"Group By": None})]


# ---- triggers of applications ----

def test_a_full_text_index_follows_every_local_write(app):
    app.script("create virtual table doc_fts using fts5(title, body, content='doc', content_rowid='rowid')")
    for name, event, body in [
            ("i", "insert", "insert into doc_fts(rowid, title, body) values (new.rowid, new.title, new.body)"),
            ("d", "delete", "insert into doc_fts(doc_fts, rowid, title, body) values ('delete', old.rowid, old.title, old.body)"),
            ("u", "update", "insert into doc_fts(doc_fts, rowid, title, body) values ('delete', old.rowid, old.title, old.body);"
                            "insert into doc_fts(rowid, title, body) values (new.rowid, new.title, new.body)")]:
        app.run(f"create trigger fts_{name} after {event} on doc begin {body}; end")
    app.run("insert into doc_fts(doc_fts) values ('rebuild')")
    app.run("insert into doc (id, title, body) values ('x', 'hello', 'world')")
    app.run("update doc set title = 'goodbye' where id = 'x'")
    app.run("delete from doc where id = 'x'")
    app.run("update doc set body = 'again' where id = ?", A)
    app.run("insert into doc (id, title) values ('x', 'hi') on conflict (id) do update set body = 'up'")
    app.run("insert into doc_fts(doc_fts, rank) values ('integrity-check', 1)")
    found = app.run("select id from doc where rowid in (select rowid from doc_fts where doc_fts match 'goodbye')")
    assert found == [("x",)] and app.run("select rowid from doc_fts where doc_fts match 'hello'") == []
    assert [entry[1] for entry in app.outbox()] == ["insert", "update", "update", "update", "update"]


def test_writes_of_an_applications_triggers_are_captured(app):
    app.run(
        "create trigger mine after update on tag begin insert into line (id, amount) values (1000 + new.id, 1)"
        " on conflict (id) do update set amount = amount + 1; update doc set size = size + 1 where title = 'first'; end")
    app.run("update tag set colour = 'x' where id < 3")
    assert sorted(entry[:3] for entry in app.outbox()) == [
        ("doc", "update", A), ("doc", "update", A), ("line", "insert", "1001"), ("line", "insert", "1002"),
        ("tag", "update", "1"), ("tag", "update", "2")]


def test_triggers_of_the_application_between_ours_do_not_confuse_a_replace(app):
    app.run("create trigger mine1 before insert on tag begin insert or ignore into line (id) values (new.id + 500); end")
    app.run("create trigger mine2 after insert on tag when new.id < 100 begin"
            " insert into tag (id, label) values (new.id + 100, 'child ' || new.id) on conflict do nothing; end")
    app.run("insert or replace into tag (id, label) values (7, 'red'), (2, 'new')")
    entries = [entry[:3] for entry in app.outbox()]
    assert sorted(entries) == sorted([("line", "insert", "507"), ("tag", "delete", "1"), ("tag", "insert", "7"), ("line", "insert", "607"),
                                      ("tag", "insert", "107"), ("line", "insert", "502"), ("tag", "update", "2"),
                                      ("line", "insert", "602"), ("tag", "insert", "102")])


def test_a_stamp_of_the_applications_own_is_no_second_change(app):
    app.run("create trigger mine after update of title on doc begin"
            " update doc set updated_at = '2030-01-01T00:00:00.000000Z' where id = new.id; end")
    app.run("update doc set title = 'x' where id = ?", A)
    entries = app.outbox()
    assert ("doc", "update", A, {"title": "first"}) in entries and all(entry[3] in ({}, {"title": "first"}) for entry in entries)


# ---- other programs, other switches ----

def test_the_sqlite3_program_is_captured_too(app):
    run = subprocess.run(["sqlite3", "-batch", app.path, "update tag set colour = 'x' where id = 1; delete from line where id = 1;"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [entry[:3] for entry in app.outbox()] == [("tag", "update", "1"), ("line", "update", "1")]


@pytest.mark.parametrize("switch", ["pragma trusted_schema = off", "pragma foreign_keys = off", "pragma defer_foreign_keys = on",
                                    "pragma legacy_alter_table = on", "pragma ignore_check_constraints = on",
                                    "pragma case_sensitive_like = on", "pragma reverse_unordered_selects = on", "pragma cell_size_check = on"])
def test_the_applications_switches_do_not_matter(app, switch):
    app.run(switch)
    app.script("update tag set colour = 'x' where id = 1; delete from doc where title = 'second'; insert or replace into tag (id, label) values (2, 'green')")
    assert sorted(entry[1:3] for entry in app.outbox()) == sorted([("update", "1"), ("update", B), ("delete", "3"), ("update", "2")])


def test_units_of_work_leave_marks(app):
    app.script("begin; insert into tide_unit values ('begin'); update tag set colour = 'x' where id = 1; insert into tide_unit values ('end'); commit")
    assert app.run("select op, row_key, table_id = 0 from tide_outbox order by sequence") == [
        ("begin", None, 1), ("update", '["1"]', 0), ("end", None, 1)]


def test_a_gate_without_a_row_is_closed(app):
    app.script("delete from tide_gate; update tag set colour = 'x' where id = 1; insert into tide_gate values (0)")
    assert [entry[1:3] for entry in app.outbox()] == [("update", "1")]
