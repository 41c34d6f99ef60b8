"""Which tables are mirrored, under any name; what is refused, and how it is said."""
import pytest

STAMP = "updated_at timestamptz not null default now()"
LONG = "n" * 63
NAMES = ["MixedCase", "with space", 'quo"ted', "it's", "select", "table", "ünï", "😀" * 15, LONG, "a.b", "back\\slash",
         "percent%s", "semi;colon", "-- comment", "[brackets]", "$1", "new", "rowid", "index"]


def refusal(status, name):
    return next((entry for entry in status["refused"] if entry["name"] == name), None)


def sqlite_name(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def oddly_named(module_world):
    world = module_world
    for name in NAMES:
        quoted = sqlite_name(name)
        with world.connection.cursor() as cursor:
            cursor.execute(f"create table {quoted} ({quoted} int, id int, \"order\" text, {STAMP}, primary key (id, {quoted}))")
            cursor.execute(f"insert into {quoted} values (1, 1, 'first'), (2, 1, 'second')")
    world.track(*[sqlite_name(name) for name in NAMES[::2]])
    daemon = world.daemon()
    daemon.wait_caught_up()
    return world, daemon


@pytest.mark.parametrize("name", NAMES)
def test_a_table_and_column_may_be_called(oddly_named, name):
    world, daemon = oddly_named
    world.assert_equal(daemon, name)
    quoted = sqlite_name(name)
    world.run(f"update {quoted} set \"order\" = 'changed', updated_at = now() where id = 1 and {quoted} = 1")
    world.run(f"insert into {quoted} values (3, 2, 'new')")
    daemon.wait_caught_up()
    world.assert_equal(daemon, name)
    assert daemon.value(f"select count(*) from {quoted} where \"order\" in ('changed', 'new')") == 2


def test_a_table_without_primary_key_is_refused_by_name_and_the_rest_goes_on(world):
    world.run(f"create table orders (id int primary key, {STAMP}); insert into orders values (1);"
              f"create table log (line text, {STAMP}); insert into log values ('x')")
    daemon = world.daemon()
    daemon.wait_caught_up()
    refused = refusal(daemon.status(), "log")
    assert "primary key" in refused["reason"] and refused["schema"] == "public" and refused["remedy"]
    world.assert_equal(daemon, "orders")
    assert daemon.query("select name from sqlite_master where name = 'log'") == []


def test_a_partitioned_table_is_mirrored_as_its_parent(world):
    world.run(f"create table event (id int, day date, {STAMP}, primary key (id, day)) partition by range (day);"
              "create table event_1 partition of event for values from ('2026-01-01') to ('2026-02-01');"
              "create table event_2 partition of event for values from ('2026-02-01') to ('2026-03-01');"
              "insert into event values (1, '2026-01-15'), (2, '2026-02-15')")
    daemon = world.daemon({"sync": {"sweep_interval": "1s"}})
    daemon.wait_caught_up()
    world.assert_equal(daemon, "event")
    world.run("update event set day = '2026-02-16', updated_at = now() where id = 1; insert into event values (3, '2026-01-20')")
    daemon.wait_caught_up()
    assert daemon.value("select count(*) from event where day = '2026-02-16'") == 1
    names = {row[0] for row in daemon.query("select name from sqlite_master where type = 'table'")}
    assert "event" in names and not names & {"event_1", "event_2"}


def test_a_tracked_partitioned_table_follows_its_partitions(world):
    world.run(f"create table event (id int, day date, note text, {STAMP}, primary key (id, day)) partition by range (day);"
              "create table event_1 partition of event for values from ('2026-01-01') to ('2026-02-01');"
              "create table event_2 partition of event for values from ('2026-02-01') to ('2026-03-01');"
              "insert into event values (1, '2026-01-15'), (2, '2026-02-15'), (3, '2026-02-20')")
    world.track("event")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.run("update event set day = '2026-02-16' where id = 1; delete from event where id = 2;"
              "update event set note = 'x' where id = 3; insert into event_1 values (4, '2026-01-20')")
    daemon.wait_caught_up()
    world.assert_equal(daemon, "event")


def test_a_view_named_explicitly_is_refused_by_name(world):
    world.run(f"create table orders (id int primary key, {STAMP}); create view big as select * from orders;"
              "create materialized view kept as select * from orders")
    daemon = world.daemon({"sync": {"tables": "orders, big, kept"}})
    daemon.wait_caught_up()
    status = daemon.status()
    assert "view" in refusal(status, "big")["reason"] and "view" in refusal(status, "kept")["reason"]
    assert [table["name"] for table in status["tables"]] == ["orders"]


def test_a_view_that_only_a_pattern_matches_is_passed_over(world):
    world.run(f"create table orders (id int primary key, {STAMP}); create view big as select * from orders")
    daemon = world.daemon()
    daemon.wait_caught_up()
    assert daemon.status()["refused"] == []


def test_a_foreign_table_named_explicitly_is_refused_by_name(world):
    world.run("create extension file_fdw; create server files foreign data wrapper file_fdw;"
              "create foreign table far (id int) server files options (filename '/dev/null');"
              f"create table orders (id int primary key, {STAMP})")
    daemon = world.daemon({"sync": {"tables": "orders, far"}})
    daemon.wait_caught_up()
    assert "foreign" in refusal(daemon.status(), "far")["reason"]


def test_two_schemas_are_mirrored_together(world):
    world.run(f"create schema sales; create table sales.orders (id int primary key, {STAMP});"
              f"insert into sales.orders values (7); create table customers (id int primary key, {STAMP});"
              "insert into customers values (1)")
    daemon = world.daemon({"primary": {"schema": "public, sales"}})
    daemon.wait_caught_up()
    world.assert_equal(daemon, "customers")
    world.assert_equal(daemon, "orders", schema="sales")
    assert {(table["schema"], table["name"]) for table in daemon.status()["tables"]} == {
        ("public", "customers"), ("sales", "orders")}


def test_the_same_name_in_two_schemas_is_not_mixed_up(world):
    world.run(f"create schema sales; create table orders (id int primary key, {STAMP}); insert into orders values (1);"
              f"create table sales.orders (id int primary key, {STAMP}); insert into sales.orders values (2)")
    daemon = world.daemon({"primary": {"schema": "public, sales"}})
    daemon.wait_caught_up()
    status = daemon.status()
    assert len(status["tables"]) + len(status["refused"]) == 2
    assert daemon.query("select id from orders") in ([(1,)], [(2,)])
    assert refusal(status, "orders")["remedy"] is not None


def test_names_that_differ_in_case_only_are_not_mixed_up(world):
    world.run(f'create table orders (id int primary key, {STAMP}); create table "Orders" (id int primary key, {STAMP});'
              f'insert into orders values (1); insert into "Orders" values (2);'
              f'create table odd (id int primary key, note text, "Note" text, {STAMP})')
    daemon = world.daemon()
    daemon.wait_caught_up()
    status = daemon.status()
    assert len(status["refused"]) == 2, status["refused"]
    assert len(status["tables"]) == 1


def test_only_the_chosen_tables_are_mirrored(world):
    world.run("".join(f"create table {name} (id int primary key, {STAMP});" for name in ("orders", "audit_a", "audit_b", "audit_keep")))
    daemon = world.daemon({"sync": {"tables": "*, !audit_*, audit_keep"}})
    daemon.wait_caught_up()
    names = {table["name"] for table in daemon.status()["tables"]}
    assert "orders" in names and not names & {"audit_a", "audit_b"}


def test_columns_can_be_left_out(world):
    world.run(f"create table doc (id int primary key, title text, embedding text not null, secret text, {STAMP});"
              "insert into doc values (1, 'a', 'big', 'hush')")
    daemon = world.daemon({"table doc": {"columns": "!embedding, !secret"}})
    daemon.wait_caught_up()
    world.assert_equal(daemon, "doc", without={"embedding", "secret"})
    assert [row[1] for row in daemon.query("pragma table_info(doc)")] == ["id", "title", "updated_at"]
    world.run("update doc set title = 'b', updated_at = now()")
    daemon.wait_caught_up()
    assert daemon.query("select title from doc") == [("b",)]


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "untracked"])
def test_only_rows_within_the_scope_are_mirrored_and_rows_that_leave_it_go(world, tracked):
    world.run(f"create table shop (id int primary key, region text, {STAMP});"
              "insert into shop select n, case when n % 2 = 0 then 'north' else 'south' end from generate_series(1, 20) n")
    if tracked:
        world.track("shop")
    daemon = world.daemon({"table shop": {"scope": "region = 'north'"}, "sync": {"sweep_interval": "1s"}})
    daemon.wait_caught_up()
    world.assert_equal(daemon, "shop", scope="region = 'north'")
    assert daemon.value("select count(*) from shop") == 10
    world.run("update shop set region = 'north', updated_at = now() where id = 1")
    daemon.wait_caught_up()
    assert daemon.value("select region from shop where id = 1") == "north"


def test_a_row_beyond_the_scope_does_not_come_by_its_key(world):
    """A new row is there already, where the cache does not look: it loses, and what won stays there."""
    world.run("create table shop (id int primary key, region text, note text); insert into shop values (1, 'north', 'a'), (2, 'south', 'b')")
    world.track("shop")
    daemon = world.daemon({"table shop": {"scope": "region = 'north'"}, "sync": {"conflict": "server_wins"}}, start=False)
    daemon.sync()
    daemon.query("insert into shop values (2, 'north', 'mine')")
    daemon.tool("sync")
    assert world.run("select region, note from shop where id = 2") == [("south", "b")]
    assert daemon.query("select id, note from shop") == [(1, "a")]
    assert daemon.query("select column_name, local_value, remote_value from tide_conflict order by 1") == [
        ("note", "mine", "b"), ("region", "north", "south")]


def test_a_scope_that_is_not_sql_names_the_table_and_the_rest_goes_on(world):
    world.run(f"create table shop (id int primary key, {STAMP}); create table orders (id int primary key, {STAMP});"
              "insert into orders values (1)")
    daemon = world.daemon({"table shop": {"scope": "no_such_column = 1"}}, start=False)
    answer = daemon.tool("sync")
    assert answer.status != 0 and "shop" in answer.err + answer.out and "no_such_column" in answer.err + answer.out


def test_the_cache_has_the_primarys_shape(world):
    world.run("create type mood as enum ('sad', 'ok');"
              "create table parent (id uuid primary key default gen_random_uuid(), name text not null unique);"
              f"""create table child (id int primary key, parent_id uuid not null references parent(id), feeling mood not null default 'ok',
                 flag boolean not null default true, amount numeric(8,2) default 1.5, deleted_at timestamptz, {STAMP});
              create index ix_child_parent on child (parent_id, amount desc);
              create unique index ux_child_amount on child (amount) where deleted_at is null;
              insert into parent (name) values ('p'); insert into child (id, parent_id) select 1, id from parent;""")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.assert_equal(daemon, "parent", "child")
    assert daemon.query("select \"table\", \"from\", \"to\" from pragma_foreign_key_list('child')") == [("parent", "parent_id", "id")]
    indexes = {tuple(name for _, _, name in daemon.query(f"pragma index_info(\"{row[1]}\")")): row[2]
               for row in daemon.query("pragma index_list(child)")}
    assert indexes[("parent_id", "amount")] == 0 and indexes[("amount",)] == 1
    not_null = {row[1] for row in daemon.query("pragma table_info(child)") if row[3]}
    assert {"parent_id", "feeling", "flag"} <= not_null and "amount" not in not_null
    assert daemon.query("select id from live_child") == [(1,)]
    assert daemon.query("select name from sqlite_master where name = 'live_parent'") == []
    sql = daemon.value("select sql from sqlite_master where name = 'child'")
    assert "'sad'" in sql and "deferr" in sql.lower()
