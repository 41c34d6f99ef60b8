"""libtidemark as an application's author meets it: models, an example, a daemon behind it."""
import glob
import os
import re
import subprocess

import pytest

from support.daemon import ROOT
from support.library import Conversation, check_as_cpp, compile_program, run

NOTES = os.path.join(ROOT, "demo", "notes")
ODD = """
create type mood as enum ('so so', 'good */ bad', 'great');
create domain price as numeric(30, 2) check (value >= 0);
create table "Odd class" (
    "class" bigint primary key,
    "int" smallint not null, "template" integer, "createdAt" timestamptz,
    "2nd" real, "größe" double precision, "a""b" numeric(10, 2), "a'b" numeric, "a?b" price,
    "new" text, "_x" varchar(5), "y " char(3), uuid uuid, has_uuid boolean not null, plain timestamp, "day" date, span interval,
    document json, body jsonb not null default '{}', "bytes" bytea, bytes_size integer, state mood,
    numbers bigint[], words text[], range int4range, place point, net inet,
    doubled integer generated always as (template * 2) stored,
    updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into "Odd class" ("class", "int", has_uuid, "2nd", "größe", "a""b", "a'b", bytes, numbers, words, state, body)
values (9223372036854775807, -32768, true, 'NaN', '-Infinity', 12.5, 12345678901234567890.10, '\\x00ff',
        '{1,null}', '{a,"b c"}', 'great', '{"a": [1, 2.5, null]}');
create table order_2 (id integer primary key);
create table order2 (id integer primary key);
"""


@pytest.fixture
def notes(world):
    world.run(open(os.path.join(NOTES, "schema.sql")).read())
    world.track("note")
    daemon = world.daemon(start=False)
    daemon.sync()
    return daemon


def make_models(daemon):
    folder = os.path.join(daemon.folder, "models")
    answer = daemon.tool("models", "--out", folder)
    assert answer.status == 0, answer
    return folder


def build_notes(daemon):
    models = make_models(daemon)
    return compile_program(daemon.folder, "notes", [os.path.join(NOTES, "notes.c"), os.path.join(models, "note.c")],
                           models=models)


def test_the_example_works_offline_deletes_softly_and_undoes(notes, world):
    talk = Conversation(build_notes(notes), notes.cache_path)
    assert talk.read() == ["no notes"]
    assert talk.say("add Milk") == ["added: Milk"]
    assert talk.say("add Bread") == ["added: Bread"]
    assert talk.say("list", 2) == ["1  Bread", "2  Milk"]
    assert talk.say("write 2 two litres") == ["written"]
    assert talk.say("list", 2) == ["1  Bread", "2  Milk: two litres"]
    assert talk.say("undo") == ["undone"]
    assert talk.say("delete 1") == ["deleted; `undo` brings it back"]
    assert talk.say("trash") == ["1  Bread"]
    assert talk.say("undo") == ["undone"]
    assert talk.say("undo") == ["nothing to undo"]
    assert talk.say("list", 2) == ["1  Bread", "2  Milk"]
    assert talk.say("status") == ["stopped, 2 waiting"]
    assert talk.say("delete 7") == ["! there is no note 7; `list` numbers them"]
    talk.end()
    notes.sync()
    assert world.run("select title, body, deleted_at from note order by title") == [
        ("Bread", None, None), ("Milk", None, None)]
    world.assert_equal(notes, "note")


def test_the_example_refreshes_and_knows_when_the_primary_has_it(notes, world):
    owner = "1f0c0000-0000-4000-8000-000000000001"
    program = build_notes(notes)
    notes.start()
    talk = Conversation(program, notes.cache_path, notes.settings["control"]["socket"], owner)
    assert talk.read() == ["no notes"]
    world.run("insert into note (title, pinned) values ('From afar', true)")
    assert talk.read(2) == ["~ something new:", "1* From afar"]
    assert talk.say("add Here") == ["added: Here"]
    lines = talk.say("wait")
    while lines[-1] != "the primary has it":
        lines += talk.read()
    assert world.run("select title, owner_id::text from note where title = 'Here'") == [("Here", owner)]
    world.run("alter table note add constraint short check (length(title) < 10)")
    talk.say("add Much too long for it")
    lines = talk.say("wait")
    while not lines[-1].startswith("the primary refused it"):
        lines += talk.read()
    notes.stop()
    lines = talk.say("status")
    while not lines[-1].startswith("stopped"):
        lines += talk.read()
    talk.end()


PROGRAM = r"""
#include "odd_class.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(enum tide_result result, const struct tide_error *err)
{
    if (result == TIDE_FAILED) {
        printf("%d %s | %s\n", (int)err->kind, err->message, err->hint);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct tide_error err;
    struct tide_cache *cache;
    struct tide_repository *repository;
    struct tide_unit_of_work *unit;
    struct OddClass row;
    struct OddClass copy;
    json_t *rows, *values, *made;

    (void)argc;
    check(tide_cache_open(&cache, argv[1], NULL, &err), &err);
    check(odd_class_repository(&repository, cache, &err), &err);
    check(tide_repository_find(repository, NULL, &rows, &err), &err);
    check(odd_class_from_row(&row, json_array_get(rows, 0), &err), &err);
    printf("%lld %d %d %d %d %s %zu %02x%02x %d\n", (long long)row.class_, row.int_, row.has_uuid_2,
           isnan(row.n2nd), row.gr_e == -INFINITY, row.a_b_2, row.bytes_size, row.bytes[0], row.bytes[1],
           row.has_created_at);
    check(odd_class_to_values(&row, &values, &err), &err);
    json_object_set_new(values, "class", json_integer(1));
    json_object_set_new(values, "template", json_integer(21));
    check(tide_unit_of_work_begin(&unit, cache, NULL, &err), &err);
    check(tide_repository_insert(repository, unit, values, &made, &err), &err);
    check(tide_unit_of_work_commit(unit, NULL, &err), &err);
    check(odd_class_from_row(&copy, made, &err), &err);
    printf("%d %d %s\n", copy.has_template_, copy.template_, copy.state);
    odd_class_release(&row);
    odd_class_release(&row);
    odd_class_release(&copy);
    json_decref(rows);
    json_decref(values);
    json_decref(made);
    tide_repository_free(repository);
    tide_cache_close(cache);
    return 0;
}
"""


def test_models_of_odd_tables_compile_as_c_and_cpp_and_hold_every_type(world):
    world.run(ODD)
    daemon = world.daemon(start=False)
    daemon.sync()
    models = make_models(daemon)
    assert sorted(os.path.basename(path) for path in glob.glob(f"{models}/*.h")) == [
        "odd_class.h", "order2.h", "order_2.h"]
    for source in glob.glob(f"{models}/*.c"):
        check_as_cpp(source, models)
    main = os.path.join(daemon.folder, "main.c")
    with open(main, "w") as out:
        out.write(PROGRAM)
    sources = [main, *glob.glob(f"{models}/*.c")]
    program = compile_program(daemon.folder, "odd", sources, static=True, models=models)
    assert run([program, daemon.cache_path]).splitlines() == [
        "9223372036854775807 -32768 1 1 1 12345678901234567890.10 2 00ff 0", "1 21 great"]
    daemon.sync()
    assert world.run("""select "2nd"::text, "größe"::text, "a'b"::text, body::text, words::text, doubled
                          from "Odd class" where "class" = 1""") == [
        ("NaN", "-Infinity", "12345678901234567890.10", '{"a": [1, 2.5, null]}', '{a,"b c"}', 42)]
    world.assert_equal(daemon, "Odd class")


def test_a_model_that_is_out_of_date_names_table_and_column(notes, world):
    program = build_notes(notes)
    world.run("alter table note add column extra text")
    notes.sync()
    assert run([program, notes.cache_path], input="quit\n") == "no notes\n"
    world.run("alter table note alter column title type bigint using 0")
    notes.sync()
    talk = Conversation(program, notes.cache_path)
    assert talk.read(2) == ["! note.title is text in the model and bigint (bigint) in the cache",
                            "  make the models anew: tidemark models --out DIR"]
    talk.process.wait(10)
    talk.process.stdin.close()
    talk.process.stdout.close()


def test_models_are_written_anew_but_nothing_else_is(notes):
    models = make_models(notes)
    header = os.path.join(models, "note.h")
    before = os.stat(header).st_mtime_ns
    make_models(notes)
    assert os.stat(header).st_mtime_ns == before
    with open(header, "w") as out:
        out.write("/* mine */\n")
    answer = notes.tool("models", "--out", models)
    assert answer.status == 2 and "no generated file" in answer.err
    assert open(header).read() == "/* mine */\n"


def test_the_example_in_the_readme_works(notes, world):
    with open(os.path.join(ROOT, "README.md")) as readme:
        example = re.search(r"```c\n(.*?)```", readme.read(), re.DOTALL).group(1)
    source = os.path.join(notes.folder, "remember.c")
    with open(source, "w") as out:
        out.write(example)
    program = compile_program(notes.folder, "remember", [source])
    notes.start()
    number, said = run([program, notes.cache_path]).splitlines()
    assert said == "the primary has it"
    assert world.run("select id::text, title from note") == [(number, "Milk")]


def test_two_applications_write_at_once(notes, world):
    program = build_notes(notes)
    lines = "".join(f"add {{name}} {number}\n" for number in range(50))
    talks = [subprocess.Popen([program, notes.cache_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
             for _ in range(2)]
    for name, talk in zip(("left", "right"), talks):
        talk.stdin.write(lines.format(name=name))
        talk.stdin.flush()
    for talk in talks:
        out, _ = talk.communicate(timeout=60)
        assert "!" not in out
    notes.sync()
    assert world.value("select count(*) from note") == 100


def test_a_file_that_cannot_be_written_to_is_read(notes, world):
    world.run("insert into note (title) values ('Here')")
    notes.sync()
    program = build_notes(notes)
    os.chmod(notes.folder, 0o755)
    os.chmod(notes.cache_path, 0o444)
    os.chmod(os.path.dirname(notes.folder), 0o755)
    command = ["setpriv", "--reuid=65534", "--clear-groups", program, notes.cache_path] if os.getuid() == 0 else [
        program, notes.cache_path]
    with notes.open_cache() as held:  # somebody with rights has it open, or nobody could read it
        held.execute("select count(*) from note").fetchone()
        out = run(command, input="add More\n", cwd="/")
    assert out.splitlines()[0] == "1  Here"
    assert "is open for reading only" in out


def test_what_is_installed_is_enough_to_build_with(notes):
    folder = os.path.join(notes.folder, "installed")
    run(["make", "-o", "all", "-o", "programs", "-o", "library", "install", f"DESTDIR={folder}", "PREFIX=/opt/tide"],
        cwd=ROOT)
    base = os.path.join(folder, "opt/tide")
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{base}/lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": folder}
    flags = run(["pkg-config", "--cflags", "--libs", "tidemark"], env=environment).split()
    assert f"-L{base}/lib" in flags
    source = os.path.join(notes.folder, "version.c")
    with open(source, "w") as out:
        out.write("#include <tidemark.h>\nint main(void) { tide_cache_close(NULL); return TIDE_VERSION_MAJOR; }\n")
    run(["gcc", "-o", f"{notes.folder}/version", source, *flags, f"-Wl,-rpath,{base}/lib"])
    run([f"{notes.folder}/version"])
    assert "libtidemark.so.0" in run(["objdump", "-p", f"{notes.folder}/version"])
    pages = sorted(os.path.basename(path) for path in glob.glob(f"{base}/share/man/man?/*"))
    assert {"libtidemark.3", "tide_cache_open.3", "tidemark.1", "tidemark.conf.5", "tidemarkd.8"} <= set(pages)
    if os.path.exists("/usr/bin/man"):
        for path in glob.glob(f"{base}/share/man/man?/*"):
            complaints = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path],
                                        capture_output=True, text=True, timeout=60).stderr
            assert complaints == "", path
