"""tidemark lint: what will hurt is found, in the live schema and in pending files, and can be allowed with a reason."""
import json
import os

import pytest

from support.daemon import program, run_program, write_configuration

GOOD = """
create table good (
    id uuid primary key,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
alter table good enable row level security;
create policy own on good using (true);
select tidemark.track('good');
"""


class Project:
    def __init__(self, world):
        self.world, self.folder = world, os.path.join(world.folder, "migrations")
        os.mkdir(self.folder)
        self.path = os.path.join(world.folder, "lint.conf")
        self.count = 0
        write_configuration(self.path, {"primary": {"conninfo": world.cluster.conninfo(world.database)},
                                        "cache": {"path": os.path.join(world.folder, "none.db")},
                                        "migrations": {"directory": self.folder}})
        assert self.tool("migrate").status == 0

    def tool(self, *arguments):
        return run_program(program("tidemark"), "-c", self.path, *arguments)

    def file(self, upgrade, head="", downgrade="select 1;"):
        self.count += 1
        with open(os.path.join(self.folder, f"20260101_{self.count:04}_step.sql"), "w") as out:
            out.write(f"{head}-- upgrade\n{upgrade}\n-- downgrade\n{downgrade}\n")

    def findings(self):
        answer = self.tool("lint", "--json")
        assert answer.status in (0, 3), answer
        found = answer.document["findings"]
        assert answer.document["ok"] == (not found) and answer.status == (3 if found else 0), answer
        return {(finding["id"], finding["place"]) for finding in found}


@pytest.fixture
def project(world):
    return Project(world)


def test_a_good_table_is_nothing_to_complain_of(project, world):
    world.run(GOOD)
    answer = project.tool("lint")
    assert answer.status == 0 and answer.out == "" and "nothing to complain of" in answer.err, answer


# A change to a good table, the rule it breaks, and where: {t} is the table's name.
TABLE_RULES = [
    ("create unique index ux_{t}_id on {t} (created_at)", "TM105", "public.ux_{t}_id"),
    ("alter table {t} add unique (created_at)", "TM105", "public.{t}.{t}_created_at_key"),
    ("drop policy own on {t}; create policy own on {t} for select using (deleted_at is null)", "TM106", "public.{t}.own"),
    ("select tidemark.untrack('{t}'); alter table {t} drop constraint {t}_pkey", "TM160", "public.{t}"),
    ("select tidemark.untrack('{t}')", "TM161", "public.{t}"),
    ('alter table {t} add column "camelCase" int', "TM201", 'public.{t}."camelCase"'),
    ("create index {t}_some_name on {t} (created_at)", "TM202", "public.{t}_some_name"),
    ("alter table {t} add column parent uuid constraint {t}_fk references {t}; create index ix_{t}_parent on {t} (parent)", "TM203", "public.{t}.{t}_fk"),
    ("alter table {t} add column at timestamp", "TM204", "public.{t}.at"),
    ("alter table {t} drop column deleted_at", "TM205", "public.{t}"),
    ("alter table {t} disable row level security", "TM206", "public.{t}"),
    ("drop policy own on {t}", "TM207", "public.{t}"),
    ("alter table {t} add column parent_id uuid constraint {t}_fk references {t}", "TM208", "public.{t}.{t}_fk"),
    ("comment on table {t} is 'tidemark: allow TM204'", "TM399", "table public.{t}"),
]


def test_each_rule_about_tables_finds_what_breaks_it(project, world):
    expected = set()
    for number, (change, rule, where) in enumerate(TABLE_RULES):
        world.run(GOOD.replace("good", f"good_{number}"))
        world.run(change.replace("{t}", f"good_{number}"))
        expected.add((rule, where.replace("{t}", f"good_{number}")))
    assert project.findings() == expected


def test_a_partial_unique_index_may_forget_tombstones(project, world):
    world.run(GOOD + "create unique index ux_good_created_at on good (created_at) where deleted_at is null")
    assert project.findings() == set()


def test_a_comment_on_the_object_or_its_table_allows_with_a_reason(project, world):
    world.run(GOOD + "alter table good add column at timestamp, add column local timestamp")
    world.run("comment on column good.at is 'Wall clock. tidemark: allow TM204 of the shop''s own town'")
    assert project.findings() == {("TM204", "public.good.local")}
    world.run("comment on table good is 'tidemark: allow TM204 all of them are local'")
    assert project.findings() == set()
    assert "2 allowed by a comment" in project.tool("lint").err


def test_partitions_are_looked_at_through_their_parent(project, world):
    world.run(GOOD.replace("id uuid primary key", "id uuid, at timestamptz, primary key (id, at)")
              .replace("deleted_at timestamptz\n)", "deleted_at timestamptz) partition by range (at)"))
    world.run("create table good_1 partition of good for values from ('2020-01-01') to ('2021-01-01')")
    assert project.findings() == set()


def test_other_schemas_are_left_alone(project, world):
    world.run("create schema other create table \"Bad\" (id int)")
    assert project.findings() == set()


STEP_RULES = [
    ("drop table good;", "TM301"),
    ("alter table good drop column note;", "TM302"),
    ("alter table only public.good add column x int, drop note;", "TM302"),
    ("alter table good alter column note type varchar(10);", "TM303"),
    ("alter table good alter note set data type varchar(10);", "TM303"),
    ("alter table good alter column note set not null;", "TM304"),
    ("alter table good add constraint c check (note <> 'drop, column');", "TM305"),
    ("alter table good add foreign key (other_id) references good (id);", "TM305"),
    ("create index ix_good_note on good (note) where deleted_at is null;", "TM306"),
    ("alter table good add constraint u unique (note);", "TM307"),
    ("alter table good add column n int not null;", "TM308"),
    ("alter table good add column n uuid default gen_random_uuid();", "TM309"),
    ("alter table good add column n bigint generated always as identity;", "TM309"),
    ("alter table good rename column note to remark;", "TM310"),
    (f"create function {'f' * 64}() returns int language sql as 'select 1';", "TM311"),
]


def findings_of_files(project):
    return {finding for finding in project.findings() if not finding[1].startswith(("pending", "public"))}


@pytest.fixture
def steps(project, world):
    """A file with each step on a line of its own, comments above them and at the head."""
    world.run(GOOD + "alter table good add column note text, add column other_id uuid")

    def write(above="", head=""):
        lines = [f"{above.replace('{rule}', rule)}{statement}" for statement, rule in STEP_RULES]
        project.count = 0
        project.file("\n".join(lines), head=head)

    return write


def test_each_rule_about_steps_finds_what_breaks_it(project, steps):
    steps()
    assert findings_of_files(project) == {(rule, f"20260101_0001_step, line {number + 2}")
                                          for number, (_, rule) in enumerate(STEP_RULES)}


def test_a_comment_above_a_statement_allows_with_a_reason(project, steps):
    steps(above="-- tidemark: allow {rule} a night without writers\n")
    assert findings_of_files(project) == set()
    steps(above="-- tidemark: allow {rule}\n")
    assert {rule for rule, _ in findings_of_files(project)} == {rule for _, rule in STEP_RULES} | {"TM399"}


def test_a_comment_at_the_head_allows_in_the_whole_file(project, steps):
    steps(head="-- tidemark: allow TM302 nobody uses it\n")
    assert {rule for rule, _ in findings_of_files(project)} == {rule for _, rule in STEP_RULES} - {"TM302"}


def test_safe_steps_are_no_findings(project):
    for statement in [
            "alter table good add constraint c check (note <> '') not valid;",
            "alter table good add column n int not null default 0, add column m timestamptz default now();",
            "alter table good alter column note set default 'drop column';",
            "alter table good validate constraint c;",
            "alter table good drop constraint c;",
            "create table next (id int primary key, note text not null); create index ix_next_note on public.next (note);"
            " alter table next add column more int not null, add unique (more); drop table if exists next;",
    ]:
        project.file(statement)
    assert findings_of_files(project) == set()


def test_an_empty_downgrade_is_found(project):
    project.file("select 1;", downgrade="")
    assert project.findings() == {("TM312", "20260101_0001_step")}


def test_tables_that_pending_files_make_are_looked_at_too(project, world):
    world.run(GOOD)
    project.file('create table next (id int primary key, at timestamp);')
    assert {finding for finding in project.findings() if finding[0] == "TM204"} == {("TM204", "pending: public.next.at")}
    assert world.value("select count(*) from pg_database where datname like 'tidemark_scratch_%'") == 0


def test_applied_files_are_not_looked_at(project):
    project.file("create table next (id int primary key); drop table next;", downgrade="")
    assert project.tool("migrate").status == 0
    assert project.findings() == set()


def test_people_read_the_rule_once_and_then_its_places(project, world):
    world.run(GOOD + "alter table good add column a timestamp, add column b timestamp")
    answer = project.tool("lint")
    assert answer.status == 3 and answer.out.count("TM204") == 1, answer
    assert "public.good.a\n" in answer.out and "public.good.b\n" in answer.out and "-> alter table" in answer.out, answer


def test_an_unreachable_primary_is_a_temporary_failure(project):
    write_configuration(project.path, {"primary": {"conninfo": f"host={project.world.folder} port=1 dbname=x user=postgres"},
                                       "cache": {"path": "/nowhere/none.db"}})
    answer = project.tool("lint", "--json")
    assert answer.status == 75 and json.loads(answer.err)["kind"] == "error", answer
