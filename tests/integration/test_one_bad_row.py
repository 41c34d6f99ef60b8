"""One bad row never holds up the others, and is never lost: it is set aside with its SQLSTATE
and a sentence a person understands, and what becomes of it is that person's decision."""
import json
import os
import re
import sqlite3

import pytest

GOOD = 1000
SCHEMA = """
create table parent (id text primary key, name text, updated_at timestamptz not null default now());
create table item (
    id text primary key, n int, small smallint, code varchar(3), label text, name text unique, parent_id text references parent,
    amount numeric(5, 2), owner text not null default 'us',
    updated_at timestamptz not null default now(), deleted_at timestamptz,
    constraint item_n_is_positive check (n > 0));
create table child (id text primary key, item_id text references item, updated_at timestamptz not null default now());
create function refuse() returns trigger language plpgsql as $$
begin
    if new.label = 'forbidden' then raise exception 'the label "forbidden" is not allowed here'; end if;
    return new;
end $$;
create trigger refuse before insert or update on item for each row execute function refuse();
insert into item (id, n, name) select 'old' || i, 1, 'name ' || i from generate_series(1, 20) i;
"""
TABLES = ["parent", "item", "child"]

# what is written → SQLSTATE, words of the message, how the cause goes away
BAD = {
    "CHECK": ("insert into item (id, n) values ('bad', -1)", "23514", ["item_n_is_positive"],
              "alter table item drop constraint item_n_is_positive"),
    "UNIQUE": ("insert into item (id, name) values ('bad', 'name 3')", "23505", ["name"], "delete from item where id = 'theirs'"),
    "FOREIGN KEY": ("insert into item (id, parent_id) values ('bad', 'nobody')", "23503", ["parent"],
                    "insert into parent values ('nobody')"),
    "too long": ("insert into item (id, code) values ('bad', 'four')", "22001", ["too long"],
                 "alter table item alter code type varchar(4)"),
    "invalid UTF-8": ("insert into item (id, label) values ('bad', cast(x'41ff42' as text))", "22021", ["utf"], None),
    "NUL in text": ("insert into item (id, label) values ('bad', 'a' || char(0) || 'b')", "22021", [], None),
    "integer overflow": ("insert into item (id, small) values ('bad', 70000)", "22003", ["out of range"],
                         "alter table item alter small type int"),
    "numeric overflow": ("insert into item (id, amount) values ('bad', 12345.67)", "22003", ["overflow"],
                         "alter table item alter amount type numeric(8, 2)"),
    "not a number": ("insert into item (id, n) values ('bad', 'seven')", "22P02", ["seven"], None),
    "trigger exception": ("insert into item (id, label) values ('bad', 'forbidden')", "P0001", ["not allowed here"],
                          "drop trigger refuse on item"),
}
# the same causes, by updates of a row that is there
BAD_UPDATES = {
    "CHECK": ("update item set n = -1 where id = 'old1'", "23514"),
    "too long": ("update item set code = 'four' where id = 'old1'", "22001"),
    "trigger exception": ("update item set label = 'forbidden' where id = 'old1'", "P0001"),
    "FOREIGN KEY": ("update item set parent_id = 'nobody' where id = 'old1'", "23503"),
}


@pytest.fixture
def shop(world):
    world.run(SCHEMA)
    world.track(*TABLES)
    daemon = world.daemon(start=False)
    daemon.sync()
    return world, daemon


def write(daemon, *statements, foreign_keys=False):
    """Stock driver, one transaction. A program in another language may store what Python would not."""
    cache = sqlite3.connect(daemon.cache_path, isolation_level=None, timeout=10)
    cache.execute(f"pragma foreign_keys = {'on' if foreign_keys else 'off'}")
    cache.execute("begin immediate")
    for statement in statements:
        cache.execute(statement)
    cache.execute("commit")
    cache.close()


def good_rows(first, count=GOOD // 2):
    return [f"insert into item (id, n, name) values ('good{n}', {n}, 'good {n}')" for n in range(first, first + count)]


def sync_with_rejections(daemon):
    answer = daemon.tool("sync")
    assert answer.status == 3, answer
    return answer


def rejected(daemon):
    names = ["rejected_id", "table_name", "row_key", "op", "sqlstate", "message", "constraint_name", "cause_id", "unit_id",
             "base", "values"]
    quoted = ", ".join(f'"{name}"' for name in names)
    cache = daemon.open_cache()
    cache.text_factory = lambda data: data.decode(errors="replace")
    rows = cache.execute(f"select {quoted} from tide_rejected order by rejected_id").fetchall()
    cache.close()
    return [dict(zip(names, row)) for row in rows]


def assert_settled(world, daemon, *more):
    assert daemon.value("select count(*) from tide_outbox") == 0
    world.assert_equal(daemon, *TABLES, *more)


def prepare_cause(world, kind):
    """Makes true on the primary what the cache does not know."""
    if kind == "UNIQUE":
        world.run("update item set name = 'other' where id = 'old3'")
        return "insert into item (id, name) values ('theirs', 'name 3')"
    return None


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_insert_is_set_aside_alone(shop, kind):
    world, daemon = shop
    statement, sqlstate, words, cure = BAD[kind]
    meanwhile = prepare_cause(world, kind)
    daemon.sync()
    write(daemon, *good_rows(1), statement, *good_rows(501))
    if meanwhile:
        world.run(meanwhile)
    sync_with_rejections(daemon)
    assert world.value("select count(*) from item where id like 'good%%'") == GOOD
    only, = rejected(daemon)
    assert (only["table_name"], json.loads(only["row_key"]), only["op"], only["sqlstate"]) == ("item", ["bad"], "insert", sqlstate)
    assert_understandable(only["message"], words)
    assert_settled(world, daemon)
    retry(world, daemon, kind, cure)


def assert_understandable(message, words):
    assert all(word in message.lower() for word in words), message
    assert len(message) > 15 and " " in message and "savepoint" not in message and "$" not in message, message
    assert "failing row" not in message.lower(), "the row itself is in the message"


def retry(world, daemon, kind, cure):
    """Again with the cause still there: set aside again (the cache itself refuses what it knows to
    clash). With the cause gone: it arrives."""
    number = rejected(daemon)[0]["rejected_id"]
    assert daemon.tool("rejected", "retry", str(number)).status in ((1,) if kind == "UNIQUE" else (0, 3))
    sync_with_rejections(daemon)
    number = rejected(daemon)[0]["rejected_id"]
    if cure is None:
        discard(world, daemon, number)
        return
    world.run(cure)
    sync_with_rejections(daemon)
    assert daemon.tool("rejected", "retry", str(number)).status in (0, 3)
    daemon.sync()
    assert rejected(daemon) == []
    assert world.value("select count(*) from item where id = 'bad'") == 1, kind
    assert_settled(world, daemon)


def discard(world, daemon, number):
    answer = daemon.tool("rejected", "discard", str(number), "--yes")
    assert answer.status in (0, 3), answer
    path = re.search(r"(/\S+)", answer.out + answer.err)
    assert path and os.path.exists(path.group(1)), f"what it dropped is kept in no file\n{answer}"
    daemon.sync()
    assert rejected(daemon) == []
    assert_settled(world, daemon)


@pytest.mark.parametrize("kind", BAD_UPDATES)
def test_a_bad_update_is_set_aside_and_the_cache_returns_to_the_primary(shop, kind):
    world, daemon = shop
    statement, sqlstate = BAD_UPDATES[kind]
    write(daemon, *good_rows(1, 20), "update item set amount = 5 where id = 'old1'", statement)
    sync_with_rejections(daemon)
    only, = rejected(daemon)
    assert (only["op"], only["sqlstate"]) == ("update", sqlstate)
    assert json.loads(only["values"])["amount"] == 5, "the row's other changes are kept with it"
    assert_settled(world, daemon)
    assert daemon.value("select amount from item where id = 'old1'") is None
    discard(world, daemon, only["rejected_id"])


def test_a_column_that_may_not_be_null(shop):
    """NOT NULL holds in the cache too, unless the primary has learnt it since."""
    world, daemon = shop
    write(daemon, *good_rows(1), "insert into item (id, n, label) values ('bad', 1, null)")
    world.run("update item set label = 'x'; alter table item alter label set not null")
    answer = daemon.tool("sync")
    assert answer.status == 3, answer
    states = {row["sqlstate"] for row in rejected(daemon)}
    assert states == {"23502"}, rejected(daemon)
    assert all("tide_copy" not in message for (message,) in daemon.query("select message from tide_rejected"))
    world.run("alter table item alter label drop not null")
    sync_with_rejections(daemon)
    daemon.tool("rejected", "retry", "--all")
    daemon.sync()
    assert world.value("select count(*) from item where id = 'bad' or id like 'good%%'") == 501
    assert_settled(world, daemon)


def test_a_row_that_policies_hide_is_no_success(world, cluster):
    """RLS denial of an update is not an error there, it is zero rows; that of an insert is 42501."""
    world.run(SCHEMA)
    world.track(*TABLES)
    world.run("do $$ begin create role clerk login; exception when duplicate_object then null; end $$;"
              "select tidemark.grant_sync('clerk'); grant select, insert, update, delete on parent, item, child to clerk;"
              "alter table item enable row level security;"
              "create policy reads on item for select using (true);"
              "create policy changes on item for update using (owner = 'us') with check (owner = 'us');"
              "create policy inserts on item for insert with check (owner = 'us');"
              "update item set owner = 'them' where id = 'old2'")
    daemon = world.daemon(conninfo=cluster.conninfo(world.database, user="clerk"), start=False)
    daemon.sync()
    write(daemon, *good_rows(1), "update item set amount = 7 where id = 'old2'", "update item set owner = 'them' where id = 'old3'",
          "insert into item (id, owner) values ('bad', 'them')")
    sync_with_rejections(daemon)
    found = {json.loads(row["row_key"])[0]: row for row in rejected(daemon)}
    assert {key: row["sqlstate"] for key, row in found.items()} == {"old2": "42501", "old3": "42501", "bad": "42501"}
    for row in found.values():
        assert_understandable(row["message"], [])
    assert world.value("select count(*) from item where id like 'good%%'") == 500
    assert_settled(world, daemon)
    world.run("update item set owner = 'us' where id = 'old2'")
    sync_with_rejections(daemon)
    daemon.tool("rejected", "retry", str(found["old2"]["rejected_id"]))
    daemon.tool("sync")
    assert world.value("select amount from item where id = 'old2'") == 7


def test_a_row_that_is_gone_is_filed(shop):
    world, daemon = shop
    write(daemon, *good_rows(1), "update item set amount = 7 where id = 'old5'")
    world.run("delete from item where id = 'old5'")
    answer = daemon.tool("sync")
    assert answer.status in (0, 3), answer
    filed = daemon.query("select column_name, rule, local_value from tide_conflict where row_key = '[\"old5\"]'")
    assert [(row[0], row[2]) for row in filed] == [("amount", 7)], filed
    assert filed[0][1] == "deleted there"
    assert world.value("select count(*) from item where id like 'good%%'") == 500
    assert_settled(world, daemon)


# -- what depends on it --

FAMILY = ["insert into item (id, n) values ('mother', -1)", "insert into child (id, item_id) values ('kid 1', 'mother')",
          "insert into child (id, item_id) values ('kid 2', 'mother')", "insert into child (id, item_id) values ('other kid', 'old1')"]


def test_children_of_a_rejected_parent_are_set_aside_with_it(shop):
    world, daemon = shop
    write(daemon, *good_rows(1), *FAMILY)
    sync_with_rejections(daemon)
    found = {json.loads(row["row_key"])[0]: row for row in rejected(daemon)}
    assert set(found) == {"mother", "kid 1", "kid 2"}
    mother = found["mother"]
    assert mother["sqlstate"] == "23514" and mother["cause_id"] is None
    for kid in ("kid 1", "kid 2"):
        assert found[kid]["cause_id"] == mother["rejected_id"]
        assert_understandable(found[kid]["message"], [])
    assert world.run("select id from child") == [("other kid",)]
    assert_settled(world, daemon)


def test_a_family_is_retried_together(shop):
    world, daemon = shop
    write(daemon, *FAMILY)
    sync_with_rejections(daemon)
    world.run("alter table item drop constraint item_n_is_positive")
    sync_with_rejections(daemon)
    mother = next(row for row in rejected(daemon) if row["cause_id"] is None)
    daemon.tool("rejected", "retry", str(mother["rejected_id"]))
    daemon.sync()
    assert rejected(daemon) == []
    assert world.value("select count(*) from child") == 3
    assert_settled(world, daemon)


def test_a_family_is_discarded_together(shop):
    world, daemon = shop
    write(daemon, *FAMILY)
    sync_with_rejections(daemon)
    mother = next(row for row in rejected(daemon) if row["cause_id"] is None)
    discard(world, daemon, mother["rejected_id"])


def test_children_in_the_same_table(world):
    world.run("create table node (id int primary key, parent_id int references node, n int check (n > 0),"
              " updated_at timestamptz not null default now())")
    world.track("node")
    daemon = world.daemon(start=False)
    daemon.sync()
    write(daemon, "insert into node (id, n) values (1, 1)", "insert into node (id, n) values (2, -1)",
          *(f"insert into node (id, parent_id, n) values ({n}, {n - 1}, 1)" for n in range(3, 10)),
          "insert into node (id, parent_id, n) values (20, 1, 1)")
    sync_with_rejections(daemon)
    assert len(rejected(daemon)) == 8
    assert world.run("select id from node order by id") == [(1,), (20,)]
    world.assert_equal(daemon, "node")


# -- units of work --

def unit(*statements):
    return ["insert into tide_unit values ('begin')", *statements, "insert into tide_unit values ('end')"]


def test_a_unit_with_one_bad_row_is_set_aside_whole(shop):
    world, daemon = shop
    write(daemon, *good_rows(1, 200), *unit("update item set amount = 1 where id = 'old1'", "insert into item (id, n) values ('bad', -1)",
                                            "insert into parent (id, name) values ('p', 'x')"),
          *good_rows(201, 200))
    write(daemon, *unit("update item set amount = 2 where id = 'old2'", "insert into parent (id, name) values ('q', 'x')"))
    sync_with_rejections(daemon)
    found = {json.loads(row["row_key"])[0]: row for row in rejected(daemon)}
    assert set(found) == {"old1", "bad", "p"}
    assert len({row["unit_id"] for row in found.values()}) == 1 and found["bad"]["unit_id"] is not None
    assert world.run("select id from parent") == [("q",)]
    assert world.value("select count(*) from item where id like 'good%%'") == 400
    assert world.value("select amount from item where id = 'old2'") == 2
    assert_settled(world, daemon)
    world.run("alter table item drop constraint item_n_is_positive")
    sync_with_rejections(daemon)
    daemon.tool("rejected", "retry", str(found["p"]["rejected_id"]))
    daemon.sync()
    assert rejected(daemon) == [] and world.value("select count(*) from parent") == 2
    assert_settled(world, daemon)


def test_connected_units_go_together(shop):
    """What else is pending on a key of a refused unit cannot go without it."""
    world, daemon = shop
    write(daemon, *unit("insert into item (id, n) values ('bad', -1)", "update item set amount = 1 where id = 'old1'"))
    write(daemon, *unit("update item set label = 'x' where id = 'old1'", "insert into parent (id, name) values ('p', 'x')"))
    write(daemon, *unit("insert into parent (id, name) values ('q', 'x')"))
    sync_with_rejections(daemon)
    assert {json.loads(row["row_key"])[0] for row in rejected(daemon)} == {"bad", "old1", "p"}
    assert world.run("select id from parent") == [("q",)]
    assert_settled(world, daemon)


def test_many_bad_rows_among_many_good_ones(shop):
    world, daemon = shop
    write(daemon, *(f"insert into item (id, n) values ('r{n}', {-1 if n % 50 == 0 else n})" for n in range(1, 2001)))
    sync_with_rejections(daemon)
    assert len(rejected(daemon)) == 40
    assert world.value("select count(*) from item where id like 'r%%'") == 1960
    assert_settled(world, daemon)
    answer = daemon.tool("rejected", "discard", "--all", "--yes")
    assert answer.status in (0, 3), answer
    daemon.sync()
    assert_settled(world, daemon)


def test_edits_made_while_a_row_is_being_refused_go_with_it(world):
    """Alone they would find no row on the primary to go to."""
    world.run(SCHEMA)
    world.track(*TABLES)
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    write(daemon, "insert into item (id, n) values ('bad', -1)")
    refused = []

    def edit_when_refused(message, from_client):
        if not from_client and b"C23514\0" in message and not refused:
            refused.append(message)
            write(daemon, "update item set n = 5, label = 'later' where id = 'bad'")
    proxy.watch(edit_when_refused)
    sync_with_rejections(daemon)
    only, = rejected(daemon)
    assert refused and json.loads(only["values"])["label"] == "later", only
    assert daemon.query("select * from tide_conflict") == []
    assert_settled(world, daemon)


def edit_before_it_is_read_again(world, statement, edit, settings=None, more=""):
    """The daemon dies when a refused push is settled, and the application goes on."""
    world.run(SCHEMA + more)
    world.track(*TABLES, *(["kept"] if more else []))
    daemon = world.daemon(settings, start=False)
    daemon.sync()
    world.run("update item set label = label, n = 1 where id = 'old1'")
    daemon.sync()
    write(daemon, statement)
    daemon.start(fault="push.finished", ready=False)
    daemon.wait_end()
    assert len(rejected(daemon)) == 1
    assert daemon.value("select count(*) from tide_refetch") > 0
    write(daemon, *([edit] if isinstance(edit, str) else edit))
    return daemon


@pytest.mark.parametrize("conflict", ["server_wins", "last_write_wins"])
def test_an_edit_on_top_of_a_refused_value_is_no_conflict(world, conflict):
    daemon = edit_before_it_is_read_again(world, "update item set n = -1 where id = 'old1'", "update item set n = 9 where id = 'old1'",
                                          {"sync": {"conflict": conflict}})
    sync_with_rejections(daemon)
    assert daemon.query("select * from tide_conflict") == []
    assert world.value("select n from item where id = 'old1'") == 9
    assert [row["op"] for row in rejected(daemon)] == ["update"]
    assert_settled(world, daemon)


def test_an_edit_on_top_of_a_refused_value_meets_an_edit_there(world):
    daemon = edit_before_it_is_read_again(world, "update item set n = -1 where id = 'old1'", "update item set n = 9 where id = 'old1'",
                                          {"sync": {"conflict": "server_wins"}})
    world.run("update item set n = 7 where id = 'old1'")
    sync_with_rejections(daemon)
    assert daemon.query("select base_value, local_value, remote_value from tide_conflict") == [(1, 9, 7)]
    assert_settled(world, daemon)


KEPT = """
create table kept (id text primary key, n int, label text, amount int, updated_at timestamptz not null default now());
insert into kept values ('old1', 1, 'as it was');
create function keep() returns trigger language plpgsql as $$ begin raise 'it stays'; end $$;
create trigger keep before delete on kept for each row execute function keep();
"""
DELETED = "delete from kept where id = 'old1'"
REPLACED = "insert into kept (id, n, label) values ('old1', 9, 'anew')"


@pytest.mark.parametrize("there", [None, "update kept set amount = 4 where id = 'old1'"], ids=["as_before", "another_column"])
@pytest.mark.parametrize("conflict", ["server_wins", "last_write_wins"])
def test_a_row_made_anew_on_top_of_a_refused_delete_is_no_conflict(world, conflict, there):
    """The primary has the row as it was before the delete: that is what the new one differs from."""
    daemon = edit_before_it_is_read_again(world, DELETED, [REPLACED], {"sync": {"conflict": conflict}}, KEPT)
    if there:
        world.run(there)
    sync_with_rejections(daemon)
    assert daemon.query("select column_name from tide_conflict") == []
    assert world.run("select n, label from kept where id = 'old1'") == [(9, "anew")]
    assert [row["op"] for row in rejected(daemon)] == ["delete"]
    assert_settled(world, daemon, "kept")


def test_a_row_made_anew_on_top_of_a_refused_delete_meets_an_edit_there(world):
    daemon = edit_before_it_is_read_again(world, DELETED, [REPLACED], {"sync": {"conflict": "server_wins"}}, KEPT)
    world.run("update kept set n = 7 where id = 'old1'")
    sync_with_rejections(daemon)
    assert daemon.query("select column_name, base_value, local_value, remote_value from tide_conflict") == [("n", 1, 9, 7)]
    assert world.run("select n, label from kept where id = 'old1'") == [(7, "anew")]
    assert_settled(world, daemon, "kept")


def test_a_row_made_anew_and_deleted_again_on_top_of_a_refused_delete_is_there(world):
    daemon = edit_before_it_is_read_again(world, DELETED, [REPLACED, DELETED], more=KEPT)
    sync_with_rejections(daemon)
    assert daemon.value("select count(*) from kept where id = 'old1'") == 1
    assert daemon.query("select column_name from tide_conflict") == []
    assert_settled(world, daemon, "kept")


def test_a_row_made_anew_while_its_delete_is_being_refused_goes_with_it(world):
    world.run(SCHEMA + KEPT)
    world.track(*TABLES, "kept")
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    write(daemon, DELETED)
    refused = []

    def make_anew(message, from_client):
        if not from_client and b"CP0001\0" in message and not refused:
            refused.append(message)
            write(daemon, REPLACED)
    proxy.watch(make_anew)
    sync_with_rejections(daemon)
    only, = rejected(daemon)
    assert refused and only["op"] == "update" and json.loads(only["values"])["label"] == "anew", only
    assert daemon.query("select column_name from tide_conflict") == []
    assert_settled(world, daemon, "kept")


def test_a_refused_row_that_is_put_right_arrives(world):
    daemon = edit_before_it_is_read_again(world, "insert into item (id, n, label) values ('bad', -1, 'kept')",
                                          "update item set n = 9 where id = 'bad'")
    sync_with_rejections(daemon)
    assert world.run("select n, label from item where id = 'bad'") == [(9, "kept")]
    assert daemon.query("select * from tide_conflict") == []
    assert_settled(world, daemon)
