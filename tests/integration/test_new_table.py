"""A table's whole life, as a new user meets it: wanted in schema.sql, generated, migrated, mirrored, used, taken back."""
import glob
import os

from support.daemon import ROOT
from support.library import run
from support.process import wait_until
from support.project import Project

FIRST = """create table note (
    id uuid primary key default gen_random_uuid(), title text not null,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(), deleted_at timestamptz);
select tidemark.track('note');
"""
SECOND = FIRST.replace("note", "reminder").replace("title text not null", "title text not null, due_at timestamptz")
PROGRAM = r"""
#include <stdio.h>
#include <tidemark.h>

static int failed(const struct tide_error *err)
{
    fprintf(stderr, "%s (%s)\n", err->message, err->hint);
    return 1;
}

int main(int argc, char **argv)
{
    struct tide_cache_options options = {false, 0, argc > 2 ? argv[2] : NULL};
    struct tide_cache *cache;
    struct tide_repository *reminders;
    struct tide_unit_of_work *unit;
    struct tide_receipt receipt;
    struct tide_error err;
    enum tide_result result;
    json_t *values = json_pack("{s:s, s:s}", "title", "Milk", "due_at", "2026-11-24T08:00:00+01:00");
    json_t *rows;

    if (argc < 2 || tide_cache_open(&cache, argv[1], &options, &err) == TIDE_FAILED ||
        tide_repository_new(&reminders, cache, "reminder", &err) == TIDE_FAILED ||
        tide_unit_of_work_begin(&unit, cache, NULL, &err) == TIDE_FAILED ||
        tide_repository_insert(reminders, unit, values, NULL, &err) == TIDE_FAILED ||
        tide_unit_of_work_commit(unit, &receipt, &err) == TIDE_FAILED ||
        tide_client_sync_now(cache, &err) == TIDE_FAILED)
        return failed(&err);
    result = tide_client_wait(cache, &receipt, 20000, &err);
    if (result == TIDE_FAILED || tide_repository_find(reminders, NULL, &rows, &err) == TIDE_FAILED)
        return failed(&err);
    printf("%s %zu\n", result == TIDE_OK ? "there" : "not there", json_array_size(rows));
    json_decref(rows);
    json_decref(values);
    tide_repository_free(reminders);
    tide_cache_close(cache);
    return 0;
}
"""


def build(folder, language):
    """Against what `make install` puts below a prefix, by pkg-config alone."""
    installed = os.path.join(folder, "installed")
    if not os.path.isdir(installed):
        run(["make", "-o", "all", "-o", "programs", "-o", "library", "install", f"DESTDIR={installed}", "PREFIX=/opt/tide"], cwd=ROOT)
    base = os.path.join(installed, "opt/tide")
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{base}/lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": installed}
    flags = run(["pkg-config", "--cflags", "--libs", "tidemark", "jansson"], env=environment).split()
    flags = [flag for flag in flags if not flag.startswith(f"-I{installed}/usr")]
    source, path = os.path.join(folder, "reminders.c"), os.path.join(folder, f"reminders_{language}")
    with open(source, "w") as out:
        out.write(PROGRAM)
    compiler = ["g++", "-std=c++17", "-x", "c++"] if language == "cpp" else ["gcc", "-std=c17"]
    run([*compiler, "-Wall", "-Wextra", "-Werror", "-o", path, source, "-x", "none", *flags, f"-Wl,-rpath,{base}/lib"])
    return path


def test_a_second_table_comes_is_used_and_goes(world):
    schema = os.path.join(world.folder, "schema.sql")
    project = Project(world, schema=schema)
    project.write("20261122_0001_notes", FIRST, "drop table note;")
    project.migrate()
    daemon = world.daemon()
    daemon.wait_caught_up()

    with open(schema, "w") as out:
        out.write(FIRST + SECOND)
    answer = project.tool("revision", "-m", "Add reminders", "--autogenerate")
    assert answer.status == 0 and answer.out.strip().endswith("_add_reminders.sql"), answer
    with open(glob.glob(os.path.join(project.migrations, "*_add_reminders.sql"))[0]) as made:
        text = made.read()
    upgrade, downgrade = text.split("-- upgrade")[1].split("-- downgrade")
    assert "create table public.reminder (" in upgrade and "select tidemark.track('public.reminder'" in upgrade, text
    assert "drop table public.reminder;" in downgrade, text

    project.migrate()
    wait_until(lambda: daemon.value("select count(*) from sqlite_schema where name = 'live_reminder'"),
               lambda: f"the running daemon mirrors the new table\n{daemon.log()}", 20)
    for number, language in enumerate(("c", "cpp"), 1):
        assert run([build(world.folder, language), daemon.cache_path, daemon.settings["control"]["socket"]]) == f"there {number}\n"
    assert world.run("select distinct title, due_at = '2026-11-24T07:00:00Z' from reminder") == [("Milk", True)]

    answer = project.tool("downgrade", "--yes")
    assert answer.status == 0 and "reverted" in answer.out + answer.err, answer
    wait_until(lambda: not daemon.value("select count(*) from sqlite_schema where name in ('reminder', 'live_reminder')"),
               lambda: f"it is gone from the cache\n{daemon.log()}", 20)
    assert daemon.value("select count(*) from note") == 0
