"""A project's own migrations: made, applied, taken back, listed and checked."""
import datetime
import fcntl
import hashlib
import os
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

from support.daemon import CLEAN_ENVIRONMENT
from support.process import wait_until
from support.project import Project, json_lines

A, B, C = "20261122_0001_make_a", "20261122_0002_make_b", "20261123_0001_fill_b"


@pytest.fixture
def project(world):
    return Project(world)


@pytest.fixture
def three(project):
    project.write(A, "create table a (id int primary key);", "drop table a;")
    project.write(B, "create table b (id int primary key);", "drop table b;")
    project.write(C, "insert into b values (1);\ninsert into b values (2);", "delete from b;")
    return project


def tables(world):
    return [name for name, in world.run("select tablename from pg_tables where schemaname = 'public' order by 1")]


# -- revision --

def test_revision_makes_the_next_file_from_its_message(project):
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    first = project.tool("revision", "-m", "add user preferences table")
    second = project.tool("revision", "--message", "Übung: Drop  the 2nd-index!", "--json")
    assert first.status == 0 and second.status == 0, (first, second)
    assert os.path.basename(first.out.strip()) == f"{today}_0001_add_user_preferences_table.sql"
    assert os.path.basename(second.document["file"]) == f"{today}_0002_bung_drop_the_2nd_index.sql"
    with open(first.out.strip()) as file:
        text = file.read()
    assert text.startswith(f"-- {today}_0001: add user preferences table\n")
    assert text.index("\n-- upgrade\n") < text.index("\n-- downgrade\n")
    answer = project.tool("migrate")
    assert answer.status == 2 and "_0001_add_user_preferences_table: nothing to upgrade" in answer.err, answer


def test_a_message_cannot_become_a_marker(project):
    answer = project.tool("revision", "-m", "upgrade\n-- downgrade")
    path = answer.out.strip()
    with open(path) as file:
        text = file.read()
    with open(path, "w") as out:
        out.write(text.replace("-- upgrade\n", "-- upgrade\nselect 1;\n"))
    project.migrate()


def test_revision_is_never_before_the_newest_file(project):
    project.write("29990101_0007_late", "select 1;")
    answer = project.tool("revision", "-m", "x")
    assert os.path.basename(answer.out.strip()) == "29990101_0008_x.sql"


def test_revisions_at_once_get_numbers_of_their_own(project):
    runs = [project.start("revision", "-m", f"file {number}") for number in range(12)]
    paths = [run.communicate(timeout=60)[0].strip() for run in runs]
    numbers = sorted(re.match(r"\d{8}_(\d{4})_file_\d+\.sql", os.path.basename(path)).group(1) for path in paths)
    assert numbers == [f"{number:04}" for number in range(1, 13)]
    assert len(os.listdir(project.migrations)) == 12


def test_a_revision_waits_for_another_one_that_is_being_made(project):
    folder = os.open(project.migrations, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    runs = [project.start("revision", "-m", "x"), project.start("revision", "-m", "y")]
    time.sleep(0.5)
    assert [run.poll() for run in runs] == [None, None] and os.listdir(project.migrations) == []
    os.close(folder)
    names = sorted(os.path.basename(run.communicate(timeout=30)[0].strip()) for run in runs)
    assert [name[9:13] for name in names] == ["0001", "0002"]


@pytest.mark.parametrize("arguments, said", [((), "what does the migration do?"), (("-m", "?!"), "no letter and no digit")])
def test_revision_needs_a_message_that_can_be_a_name(project, arguments, said):
    answer = project.tool("revision", *arguments)
    assert answer.status == 2 and said in answer.err, answer
    assert os.listdir(project.migrations) == []


@pytest.mark.parametrize("command, key", [(("revision", "-m", "x"), "directory"), (("migrate",), "directory"), (("history",), "directory"),
                                          (("lint",), "directory"), (("init-data",), "data")])
def test_a_file_is_no_folder_of_migrations(world, command, key):
    project = Project(world)
    (os.rmdir(project.migrations) or open(project.migrations, "w").close()) if key == "directory" else \
        (os.rmdir(project.data) or open(project.data, "w").close())
    if key == "data":
        project.migrate()
    answer = project.tool(*command)
    assert answer.status == 2 and "Not a directory" in answer.err and "[migrations]" in answer.err, answer


def test_a_day_that_the_calendar_does_not_have_is_refused(three):
    three.write("20260231_0001_x", "select 1;")
    answer = three.tool("migrate")
    assert answer.status == 2 and "20260231_0001_x: the calendar has no day 2026-02-31" in answer.err, answer
    assert "a" not in tables(three.world)


def test_revision_makes_its_folder(world):
    project = Project(world, directory=os.path.join(world.folder, "new", "migrations"))
    answer = project.tool("revision", "-m", "x")
    assert answer.status == 0 and os.path.exists(answer.out.strip()), answer


# -- migrate --

def test_built_in_files_come_first_then_the_project_s(three):
    three.write("20261123_0002_track_b", "select tidemark.track('b');", "select tidemark.untrack('b');")
    lines = json_lines(three.migrate("--json").out)
    names = [line["name"] for line in lines if line["kind"] == "migration"]
    assert names[0] == "20261122_0001_schema_tidemark" and names[-4:] == [A, B, C, "20261123_0002_track_b"]
    assert lines[-1] == {"v": 1, "kind": "result", "ok": True, "changed": True}
    assert three.world.value("select count(*) from b") == 2
    assert json_lines(three.migrate("--json").out) == [{"v": 1, "kind": "result", "ok": True, "changed": False}]


def test_a_record_says_who_when_where_and_what(three):
    three.migrate()
    checksum, by, host, state, upgrade, downgrade = three.record(
        "20261122_0001", "checksum, applied_by, host, state, upgrade, downgrade")
    with open(os.path.join(three.migrations, A + ".sql"), "rb") as file:
        assert checksum == hashlib.sha256(file.read()).hexdigest()
    assert (by, host, state) == ("postgres", socket.gethostname(), "applied")
    assert (upgrade, downgrade) == ("create table a (id int primary key);\n", "drop table a;\n")
    assert three.record("20261122_0001", "started_at <= finished_at and finished_at <= now() and runner_version <> ''") == (True,)


def test_to_stops_at_a_revision(three):
    three.migrate("--to", "20261122_0001")
    assert tables(three.world) == ["a"]
    three.migrate("--to", B)
    assert tables(three.world) == ["a", "b"] and three.world.value("select count(*) from b") == 0
    assert three.migrate("--to", A).err == "up to date\n"
    answer = three.tool("migrate", "--to", "20261122_0009")
    assert answer.status == 2 and "there is no migration 20261122_0009" in answer.err and "did you mean" in answer.err, answer


def test_a_failing_statement_is_named_and_nothing_of_its_file_stays(three):
    three.write(C, "insert into b values (1);\n\ninsert into b\nvalues (1);", "")
    answer = three.tool("migrate", "--json")
    assert answer.status == 1, answer
    error = json_lines(answer.err)[-1]
    assert error["sqlstate"] == "23505" and "mend them first" in error["hint"]
    assert f"{C}, line 5: statement 2, \"insert into b …\": duplicate key" in error["message"], error
    assert "(SQLSTATE 23505)" in error["message"]
    assert three.world.value("select count(*) from b") == 0
    assert three.states() == {A: "applied", B: "applied", C: "pending"}


def test_a_position_inside_a_statement_names_its_line(three):
    three.write(C, "select 1;\nselect id,\n       no_such_column\n  from b;", "")
    answer = three.tool("migrate")
    assert f"{C}, line 5: statement 2" in answer.err and "42703" in answer.err, answer


def test_a_deferred_constraint_fails_its_file_as_a_whole(three):
    three.write(C, """create table parent (id int primary key);
                      create table child (id int references parent deferrable initially deferred);
                      insert into child values (1);""", "")
    answer = three.tool("migrate")
    assert answer.status == 1 and C in answer.err and "violates foreign key" in answer.err, answer
    assert tables(three.world) == ["a", "b"]


def test_what_cannot_run_in_a_transaction_says_how(three):
    three.write(C, "vacuum b;", "")
    answer = three.tool("migrate")
    assert answer.status == 1 and "-- no-transaction" in answer.err, answer
    three.write(C, "create procedure ends() language plpgsql as $$ begin commit; end $$;\ncall ends();", "")
    answer = three.tool("migrate")
    assert answer.status == 1 and "line 4" in answer.err and "-- no-transaction" in answer.err, answer


@pytest.mark.parametrize("change, problems", [
    (lambda three: os.remove(os.path.join(three.migrations, A + ".sql")), {A: "its file is gone"}),
    (lambda three: three.write("20261123_0003_gap", "select 1;"), {"20261123_0003_gap": "a number is left out before it"}),
    (lambda three: three.write("20261123_0001_twin", "select 1;"), {"20261123_0001_twin": "another file has this number too"}),
])
def test_check_and_history_list_what_does_not_fit_where_migrate_would_not_begin(three, change, problems):
    three.migrate()
    change(three)
    answer = three.tool("check", "--json")
    assert answer.status == 3 and {one["name"]: one["problem"] for one in answer.document["findings"]} == problems, answer
    listed = three.tool("history")
    assert listed.status == 0 and all(problem in listed.out for problem in problems.values()), listed
    for command in ("migrate", "lint"):
        assert three.tool(command).status == 2


def test_a_number_that_another_branch_took_first_is_named(three):
    three.migrate()
    os.remove(os.path.join(three.migrations, C + ".sql"))
    three.write("20261123_0001_of_this_branch", "create table c (id int);", "drop table c;")
    answer = three.tool("migrate")
    assert answer.status == 2 and f"that was {C}" in answer.err and "the next free number" in answer.err, answer
    answer = three.tool("check")
    assert answer.status == 3 and "another file was applied under this number" in answer.out, answer


@pytest.mark.parametrize("statement", ["commit", "begin", "copy b from stdin", "\\i other.sql", "discard all"])
def test_what_would_break_the_transaction_is_refused_before_anything_runs(three, statement):
    three.write(C, f"insert into b values (1);\n{statement};", "")
    answer = three.tool("migrate")
    assert answer.status == 2 and f"{C}, line 4: " in answer.err, answer
    assert not three.world.value("select to_regnamespace('tidemark') is not null")


def test_a_byte_order_mark_is_passed_over(three):
    """As psql does: some editors put one there, where nobody sees it."""
    path = three.write(C, "create table c (id int primary key);", "drop table c;")
    with open(path) as file:
        text = file.read()
    with open(path, "w", encoding="utf-8-sig") as file:
        file.write(text[text.index("-- upgrade"):])
    with open(os.path.join(three.data, "rows.sql"), "w", encoding="utf-8-sig") as file:
        file.write("insert into c values (1);")
    answer = three.tool("bootstrap")
    assert answer.status == 0 and three.world.value("select count(*) from c") == 1, answer
    assert three.tool("check").status == 0
    assert three.tool("downgrade", "--yes").status == 0


def test_names_stand_in_columns_whatever_they_are_written_in(three):
    os.remove(os.path.join(three.migrations, C + ".sql"))
    three.write("20261123_0001_größe_und_maß", "select 1;", "select 1;")
    shown = [three.migrate(), three.tool("history")]
    for answer in shown:
        assert len({line.index(" applied") for line in answer.out.splitlines() if " applied" in line}) == 1, answer.out


@pytest.mark.parametrize("no_transaction, said", [(False, "nothing is half done"), (True, "nothing was done yet; `tidemark migrate` goes on")])
def test_who_interrupts_is_told_what_stands_and_not_to_mend_anything(three, no_transaction, said):
    three.write(C, "select pg_sleep(30);", no_transaction=no_transaction)
    runner = three.start("migrate")
    wait_until(lambda: three.world.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), "it sleeps")
    runner.send_signal(signal.SIGINT)
    out, err = runner.communicate(timeout=10)
    assert runner.returncode == 1 and "asked to stop" in err and said in err and "put it right" not in err, (out, err)
    wait_until(lambda: not sessions_of_the_tool(three.world), "its session has ended", 3)
    assert three.states()[C] in ("pending", "running")


def sessions_of_the_tool(world):
    return world.run("select state, wait_event, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")


@pytest.mark.parametrize("command, end", [("migrate", signal.SIGINT), ("migrate", signal.SIGTERM), ("init-data", signal.SIGINT),
                                          ("bootstrap", signal.SIGTERM)])
def test_who_interrupts_leaves_no_statement_and_no_lock_on_the_primary(three, command, end):
    three.migrate()
    three.write("20261124_0001_sleeps", "lock table a;\nselect pg_sleep(30);")
    three.write_data("01_sleeps", "lock table a;\nselect pg_sleep(30);")
    runner = three.start(command)
    wait_until(lambda: three.world.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), "it sleeps")
    runner.send_signal(end)
    out, err = runner.communicate(timeout=10)
    assert runner.returncode == 1 and "asked to stop" in err, (out, err)
    wait_until(lambda: not three.world.run("select 1 from pg_locks where relation = 'a'::regclass"), "its lock is gone", 3)
    assert not three.world.run("select 1 from pg_stat_activity where wait_event = 'PgSleep'")


def test_who_interrupts_does_not_wait_for_a_primary_that_went_silent(world):
    proxy = world.proxy()
    project = Project(world, conninfo=proxy.conninfo(world.database))
    project.migrate()
    project.write(A, "select pg_sleep(8);")
    runner = project.start("migrate")
    wait_until(lambda: world.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"), "it sleeps")
    proxy.silent_after(0)
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=3)
    assert runner.returncode == 1


def test_an_output_that_cannot_be_written_is_an_error_and_the_files_are_applied(three):
    with open("/dev/full", "w") as full:
        answer = subprocess.run(three.command("migrate"), text=True, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                env=CLEAN_ENVIRONMENT, timeout=60)
    assert answer.returncode == 1 and "write the output: " in answer.stderr and "Success" not in answer.stderr, answer
    assert set(three.states().values()) == {"applied"}


def test_tables_of_several_owners_are_migrated_by_a_member_of_each(world):
    world.run("create role owner_one login; create role owner_two login; "
              f"grant create on database {world.database} to owner_one; grant create on schema public to owner_one, owner_two")
    try:
        world.run("set role owner_two; create table theirs (id int primary key, owner_id uuid); reset role")
        project = Project(world, conninfo=world.cluster.conninfo(world.database, user="owner_one"))
        project.write(A, "select tidemark.track('theirs');\nselect tidemark.enable_rls('theirs');",
                      "select tidemark.disable_rls('theirs');\nselect tidemark.untrack('theirs');")
        answer = project.tool("migrate")
        assert answer.status == 1 and "must be owner" in answer.err and "a member of it" in answer.err, answer
        world.run("grant owner_two to owner_one")
        project.migrate()
        world.run("set role owner_two; insert into theirs values (1); delete from theirs; reset role")
        assert world.value("select count(*) from tidemark.deleted_row") == 1
        assert project.tool("downgrade", "--yes").status == 0
        assert world.value("select count(*) from pg_trigger where tgrelid = 'theirs'::regclass") == 0
    finally:
        world.run("drop owned by owner_one, owner_two cascade; drop role owner_one; drop role owner_two")


def test_settings_of_one_file_do_not_reach_the_next(three):
    three.world.run("create schema elsewhere; create role migrate_other; grant all on schema elsewhere to migrate_other")
    try:
        three.write(A, "set search_path = elsewhere; set role migrate_other; set lock_timeout = 1;"
                       "create table a (id int);", "drop table elsewhere.a;")
        three.migrate()
        assert three.world.run("select relnamespace::regnamespace::text from pg_class where relname in ('a', 'b') "
                               "order by relname") == [("elsewhere",), ("public",)]
        assert three.record("20261122_0002", "applied_by") == ("postgres",)
    finally:
        three.world.run("drop schema elsewhere cascade; drop owned by migrate_other; drop role migrate_other")


@pytest.mark.parametrize("change, said, cure", [
    (lambda project: project.write(A, "create table a (id bigint primary key);", ""),
     f"{A} was edited after it was applied", "changes go into a new file"),
    (lambda project: os.remove(os.path.join(project.migrations, C + ".sql")),
     f"{C} is applied on the primary, but its file is gone", "restore the file"),
    (lambda project: project.write("20261121_0001_early", "select 1;"), "20261121_0001_early was skipped", "after the applied ones"),
    (lambda project: project.write("20261123_0003_gap", "select 1;"), "there is no 20261123_0002 before it", "restore it"),
    (lambda project: project.write("20261123_0001_twin", "select 1;"), "have the same revision", "rename"),
    (lambda project: project.write("2026_x", "select 1;"), "2026_x: the name is not YYYYMMDD_####_description", "revision -m"),
])
def test_files_that_do_not_fit_the_history_are_errors_with_a_cure(three, change, said, cure):
    three.migrate()
    change(three)
    answer = three.tool("migrate")
    assert answer.status == 2 and said in answer.err and cure in answer.err, answer


def test_a_folder_that_was_named_must_be_there(world):
    project = Project(world, directory=os.path.join(world.folder, "nowhere"))
    answer = project.tool("migrate")
    assert answer.status == 2 and "there is no folder" in answer.err, answer


def test_a_dry_run_prints_sql_that_leaves_nothing_to_do(three):
    answer = three.migrate("--dry-run")
    assert tables(three.world) == []
    three.world.run(answer.out)
    assert tables(three.world) == ["a", "b"]
    assert three.migrate().err == "up to date\n"
    assert three.migrate("--dry-run").out == ""


@pytest.mark.parametrize("point", ["migrate.upgraded:5", "migrate.recorded:5"])
def test_a_runner_killed_in_the_project_s_files_leaves_whole_files(three, point):
    built_in = len(os.listdir(os.path.join(os.path.dirname(__file__), "..", "..", "migrations", "primary")))
    fault = point.replace("5", str(built_in + 2))
    assert three.tool("migrate", fault=fault).status == -9
    wait_until(lambda: not three.world.value("select count(*) from pg_locks where classid = 1953064037"), "its session has ended")
    assert tables(three.world) == ["a"]
    three.migrate()
    assert tables(three.world) == ["a", "b"] and three.world.value("select count(*) from b") == 2


def test_two_runners_at_once_apply_each_file_once(three):
    three.write("20261124_0001_slow", "select pg_sleep(1);", "")
    runs = [three.start("migrate") for _ in range(3)]
    answers = [run.communicate(timeout=60) + (run.returncode,) for run in runs]
    assert [status for _, _, status in answers] == [0, 0, 0], answers
    assert sum("20261124_0001_slow" in out for out, _, _ in answers) == 1
    assert sum("another runner is at work: pid" in err for _, err, _ in answers) == 2
    assert three.world.value("select count(*) from b") == 2


def test_a_change_that_waits_for_its_lock_lets_readers_pass(three):
    """Whoever comes after a waiting ALTER TABLE waits behind it: so it waits in short attempts."""
    three.migrate()
    three.write("20261123_0002_more", "alter table b add column more int;", "alter table b drop column more;")
    holder = three.world.connect(autocommit=False)
    holder.cursor().execute("select from b")
    runner = three.start("migrate")
    wait_until(lambda: three.world.value("select count(*) from pg_locks where not granted"), "it waits")
    three.world.run("set statement_timeout = '8s'; select from b; reset statement_timeout")
    holder.close()
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 0, (out, err)


def test_a_lock_that_does_not_go_away_ends_with_75_and_names_its_holder(three):
    three.migrate()
    holder = three.world.connect(autocommit=False, application_name="nightly report")
    holder.cursor().execute("select * from a")
    three.write("20261124_0001_alter", "alter table a add x int;", "")
    answer = three.tool("migrate", "--timeout", "3s")
    assert answer.status == 75 and "nothing is half done" in answer.err, answer
    assert f"pid {holder.info.backend_pid}" in answer.err and 'application "nightly report"' in answer.err, answer
    holder.rollback()
    three.migrate()


# -- downgrade --

def test_downgrade_takes_back_one(three):
    three.migrate()
    answer = three.tool("downgrade", "--yes")
    assert answer.status == 0 and C in answer.out and "reverted" in answer.out, answer
    assert three.world.value("select count(*) from b") == 0
    assert three.states() == {A: "applied", B: "applied", C: "pending"}
    three.migrate()
    assert three.states()[C] == "applied"


def test_downgrade_goes_to_a_revision_and_to_base(three):
    three.migrate()
    assert three.tool("downgrade", A, "--yes").status == 0
    assert tables(three.world) == ["a"]
    assert three.tool("downgrade", "20261122_0001", "--yes").status == 0
    assert three.tool("downgrade", "base", "--yes").status == 0
    assert tables(three.world) == []
    assert three.world.value("select to_regprocedure('tidemark.untrack(regclass)') is not null")
    assert three.tool("downgrade", "--yes").err == "nothing was taken back\n"
    answer = three.tool("downgrade", B, "--yes")
    assert answer.status == 2 and f"no migration {B} of the project is applied" in answer.err, answer


def test_downgrade_works_after_the_file_is_gone(three):
    three.migrate()
    os.remove(os.path.join(three.migrations, C + ".sql"))
    assert three.tool("downgrade", "--yes").status == 0
    assert three.world.value("select count(*) from b") == 0
    three.migrate()


def test_downgrade_asks_for_yes_where_nobody_can_be_asked(three):
    three.migrate()
    answer = three.tool("downgrade", "base")
    assert answer.status == 2 and "Take back 3 migrations" in answer.err and "--yes" in answer.err, answer
    assert tables(three.world) == ["a", "b"]


@pytest.mark.parametrize("reply, left", [(b"n\n", ["a", "b"]), (b"\n", ["a", "b"]), (b"y\n", [])])
def test_downgrade_asks_on_a_terminal_with_the_number(three, reply, left):
    three.migrate()
    main, terminal = pty.openpty()
    process = subprocess.Popen(three.command("downgrade", "base"), cwd="/", env=CLEAN_ENVIRONMENT, stdin=terminal,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.write(main, reply)
    out, err = process.communicate(timeout=30)
    os.close(main)
    os.close(terminal)
    assert process.returncode == 0 and "Take back 3 migrations" in err, (out, err)
    assert tables(three.world) == left


def test_without_a_way_back_nothing_is_taken_back(three):
    three.write(B, "create table b (id int primary key);", "-- there is no way back\n")
    three.migrate()
    answer = three.tool("downgrade", "base", "--yes")
    assert answer.status == 2 and f"{B} has no way back" in answer.err, answer
    assert three.world.value("select count(*) from b") == 2


def test_a_failing_downgrade_is_named_and_leaves_its_file_applied(three):
    three.write(C, "insert into b values (1);", "delete from b;\ndrop table nothing_here;")
    three.migrate()
    answer = three.tool("downgrade", "--yes")
    assert answer.status == 1 and f"{C} (downgrade), line 2: statement 2" in answer.err, answer
    assert three.world.value("select count(*) from b") == 1 and three.states()[C] == "applied"


def test_a_downgrade_dry_run_prints_what_does_it(three):
    three.migrate()
    answer = three.tool("downgrade", A, "--dry-run")
    assert answer.status == 0 and answer.out.index("delete from b") < answer.out.index("drop table b"), answer
    assert tables(three.world) == ["a", "b"]
    three.world.run(answer.out)
    assert three.states() == {A: "applied", B: "pending", C: "pending"}


def test_tidemark_s_own_go_only_when_they_are_named(three):
    three.migrate()
    assert three.tool("downgrade", "--builtin", "--yes").status == 2
    answer = three.tool("downgrade", "base", "--builtin", "--yes")
    assert answer.status == 0, answer
    assert three.world.run("""select relname from pg_class where relnamespace = 'tidemark'::regnamespace and relkind = 'r'
                              union all select proname from pg_proc where pronamespace = 'tidemark'::regnamespace""") == [("migration",)]
    three.migrate()
    assert three.world.value("select count(*) from b") == 2


# -- history and check --

def test_history_lists_what_is_applied_and_pending(three):
    three.migrate("--to", A)
    answer = three.tool("history")
    assert answer.status == 0, answer
    assert re.search(rf"{A} +applied +\d\d:\d\d:\d\d today by postgres on {socket.gethostname()}", answer.out), answer
    assert re.search(rf"{B} +pending", answer.out), answer
    first = next(one for one in three.tool("history", "--json").document["migrations"] if one["name"] == A)
    assert first["by"] == "postgres" and first["host"] == socket.gethostname() and first["finished_at"].endswith("Z")
    assert first["problem"] is None and first["version"]


def test_a_downgrade_brings_the_records_of_the_first_version_up_to_date(three):
    three.migrate()
    three.world.run("""alter table tidemark.migration rename column finished_at to applied_at;
        alter table tidemark.migration drop started_at, drop host, drop state, drop transactional, drop step, drop steps,
                                       drop step_begun, drop error""")
    assert three.states() == {A: "applied", B: "applied", C: "applied"}
    assert three.tool("downgrade", "--yes").status == 0
    assert three.states() == {A: "applied", B: "applied", C: "pending"}


def test_history_works_before_anything_is_installed(three):
    assert three.states() == {A: "pending", B: "pending", C: "pending"}


def test_check_is_content_when_all_is_applied(three):
    three.migrate()
    answer = three.tool("check", "--json")
    assert answer.status == 0 and answer.document == {"v": 1, "kind": "check", "ok": True, "findings": [], "drift": None}, answer


def test_check_names_what_does_not_fit_and_ends_with_3(three):
    three.migrate("--to", B)
    three.write(A, "create table a (id bigint primary key);", "")
    answer = three.tool("check")
    assert answer.status == 3, answer
    assert re.search(rf"{A} +edited after it was applied", answer.out) and re.search(rf"{C} +pending", answer.out), answer
    findings = three.tool("check", "--json").document["findings"]
    assert {one["name"] for one in findings} == {A, C}


def test_check_sees_what_was_changed_by_hand(three):
    three.write("20261123_0002_track_b", "select tidemark.track('b');", "select tidemark.untrack('b');")
    three.migrate()
    assert three.tool("check").status == 0
    three.world.run("alter table a add column by_hand text; drop table b")
    answer = three.tool("check")
    assert answer.status == 3, answer
    assert "+ column public.a.by_hand" in answer.out and "- table public.b" in answer.out, answer
    document = three.tool("check", "--json").document
    assert not document["ok"] and "by_hand" in document["drift"] and document["findings"] == []


def test_check_compares_with_what_is_applied_not_with_what_is_pending(three):
    three.migrate("--to", A)
    answer = three.tool("check", "--json")
    assert answer.status == 3 and answer.document["drift"] is None, answer


# -- autogenerate --

def test_autogenerate_writes_what_the_schema_wants(world):
    schema = os.path.join(world.folder, "schema.sql")
    project = Project(world, schema=schema)
    project.write(A, "create table a (id int primary key);", "drop table a;")
    with open(schema, "w") as out:
        out.write("create table a (id int primary key, name text not null default '');\n"
                  "create table second (id int primary key);\n")
    answer = project.tool("revision", "-m", "add a second table", "--autogenerate")
    assert answer.status == 0 and "+ table public.second" in answer.err and "+ column public.a.name" in answer.err, answer
    project.migrate()
    assert tables(world) == ["a", "second"]
    assert project.tool("check").status == 0
    count = len(os.listdir(project.migrations))
    again = project.tool("revision", "-m", "again", "--autogenerate", "--json")
    assert again.status == 0 and again.document["file"] is None, again
    assert len(os.listdir(project.migrations)) == count
    assert project.tool("downgrade", "--yes").status == 0
    assert tables(world) == ["a"]


@pytest.mark.parametrize("statement", ["alter table if exists only orders alter column id type bigint using id",
                                       "alter table orders drop column id"])
def test_a_tracked_key_that_stands_in_the_way_names_the_steps(project, world, statement):
    project.write("20261122_0001_orders", "create table orders (id int primary key, n int); select tidemark.track('orders');")
    project.migrate()
    path = project.write("20261122_0002_wider", f"{statement};")
    answer = project.tool("migrate")
    assert answer.status == 1 and "zz_tidemark_log_key_change" in answer.err, answer
    steps = [f"select tidemark.{name}('orders');" for name in ("untrack", "track")]
    assert all(step in answer.err for step in steps), answer
    if "bigint" in statement:
        with open(path, "w") as out:
            out.write(f"-- upgrade\n{steps[0]}\n{statement};\n{steps[1]}\n-- downgrade\n")
        project.migrate()
        assert world.value("select pg_typeof(id)::text from orders right join (select) as one on true") == "bigint"
