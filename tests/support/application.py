"""An application that writes to a cache with Python's sqlite3, and what that leaves in the
outbox.

    from support.application import app, template_cache   # the fixtures
    app.run("update tag set colour = 'c'")
    app.outbox()                       # [("tag", "update", "1", {"colour": "r"}), …]
"""
import json
import os
import shutil
import sqlite3

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




def make_cache(world):
    """A cache of the tables of SCHEMA, and of one with as many columns as the primary takes."""
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


@pytest.fixture(scope="module")
def template_cache(module_world):
    return make_cache(module_world)


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
