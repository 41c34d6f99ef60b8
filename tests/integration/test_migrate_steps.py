"""Files without a transaction: each step recorded; failed or killed, the next run goes on at the right one."""
import subprocess
import threading

import pytest

from support.process import wait_until
from support.project import Project

NAME = "20261122_0002_index_b"
REVISION = "20261122_0002"


@pytest.fixture
def project(world):
    project = Project(world)
    project.write("20261122_0001_tables", "create table b (id int primary key, x int);\ncreate table done (step int);"
                  "\ninsert into b select n, n from generate_series(1, 1000) n;", "drop table b, done;")
    project.write(NAME, "insert into done values (1);\ncreate index concurrently ix_b_x on b (x);\ninsert into done values (3);",
                  "delete from done where step = 3;\ndrop index concurrently ix_b_x;\ndelete from done;", no_transaction=True)
    return project


def steps(project):
    return [step for step, in project.world.run("select step from done order by 1")]


def index(project, name="ix_b_x"):
    """None, "valid" or "invalid"."""
    rows = project.world.run("select indisvalid from pg_index where indexrelid = to_regclass(%s)", (name,))
    return {(): None, (True,): "valid", (False,): "invalid"}[rows[0] if rows else ()]


def wait_for_its_session(world):
    wait_until(lambda: not world.value("select count(*) from pg_locks where classid = 1953064037"), "its session has ended", 60)


def test_steps_go_up_and_down(project):
    project.migrate()
    assert steps(project) == [1, 3] and index(project) == "valid"
    assert project.record(REVISION, "state, transactional") == ("applied", False)
    assert project.tool("downgrade", "--yes").status == 0
    assert steps(project) == [] and index(project) is None
    assert project.record(REVISION) == ("reverted",)
    project.migrate()
    assert steps(project) == [1, 3] and index(project) == "valid"


@pytest.mark.parametrize("point, done, built", [
    ("migrate.steps_begun", [], None),
    ("migrate.step_executed:1", [], None),     # in the transaction of step 1
    ("migrate.step_recorded:1", [1], None),
    ("migrate.step_begun:1", [1], None),       # step 2 is to be run
    ("migrate.step_executed:2", [1], "valid"),  # step 2 was run and not recorded
    ("migrate.step_recorded:2", [1], "valid"),
    ("migrate.step_executed:3", [1], "valid"),
    ("migrate.step_recorded:3", [1, 3], "valid"),
])
def test_killed_at_any_step_it_goes_on(project, point, done, built):
    assert project.tool("migrate", fault=point).status == -9
    wait_for_its_session(project.world)
    assert (steps(project), index(project)) == (done, built)
    assert project.states()[NAME] == ("running" if done else "pending")
    project.migrate()
    assert (steps(project), index(project)) == ([1, 3], "valid")
    assert project.record(REVISION, "state, step_begun, error") == ("applied", False, None)


@pytest.mark.parametrize("point, done, built", [
    ("migrate.steps_begun", [1, 3], "valid"),
    ("migrate.step_recorded:1", [1], "valid"),
    ("migrate.step_begun:1", [1], "valid"),
    ("migrate.step_executed:2", [1], None),
    ("migrate.step_recorded:2", [1], None),
    ("migrate.step_executed:3", [1], None),
    ("migrate.step_recorded:3", [], None),
])
def test_killed_on_the_way_down_it_goes_on(project, point, done, built):
    project.migrate()
    assert project.tool("downgrade", "--yes", fault=point).status == -9
    wait_for_its_session(project.world)
    assert (steps(project), index(project)) == (done, built)
    assert project.states()[NAME] == "reverting"
    answer = project.tool("migrate")
    assert answer.status == 2 and "is half taken back" in answer.err and "tidemark downgrade goes on" in answer.err, answer
    assert project.tool("downgrade", "--yes").status == 0
    assert (steps(project), index(project)) == ([], None)
    project.migrate()


def test_killed_while_the_index_is_built_it_is_built_anew(project):
    project.migrate("--to", "20261122_0001")
    holder = project.world.connect(autocommit=False)
    holder.cursor().execute("update b set x = 0 where id = 1")
    runner = project.start("migrate")
    wait_until(lambda: index(project) == "invalid", "the build waits for the open transaction")
    runner.kill()
    runner.communicate()
    holder.rollback()
    wait_for_its_session(project.world)
    project.migrate()
    assert (steps(project), index(project)) == ([1, 3], "valid")


def test_a_failed_build_says_what_stands_and_leaves_no_invalid_index(project):
    project.write(NAME, "insert into done values (1);\ncreate unique index concurrently ix_b_x on b (x);\n"
                        "insert into done values (3);", "", no_transaction=True)
    project.migrate("--to", "20261122_0001")
    project.world.run("update b set x = 7 where id in (1, 2)")
    answer = project.tool("migrate")
    assert answer.status == 1, answer
    assert f"step 2 of 3 failed: {NAME}, line 5: statement 2" in answer.err and "SQLSTATE 23505" in answer.err, answer
    assert "1 of its 3 steps stand" in answer.err and "an invalid index was found and removed" in answer.err, answer
    assert "`tidemark migrate` goes on with step 2" in answer.err and "dirty" not in answer.err
    assert (steps(project), index(project)) == ([1], None)
    state, step, total, error = project.record(REVISION, "state, step, steps, error")
    assert (state, step, total) == ("failed", 1, 3) and "23505" in error
    answer = project.tool("history")
    assert "step 1 of 3 is done" in answer.out and "could not create unique index" in answer.out, answer
    assert project.tool("check").status == 3
    project.world.run("update b set x = id")
    project.migrate()
    assert (steps(project), index(project)) == ([1, 3], "valid")


def test_a_dry_run_of_one_that_stopped_prints_what_is_still_to_be_run(project):
    project.world.run("create table b (x int); insert into b values (1), (1)")
    project.write("20261122_0001_tables", "create table done (step int);")
    project.write(NAME, "insert into done values (1);\ncreate unique index concurrently ix_b_x on b (x);\ninsert into done values (3);",
                  "delete from done where step = 3;\nvacuum nothing;", no_transaction=True)
    assert project.tool("migrate").status == 1
    project.world.run("truncate b")
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", project.world.cluster.conninfo(project.world.database)], check=True,
                   input=project.migrate("--dry-run").out, text=True, timeout=60)
    assert steps(project) == [1, 3] and index(project) == "valid"
    assert project.states()[NAME] == "applied"
    assert project.tool("downgrade", "--yes").status == 1
    answer = project.tool("downgrade", "--dry-run")
    assert answer.status == 0 and "vacuum nothing" in answer.out and "delete from done" not in answer.out, answer


def test_a_failed_step_may_be_corrected_in_the_file_but_not_those_that_are_done(project):
    def write(first, second):
        project.write(NAME, f"insert into done values ({first});\n{second};", "delete from done;", no_transaction=True)
    write(1, "insert into nowhere values (1)")
    assert project.tool("migrate").status == 1
    write(2, "insert into done values (3)")
    answer = project.tool("migrate")
    assert answer.status == 2 and "step 1 was edited after it was run" in answer.err, answer
    answer = project.tool("downgrade", "--yes")
    assert answer.status == 2 and "stopped after step 1 of 2" in answer.err, answer
    write(1, "insert into done values (3)")
    project.migrate()
    assert steps(project) == [1, 3]
    assert project.migrate().err == "up to date\n"


def test_one_that_failed_before_its_first_step_counts_as_pending(project):
    project.write(NAME, "create index concurrently ix_b_x on nowhere (x);", "drop index ix_b_x;", no_transaction=True)
    assert project.tool("migrate").status == 1
    assert project.states() == {"20261122_0001_tables": "applied", NAME: "pending"}
    assert project.tool("downgrade", "--yes").status == 0
    assert project.world.value("select to_regclass('b') is null")
    project.write(NAME, "create index concurrently ix_b_x on b (x);", "", no_transaction=True)
    project.migrate()
    assert index(project) == "valid"


def test_an_index_that_stands_in_the_way_is_not_taken_for_ours(project):
    project.migrate("--to", "20261122_0001")
    project.world.run("create index ix_b_x on b (id)")
    for _ in range(2):
        answer = project.tool("migrate")
        assert answer.status == 1 and "already exists" in answer.err, answer
    assert index(project) == "valid" and steps(project) == [1]
    project.world.run("drop index ix_b_x")
    project.migrate()
    assert steps(project) == [1, 3]


def test_an_invalid_index_of_an_earlier_attempt_by_hand_is_removed(project):
    project.migrate("--to", "20261122_0001")
    project.world.run("update b set x = 7 where id in (1, 2)")
    with pytest.raises(Exception, match="could not create unique index"):
        project.world.run("create unique index concurrently ix_b_x on b (x)")
    assert index(project) == "invalid"
    project.migrate()
    assert index(project) == "valid"


def test_a_build_waits_for_open_transactions_and_names_them(project):
    project.migrate("--to", "20261122_0001")
    holder = project.world.connect(autocommit=False, application_name="nightly report")
    holder.cursor().execute("update b set x = 0 where id = 1")
    threading.Timer(4, holder.rollback).start()
    answer = project.tool("migrate")
    assert answer.status == 0, answer
    assert f"pid {holder.info.backend_pid}" in answer.err and "nightly report" in answer.err, answer
    assert index(project) == "valid"


def test_a_build_that_waits_too_long_ends_with_75_and_nothing_half_done(project):
    project.migrate("--to", "20261122_0001")
    holder = project.world.connect(autocommit=False, application_name="nightly report")
    holder.cursor().execute("update b set x = 0 where id = 1")
    answer = project.tool("migrate", "--timeout", "2s")
    assert answer.status == 75 and "step 2 of 3 failed" in answer.err and "nightly report" in answer.err, answer
    holder.rollback()
    project.migrate()
    assert (steps(project), index(project)) == ([1, 3], "valid")


def test_other_statements_that_need_to_stand_alone_can_be_steps(project):
    project.write(NAME, "vacuum b;\ncreate type mood as enum ('sad');\nalter type mood add value 'happy';\n"
                        "create table m (m mood default 'happy');\nreindex table concurrently b;\n"
                        "create procedure twice() language plpgsql as $$ begin insert into done values (1); commit;\n"
                        "insert into done values (2); commit; end $$;\ncall twice();", "", no_transaction=True)
    project.migrate()
    assert steps(project) == [1, 2]
    assert project.world.value("select enum_range(null::mood)::text") == "{sad,happy}"


def test_a_dry_run_says_that_it_stands_alone(project):
    answer = project.migrate("--dry-run")
    assert "-- not in a transaction" in answer.out and "create index concurrently ix_b_x" in answer.out, answer


@pytest.mark.parametrize("statement, said, cure", [
    ("set role migrate_other", "sets the role of the session", "alter … owner to"),
    ("SET SESSION AUTHORIZATION migrate_other", "sets the role of the session", "alter … owner to"),
    ("reset role", "sets the role of the session", "alter … owner to"),
    ("set search_path = elsewhere", "sets the session", "with their schema"),
    ("reset all", "sets the session", "with their schema"),
    ("select pg_catalog.set_config('search_path', '', false)", "sets the session", "with their schema"),
    ("set local role migrate_other", "is over before the next statement begins", "a file without"),
    ("savepoint a", "is over before the next statement begins", "a file without"),
    ("create temp table t (x int)", "ends with the session", "a table that stays"),
    ("commit", "begins or ends a transaction", "each statement stands alone"),
    ("discard all", "the runner's own lock", "take it out"),
])
@pytest.mark.parametrize("command", ["migrate", "lint", "check"])
def test_what_a_later_step_could_not_rely_on_is_refused_before_anything_runs(project, command, statement, said, cure):
    project.write(NAME, f"insert into done values (1);\n{statement};\ninsert into done values (3);", "", no_transaction=True)
    answer = project.tool(command)
    assert answer.status == 2 and f"{NAME}, line 5: " in answer.err and said in answer.err and cure in answer.err, answer
    assert not project.world.value("select to_regnamespace('tidemark') is not null")


def test_the_way_back_is_looked_at_before_the_way_there_is_gone(project):
    project.write(NAME, "insert into done values (1);", "set role migrate_other;\ndrop table done;", no_transaction=True)
    answer = project.tool("migrate")
    assert answer.status == 2 and f"{NAME}, line 6: sets the role" in answer.err, answer


def test_what_a_function_sets_reaches_neither_the_record_nor_the_next_step(project):
    """The same whether the run goes through or is killed between the steps."""
    project.world.run("create role migrate_other; create schema elsewhere")
    try:
        project.write(NAME, "do $$ begin set role migrate_other; set search_path = elsewhere; end $$;\ncreate table here (id int);\n"
                            "create procedure becomes() language plpgsql as $$ begin commit; set role migrate_other; end $$;\n"
                            "call becomes();\ncreate table there (id int);", "", no_transaction=True)
        project.migrate()
        assert project.world.run("select relname::text, relnamespace::regnamespace::text, relowner::regrole::text from pg_class "
                                 "where relname in ('here', 'there') order by 1") == [
            ("here", "public", "postgres"), ("there", "public", "postgres")]
        assert project.record(REVISION, "state, applied_by") == ("applied", "postgres")
    finally:
        project.world.run("drop owned by migrate_other; drop role migrate_other; drop schema elsewhere cascade")


def test_a_step_that_sets_a_role_and_fails_is_recorded_as_failed(project):
    project.world.run("create role migrate_other")
    try:
        project.write(NAME, "insert into done values (1);\n"
                            "create procedure becomes() language plpgsql as $$ begin commit; set role migrate_other;\n"
                            "commit; raise exception 'no further'; end $$;\ncall becomes();", "", no_transaction=True)
        answer = project.tool("migrate")
        assert answer.status == 1 and "step 3 of 3 failed" in answer.err and "no further" in answer.err, answer
        assert project.record(REVISION) == ("failed",)
    finally:
        project.world.run("drop owned by migrate_other; drop role migrate_other")
