"""What happened in a random history, and what must therefore be true at its end.

Every value written into a followed column is the only one of its kind, and a trigger on the
primary keeps every version of every row. So it can be asked of each value: where is it? On
the primary, now or once; or kept in tide_rejected or tide_conflict; or overwritten or
deleted on its own device before it was pushed. A value that is nowhere was lost.
"""
import json

AUDIT = """
create table audit (number bigint generated always as identity primary key, op text, name text, id text,
                    before jsonb, after jsonb);
create function keep_versions() returns trigger language plpgsql as $$
begin
    insert into audit (op, name, id, before, after)
    values (tg_op, tg_table_name, coalesce(to_jsonb(new) ->> 'id', to_jsonb(old) ->> 'id'),
            to_jsonb(old) - 'tide_xid' - 'updated_at', to_jsonb(new) - 'tide_xid' - 'updated_at');
    return null;
end $$;
"""


def audit(*tables):
    return AUDIT + "".join(f"create trigger keep_versions after insert or update or delete on {table} "
                           "for each row execute function keep_versions();" for table in tables)


class History:
    """followed: {table: the column whose values are all different}."""

    def __init__(self, followed):
        self.followed = followed
        self.last = {}     # (party, table, id) -> the value that this party wrote last
        self.writers = {}  # (table, id) -> parties that wrote anything there, or tried to
        self.returned = set()  # (table, id, value) that were written again on purpose

    # -- what is told to it --

    def wrote(self, party, table, key, value=None):
        """A local write of the followed column, or (value None) of another one."""
        self.touched(party, table, key)
        if value is not None:
            self.last[party, table, key] = value

    def deleted(self, party, table, key):
        """For good: what was not pushed before need not arrive any more."""
        self.touched(party, table, key)
        self.last.pop((party, table, key), None)

    def brought_back(self, party, table, key, value):
        """An older value was written again: what stood there in between need not arrive."""
        self.deleted(party, table, key)
        self.returned.add((table, key, value))

    def touched(self, party, table, key):
        self.writers.setdefault((table, key), set()).add(party)

    # -- what must be true --

    def problems(self, connection, caches):
        """caches: {party: a connection to its cache}. Texts; none when all is well."""
        with connection.cursor() as cursor:
            cursor.execute("select op, name, id, before, after from audit order by number")
            versions = cursor.fetchall()
        found = []
        for party, cache in caches.items():
            kept = Kept(cache)
            found += self._lost(party, versions, kept)
            found += self._false_conflicts(party, kept)
        return found + self._repeated(versions)

    def _lost(self, party, versions, kept):
        arrived = {(name, key, after.get(self.followed.get(name)))
                   for _, name, key, _, after in versions if after is not None}
        for (writer, table, key), value in self.last.items():
            if writer == party and (table, key, value) not in arrived and not kept.holds(table, key, value):
                yield f"{party}: {table} {key}: {value} is lost"

    def _repeated(self, versions):
        """No value is brought twice into a row that was there."""
        times = {}
        for op, name, key, before, after in versions:
            column = self.followed.get(name)
            if op == "UPDATE" and column and before[column] != after[column]:
                times[name, key, after[column]] = times.get((name, key, after[column]), 0) + 1
        mine = {(table, key, value) for (_, table, key), value in self.last.items()} - self.returned
        return [f"{what} arrived {count} times" for what, count in times.items() if count > 1 and what in mine]

    def _false_conflicts(self, party, kept):
        """Nothing conflicts in a row that nobody else ever wrote to, unless it was rejected before;
        nor in a column that is what it was."""
        for table, key, column in kept.unchanged:
            yield f"{party}: {table} {key}: conflict in {column}, though it was not changed here"
        for table, key, column in kept.conflicts:
            others = self.writers.get((table, key), set()) - {party}
            if not others and (table, key) not in kept.rejected:
                yield f"{party}: {table} {key}: conflict in {column}, though nobody else wrote there"


class Kept:
    """What a cache has set aside."""

    def __init__(self, cache):
        self.values, self.rejected, self.conflicts = set(), set(), []
        for table, key, values in cache.execute("select table_name, row_key, \"values\" from tide_rejected"):
            row = (table, json.loads(key)[0])
            self.rejected.add(row)
            self.values |= {(*row, str(value)) for value in json.loads(values or "{}").values()}
        self.unchanged = []
        for table, key, column, base, value, rule in cache.execute(
                "select table_name, row_key, column_name, base_value, local_value, rule from tide_conflict"):
            row = (table, json.loads(key)[0])
            self.conflicts.append((*row, column))
            if base is not None and base == value and not rule.startswith("deleted"):
                self.unchanged.append((*row, column))
            self.values.add((*row, str(value)))

    def holds(self, table, key, value):
        return (table, key, value) in self.values
