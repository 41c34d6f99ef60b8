"""Autogenerate: the way from what the migrations make to what schema.sql wants, and back, proved."""
import os
import signal
import subprocess
import time

import pytest

from support.cluster import program as server_program
from support.daemon import ROOT, program, write_configuration
from support.process import wait_until
from support.schema_pair import ONCE, Pair, random_pair

SCHEMAS = os.path.join(ROOT, "tests", "schemas")
ORDERS = "create table orders (id bigint primary key, note text, total numeric(10,2) not null default 0);"


class Migration:
    """What one run gave out."""

    def __init__(self, answer):
        self.status, self.text, self.err = answer.returncode, answer.stdout, answer.stderr
        if self.status == 0:
            _, self.upgrade, self.downgrade = self.text.replace("-- downgrade\n", "-- upgrade\n").split("-- upgrade\n")

    def __repr__(self):
        return f"exit {self.status}\n{self.text}\n{self.err}"


class Project:
    """A folder with migrations and a schema.sql, and the database that they are for."""

    def __init__(self, world):
        self.world, self.folder = world, world.folder
        self.migrations, self.schema = os.path.join(self.folder, "migrations"), os.path.join(self.folder, "schema.sql")
        os.makedirs(self.migrations, exist_ok=True)
        self.count = 0

    def migration(self, text):
        self.count += 1
        if "-- upgrade\n" not in text:
            text = f"-- upgrade\n{text}\n-- downgrade\n"
        with open(os.path.join(self.migrations, f"20260101_{self.count:04}_step.sql"), "w") as out:
            out.write(text)

    def start(self, user="postgres"):
        return subprocess.Popen([ONCE, self.world.cluster.conninfo(self.world.database, user), self.migrations, self.schema],
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def autogenerate(self, schema=None, **more):
        if schema is not None:
            with open(self.schema, "w") as out:
                out.write(schema)
        process = self.start(**more)
        out, err = process.communicate(timeout=60)
        return Migration(subprocess.CompletedProcess([], process.returncode, out, err))

    def drift(self):
        return subprocess.run([ONCE, self.world.cluster.conninfo(self.world.database), self.migrations],
                              capture_output=True, text=True, timeout=60)

    def scratch_databases(self):
        return [name for (name,) in self.world.run("select datname from pg_database where datname like 'tidemark_scratch_%'")]


@pytest.fixture
def project(world):
    return Project(world)


def test_what_schema_sql_adds_becomes_a_migration_and_a_second_run_finds_nothing(project):
    project.migration(ORDERS)
    made = project.autogenerate(ORDERS + """
        alter table orders add column channel text not null default 'web';
        create index ix_orders_channel on orders (channel);""")
    assert made.status == 0, made
    assert "+ column public.orders.channel text" in made.err and "+ index public.ix_orders_channel" in made.err, made
    assert "add column channel text not null default 'web'::text;" in made.upgrade, made
    assert "drop column channel;" in made.downgrade, made
    project.migration(made.text)
    assert project.autogenerate().status == 3


def test_no_difference_writes_nothing(project):
    project.migration(ORDERS)
    made = project.autogenerate("create table orders (total numeric(10,2) default 0 not null, id bigint, note text, primary key (id));")
    assert made.status == 3 and made.text == "", made


def test_declared_renames_keep_the_rows(project, world):
    world.run(ORDERS + "insert into orders values (1, 'first', 5)")
    project.migration(ORDERS)
    made = project.autogenerate("""-- tidemark: rename table orders to purchases
        create table purchases (id bigint primary key, remark text, total numeric(10,2) not null default 0);
-- tidemark: rename column purchases.note to remark
        """)
    assert made.status == 0 and "DATA_LOSS" not in made.text, made
    world.run(made.upgrade)
    assert world.run("select id, remark from purchases") == [(1, "first")]
    assert world.value("select conname from pg_constraint where conrelid = 'purchases'::regclass") == "purchases_pkey"
    world.run(made.downgrade)
    assert world.run("select id, note from orders") == [(1, "first")]
    project.migration(made.text)
    assert project.autogenerate().status == 3, "a rename that was done may stay declared"


def test_an_undeclared_rename_is_a_loss_that_is_named(project):
    project.migration(ORDERS)
    made = project.autogenerate(ORDERS.replace("note", "remark"))
    assert "-- hazard DATA_LOSS: the values of the column are lost\nalter table public.orders drop column note;" in made.upgrade, made


@pytest.mark.parametrize("comment, said", [
    ("-- tidemark: rename column orders.nothing to remark", "rename column orders.nothing to remark: there is neither"),
    ("-- tidemark: rename index a to b", "not understood: -- tidemark: rename index a to b"),
    ("-- tidemark: rename table orders", "not understood: -- tidemark: rename table orders"),
])
def test_a_rename_of_nothing_is_an_error_with_its_line(project, comment, said):
    project.migration(ORDERS)
    made = project.autogenerate(f"{ORDERS}\n{comment}\n")
    assert made.status == 1 and f"schema.sql, line 2: {said}" in made.err, made


@pytest.mark.parametrize("statement", ["rollback", "commit", "discard all"])
def test_a_schema_that_would_not_be_loaded_as_a_whole_is_refused(project, statement):
    made = project.autogenerate(f"create table item (id int primary key);\n{statement};\ncreate table later (id int primary key);")
    assert made.status == 1 and "schema.sql, line 2: " in made.err and "take it out" in made.err, made


def test_a_value_taken_out_of_an_enum_leaves_the_other_rows_alone(project, world):
    before = "create type state as enum ('new', 'odd', 'paid'); create table t (id int primary key, s state default 'new', many state[]);"
    project.migration(before)
    world.run(before + "insert into t values (1, 'paid', '{new,paid}')")
    made = project.autogenerate(before.replace("'odd', ", ""))
    world.run(made.upgrade)
    assert world.run("select s::text, many::text from t") == [("paid", "{new,paid}")]
    assert world.value("select enum_range(null::state)::text") == "{new,paid}"


def test_a_value_added_to_an_enum_is_added_in_its_place(project):
    project.migration("create type state as enum ('b', 'd'); create table t (id int primary key, s state);")
    made = project.autogenerate("create type state as enum ('a', 'b', 'c', 'd', 'it''s'); create table t (id int primary key, s state);")
    assert [line for line in made.upgrade.splitlines() if "add value" in line] == [
        "alter type public.state add value 'a' before 'b';", "alter type public.state add value 'c' after 'b';",
        "alter type public.state add value 'it''s' after 'd';"], made


def test_a_new_value_may_be_the_default_at_once(project, world):
    before = "create type state as enum ('new'); create table t (id int primary key, s state);"
    project.migration(before)
    world.run(before + "insert into t values (1, 'new')")
    made = project.autogenerate("create type state as enum ('new', 'paid'); create table t (id int primary key, s state default 'paid');")
    assert made.status == 0, made
    world.run(made.upgrade + "insert into t values (2)")
    assert world.run("select id, s::text from t order by 1") == [(1, "new"), (2, "paid")]


def test_what_stands_on_a_column_is_made_anew_with_its_type(project, world):
    rest = """create view v as select id, code from t; create view w as select code from v;
              create index ix_t_code on t (code) where code is not null; comment on view w is 'kept';
              grant select on w to pg_monitor; create policy p on t using (code is not null);"""
    project.migration("create table t (id int primary key, code integer default 3 check (code > 0)); " + rest)
    world.run("create table t (id int primary key, code integer default 3 check (code > 0)); " + rest + "insert into t values (1, 42)")
    made = project.autogenerate("create table t (id int primary key, code text default '3' check (code <> '')); " + rest)
    assert made.status == 0, made
    world.run(made.upgrade)
    assert world.run("select code, obj_description('w'::regclass), has_table_privilege('pg_monitor', 'w', 'select') from w") == [
        ("42", "kept", True)]
    world.run(made.downgrade)
    assert world.run("select code from w") == [(42,)]


def test_tables_become_unlogged_and_logged_with_their_rows(project, world):
    before = "create table a (id int primary key); create table b (id int primary key, a_id int references a);"
    project.migration(before)
    world.run(before + "insert into a values (1); insert into b values (1, 1)")
    made = project.autogenerate(before.replace("create table", "create unlogged table"))
    assert made.status == 0 and "drop table" not in made.text, made
    world.run(made.upgrade)
    assert world.run("select relpersistence from pg_class where relname in ('a', 'b')") == [("u",), ("u",)]
    world.run(made.downgrade)
    assert world.run("select a_id from b join a on a.id = a_id") == [(1,)]


@pytest.mark.parametrize("after, hazard", [
    ("create table t (id int primary key, a int not null);", "NOT_NULL: fails when a row has no value"),
    ("create table t (id int primary key, a int, b int not null);", "NOT_NULL: no default: fails unless the table is empty"),
    ("create table t (id int primary key, a bigint);", "REWRITE: may rewrite the table"),
    ("create table t (id int primary key, a int); create index on t (a);", "INDEX_BUILD: nobody can write"),
    ("create table t (id int primary key, a int unique);", "INDEX_BUILD: nobody can use the table"),
    ("create table t (id int primary key, a int check (a > 0));", "VALIDATION: checks all rows"),
    ("create unlogged table t (id int primary key, a int);", "DATA_LOSS: an unlogged table is empty after a crash"),
    ("create table t (id int generated always as identity primary key, a int);", "SEQUENCE: counts from its start"),
    ("", "DATA_LOSS: the rows of the table are lost"),
])
def test_what_can_hurt_is_said_above_the_statement(project, after, hazard):
    project.migration("create table t (id int primary key, a int);")
    made = project.autogenerate(after)
    assert f"-- hazard {hazard}" in made.upgrade, made


def test_a_new_table_is_no_hazard(project):
    made = project.autogenerate("create table t (id int primary key, a int not null check (a > 0)); create index on t (a);")
    assert made.status == 0 and "hazard" not in made.upgrade and "hazard DATA_LOSS" in made.downgrade, made


def test_tracking_is_one_statement(project, world):
    project.migration(ORDERS)
    made = project.autogenerate(ORDERS + "select tidemark.track('orders');")
    assert made.upgrade == "select tidemark.track('public.orders', notify => true);\n" or \
        made.upgrade == "select tidemark.track('public.orders');\n", made
    assert made.downgrade.endswith("select tidemark.untrack('public.orders');\n"), made
    project.migration(made.text)
    assert project.autogenerate().status == 3
    assert "tide_xid" not in made.text + made.err


@pytest.mark.parametrize("before, after", [
    ("id int primary key", "id bigint primary key"),
    ("id varchar(10) primary key, n int", "id text primary key, n int"),
    ("a int, b int, n int, primary key (a, b)", "a int, b text, n int, primary key (a, b)"),
    ("id int primary key, updated_at timestamp not null default now()", "id int primary key, updated_at timestamptz not null default now()"),
    ("id int generated always as identity primary key, parent int references t", "id bigint generated always as identity primary key, parent bigint references t"),
    ("id int primary key, n int not null", "id int, n int not null, primary key (n, id)"),
    ("id int primary key, n int", "n bigint primary key"),
])
def test_a_tracked_key_may_change_its_type(project, world, before, after):
    first, second = (f"create table t ({columns}); select tidemark.track('t');" for columns in (before, after))
    project.migration(first)
    made = project.autogenerate(second)
    assert made.status == 0, made
    assert made.upgrade.count("tidemark.untrack(") <= 1 and made.upgrade.splitlines()[-1].startswith("select tidemark.track("), made
    world.track()
    world.run(first)
    world.run(made.upgrade)
    world.run("insert into t default values" if "identity" in after else "select")
    world.run("truncate t; select tidemark.track('t')")
    world.run(made.downgrade)
    project.migration(made.text)
    assert project.autogenerate().status == 3


def test_a_tracked_table_goes_with_its_partitions(project, world):
    partitioned = """create table t (id int, at date, primary key (id, at)) partition by range (at);
        create table t_2023 partition of t for values from ('2023-01-01') to ('2024-01-01');
        select tidemark.track('t');"""
    project.migration(partitioned)
    made = project.autogenerate(ORDERS)
    assert made.status == 0, made
    world.track()
    world.run(partitioned)
    world.run(made.upgrade)
    world.run(made.downgrade)


def test_the_storage_of_a_column_stays_with_another_type(project, world):
    before = "create table t (id int primary key, a text); alter table t alter column a set storage external;"
    project.migration(before)
    made = project.autogenerate(before.replace("a text", "a varchar(10)"))
    assert made.status == 0, made
    world.run(before + made.upgrade)
    assert world.value("select attstorage::text from pg_attribute where attrelid = 't'::regclass and attname = 'a'") == "e"


def test_the_rights_of_public_and_others_are_seen(project):
    function = "create function f() returns int language sql as 'select 1';"
    project.migration(function + ORDERS)
    made = project.autogenerate(function + ORDERS + "revoke execute on function f() from public; grant select (id), update on orders to pg_monitor;")
    assert "revoke all on routine public.f() from public;" in made.upgrade, made
    assert "grant select (id) on table public.orders to pg_monitor;" in made.upgrade, made
    assert "grant execute on routine public.f() to public;" in made.downgrade, made


def test_a_folder_of_schema_files_is_read_in_order(project):
    os.mkdir(os.path.join(project.folder, "desired"))
    for name, text in (("2_view.sql", "create view v as select id from orders;"), ("1_table.sql", ORDERS)):
        with open(os.path.join(project.folder, "desired", name), "w") as out:
            out.write(text)
    project.schema = os.path.join(project.folder, "desired")
    made = project.autogenerate()
    assert made.status == 0 and "create view public.v" in made.upgrade, made


def test_what_pg_dump_writes_can_be_schema_sql(project, world):
    world.run(ORDERS + "create view v as select id from orders")
    dump = subprocess.run([server_program("pg_dump"), "--schema-only", world.cluster.conninfo(world.database)], capture_output=True, text=True).stdout
    project.migration(ORDERS + "create view v as select id from orders;")
    made = project.autogenerate("\\restrict token\n" + dump)
    assert made.status == 3, made


@pytest.mark.parametrize("schema, said", [
    ("create table a (id int);\n\ncreate table b (id nonsense);", 'schema.sql, line 3: statement 2, "create table b (id nonsense)"'),
    ("select 'never ends;", "a quote or comment never ends"),
])
def test_a_mistake_in_schema_sql_is_named_with_its_line(project, schema, said):
    made = project.autogenerate(schema)
    assert made.status == 1 and said in made.err, made
    assert project.scratch_databases() == []


def test_a_missing_schema_is_an_error_that_says_where_to_put_it(project):
    made = project.autogenerate()
    assert made.status == 1 and "there is no such file" in made.err and "[migrations] schema" in made.err, made


def test_migrations_that_do_not_run_in_an_empty_database_are_named(project):
    project.migration("alter table elsewhere add column a int;")
    made = project.autogenerate(ORDERS)
    assert made.status == 1 and "do not run in an empty database" in made.err and "20260101_0001_step, line 2" in made.err, made


def test_a_step_that_cannot_be_done_writes_nothing_and_says_why(project):
    project.migration("create table t (id int, at date) partition by range (at);")
    made = project.autogenerate("create table t (id int, at timestamptz) partition by range (at);")
    assert made.status == 1 and made.text == "" and "the proof failed: upgrade, line" in made.err, made
    assert "nothing was written" in made.err and project.scratch_databases() == []


def test_a_role_that_may_not_create_databases_is_told_what_it_needs(project, world):
    world.run("create role autogenerate_nobody login")
    try:
        made = project.autogenerate(ORDERS, user="autogenerate_nobody")
        assert made.status == 1 and "permission denied" in made.err and "createdb" in made.err, made
    finally:
        world.run("drop role autogenerate_nobody")


def test_scratch_databases_are_gone_afterwards(project):
    project.migration(ORDERS)
    assert project.autogenerate(ORDERS + "create table x (id int);").status == 0
    assert project.scratch_databases() == []


def test_what_a_killed_run_leaves_the_next_one_drops_but_not_what_is_in_use(project, world):
    project.migration(ORDERS + "select pg_sleep(3);")
    first = project.autogenerate  # keeps the schema file
    with open(project.schema, "w") as out:
        out.write(ORDERS)
    running, killed = project.start(), project.start()
    wait_until(lambda: len(project.scratch_databases()) == 2, "both have a scratch database")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    wait_until(lambda: world.value("select count(*) from pg_locks where locktype = 'advisory' and classid = 1953064038") == 1,
               "the killed one's session has ended")
    project.migration("select 1;")
    started = time.monotonic()
    assert first().status == 3
    assert running.wait(60) == 3 and time.monotonic() - started < 60
    assert project.scratch_databases() == []


def test_a_run_that_is_interrupted_tidies_up(project, world):
    project.migration("select pg_sleep(30);")
    with open(project.schema, "w") as out:
        out.write(ORDERS)
    path = os.path.join(project.folder, "tidemark.conf")
    write_configuration(path, {"primary": {"conninfo": world.cluster.conninfo(world.database)}, "cache": {"path": "/nowhere/none.db"},
                               "migrations": {"directory": project.migrations, "schema": project.schema}})
    running = subprocess.Popen([program("tidemark"), "-c", path, "revision", "-m", "x", "--autogenerate"], stderr=subprocess.PIPE, text=True)
    wait_until(project.scratch_databases, "there is a scratch database")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode != 0 and project.scratch_databases() == []
    assert len(os.listdir(project.migrations)) == 1


def test_drift_names_what_was_done_by_hand(project, world):
    project.migration(ORDERS + "create index ix_orders_note on orders (note);")
    world.run(ORDERS + "create index ix_orders_note on orders (note);")
    answer = project.drift()
    assert answer.returncode == 3, answer
    world.run("drop index ix_orders_note; alter table orders add column hand text; create schema other create table o (id int); grant select on orders to pg_monitor")
    answer = project.drift()
    assert answer.returncode == 0 and answer.stdout.splitlines() == ["+ column public.orders.hand text",
                                                                    "- index public.ix_orders_note CREATE INDEX ix_orders_note ON public.orders USING btree (note)"], answer


@pytest.mark.parametrize("number", range(3))
def test_random_pairs_are_proved(cluster, number):
    assert Pair(cluster, f"{number}", *random_pair(number)).check() is None


@pytest.mark.parametrize("first, second", [(1, 2), (2, 1)])
def test_a_shop_of_forty_tables_goes_both_ways(cluster, first, second):
    texts = [open(os.path.join(SCHEMAS, f"shop_{number}.sql")).read() for number in (first, second)]
    assert Pair(cluster, f"shop_{first}", *texts).check() is None
