"""What applications write to a cache is in tide_outbox: inserts, updates, deletes, and what
triggers of their own do. The daemon makes the cache once; each test writes to a copy of its
own, with no daemon anywhere near.
"""
import re
import subprocess

import pytest

from support.application import A, B, C, app, template_cache  # noqa: F401


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
    before = app.value("select updated_at from doc where id = ?", C)
    app.script("pragma foreign_keys = off; update doc set id = 'x' where id = '%s'" % C)
    assert [entry[1:3] for entry in app.outbox()] == [("delete", C), ("insert", "x")]
    assert app.value("select updated_at from doc where id = 'x'") > before


def test_generated_columns_and_updated_at_are_in_no_base(app):
    app.script("update computed set a = 5, twice = 10; delete from computed; update bare set stamp = 2, updated_at = 'x'")
    assert app.outbox() == [("computed", "update", "1", {"a": 2}), ("computed", "delete", "1", {"id": 1, "a": 5}),
                            ("bare", "update", "1", {"stamp": 1})]


def test_a_required_updated_at_need_not_be_given(app):
    app.run("insert into bare (id) values (5)")
    assert app.outbox() == [("bare", "insert", "5", None)]
    assert len(app.value("select updated_at from bare where id = 5")) == 27


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


def test_writes_of_a_trigger_before_our_stamp_do_not_make_it_a_change(app):
    app.run("create trigger mine after update of title on doc begin update tag set colour = coalesce(colour, '') || 'x'; end")
    app.run("update doc set title = 'other' where title = 'first'")
    assert sorted(entry[:3] for entry in app.outbox()) == [
        ("doc", "update", A), ("tag", "update", "1"), ("tag", "update", "2"), ("tag", "update", "3")]


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
