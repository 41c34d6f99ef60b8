"""tidemark migrate: schema tidemark arrives whole, once, and says what stands in its way."""
import glob
import hashlib
import os
import subprocess
import time

import pytest

from support.daemon import CLEAN_ENVIRONMENT, ROOT, program, run_program, write_configuration
from support.pooler import Pooler
from support.process import wait_until

FILES = sorted(glob.glob(os.path.join(ROOT, "migrations", "primary", "*.sql")))
NAMES = [os.path.basename(path)[:-len(".sql")] for path in FILES]
RUNNER_LOCK = "select pg_try_advisory_lock(1953064037, 1)"


def configuration(world, conninfo=None, **keys):
    path = os.path.join(world.folder, "migrate.conf")
    write_configuration(path, {"primary": {"conninfo": conninfo or world.cluster.conninfo(world.database), **keys},
                               "cache": {"path": os.path.join(world.folder, "none.db")}})
    return path


def migrate(world, *options, conninfo=None, faults=False, environment=None):
    return run_program(program("tidemark", faults), "-c", configuration(world, conninfo), "migrate", *options,
                       environment=environment)


def start_migrate(path):
    return subprocess.Popen([program("tidemark"), "-c", path, "migrate"], text=True, cwd="/",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN_ENVIRONMENT)


def applied(world):
    if not world.value("select to_regclass('tidemark.migration') is not null"):
        return []
    return [f"{revision}_{description}" for revision, description in
            world.run("select revision, description from tidemark.migration where source = 'tidemark' order by 1")]


def downgrade_last(world):
    world.run(world.value("select downgrade from tidemark.migration order by revision desc limit 1"))
    world.run("delete from tidemark.migration where revision = (select max(revision) from tidemark.migration)")


def test_all_files_are_applied_and_recorded(world):
    answer = migrate(world)
    assert answer.status == 0, answer
    assert all(name in answer.out + answer.err for name in NAMES), answer
    assert applied(world) == NAMES
    rows = world.run("select checksum, applied_by, runner_version <> '', finished_at <= now() from tidemark.migration order by revision")
    assert rows == [(hashlib.sha256(open(path, "rb").read()).hexdigest(), "postgres", True, True) for path in FILES]


def test_a_second_run_finds_nothing_to_do(world):
    migrate(world)
    before = world.run("select * from tidemark.migration order by revision")
    answer = migrate(world)
    assert answer.status == 0, answer
    assert world.run("select * from tidemark.migration order by revision") == before


def test_a_dry_run_changes_nothing_and_prints_what_another_tool_can_run(world):
    answer = migrate(world, "--dry-run")
    assert answer.status == 0, answer
    assert not world.value("select to_regnamespace('tidemark') is not null")
    world.run(answer.out)
    assert applied(world) == NAMES
    assert migrate(world, "--dry-run").out.strip() == ""
    assert migrate(world).status == 0


def test_downgrades_leave_only_the_history(world):
    migrate(world)
    world.run("create table t (id int primary key)")
    world.track("t")
    for _ in NAMES:
        downgrade_last(world)
    assert world.run("""select relname from pg_class where relnamespace = 'tidemark'::regnamespace and relkind = 'r'
                        union all select proname from pg_proc where pronamespace = 'tidemark'::regnamespace""") == [("migration",)]
    assert world.value("select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0 and not attisdropped") == 1
    assert migrate(world).status == 0
    assert applied(world) == NAMES


@pytest.mark.parametrize("change, said", [
    ("update tidemark.migration set checksum = 'abc'", "was edited after it was applied"),
    ("delete from tidemark.migration where revision = (select min(revision) from tidemark.migration)", "was skipped"),
    ("""insert into tidemark.migration (source, revision, description, checksum, upgrade, downgrade, runner_version)
        values ('tidemark', '29990101_0001', 'from_the_future', '', '', '', '9')""", "29990101_0001_from_the_future is applied"),
])
def test_a_history_that_does_not_fit_is_an_error_that_names_the_file(world, change, said):
    migrate(world)
    world.run(change)
    answer = migrate(world)
    assert answer.status == 2, answer
    assert said in answer.err and ("20261122_0001" in answer.err or "29990101" in answer.err), answer


def test_files_of_somebody_else_are_left_alone(world):
    migrate(world)
    world.run("""insert into tidemark.migration (source, revision, description, checksum, upgrade, downgrade, runner_version)
                 values ('elsewhere', '20200101_0001', 'theirs', '', '', '', '9')""")
    assert migrate(world).status == 0


def test_a_failing_statement_is_named_and_nothing_of_its_file_stays(world):
    migrate(world)
    while len(applied(world)) > 2:
        downgrade_last(world)
    world.run("create function tidemark.disable_rls(regclass) returns void language sql as 'select'")
    before = world.run("select proname from pg_proc where pronamespace = 'tidemark'::regnamespace order by 1")
    answer = migrate(world)
    assert answer.status == 1, answer
    line = 1 + open(FILES[2]).read().split("\n").index("create function tidemark.disable_rls(relation regclass) returns void")
    assert f"{NAMES[2]}, line {line}: " in answer.err and "create function tidemark.disable_rls" in answer.err, answer
    assert applied(world) == NAMES[:2]
    assert world.run("select proname from pg_proc where pronamespace = 'tidemark'::regnamespace order by 1") == before


@pytest.mark.parametrize("point", ["migrate.upgraded", "migrate.recorded", "migrate.upgraded:2", "migrate.recorded:2"])
def test_a_runner_killed_in_between_leaves_whole_files(world, point):
    answer = migrate(world, faults=True, environment={"TIDEMARK_FAULT": point})
    assert answer.status == -9, answer
    wait_until(lambda: world.value("select count(*) from pg_locks where classid = 1953064037") == 0, "its session has ended")
    whole = 1 if point.endswith(":2") else 0
    assert applied(world) == NAMES[:whole]
    assert world.value("select count(*) from pg_proc where pronamespace = 'tidemark'::regnamespace and proname = 'track'") == 0
    assert migrate(world).status == 0
    assert applied(world) == NAMES


def test_runners_at_once_apply_each_file_once(world):
    path = configuration(world)
    runners = [start_migrate(path) for _ in range(4)]
    answers = [runner.communicate(timeout=60) + (runner.returncode,) for runner in runners]
    assert [answer[2] for answer in answers] == [0, 0, 0, 0], answers
    assert applied(world) == NAMES


def test_a_runner_waits_for_another_one(world):
    holder = world.connect(application_name="nightly migration")
    with holder.cursor() as cursor:
        cursor.execute(RUNNER_LOCK)
        pid = holder.info.backend_pid
    runner = start_migrate(configuration(world))
    time.sleep(1)
    assert runner.poll() is None and applied(world) == []
    holder.close()
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 0, (out, err)
    assert f"pid {pid}" in err and "nightly migration" in err, err


def test_a_lock_that_is_given_back_at_once_is_not_worth_a_word(world):
    holder = world.connect()
    holder.cursor().execute(RUNNER_LOCK)
    runner = start_migrate(configuration(world))
    wait_until(lambda: world.value("select count(*) from pg_stat_activity where query like '%locktype = ''advisory''%' and pid <> "
                                   "pg_backend_pid() and state = 'idle'"), "it has found the lock taken", 10, 0.01)
    holder.close()
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 0 and "another runner" not in err, (out, err)


def test_a_locked_table_is_waited_for_in_short_attempts(world):
    migrate(world)
    downgrade_last(world)
    holder = world.connect(autocommit=False, application_name="nightly report")
    holder.cursor().execute("lock tidemark.migration in share mode")
    runner = start_migrate(configuration(world))
    time.sleep(3.5)
    assert runner.poll() is None
    holder.rollback()
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 0 and "nightly report" in err and "tidemark.migration" in err, (out, err)
    assert applied(world) == NAMES


def test_a_transaction_pooler_is_refused(world):
    with Pooler(os.path.join(world.folder, "pooler"), world.cluster) as pooler:
        answer = migrate(world, conninfo=pooler.conninfo(world.database))
    assert answer.status == 2 and "transaction pooler" in answer.err and "direct port" in answer.err, answer
    assert applied(world) == []


def test_a_role_without_rights_is_told_so(world):
    world.run("create role migrate_nobody login")
    try:
        answer = migrate(world, conninfo=world.cluster.conninfo(world.database, user="migrate_nobody"))
        assert answer.status == 1 and "permission denied" in answer.err, answer
    finally:
        world.run("drop role migrate_nobody")


def test_an_unreachable_primary_is_a_temporary_failure(world):
    answer = migrate(world, conninfo=f"host={world.folder} port=1 dbname=x user=postgres")
    assert answer.status == 75, answer


FIRST_HISTORY = """
    create table old_migration as
    select source, revision, description, checksum, upgrade, downgrade, finished_at as applied_at, applied_by, runner_version
      from tidemark.migration where revision <= '20261122_0002';
    drop table tidemark.migration;
    alter table old_migration alter applied_at set not null, alter applied_at set default clock_timestamp(),
          add primary key (source, revision), enable row level security;
    alter table old_migration rename to migration;
    alter table migration set schema tidemark;
    create policy readers on tidemark.migration for select using (true)"""


def test_an_installation_of_the_first_version_goes_on(world):
    migrate(world)
    while len(applied(world)) > 2:
        downgrade_last(world)
    world.run(FIRST_HISTORY)
    before = world.run("select revision, checksum, applied_at from tidemark.migration order by 1")
    assert NAMES[0] not in migrate(world, "--dry-run").out
    answer = migrate(world)
    assert answer.status == 0, answer
    assert world.run("select revision, checksum, finished_at from tidemark.migration order by 1")[:2] == before
    assert applied(world) == NAMES
