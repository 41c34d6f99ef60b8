"""tidemark doctor: says what is wrong before it hurts, and what cures it."""
import os
import sqlite3

import pytest

from support.daemon import program, run_program, write_configuration
from support.pooler import Pooler

SHOP = """
create table orders (id int primary key, note text, updated_at timestamptz not null default now(), deleted_at timestamptz);
create index ix_orders_updated_at on orders (updated_at);
"""


class Report:
    def __init__(self, answer):
        self.answer = answer
        self.document = answer.document
        self.status = answer.status

    def findings(self, level=None):
        return [one for one in self.document["findings"] if level in (None, one["level"])]

    def ids(self, level):
        return [one["id"] for one in self.findings(level)]

    def one(self, identifier):
        found = [one for one in self.findings() if one["id"] == identifier]
        assert len(found) == 1, self.answer
        return found[0]


def configuration(world, conninfo=None, **sections):
    path = os.path.join(world.folder, "doctor.conf")
    write_configuration(path, {"primary": {"conninfo": conninfo or world.cluster.conninfo(world.database)},
                               "cache": {"path": os.path.join(world.folder, "cache.db")}, **sections})
    return path


def run_doctor(world, *options, **more):
    return run_program(program("tidemark"), "-c", configuration(world, **more), "doctor", *options)


def doctor(world, **more):
    return Report(run_doctor(world, "--json", **more))


@pytest.fixture
def reader(world):
    """A tracked shop and the name of a role that may read it, as one should be."""
    world.run(SHOP)
    world.track("orders")
    world.run("create role doctor_reader login; grant select on orders to doctor_reader; select tidemark.grant_sync('doctor_reader')")
    yield "doctor_reader"
    world.run("drop owned by doctor_reader; drop role doctor_reader")


def as_reader(world, reader):
    return {"conninfo": world.cluster.conninfo(world.database, user=reader)}


def test_a_healthy_world_has_no_findings(world, reader):
    report = doctor(world, **as_reader(world, reader))
    assert report.status == 0 and report.ids("fail") == [] and report.ids("warn") == [], report.answer
    assert (report.document["problems"], report.document["warnings"], report.document["reachable"]) == (0, 0, True)
    assert {one["group"] for one in report.findings()} == {"machine", "file", "network", "schema"}


def test_lines_for_people_are_grouped_and_end_with_the_count(world, reader):
    answer = run_doctor(world, **as_reader(world, reader))
    lines = answer.out.splitlines()
    assert answer.status == 0 and lines[-1].startswith("0 problems, 0 warnings."), answer
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["machine", "file", "network", "schema", "0"]
    assert "\033" not in answer.out


def test_every_failure_has_a_cure(world):
    world.run("create table log (x int); create table orders (id int primary key, updated_at timestamptz)")
    report = doctor(world)
    assert report.status == 3
    assert all(one["cure"] for one in report.findings("fail")), report.answer
    assert "has no primary key" in report.one("TM160")["text"]
    assert "no index on updated_at" in report.one("TM103")["text"]


def test_the_sql_cures_what_it_says(world):
    world.run('create table "it\'s ""odd"" table" (id int primary key, updated_at timestamptz)')
    world.run("create table plain (id int primary key)")
    world.track()
    before = doctor(world)
    assert sorted(before.ids("warn") + before.ids("fail")) == ["TM103", "TM142", "TM161", "TM164"], before.answer
    answer = run_doctor(world, "--fix-sql")
    assert answer.out and all(line == "" or line.startswith(("--", "select ", "create index ")) for line in answer.out.splitlines())
    for statement in [line for line in answer.out.splitlines() if line and not line.startswith("--")]:
        world.run(statement)
    assert doctor(world).ids("warn") == ["TM142"]


def test_untracked_tables_say_what_they_promise(world):
    world.run(SHOP)
    report = doctor(world, sync={"sweep_interval": "30min"})
    assert "after at most 30 min" in report.one("TM161")["text"]
    assert report.one("TM150")["cure"] == "as the owner: tidemark migrate"


def test_rows_without_a_time_are_counted_from_the_statistics(world):
    world.run("""create table t (id int primary key, updated_at timestamptz); create index on t (updated_at);
                 insert into t select n from generate_series(1, 500) n; analyze t""")
    assert "about 500 rows have no updated_at" in doctor(world).one("TM165")["text"]


@pytest.mark.parametrize("damage, said", [
    ("alter table orders disable trigger zz_tidemark_log_delete", "zz_tidemark_log_delete is missing or does not always fire"),
    ("alter table orders enable trigger zz_tidemark_stamp", "zz_tidemark_stamp is missing or does not always fire"),
    ("drop trigger zz_tidemark_log_truncate on orders", "zz_tidemark_log_truncate is missing"),
    ("drop index ix_orders_tide_xid", "tide_xid has no index"),
    ("alter table orders drop constraint orders_pkey, add primary key (note)", "its primary key has changed since"),
])
def test_broken_tracking_is_found_and_mended(world, reader, damage, said):
    world.run(damage)
    finding = doctor(world, **as_reader(world, reader)).one("TM162")
    assert finding["level"] == "fail" and said in finding["text"]
    world.run(finding["sql"])
    assert doctor(world, **as_reader(world, reader)).ids("fail") == []


def test_a_partition_without_its_trigger_is_found(world):
    world.run("""create table t (id int primary key) partition by list (id); create table t1 partition of t for values in (1)""")
    world.track("t")
    assert "TM162" not in doctor(world).ids("fail")
    world.run("alter table t1 disable trigger zz_tidemark_stamp")
    assert "zz_tidemark_stamp" in doctor(world).one("TM162")["text"]


def test_stamps_from_another_server_are_found(world, reader):
    world.run("""alter table orders disable trigger zz_tidemark_stamp;
                 insert into orders (id, tide_xid) values (1, '999999999999');
                 alter table orders enable always trigger zz_tidemark_stamp""")
    finding = doctor(world, **as_reader(world, reader)).one("TM163")
    world.run(finding["sql"])
    assert doctor(world, **as_reader(world, reader)).ids("warn") == []


def test_missing_rights_are_named_with_the_grant(world, reader):
    world.run("revoke all on schema tidemark from doctor_reader; create table secret (id int primary key)")
    world.track("secret")
    failures = doctor(world, **as_reader(world, reader)).findings("fail")
    cures = [one["sql"] for one in failures if one["id"] in ("TM152", "TM160")]
    assert {"select tidemark.grant_sync('doctor_reader');", "grant select on public.secret to doctor_reader;"} <= set(cures), failures
    for sql in cures:
        world.run(sql)
    assert doctor(world, **as_reader(world, reader)).status == 0


def test_a_column_that_may_not_be_read_is_named_with_the_grant(world, reader):
    world.run("revoke select on orders from doctor_reader; grant select (id, updated_at, deleted_at, tide_xid) on orders to doctor_reader")
    finding = doctor(world, **as_reader(world, reader)).one("TM160")
    assert finding["cure"].startswith("grant select (note) on public.orders to doctor_reader"), finding
    world.run(finding["sql"])
    assert doctor(world, **as_reader(world, reader)).status == 0


def test_policies_that_hide_tombstones_are_found(world, reader):
    world.run("alter table orders enable row level security")
    assert doctor(world, **as_reader(world, reader)).one("TM107")["level"] == "fail"
    world.run("create policy live on orders for select using (deleted_at is null)")
    assert 'policy "live" hides deleted rows' in doctor(world, **as_reader(world, reader)).one("TM106")["text"]
    world.run("drop policy live on orders; create policy mine on orders using (note = current_user)")
    assert doctor(world, **as_reader(world, reader)).one("TM108")["level"] == "warn"
    world.run("alter role doctor_reader bypassrls")
    assert doctor(world, **as_reader(world, reader)).status == 0


def test_an_older_schema_is_found(world, reader):
    world.run("delete from tidemark.migration where revision = (select max(revision) from tidemark.migration)")
    assert "tidemark migrate" in doctor(world, **as_reader(world, reader)).one("TM151")["cure"]


def test_a_pooler_is_named(world, reader):
    with Pooler(os.path.join(world.folder, "pooler"), world.cluster) as pooler:
        report = doctor(world, conninfo=pooler.conninfo(world.database))
    assert "transaction pooler" in report.one("TM134")["text"]


def test_a_standby_is_named(world_on, throw_away_cluster, folder):
    primary = throw_away_cluster()
    world = world_on(primary)
    world.run(SHOP)
    standby = primary.standby(os.path.join(folder, "standby"))
    try:
        standby.wait_for_replay(primary)
        report = doctor(world, conninfo=standby.conninfo(world.database))
        assert "hot standby" in report.one("TM136")["text"]
    finally:
        standby.remove()


def test_without_a_primary_the_local_checks_are_printed(world):
    report = doctor(world, conninfo=f"host={world.folder} port=1 dbname=x user=postgres")
    assert report.status == 75 and report.document["reachable"] is False
    assert report.ids("fail") == ["TM131"]
    assert {one["group"] for one in report.findings("ok")} == {"machine", "file"}


def test_a_refusal_is_not_taken_for_an_outage(world):
    report = doctor(world, conninfo=world.cluster.conninfo("no_such_database"))
    assert report.status == 3 and "no_such_database" in report.one("TM130")["text"]


def test_without_a_configured_primary_it_says_so(world):
    path = configuration(world, primary={})
    report = Report(run_program(program("tidemark"), "-c", path, "doctor", "--json"))
    assert report.status == 3 and "conninfo" in report.one("TM130")["text"] + report.one("TM130")["cure"], report.answer


# -- the file --

def cache_path(world):
    return os.path.join(world.folder, "cache.db")


def test_a_file_that_is_no_cache_is_found(world, reader):
    with open(cache_path(world), "w") as out:
        out.write("this is a letter, not a database\n" * 100)
    assert doctor(world, **as_reader(world, reader)).one("TM111")["group"] == "file"


def test_another_programs_database_is_found(world, reader):
    other = sqlite3.connect(cache_path(world))
    other.execute("create table mine (x)")
    other.commit()
    other.close()
    assert "another program's database" in doctor(world, **as_reader(world, reader)).one("TM113")["text"]


def test_a_folder_that_cannot_be_made_is_found(world, reader):
    path = configuration(world, **as_reader(world, reader), cache={"path": os.path.join(world.folder, "no", "where", "cache.db")})
    report = Report(run_program(program("tidemark"), "-c", path, "doctor", "--json"))
    assert report.one("TM110")["level"] == "fail"


def test_a_synced_cache_is_examined_beside_a_running_daemon(world, reader):
    daemon = world.daemon()
    daemon.wait_caught_up()
    path = configuration(world, **as_reader(world, reader), cache={"path": daemon.cache_path})
    report = Report(run_program(program("tidemark"), "-c", path, "doctor", "--json"))
    assert report.status == 0, report.answer
    assert any("quick_check passed" in one["text"] for one in report.findings("ok"))
