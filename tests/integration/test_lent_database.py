"""Autogenerate, check and lint for a role that may not create databases: in one that was lent."""
import os
import re
import signal
import time

import pytest

from support.process import wait_until
from support.project import Project
from support.schema_pair import Pair, random_pair

ORDERS = "create table orders (id bigint primary key, note text);\nselect tidemark.track('orders');\n"
MORE = """
create schema more; create extension pg_trgm;
create type more.state as enum ('new'); create table more.t (id int primary key, s more.state);
create function public.f() returns int language sql as 'select 1';
"""


class Lent:
    """A database that belongs to a role without CREATEDB, and a project that was lent it."""

    def __init__(self, world):
        self.world, self.role, self.name = world, f"owner_of_{world.database}", f"{world.database}_scratch"
        world.run(f'create role "{self.role}" login; grant create on database "{world.database}" to "{self.role}";'
                  f'grant create on schema public to "{self.role}"')
        world.run(f'create database "{self.name}" owner "{self.role}"')
        self.schema = os.path.join(world.folder, "schema.sql")
        self.project = Project(world, conninfo=world.cluster.conninfo(world.database, self.role), schema=self.schema,
                               scratch=world.cluster.conninfo(self.name, self.role))

    def wants(self, sql):
        with open(self.schema, "w") as out:
            out.write(sql)

    def is_lent(self, conninfo):
        """Another one, or "" for none."""
        with open(self.project.config) as config:
            text = config.read()
        with open(self.project.config, "w") as config:
            config.write(re.sub("(?m)^scratch = .*", f"scratch = {conninfo}", text))

    def revision(self):
        return self.project.tool("revision", "-m", "next", "--autogenerate")

    def run(self, sql):
        self.world.cluster.run(sql, database=self.name)

    def value(self, sql):
        return self.world.cluster.value(sql, database=self.name)

    def is_as_before(self):
        return self.value("""
            select not exists (select from pg_class where oid >= 16384) and not exists (select from pg_proc where oid >= 16384)
               and not exists (select from pg_type where oid >= 16384)
               and (select string_agg(extname, ' ') from pg_extension) = 'plpgsql'
               and (select string_agg(nspname || coalesce(nspacl::text, ''), ' ') from pg_namespace where nspname !~ '^(pg_|info)')
                   = 'public{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}'
               and shobj_description((select oid from pg_database where datname = current_database()), 'pg_database') is null""")

    def end(self):
        self.world.run(f'drop database "{self.name}" with (force)')
        self.world.run(f'drop owned by "{self.role}" cascade')
        self.world.run(f'drop role "{self.role}"')


@pytest.fixture
def lent(world):
    lent = Lent(world)
    yield lent
    lent.end()


def test_a_role_without_createdb_generates_migrates_and_finds_nothing_more(lent):
    lent.wants(ORDERS)
    answer = lent.revision()
    assert answer.status == 0 and "proved in both directions" in answer.err, answer
    assert lent.is_as_before()
    lent.project.migrate()
    assert "no differences" in lent.revision().err
    lent.wants(ORDERS + MORE)
    assert lent.revision().status == 0 and lent.is_as_before()
    lent.project.migrate()
    assert lent.revision().err.startswith("no differences") and lent.is_as_before()


def test_check_and_lint_use_it_too(lent):
    lent.project.write("20261122_0001_orders", ORDERS)
    answer = lent.project.tool("lint", "--json")
    assert any(finding["place"].startswith("pending: ") for finding in answer.document["findings"]), answer
    lent.project.migrate()
    assert lent.project.tool("check").status == 0
    lent.world.run("alter table orders add column hand text")
    answer = lent.project.tool("check")
    assert answer.status == 3 and "+ column public.orders.hand text" in answer.out, answer
    assert lent.is_as_before()


def test_without_it_the_refusal_says_what_to_set(lent):
    lent.wants(ORDERS)
    lent.is_lent("")
    answer = lent.revision()
    assert answer.status == 1 and "[migrations] scratch" in answer.err, answer


@pytest.mark.parametrize("sql, said", [
    ("create table precious (id int)", "public.precious"),
    ("create schema precious", "schema precious"),
    ("create function precious() returns int language sql as 'select 1'", "public.precious"),
    ("create type precious as enum ('a')", "public.precious"),
    ("create extension pg_trgm", "extension pg_trgm"),
    ("create publication precious", "publication precious"),
    ("select lo_create(4711)", "large object 4711"),
    ("create table a (id int); create table b (id int); create table c (id int); create table d (id int); create table e (id int)", "and 1 more"),
])
def test_what_is_not_empty_is_refused_and_left_alone(lent, sql, said):
    lent.wants(ORDERS)
    lent.run(sql)
    before = lent.value("select count(*) from pg_depend")
    answer = lent.revision()
    assert answer.status == 2 and "is not empty" in answer.err and said in answer.err, answer
    assert lent.value("select count(*) from pg_depend") == before
    assert not os.listdir(lent.project.migrations)


def test_the_primary_itself_is_refused(lent):
    lent.wants(ORDERS)
    lent.is_lent(lent.world.cluster.conninfo(lent.world.database, lent.role))
    answer = lent.project.tool("lint")
    assert answer.status == 2 and "primary's own database" in answer.err, answer


def test_what_belongs_to_another_role_is_refused(lent):
    lent.wants(ORDERS)
    lent.world.run(f'alter database "{lent.name}" owner to postgres')
    answer = lent.revision()
    assert answer.status == 1 and "belongs to another role" in answer.err, answer


def test_one_run_at_a_time(lent):
    lent.wants(ORDERS)
    other = lent.world.cluster.connect(lent.name)
    with other.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(1953064038, -1)")
    answer = lent.revision()
    assert answer.status == 75 and "another run is using that database" in answer.err, answer
    other.close()
    wait_until(lambda: lent.revision().status == 0, "it is free")


def start_in_the_middle(lent):
    """A run that has filled the database, and sleeps."""
    lent.wants(ORDERS + MORE)
    lent.project.write("20261122_0001_orders", ORDERS + MORE + "select pg_sleep(30) from pg_class limit 1;")
    running = lent.project.start("revision", "-m", "next", "--autogenerate")
    wait_until(lambda: lent.value("select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and query not like '%activity%'"),
               "it sleeps", 30)
    return running


def test_what_a_killed_run_leaves_the_next_one_removes(lent):
    running = start_in_the_middle(lent)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not lent.is_as_before()
    lent.project.write("20261122_0001_orders", ORDERS + MORE)
    wait_until(lambda: lent.revision().err.startswith("no differences"), "the next run goes on", 20)
    assert lent.is_as_before()


def test_a_run_that_is_interrupted_empties_it(lent):
    running = start_in_the_middle(lent)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode != 0 and lent.is_as_before()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_goes_on_sleeping_holds_nobody_up(lent, how):
    """It would notice after ten seconds that nobody is there any more."""
    running = start_in_the_middle(lent)
    start = time.monotonic()
    running.send_signal(how)
    running.communicate(timeout=30)
    lent.project.write("20261122_0001_orders", ORDERS + MORE)
    wait_until(lambda: lent.revision().err.startswith("no differences"), "the next run goes on", 20)
    assert time.monotonic() - start < 7


def test_the_sessions_of_others_go_on(lent):
    """A person's own in the lent database, the daemon's in another one, another role's."""
    cluster, database = lent.world.cluster, lent.world.database
    others = [cluster.connect(lent.name, user=lent.role, application_name="psql"),
              cluster.connect(database, user=lent.role, application_name="tidemarkd"),
              cluster.connect(lent.name, application_name="tidemark")]
    lent.wants(ORDERS)
    answer = lent.revision()
    assert answer.status == 0 and lent.is_as_before(), answer
    for other in others:
        other.cursor().execute("select")
        other.close()


def test_what_cannot_be_emptied_is_named(lent):
    lent.wants(ORDERS)
    lent.project.write("20261122_0001_grants", f'alter default privileges for role "{lent.role}" grant select on tables to public;')
    answer = lent.project.tool("lint")
    assert answer.status in (0, 3), answer
    answer = lent.revision()
    assert answer.status == 2 and f"default privileges of {lent.role}" in answer.err, answer
    lent.run(f'alter default privileges for role "{lent.role}" revoke select on tables from public')


@pytest.mark.parametrize("number", [3, 4])
def test_random_pairs_are_proved_in_it(cluster, number, monkeypatch):
    cluster.create_database("lent", "template0")
    monkeypatch.setenv("LENT_DATABASE", cluster.conninfo("lent"))
    try:
        assert Pair(cluster, f"lent_{number}", *random_pair(number)).check() is None
    finally:
        cluster.drop_database("lent")
