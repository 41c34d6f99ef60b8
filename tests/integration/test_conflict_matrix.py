"""Everything that one side can do to a row against everything that the other side can do to it.

EXPECTED is the promise, cell by cell: the values of columns a, b and c on the primary and on
every device in the end (0: as before, L: this device's, R: the other side's), † a tombstone,
- no row; ! says that this device keeps the loser in tide_conflict. Policies: S server_wins,
C client_wins, W last_write_wins when this device wrote later, V when the other side did,
M manual. A line without policies holds for all of them.

Where neither side is an `insert`, the row was there before: live, or a tombstone when one of
them is a `restore`. Where one is, it was not, and a side that does something else inserts
the row first. An update is of column a on both sides (`same`), or of b here and c there
(`other`). `hard` is a delete that leaves nothing; `reuse` is one with a new row under the
same key.
"""
import os

import pytest
from support.storm import KILLED

EXPECTED = """
insert  insert   SVM RRR!  CW LLL!
insert  same     SVM RRR!  CW LLL!
insert  other    SVM RRR!  CW LLL!
insert  soft     SVM RRR†! CW LLL!
insert  hard     LLL
insert  restore  SVM RRR!  CW LLL!
insert  reuse    SVM RRR!  CW LLL!

same    insert   SVM RRR!  CW LLL!
same    same     SVM R00!  CW L00!
same    other    L0R
same    soft     L00†
same    hard     SVWM -!   C L00!
same    restore  L00
same    reuse    SVM RRR!  CW LRR!

other   insert   SVM RRR!  CW LLL!
other   same     RL0
other   other    0LR
other   soft     0L0†
other   hard     SVWM -!   C 0L0!
other   restore  0L0
other   reuse    SVM RRR!  CW RLR!

soft    insert   SVM RRR!  CW LLL†!
soft    same     R00†
soft    other    00R†
soft    soft     000†
soft    hard     -
soft    restore  000
soft    reuse    RRR†

hard    insert   RRR
hard    same     -!
hard    other    -!
hard    soft     -!
hard    hard     -
hard    restore  -!
hard    reuse    -!

restore insert   SVM RRR!  CW LLL!
restore same     R00
restore other    00R
restore soft     000
restore hard     SVWM -!   C 000!
restore restore  000
restore reuse    RRR

reuse   insert   SVM RRR!  CW LLL!
reuse   same     SVM RLL!  CW LLL!
reuse   other    SVM LLR!  CW LLL!
reuse   soft     LLL†
reuse   hard     SVWM -!   C LLL!
reuse   restore  LLL
reuse   reuse    SVM RRR!  CW LLL!
"""
ACTIONS = ["insert", "same", "other", "soft", "hard", "restore", "reuse"]
POLICIES = {"s": "server_wins", "c": "client_wins", "w": "last_write_wins", "v": "last_write_wins", "m": "manual"}
TABLES = [f"row_{letter}" for letter in POLICIES]
CELLS = [(local, other) for local in ACTIONS for other in ACTIONS]


def expected(policy):
    """{(local, other): outcome} for one policy."""
    found = {}
    for line in EXPECTED.split("\n"):
        if line:
            local, other, *rest = line.split()
            pairs = {"SCWVM": rest[0]} if len(rest) == 1 else dict(zip(rest[::2], rest[1::2]))
            found[local, other] = next(outcome for letters, outcome in pairs.items() if policy.upper() in letters)
    return found


def test_the_table_is_complete():
    for policy in POLICIES:
        assert set(expected(policy)) == set(CELLS)


def before(local, other):
    if "insert" in (local, other):
        return "absent"
    return "tombstone" if "restore" in (local, other) else "live"


class Side:
    """One that writes: its value, the column of its `other`, and how it runs a statement."""

    def __init__(self, value, column, run, mark):
        self.value, self.column, self.run, self.mark = value, column, run, mark

    def act(self, table, cell, action):
        key = " ".join(cell)
        if before(*cell) == "absent":
            self.insert(table, key)
        getattr(self, action)(table, key) if action != "insert" else None
        if action == "restore" and before(*cell) == "absent":
            self.soft(table, key)
            self.restore(table, key)

    def insert(self, table, key):
        self.run(f"insert into {table} (id, a, b, c) values ('{key}', '{self.value}', '{self.value}', '{self.value}')")

    def same(self, table, key):
        self.run(f"update {table} set a = '{self.value}' where id = '{key}'")

    def other(self, table, key):
        self.run(f"update {table} set {self.column} = '{self.value}' where id = '{key}'")

    def restore(self, table, key):
        self.run(f"update {table} set deleted_at = null where id = '{key}'")

    def soft(self, table, key):
        self.run(f"delete from {table} where id = '{key}'")

    def hard(self, table, key):
        """In a table with deleted_at a device deletes for good by giving the row another key."""
        self.run(f"update {table} set id = id || '{self.mark}' where id = '{key}'")

    def reuse(self, table, key):
        self.hard(table, key)
        self.insert(table, key)


class ServerSide(Side):
    def soft(self, table, key):
        self.run(f"update {table} set deleted_at = now() where id = '{key}' and deleted_at is null")

    def hard(self, table, key):
        self.run(f"delete from {table} where id = '{key}'")


def schema():
    rows = ", ".join(f"('{' '.join(cell)}')" for cell in CELLS if before(*cell) != "absent")
    return "".join(f"create table {table} (id text primary key, a text default '0', b text default '0', c text default '0',"
                   " updated_at timestamptz not null default now(), deleted_at timestamptz);"
                   f"insert into {table} (id) values {rows};" for table in TABLES)


def tombstones():
    rows = ", ".join(f"'{' '.join(cell)}'" for cell in CELLS if before(*cell) == "tombstone")
    return "".join(f"update {table} set deleted_at = now() where id in ({rows});" for table in TABLES)


class Matrix:
    """Two devices and a server at the moment before the two sides act."""

    def __init__(self, world, other_side):
        self.world = world
        world.run(schema())
        world.track(*TABLES)
        self.proxy = world.proxy()
        policies = {f"table row_{letter}": {"conflict": policy} for letter, policy in POLICIES.items()}
        self.here = world.daemon(policies, conninfo=self.proxy.conninfo(world.database), start=False)
        self.there = world.daemon(policies, start=False)
        self.sync(self.here, self.there)
        world.run(tombstones())
        self.sync(self.here, self.there)
        self._other_side = other_side

    def sync(self, *devices):
        for device in devices:
            answer = device.tool("sync")
            assert answer.status in (0, 3), answer

    def act_here(self, *letters):
        cache = self.here.open_cache()
        side = Side("L", "b", cache.execute, "+")
        for letter in letters:
            for cell in CELLS:
                side.act(f"row_{letter}", cell, cell[0])
        cache.close()

    def act_there(self):
        if self._other_side == "server":
            side = ServerSide("R", "c", self.world.run, None)
        else:
            cache = self.there.open_cache()
            side = Side("R", "c", cache.execute, "~")
        for table in TABLES:
            for cell in CELLS:
                side.act(table, cell, cell[1])
        if self._other_side == "device":
            cache.close()
            self.sync(self.there)

    def act(self):
        """The rows of V are written here first, all others last."""
        self.act_here("v")
        self.world.run("select pg_sleep(0.3)")
        self.act_there()
        self.world.run("select pg_sleep(0.3)")
        self.act_here("s", "c", "w", "m")

    def push_first(self):
        self.act()
        self.sync(self.here)

    def pull_first(self):
        """Both sides act while a sync with nothing to push is about to pull; then it dies."""
        before = self.die_after_pulling(lambda number: None)
        self.die_after_pulling(lambda number: self.act() if number == before else None)
        assert self.here.value("select count(*) from tide_outbox") > 100, "it has pushed before it pulled"
        assert self.here.value("select c from row_s where id = 'same other'") == "R", "it has not pulled"
        self.sync(self.here)

    def die_after_pulling(self, at_snapshot):
        """Calls at_snapshot(n) before the n-th snapshot is taken on the primary; returns the last n, the pull's."""
        seen = []

        def watch(message, from_client):
            if from_client and b"pg_current_snapshot" in message:
                seen.append(message)
                at_snapshot(len(seen))
        self.proxy.watch(watch)
        self.here.faults = True
        answer = self.here.tool("sync", environment={"TIDEMARK_FAULT": "pull.after_commit"})
        self.here.faults = False
        self.proxy.heal()
        assert seen and answer.status == KILLED, answer
        return len(seen)

    def converge(self):
        self.sync(self.there, self.here, self.there)

    # -- what came out --

    def outcomes(self, letter):
        table = f"row_{letter}"
        rows = {row[0]: row[1:] for row in self.world.run(f"select id, a, b, c, deleted_at is not null from {table}")}
        filed = {key for key, in self.here.query("select json_extract(row_key, '$[0]') from tide_conflict where table_name = ?",
                                                 (table,))}
        return {cell: self._outcome(rows.get(" ".join(cell)), " ".join(cell) in filed) for cell in CELLS}

    @staticmethod
    def _outcome(row, is_filed):
        if row is None:
            text = "-"
        else:
            *values, is_deleted = row
            text = "".join(values) + ("†" if is_deleted else "")
        return text + ("!" if is_filed else "")


@pytest.fixture(scope="module")
def matrices(cluster, place, numbers):
    """Each of the four is made once, by the first test that asks for it."""
    from support.world import World
    made = {}

    def matrix(other_side, order):
        if (other_side, order) not in made:
            number = next(numbers)
            path = os.path.join(place, f"t{number}")
            os.mkdir(path)
            made[other_side, order] = matrix = Matrix(World(cluster, path, f"matrix{number}"), other_side)
            getattr(matrix, order)()
            matrix.converge()
        return made[other_side, order]

    yield matrix
    for matrix in made.values():
        matrix.world.end()


SIDES = pytest.mark.parametrize("other_side", ["server", "device"])
ORDERS = pytest.mark.parametrize("order", ["push_first", "pull_first"])


@ORDERS
@SIDES
@pytest.mark.parametrize("letter", POLICIES)
def test_every_cell_ends_as_promised(matrices, other_side, order, letter):
    found, promised = matrices(other_side, order).outcomes(letter), expected(letter)
    wrong = [f"{' '.join(cell):16} {found[cell]:6} instead of {promised[cell]}"
             for cell in CELLS if found[cell] != promised[cell]]
    assert not wrong, f"{len(wrong)} of {len(CELLS)} cells:\n" + "\n".join(wrong)


@ORDERS
@SIDES
def test_both_devices_and_the_primary_converge(matrices, other_side, order):
    matrix = matrices(other_side, order)
    for device in (matrix.here, matrix.there):
        assert device.value("select count(*) from tide_outbox") == 0
        assert device.query("select * from tide_rejected") == []
        matrix.world.assert_equal(device, *TABLES)


@ORDERS
@SIDES
def test_the_loser_is_kept_with_base_local_and_remote(matrices, other_side, order):
    matrix = matrices(other_side, order)
    for letter in POLICIES:
        rows = dict(matrix.world.run(f"select id, a from row_{letter}"))
        found = matrix.here.query("select json_extract(row_key, '$[0]'), winner, open, base_value, local_value, remote_value"
                                  " from tide_conflict where table_name = ? and column_name = 'a'", (f"row_{letter}",))
        both = [(key, rest) for key, *rest in found if key in ("same same", "reuse reuse", "insert insert")]
        assert len(both) == 3, found
        for key, (winner, is_open, base, local, remote) in both:
            assert (local, remote) == ("L", "R") and base == (None if key == "insert insert" else "0"), (key, found)
            assert rows[key] == {"local": "L", "remote": "R"}[winner]
            assert is_open == (letter == "m")


@ORDERS
@SIDES
def test_a_row_that_is_gone_is_kept_whole_where_a_person_decides(matrices, other_side, order):
    """Whoever notices first, the push or the pull: nothing else has it any more."""
    matrix = matrices(other_side, order)
    columns = {name for _, name, *_ in matrix.here.query("pragma table_info(row_m)")}
    kept = {}
    for key, *value in matrix.here.query("select json_extract(row_key, '$[0]'), column_name, base_value, local_value from tide_conflict"
                                         " where table_name = 'row_m' and rule = 'deleted there'"):
        kept.setdefault(key, {})[value[0]] = tuple(value[1:])
    assert {"same hard", "other hard", "restore hard"} <= set(kept)
    for key, values in kept.items():
        assert set(values) == columns, (key, values)
        assert values["id"] == (key, key)
    assert [kept["same hard"][name] for name in "abc"] == [("0", "L"), ("0", "0"), ("0", "0")]


@ORDERS
@SIDES
def test_a_person_is_asked_only_where_the_policy_is_manual(matrices, other_side, order):
    matrix = matrices(other_side, order)
    asked = {name for name, in matrix.here.query("select distinct table_name from tide_conflict where open")}
    assert asked == {"row_m"}
    assert matrix.here.tool("status").status == 3
