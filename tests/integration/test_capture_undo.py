"""The outbox knows every local change: played backwards it leads to what the cache was before."""
import json
import os
import random

import pytest
from support.history import History
from support.storm import SCHEMA
from support.storm_writers import TABLES, LocalWriter

STEPS = 300
SEED = int(os.environ.get("TIDEMARK_SEED", "1"))


class Notes:
    """What a LocalWriter tells, and nobody asks."""

    def __init__(self):
        self.history, self.trace = History({}), []

    def note(self, text):
        self.trace.append(text)


def columns(cache, table):
    return [row[1] for row in cache.execute(f"pragma table_info({table})") if row[1] != "updated_at"]


def state(cache):
    """{(table, id): {column: quote() of its value}}"""
    found = {}
    for table in TABLES:
        names = columns(cache, table)
        quoted = ", ".join(f"quote({name})" for name in names)
        for key, *values in cache.execute(f"select id, {quoted} from {table}"):
            found[table, key] = dict(zip(names, values))
    return found


def undo(rows, cache):
    names = dict(cache.execute("select table_id, name from tide_table"))
    entries = cache.execute("select sequence, table_id, row_key, op, base from tide_outbox where row_key is not null"
                            " order by sequence desc").fetchall()
    for sequence, table_id, key, op, base in entries:
        row = (names[table_id], *json.loads(key))
        before = {column: value for column, value in json.loads(base or "{}").items() if column != "updated_at"}
        assert (row in rows) == (op != "delete"), f"{sequence}: {op} of {row}"
        if op == "insert":
            del rows[row]
        else:
            rows.setdefault(row, {"id": f"'{row[1]}'"}).update(before)
    return rows, len(entries)


@pytest.mark.parametrize("number", range(2))
def test_played_backwards_the_outbox_leads_to_the_beginning(world, number):
    world.run(SCHEMA)
    world.track(*TABLES)
    daemon = world.daemon({"sync": {"tables": ", ".join(TABLES)}}, start=False)
    daemon.sync()
    cache = daemon.open_cache()
    before = state(cache)
    notes, choose = Notes(), random.Random(SEED + number)
    writer = LocalWriter(notes, "d0", daemon.cache_path)
    for _ in range(STEPS):
        writer.step(choose)
    rows, count = undo(state(cache), cache)
    assert count > STEPS // 2
    assert rows == before, {key: (rows.get(key), before.get(key)) for key in rows.keys() | before.keys()
                            if rows.get(key) != before.get(key)}
    assert cache.execute("select sum(open) from tide_gate").fetchone()[0] == 0
