"""init-data and bootstrap: a new database becomes ready, and stays so when they are run again."""
import os

import pytest

from support.daemon import ROOT
from support.project import Project, json_lines

ROWS = "insert into plan values (1, 'free'), (2, 'paid') on conflict do nothing;"


@pytest.fixture
def project(world):
    project = Project(world)
    project.write("20261122_0001_plan", "create table plan (id int primary key, name text not null);", "drop table plan;")
    return project


def test_bootstrap_migrates_and_loads_the_data(project):
    project.write_data("01_plans", ROWS)
    project.write_data("02_names", "update plan set name = upper(name);\nanalyze plan;")
    answer = project.tool("bootstrap", "--json")
    assert answer.status == 0, answer
    states = [(line["name"], line["state"]) for line in json_lines(answer.out) if line["kind"] == "migration"]
    assert states[-3:] == [("20261122_0001_plan", "applied"), ("01_plans", "loaded"), ("02_names", "loaded")]
    assert project.world.run("select * from plan order by 1") == [(1, "FREE"), (2, "PAID")]


def test_data_is_run_each_time(project):
    project.write_data("01_plans", ROWS)
    for _ in range(2):
        assert project.tool("bootstrap").status == 0
    project.world.run("delete from plan where id = 1")
    answer = project.tool("init-data")
    assert answer.status == 0 and "loaded" in answer.out, answer
    assert project.world.value("select count(*) from plan") == 2


def test_a_failing_file_is_named_with_its_line_and_leaves_the_ones_before_it(project):
    project.write_data("01_plans", ROWS)
    project.write_data("02_more", "insert into plan values (3, 'team');\n\ninsert into plan values (4, null);")
    project.write_data("03_last", "delete from plan;")
    answer = project.tool("bootstrap")
    assert answer.status == 1, answer
    assert "02_more.sql, line 3: statement 2" in answer.err and "SQLSTATE 23502" in answer.err, answer
    assert project.world.value("select count(*) from plan") == 2


def test_a_killed_run_leaves_whole_files(project):
    project.migrate()
    project.write_data("01_plans", "insert into plan values (1, 'free');\nselect pg_sleep(30);")
    runner = project.start("init-data")
    while not project.world.value("select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()"):
        pass
    runner.kill()
    runner.communicate()
    project.write_data("01_plans", ROWS)
    assert project.tool("init-data").status == 0
    assert project.world.value("select count(*) from plan") == 2


def test_no_data_is_no_error_but_a_missing_folder_that_was_named_is(project, world):
    answer = project.tool("init-data")
    assert answer.status == 0 and answer.err == "no file of data\n", answer
    os.rmdir(project.data)
    answer = project.tool("init-data")
    assert answer.status == 2 and "there is no folder" in answer.err, answer


def test_a_dry_run_prints_the_data_too(project):
    project.write_data("01_plans", ROWS)
    answer = project.tool("bootstrap", "--dry-run")
    assert answer.status == 0 and ROWS in answer.out, answer
    assert not project.world.value("select to_regclass('plan') is not null")


def test_the_demo_s_schema_goes_up_and_down_and_up(world):
    project = Project(world, directory=os.path.join(ROOT, "demo", "migrations"))
    project.migrate()
    assert world.value("select count(*) from pg_trigger where tgname = 'zz_tidemark_stamp'") == 5
    assert project.tool("downgrade", "base", "--yes").status == 0
    assert world.value("select count(*) from pg_class where relnamespace = 'public'::regnamespace") == 0
    project.migrate()
