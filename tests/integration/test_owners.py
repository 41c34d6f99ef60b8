"""enable_rls() and purge_tombstones(): rows that only their owner sees, and an end for tombstones."""
import json

import psycopg2
import psycopg2.errors
import pytest

from support.project import Project

ANA, BEN = "0a063490-f5c5-4671-aedf-478944021179", "9d76d272-2f97-46e7-9d55-47be58e6651e"
NOTE = """create table note (id int primary key, owner_id uuid not null, text text, updated_at timestamptz default now(),
                             deleted_at timestamptz);"""


@pytest.fixture
def project(world):
    world.run("do $$ begin create role authenticated; exception when duplicate_object then null; end $$")
    project = Project(world)
    project.write("20261122_0001_note", NOTE + "select tidemark.track('note'); select tidemark.enable_rls('note');"
                  "grant select, insert, update, delete on note to authenticated;",
                  "select tidemark.disable_rls('note'); drop table note;")
    project.migrate()
    world.run("insert into note values (1, %s, 'of Ana'), (2, %s, 'of Ben')", (ANA, BEN))
    return project


class Person:
    """One who is logged in: the API's role with the claims of a token, a transaction for each statement."""

    def __init__(self, world, sub):
        self.connection = world.connect(autocommit=False)
        self.claims = None if sub is None else json.dumps({"sub": sub, "role": "authenticated"})

    def run(self, sql, parameters=None):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("set local role authenticated")
            if self.claims:
                cursor.execute("select set_config('request.jwt.claims', %s, true)", (self.claims,))
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount


def test_nobody_sees_the_rows_of_another(project):
    assert Person(project.world, ANA).run("select id from note") == [(1,)]
    assert Person(project.world, BEN).run("select id from note") == [(2,)]
    assert Person(project.world, ANA).run("select count(*) from note where owner_id = %s", (BEN,)) == [(0,)]
    assert Person(project.world, None).run("select count(*) from note") == [(0,)]


def test_nobody_changes_the_rows_of_another(project):
    ana = Person(project.world, ANA)
    assert ana.run("update note set text = 'mine' where id = 2") == 0
    assert ana.run("update note set text = 'changed'") == 1
    assert ana.run("update note set deleted_at = now() where id = 2") == 0
    assert ana.run("delete from note where id = 2") == 0
    assert project.world.run("select text, deleted_at from note where id = 2") == [("of Ben", None)]


@pytest.mark.parametrize("statement", [
    "insert into note values (3, '%s', 'for Ben')" % BEN,
    "update note set owner_id = '%s' where id = 1" % BEN,
    "update note set owner_id = '%s'" % BEN,
    "insert into note values (1, '%s', 'x') on conflict (id) do update set owner_id = excluded.owner_id" % BEN,
])
def test_a_row_cannot_be_given_to_another(project, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        Person(project.world, ANA).run(statement)
    assert project.world.run("select id, owner_id from note order by 1") == [(1, ANA), (2, BEN)]


def test_without_an_identity_nothing_can_be_written(project):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        Person(project.world, None).run("insert into note values (3, %s, 'x')", (ANA,))


def test_a_soft_delete_works_and_its_owner_sees_the_tombstone(project):
    ana = Person(project.world, ANA)
    assert ana.run("update note set deleted_at = now() where id = 1 returning id") == [(1,)]
    assert ana.run("select deleted_at is not null from note") == [(True,)]
    assert Person(project.world, BEN).run("select id from note") == [(2,)]
    assert ana.run("update note set deleted_at = null where id = 1") == 1


def test_rows_with_deleted_at_are_not_deleted_for_good(project):
    assert Person(project.world, ANA).run("delete from note") == 0


def test_a_table_without_deleted_at_lets_its_owner_delete(project):
    project.world.run("""create table mark (id int primary key, owner_id text);
                         select tidemark.enable_rls('mark'); grant all on mark to authenticated""")
    project.world.run("insert into mark values (1, %s), (2, %s)", (ANA, BEN))
    assert Person(project.world, ANA).run("delete from mark") == 1
    assert project.world.run("select id from mark") == [(2,)]


def test_claims_of_the_transaction_before_are_not_used(project):
    ana = Person(project.world, ANA)
    assert ana.run("select id from note") == [(1,)]
    ana.claims = None
    assert ana.run("select id from note") == []


def test_the_identity_is_evaluated_once_and_the_index_is_used(project):
    project.world.run("insert into note select n, md5(n::text)::uuid, 'x' from generate_series(10, 5000) n; analyze note")
    plan = "\n".join(line for line, in Person(project.world, ANA).run("explain select * from note"))
    assert "InitPlan" in plan and "Index" in plan, plan


def test_the_owner_of_the_table_is_not_bound(project):
    project.world.run("create role note_keeper; grant create on schema public to note_keeper; alter table note owner to note_keeper")
    try:
        assert project.world.run("set role note_keeper; select count(*) from note") == [(2,)]
    finally:
        project.world.run("reset role; alter table note owner to postgres; drop owned by note_keeper; drop role note_keeper")


def test_partitions_cannot_be_read_past_their_parent(project):
    project.world.run("""create table part (id int, owner_id uuid, primary key (id)) partition by range (id);
        create table part_1 partition of part for values from (0) to (10);
        select tidemark.enable_rls('part'); grant select on part, part_1 to authenticated""")
    project.world.run("insert into part values (1, %s), (2, %s)", (ANA, BEN))
    assert Person(project.world, ANA).run("select id from part") == [(1,)]
    assert Person(project.world, ANA).run("select id from part_1") == []
    with pytest.raises(psycopg2.errors.WrongObjectType):
        project.world.run("select tidemark.enable_rls('part_1')")


def test_again_it_takes_another_column(project):
    project.world.run("alter table note add author text; update note set author = 'someone'")
    project.world.run("select tidemark.enable_rls('note', 'author')")
    assert Person(project.world, "someone").run("select count(*) from note") == [(2,)]
    assert project.world.value("select count(*) from pg_policy where polrelid = 'note'::regclass") == 3


@pytest.mark.parametrize("sql, said", [("select tidemark.enable_rls('note', 'nobody')", "no column nobody"),
                                       ("select tidemark.enable_rls('pg_stats', 'tablename')", "not a table of its own")])
def test_what_cannot_have_owners_is_told_so(project, sql, said):
    with pytest.raises(psycopg2.Error, match=said):
        project.world.run(sql)


def catalog(world):
    return world.run("""select relrowsecurity, (select count(*) from pg_policy where polrelid = pg_class.oid),
                               (select string_agg(indexrelid::regclass::text, ',' order by indexrelid::regclass::text) from pg_index where indrelid = pg_class.oid)
                          from pg_class where oid = 'note'::regclass""")


def test_disable_takes_all_of_it_back(project):
    project.world.run("select tidemark.enable_rls('note'); select tidemark.disable_rls('note')")
    assert catalog(project.world) == [(False, 0, "ix_note_tide_xid,note_pkey")]


def test_disable_leaves_security_on_that_was_on_before(project):
    project.world.run("""select tidemark.disable_rls('note'); alter table note enable row level security;
                         select tidemark.enable_rls('note'); select tidemark.enable_rls('note'); select tidemark.disable_rls('note')""")
    assert catalog(project.world)[0][:2] == (True, 0)


def test_policies_stay_when_tidemark_s_own_migration_goes(project):
    project.world.run("delete from tidemark.migration where source = 'project'")
    assert project.tool("downgrade", "base", "--builtin", "--yes").status == 0
    assert Person(project.world, ANA).run("select id from note") == [(1,)]


# -- tombstones --

def purge(project, older_than, table="note"):
    return project.world.value(f"select tidemark.purge_tombstones('{table}', '{older_than}')")


def test_only_old_tombstones_are_purged_and_devices_hear_of_it(project):
    world = project.world
    world.run("update note set deleted_at = now() - interval '40 days' where id = 1")
    world.run("update note set deleted_at = now() - interval '20 days' where id = 2")
    assert purge(project, "30 days") == 1
    assert world.run("select id from note") == [(2,)]
    assert world.run("select key from tidemark.deleted_row where relation = 'note'::regclass") == [(["1"],)]
    assert purge(project, "30 days") == 0


def test_the_log_is_trimmed_to_what_is_needed(project):
    world = project.world
    world.run("create table other (id int primary key); select tidemark.track('other'); insert into other values (1); delete from other")
    world.run("delete from note")
    world.run("update tidemark.deleted_row set deleted_at = now() - interval '31 days 1 min' where key = '{1}'")
    world.run("insert into tidemark.deleted_row (relation, key) values (1, '{9}')")
    purge(project, "30 days")
    assert world.run("select relation::regclass::text, key from tidemark.deleted_row order by 1, 2") == [("note", ["2"]), ("other", ["1"])]
    assert world.run("""select relation::regclass::text, older_than::text,
                               complete_since between now() - interval '30 days 1 min' and now() - interval '30 days'
                          from tidemark.retention""") == [("note", "30 days", True)]


def test_a_delete_that_was_committed_a_day_later_is_kept(project):
    """The log is complete for whoever has seen all commits since then: this one came after."""
    world = project.world
    world.run("delete from note where id = 1")
    world.run("update tidemark.deleted_row set deleted_at = now() - interval '30 days 23 hours'")
    purge(project, "30 days")
    assert world.value("select count(*) from tidemark.deleted_row") == 1
    assert world.value("select complete_since > now() - interval '30 days 1 hour' from tidemark.retention")


def test_a_day_of_the_log_is_always_kept(project):
    project.world.run("delete from note")
    purge(project, "0")
    assert project.world.value("select count(*) from tidemark.deleted_row") == 2
    assert project.world.value("select complete_since < now() - interval '23 hours' from tidemark.retention")


def test_what_was_forgotten_once_stays_so(project):
    """A purge that would keep more does not bring deletes back."""
    for older_than in ("30 days", "60 days"):
        purge(project, older_than)
    assert project.world.run("select older_than::text, complete_since > now() - interval '31 days' from tidemark.retention") == [
        ("60 days", True)]


def test_what_is_referred_to_stays(project):
    world = project.world
    world.run("create table reply (id int primary key, note_id int references note)")
    world.run("update note set deleted_at = now() - interval '40 days'; insert into reply values (1, 1)")
    assert purge(project, "30 days") == 1
    assert world.run("select id from note") == [(1,)]


@pytest.mark.parametrize("arguments, said", [("'note', null", "older_than"), ("'note', '-1 day'", "older_than"),
                                             ("'note', '1 day', 'text'", "is of type text"), ("'note', '1 day', 'nothing'", "no column")])
def test_a_wrong_purge_is_refused(project, arguments, said):
    with pytest.raises(psycopg2.Error, match=said):
        project.world.run(f"select tidemark.purge_tombstones({arguments})")


def test_the_sync_s_role_may_read_the_retention(project):
    world = project.world
    world.run("create role sync_before; create role sync_after")
    try:
        world.run("select tidemark.grant_sync('sync_after')")
        assert world.value("select has_table_privilege('sync_after', 'tidemark.retention', 'select')")
        assert not world.value("select has_table_privilege('sync_before', 'tidemark.retention', 'select')")
    finally:
        world.run("drop owned by sync_before, sync_after; drop role sync_before, sync_after")


def test_roles_of_an_older_installation_get_the_right_too(project):
    world = project.world
    text = world.value("select upgrade from tidemark.migration where revision = '20261122_0003'")
    world.run(world.value("select downgrade from tidemark.migration where revision = '20261122_0003'"))
    world.run("create role sync_old; select tidemark.grant_sync('sync_old')")
    try:
        world.run(text)
        assert world.value("select has_table_privilege('sync_old', 'tidemark.retention', 'select')")
    finally:
        world.run("drop owned by sync_old; drop role sync_old")
