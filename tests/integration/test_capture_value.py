"""Whatever values rows hold, and whatever tables and columns are called, the outbox has it right."""
import os

import pytest

from support.application import A, ODD, WIDE, app, template_cache  # noqa: F401


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
