"""Every embedded query for the primary is accepted by a real one."""
import glob
import os
import re

import psycopg2
from support.daemon import ROOT

PREPARABLE = ("select", "with", "insert", "update", "delete")


def queries():
    """(module.name, text) of each, as the build embeds them: without comment lines."""
    for path in sorted(glob.glob(os.path.join(ROOT, "daemon", "*", "*.sql"))):
        module = os.path.splitext(os.path.basename(path))[0]
        with open(path) as source:
            parts = re.split(r"^-- name: (\w+)\n", source.read(), flags=re.MULTILINE)[1:]
        for name, text in zip(parts[::2], parts[1::2]):
            lines = [line for line in text.splitlines() if not re.match(r"\s*(--|$)", line)]
            yield f"{module}.{name}", "\n".join(lines)


QUERIES = dict(queries())


def failures(connection, names, text_of):
    """Runs text_of(query) for each, one transaction each, and says what was refused."""
    refused = []
    for name in names:
        with connection.cursor() as cursor:
            cursor.execute("begin")
            try:
                cursor.execute(text_of(QUERIES[name]))
            except psycopg2.Error as failure:
                refused.append(f"{name}: {failure}")
            cursor.execute("rollback")
    return refused


def test_there_are_queries():
    assert {"round_header.read", "introspect.relations", "doctor.tracking"} <= set(QUERIES)


def test_every_query_can_be_prepared(world):
    world.run("create table item (id int primary key, updated_at timestamptz)")
    world.track("item")
    names = [name for name in QUERIES if QUERIES[name].startswith(PREPARABLE)]
    assert not failures(world.connection, names, lambda text: f"prepare query as {text}\ndeallocate query")


def test_every_other_command_can_be_run(world):
    names = [name for name in QUERIES if not QUERIES[name].startswith(PREPARABLE)]
    points = "savepoint tide_push; savepoint tide_part; "
    assert not failures(world.connection, names, lambda text: points + text if " savepoint" in text else text)
