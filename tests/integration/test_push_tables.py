"""Local changes of tables of every kind: keys, names, partitions, triggers, policies, rights."""
import pytest
from support.shop import Shop


def one(world, columns, *rows, name="thing", tables=None, settings=None, more="", **options):
    """A shop of one table."""
    schema = f"create table {name} ({columns});\n{more}\n"
    schema += "".join(f"insert into {name} values {row};\n" for row in rows)
    return Shop(world, schema, tables or (name,), settings, **options)


# ---- what does not fit ----

@pytest.mark.parametrize("column, value, state", [
    ("varchar(3)", "'abcd'", "22001"), ("char(3)", "'abcd'", "22001"), ("bit(3)", "'1010'", "22026"),
    ("varbit(3)", "'1010'", "22001"), ("numeric(5,2)", "123456", "22003"), ("smallint", "70000", "22003"),
    ("int", "'many'", "22P02"), ("date", "'2026-02-30'", "22008"), ("uuid", "'none'", "22P02"), ("jsonb", "'{'", "22P02"),
    ("varchar(3)[]", "'[\"abcd\"]'", "22001"), ("int[]", "'[1,\"x\"]'", "22P02"), ("int[]", "'[1'", "22P02"),
    ("text not null", "null", "23502"), ("int check (value > 0)", "0", "23514"),
])
def test_a_value_that_does_not_fit_is_refused(world, column, value, state):
    shop = one(world, f"id int primary key, value {column}, note text")
    connection = shop.device.open_cache()
    connection.execute("pragma ignore_check_constraints = on")
    connection.execute("insert into thing (id, note) values (1, 'fine')") if "not null" not in column else None
    try:
        connection.execute(f"insert into thing values (2, {value}, 'bad')")
    except Exception as failure:
        connection.close()
        pytest.skip(f"the cache refuses it: {failure}")
    connection.close()
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["2"]', "insert", state)]
    assert shop.world.value("select count(*) from thing where note = 'bad'") == 0
    shop.assert_equal()


def test_padding_is_no_excess(world):
    shop = one(world, "id int primary key, value char(5), number numeric(12,4)")
    shop.edit("insert into thing values (1, 'ab', 1.23456)", "insert into thing values (2, 'ab     ', 0.1)")
    shop.sync()
    assert shop.world.run("select value, number::text from thing order by id") == [("ab   ", "1.2346"), ("ab   ", "0.1000")]
    shop.assert_equal()


@pytest.mark.parametrize("kind, key", [("uuid", "'none'"), ("int", "99999999999"), ("date", "'2026-02-30'"),
                                       ("text", "'a' || char(0) || 'b'"), ("text", "cast(x'ff41' as text)")])
def test_a_row_with_a_key_that_cannot_be_leaves_the_cache(world, kind, key):
    """It is no row of the primary, which cannot even be asked for it, and does not stop the others."""
    shop = one(world, f"id {kind} primary key, n int, updated_at timestamptz")
    good = {"uuid": "'00000000-0000-4000-8000-%012d'", "int": "%d", "date": "'2026-01-%02d'", "text": "'%d'"}[kind]
    shop.edit(*(f"insert into thing (id, n) values ({good % (number + 1)}, {number})" for number in range(20)),
              f"insert into thing (id, n) values ({key}, -1)")
    shop.world.run("alter table thing add check (n < 10)")
    shop.sync(status=3)
    assert shop.device.value("select count(*) from tide_rejected") == 11
    assert shop.device.query("select * from tide_refetch") == []
    assert shop.device.table("thing")["state"] == "live"
    assert shop.device.value("select count(*) from thing") == 10
    shop.assert_equal()


def test_a_row_goes_by_the_primarys_spelling_of_its_key(world):
    shop = one(world, "id uuid primary key, parent uuid references thing, name text unique")
    root, leaf = "AAAAAAAA-0000-4000-8000-000000000001", "AAAAAAAA-0000-4000-8000-000000000002"
    shop.edit(f"insert into thing values ('{root}', null, 'root')", f"insert into thing values ('{leaf}', '{root}', 'leaf')")
    shop.sync()
    assert shop.device.query("select id, parent, name from thing order by id") == [
        (root.lower(), None, "root"), (leaf.lower(), root.lower(), "leaf")]
    shop.assert_equal()


# ---- arrays ----

@pytest.mark.parametrize("kind, written, arrived", [
    ("int[]", "[1,null,3]", "{1,NULL,3}"), ("int[]", "[]", "{}"), ("int[]", " [ 1 , 2 ] ", "{1,2}"),
    ("int[]", "{{1,2},{3,4}}", "{{1,2},{3,4}}"), ("int[]", "[0:1]={5,6}", "[0:1]={5,6}"), ("int[]", "{7}", "{7}"),
    ("text[]", '["a\\"b","c\\\\d","NULL",null,"{}",", "]', '{"a\\"b","c\\\\d","NULL",NULL,"{}",", "}'),
    ("text[]", '["[1,2]"]', '{"[1,2]"}'), ("boolean[]", "[true,false,null]", "{t,f,NULL}"),
    ("float8[]", '["NaN",1.5,"-Infinity"]', "{NaN,1.5,-Infinity}"), ("jsonb[]", '["{\\"a\\": 1}"]', '{"{\\"a\\": 1}"}'),
    ("varchar(3)[]", '["abc"]', "{abc}"), ("char(3)[]", '["a"]', '{"a  "}'),
])
def test_arrays_are_written_as_json_or_as_the_primary_does(world, kind, written, arrived):
    shop = one(world, f"id int primary key, value {kind}")
    connection = shop.device.open_cache()
    connection.execute("insert into thing values (1, ?)", (written,))
    connection.close()
    shop.sync()
    assert shop.world.value("select value::text from thing") == arrived
    shop.assert_equal()


# ---- columns that are not written ----

def test_identity_and_generated_columns(world):
    shop = one(world, "id int generated always as identity primary key, a int,"
                      " twice int generated always as (a * 2) stored, updated_at timestamptz")
    shop.edit("insert into thing (id, a) values (5, 2), (6, 3)", "update thing set a = 4 where id = 6")
    shop.sync()
    assert shop.world.run("select id, a, twice from thing order by id") == [(5, 2, 4), (6, 4, 8)]
    shop.edit("update thing set a = 10 where id = 5", "delete from thing where id = 6")
    shop.sync()
    assert shop.world.run("select id, a, twice from thing") == [(5, 10, 20)]
    shop.assert_equal()


# ---- keys and names ----

def test_odd_names(world):
    shop = one(world, '"Id" int primary key, "a b" text, "q""uote" int, "select" text, "o" int, "k1" int',
               name='"Odd ""Table"', tables=('"Odd ""Table"',))
    shop.tables = ()
    shop.edit('insert into "Odd ""Table" values (1, \'x\', 2, \'y\', 3, 4)')
    shop.sync()
    shop.edit('update "Odd ""Table" set "a b" = \'z\', "q""uote" = 5, "o" = 6, "k1" = 7')
    shop.sync()
    assert shop.world.run('select * from "Odd ""Table"')[0][:6] == (1, "z", 5, "y", 6, 7)
    shop.edit('delete from "Odd ""Table"')
    shop.sync()
    assert shop.world.run('select from "Odd ""Table"') == []


def test_a_key_of_four_types(world):
    shop = one(world, "a uuid, b timestamptz, c numeric(8,2), d text, n int, primary key (d, c, b, a)",
               "('00000000-0000-0000-0000-00000000000a', '2026-01-01 00:00:00.1+00', 1.10, 'it''s', 1)",
               "('00000000-0000-0000-0000-00000000000b', '2026-01-01 00:00:00+00', 0.3, '', 2)")
    shop.edit("update thing set n = n + 10", "delete from thing where d = ''",
              "insert into thing values ('00000000-0000-0000-0000-00000000000C', '2026-01-02T00:00:00Z', 0.7, 'x', 3)")
    shop.sync()
    assert shop.world.run("select n from thing order by n") == [(3,), (11,)]
    assert shop.rejected() == [] and shop.conflicts() == []
    shop.assert_equal()


@pytest.mark.parametrize("kind, key, other", [
    ("citext", "'MiXed'", "'mixed'"), ("char(5)", "'ab'", None), ("numeric", "'1.50'", None), ("date", "'2026-01-01'", None),
    ("bytea", "x'00ff'", None), ("float8", "0.1", None), ("boolean", "1", None), ("inet", "'10.0.0.1'", None),
    ("name", "'n'", None), ("int4range", "'[1,5)'", None), ("mood", "'sad'", None), ("mood_of", "'sad'", None),
])
def test_rows_are_found_by_keys_of(world, kind, key, other):
    world.run("create extension if not exists citext; create type mood as enum ('sad', 'ok');"
              "create domain mood_of as mood")
    # track() cannot watch a key whose type has no operators of its own
    shop = one(world, f"id {kind} primary key, n int, updated_at timestamptz", track=kind != "mood_of")
    shop.edit(f"insert into thing (id, n) values ({key}, 1)")
    shop.sync()
    shop.edit("update thing set n = 2")
    shop.sync()
    assert shop.world.run("select n from thing") == [(2,)]
    if other:
        shop.edit(f"update thing set id = {other}")
        shop.sync()
        assert shop.world.value("select id::text from thing") == other.strip("'")
    shop.assert_equal()
    shop.edit("delete from thing")
    shop.sync()
    assert shop.world.run("select from thing") == []
    assert shop.rejected() == [] and shop.conflicts() == []


@pytest.mark.parametrize("track", [True, False], ids=["tracked", "untracked"])
@pytest.mark.parametrize("written, arrived", [("'abc'", "\\x616263"), ("'\\x41'", "\\x5c783431"), ("'a\\b'", "\\x615c62"), ("''", "\\x")],
                         ids=["letters", "hex", "backslash", "empty"])
def test_a_text_as_a_key_of_bytes_is_one_row(world, written, arrived, track):
    """SQLite keeps it as text, and no blob is equal to it; its bytes are the key."""
    shop = one(world, "id bytea primary key, n int, note text, updated_at timestamptz not null default now()", track=track)
    shop.edit(f"insert into thing (id, n) values ({written}, 1)")
    shop.sync()
    shop.sync()
    assert shop.world.run("select id::text, n from thing") == [(arrived, 1)]
    assert shop.device.query("select typeof(id), n from thing") == [("blob", 1)]
    shop.edit("update thing set n = 2")
    shop.world.run("update thing set note = 'there', updated_at = now()")
    shop.sync()
    assert shop.world.run("select n, note from thing") == [(2, "there")]
    shop.assert_equal()
    shop.edit("delete from thing")
    shop.sync()
    assert shop.world.run("select from thing") == [] and shop.device.query("select * from thing") == []
    assert shop.rejected() == [] and shop.conflicts() == []


def test_a_text_as_a_key_of_bytes_that_is_refused_leaves_the_cache(world):
    shop = one(world, "id bytea primary key, n int check (n < 5), updated_at timestamptz not null default now()")
    shop.edit("insert into thing (id, n) values ('abc', 7)", "insert into thing (id, n) values ('abd', 1)")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["\\\\x616263"]', "insert", "23514")]
    assert shop.device.query("select typeof(id), n from thing") == [("blob", 1)]
    assert shop.device.query("select * from tide_refetch") == []


@pytest.mark.parametrize("track", [True, False], ids=["tracked", "untracked"])
def test_two_spellings_of_one_key_of_bytes_are_not_lost(world, track):
    """One of the two rows is set aside, and can be written again: as an edit of the other."""
    shop = one(world, "id bytea primary key, n int, updated_at timestamptz not null default now()", "('there', 1)", track=track)
    shop.edit("insert into thing (id, n) values ('abc', 1)", "insert into thing (id, n) values (x'616263', 2)",
              "insert into thing (id, n) values ('there', 5)")
    shop.device.tool("sync")
    shop.sync(status=3)
    assert shop.world.run("select convert_from(id, 'utf8'), n from thing order by 1") == [("abc", 2), ("there", 1)]
    shop.assert_equal()
    assert sorted(row[1:4] for row in shop.rejected()) == [('["\\\\x616263"]', "update", "23505"), ('["\\\\x7468657265"]', "update", "23505")]
    assert shop.device.tool("rejected", "retry", "--all").status == 0
    shop.sync()
    assert shop.world.run("select n from thing order by id") == [(1,), (5,)]
    shop.assert_equal()


def test_another_spelling_of_the_key_is_the_same_row(world):
    shop = one(world, "id uuid primary key, n int", track=False)
    shop.world.track("thing")
    key = "aaaaaaaa-0000-4000-8000-000000000001"
    shop.edit(f"insert into thing values ('{key.upper()}', 1)")
    shop.sync()
    assert shop.world.run("select id::text, n from thing") == [(key, 1)]


def test_two_rows_that_are_one_on_the_primary(world):
    """Two spellings of a number are two texts here: the second row is no success, and not lost."""
    shop = one(world, "id numeric primary key, n int")
    shop.edit(["insert into thing values ('1.0', 1)", "insert into thing values ('1.00', 2)"])
    shop.device.tool("sync")
    assert shop.world.run("select n from thing") == [(1,)]
    assert shop.pending() == 0
    kept = shop.rejected() + shop.conflicts()
    assert len(kept) == 1 and '1.00' in kept[0][1], kept
    shop.device.tool("sync")
    assert shop.device.query("select n from thing") == [(1,)]


def test_a_changed_key_is_a_delete_and_an_insert(world):
    shop = one(world, "id int primary key, n int", "(1, 5)")
    shop.edit("update thing set id = 2")
    shop.sync()
    assert shop.world.run("select id, n from thing") == [(2, 5)]
    shop.assert_equal()


def test_a_deferrable_key(world):
    shop = one(world, "id int primary key deferrable initially deferred, n int", "(1, 1)", "(2, 2)")
    shop.world.run("insert into thing values (3, 30)")
    shop.edit("insert into thing values (3, 33)", "insert into thing values (4, 4)", "update thing set n = 10 where id = 1")
    shop.sync()
    assert shop.world.run("select id, n from thing order by id") == [(1, 10), (2, 2), (3, 30), (4, 4)]
    assert len(shop.conflicts()) == 1 and shop.rejected() == []
    shop.assert_equal()


# ---- partitions and inheritance ----

def test_a_partitioned_table(world):
    shop = one(world, "id int, region text, n int, primary key (id, region)) partition by list (region", name="thing",
               more="create table thing_a partition of thing for values in ('a');"
                    "create table thing_b partition of thing for values in ('b');"
                    "insert into thing values (1, 'a', 1), (2, 'b', 2);")
    shop.edit("update thing set n = n + 10", "insert into thing values (3, 'b', 3)", "delete from thing where id = 2",
              "insert into thing values (4, 'nowhere', 4)")
    shop.sync(status=3)
    assert shop.world.run("select id, region, n from thing order by id") == [(1, "a", 11), (3, "b", 3)]
    assert [row[1:4] for row in shop.rejected()] == [('["4","nowhere"]', "insert", "23514")]
    shop.assert_equal()


def test_children_that_inherit_are_left_alone(world):
    shop = one(world, "id int primary key, n int, updated_at timestamptz default now()", "(1, 1)", track=False,
               more="create table heir (extra text) inherits (thing); insert into heir values (1, 100), (2, 200);")
    shop.edit("update thing set n = 5")
    shop.sync()
    assert shop.world.run("select n from only thing") == [(5,)]
    assert shop.world.run("select n from heir order by n") == [(100,), (200,)]
    shop.edit("delete from thing")
    shop.sync()
    assert shop.world.value("select count(*) from heir") == 2


# ---- triggers ----

def test_rows_that_a_trigger_passes_over_are_refused(world):
    shop = one(world, "id int primary key, n int, updated_at timestamptz", "(1, 1)", "(2, 2)", "(3, 3)", more="""
        create function skip() returns trigger language plpgsql as $$ begin return null; end $$;""")
    shop.world.run("create trigger skip before insert or update or delete on thing for each row"
                   " when (pg_trigger_depth() >= 0) execute function skip()")
    shop.edit("update thing set n = 10 where id = 1", "delete from thing where id = 2", "insert into thing (id, n) values (4, 4)")
    shop.sync(status=3)
    assert sorted(row[1:4] for row in shop.rejected()) == [
        ('["1"]', "update", "09000"), ('["2"]', "delete", "09000"), ('["4"]', "insert", "09000")]
    shop.assert_equal()


def test_what_a_trigger_raises_is_kept(world):
    shop = one(world, "id int primary key, n int, updated_at timestamptz", "(1, 1)", "(2, 2)", more="""
        create function refuse() returns trigger language plpgsql as $$ begin
            if new.n > 100 then raise exception 'too much' using detail = 'n is ' || new.n; end if; return new; end $$;""")
    shop.world.run("create trigger refuse before insert or update on thing for each row execute function refuse()")
    shop.edit("update thing set n = 101 where id = 1", "update thing set n = 100 where id = 2")
    shop.sync(status=3)
    assert shop.device.query("select sqlstate, message from tide_rejected") == [("P0001", "too much: n is 101")]
    assert shop.world.value("select n from thing where id = 2") == 100
    shop.assert_equal()


def test_a_deferred_trigger_refuses_its_row_alone(world):
    shop = one(world, "id int primary key, n int, updated_at timestamptz", "(1, 1)", "(2, 2)", more="""
        create function refuse() returns trigger language plpgsql as $$ begin
            if new.n > 100 then raise exception 'too late'; end if; return null; end $$;""")
    shop.world.run("create constraint trigger refuse after insert or update on thing deferrable initially deferred"
                   " for each row execute function refuse()")
    shop.edit("update thing set n = 101 where id = 1", "update thing set n = 100 where id = 2",
              "insert into thing (id, n) values (3, 3)")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["1"]', "update", "P0001")]
    assert shop.world.run("select n from thing order by id") == [(1,), (100,), (3,)]
    shop.assert_equal()


def test_references_in_a_circle(world):
    shop = Shop(world, """
        create table a (id int primary key, b_id int);
        create table b (id int primary key, a_id int references a deferrable initially deferred);
        alter table a add foreign key (b_id) references b deferrable initially deferred;
        create table other (id int primary key, n int check (n > 0));""", ("a", "b", "other"))
    shop.edit(["insert into a values (1, 1)", "insert into b values (1, 1)"], "insert into other values (1, -1)",
              "insert into other values (2, 2)")
    shop.sync(status=3)
    assert shop.world.run("select b_id from a") == [(1,)] and shop.world.run("select a_id from b") == [(1,)]
    assert [row[:2] for row in shop.rejected()] == [("other", '["1"]')]
    shop.assert_equal()


def test_a_tree_in_one_table(world):
    shop = one(world, "id int primary key, parent int references thing, name text", "(1, null, 'root')")
    shop.edit("insert into thing values (9, 1, 'branch')", "insert into thing values (3, 9, 'leaf')",
              "insert into thing values (2, 3, 'leaf of a leaf')")
    shop.sync()
    assert shop.world.value("select count(*) from thing") == 4
    shop.edit(*(f"delete from thing where id = {number}" for number in (2, 3, 9)))
    shop.sync()
    assert shop.world.value("select count(*) from thing") == 1
    shop.assert_equal()


# ---- rights ----

def role(world, grants):
    world.run(f"drop role if exists pusher_{world.database}; create role pusher_{world.database} login;")
    name = f"pusher_{world.database}"
    world.run(f"select tidemark.grant_sync('{name}'); grant usage on schema public to {name};"
              f"grant execute on all functions in schema pg_catalog to {name};"
              f"grant pg_monitor to {name};" + grants.replace("ROLE", name))
    return world.cluster.conninfo(world.database, user=name)


def test_row_security_refuses_what_it_hides(world):
    shop = one(world, "id int primary key, owner text, n int, updated_at timestamptz",
               "(1, 'me', 1)", "(2, 'you', 2)", track=False)
    shop.world.track("thing")
    conninfo = role(world, "grant select, insert, update, delete on thing to ROLE;")
    shop.world.run("alter table thing enable row level security; create policy see on thing for select using (true);"
                   "create policy change on thing for update using (owner = 'me') with check (n < 100);"
                   "create policy remove on thing for delete using (owner = 'me');"
                   "create policy add on thing for insert with check (owner = 'me')")
    shop.device.configure({"primary": {"conninfo": conninfo}})
    shop.sync()
    shop.edit("update thing set n = 10 where id = 2", "update thing set n = 100 where id = 1",
              "insert into thing (id, owner) values (3, 'you')", "insert into thing (id, owner) values (4, 'me')")
    shop.sync(status=3)
    assert sorted(row[1:4] for row in shop.rejected()) == [
        ('["1"]', "update", "42501"), ('["2"]', "update", "42501"), ('["3"]', "insert", "42501")]
    shop.edit("delete from thing where id = 2", "delete from thing where id = 4")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()[3:]] == [('["2"]', "delete", "42501")]
    assert shop.world.run("select id, n from thing order by id") == [(1, 1), (2, 2)]
    shop.assert_equal()


def test_a_column_that_may_not_be_written(world):
    shop = one(world, "id int primary key, a int, b int, updated_at timestamptz", "(1, 1, 1)", "(2, 2, 2)", track=False)
    shop.world.track("thing")
    conninfo = role(world, "grant select on thing to ROLE; grant update (a, updated_at) on thing to ROLE;")
    shop.device.configure({"primary": {"conninfo": conninfo}})
    shop.edit("update thing set a = 10 where id = 1", "update thing set b = 20 where id = 2")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["2"]', "update", "42501")]
    assert shop.world.run("select a, b from thing order by id") == [(10, 1), (2, 2)]
