"""Is the cache what the primary says? An independent reading of the type mapping.

Every expected value is made here from the primary's own text of a column and its catalog
type; nothing is shared with the product's code. assert_equal() names the rows that differ.
"""
import json
import math
import re
import sqlite3
from decimal import Decimal

SESSION = """
set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601';
set extra_float_digits = 1; set bytea_output = 'hex'; set client_encoding = 'UTF8'
"""

# format() calls the type's output function, where a cast to text may do something else
# (char(n) loses its padding by a cast).
COLUMNS = """
with recursive base as (
    select a.attnum, a.attname::text as name, a.atttypid as type, a.atttypmod as modifier
      from pg_attribute a
     where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
    union all
    select b.attnum, b.name, t.typbasetype, case when t.typtypmod >= 0 then t.typtypmod else b.modifier end
      from base b join pg_type t on t.oid = b.type
     where t.typtype = 'd'
)
select b.name, t.typname::text, b.modifier,
       (with recursive element as (
            select e.oid, e.typname::text as name, e.typtype, e.typbasetype from pg_type e
             where e.typarray = t.oid
            union all
            select d.oid, d.typname::text, d.typtype, d.typbasetype from pg_type d
              join element on d.oid = element.typbasetype and element.typtype = 'd')
        select name from element where typtype <> 'd'),
       (select e.typdelim::text from pg_type e where e.typarray = t.oid)
  from base b join pg_type t on t.oid = b.type
 where t.typtype <> 'd'
 order by b.attnum
"""

KEY = """
select array_agg(a.attname::text order by k.position)
  from pg_index i, unnest(i.indkey) with ordinality as k(attnum, position), pg_attribute a
 where i.indrelid = %s::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = k.attnum
"""

INTEGERS = {"int2", "int4", "int8"}
FLOATS = {"float4", "float8"}
LITERAL_ELEMENTS = INTEGERS | FLOATS | {"numeric", "bool"}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Column:
    def __init__(self, name, type_name, modifier, element, delimiter, as_real=False):
        self.name, self.type, self.element, self.delimiter = name, type_name, element, delimiter
        self.precision = ((modifier - 4) >> 16) & 0xFFFF if type_name == "numeric" and modifier >= 4 else None
        self.as_real = as_real

    def expected(self, text):
        """What the cache must hold for the primary's own text of a value."""
        if text is None:
            return None
        if self.element is not None:
            return Array(text, self.element, self.delimiter)
        convert = {"bool": lambda t: {"t": 1, "f": 0}[t], "bytea": lambda t: bytes.fromhex(t[2:]),
                   "timestamptz": timestamptz, "numeric": self._numeric}.get(self.type)
        if self.type in INTEGERS:
            return int(text)
        if self.type in FLOATS:
            return real(text)
        return convert(text) if convert else text

    def _numeric(self, text):
        if self.as_real:
            return real(text)
        if self.precision is None or self.precision > 15 or text == "NaN":
            return text
        exact = Decimal(text)
        return int(exact) if exact == exact.to_integral_value() else float(text)


def real(text):
    if text == "NaN":
        return "NaN"
    return float(text) + 0.0  # a REAL column of SQLite does not keep the sign of zero


def timestamptz(text):
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00", text)
    if not match:
        return text  # infinity, BC, beyond the year 9999
    year, month, day, clock, fraction = match.groups()
    return f"{year}-{month}-{day}T{clock}.{(fraction or '').ljust(6, '0')}Z"


class Array:
    """Compares equal to the JSON text of the same elements; by meaning, spelling is free."""

    def __init__(self, text, element, delimiter):
        self.text = text
        if text.startswith("[") or re.match(r"\{+\{", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
            self.items = None  # more dimensions or other bounds: the primary's own text
        else:
            self.items = [self._item(raw, is_quoted, element) for raw, is_quoted in array_items(text, delimiter)]

    @staticmethod
    def _item(raw, is_quoted, element):
        if raw == "NULL" and not is_quoted:
            return None
        if element == "bool":
            return raw == "t"
        if element in LITERAL_ELEMENTS and raw not in ("NaN", "Infinity", "-Infinity"):
            return Decimal(raw)
        return raw

    def __eq__(self, other):
        if not isinstance(other, str):
            return False
        if self.items is None:
            return other == self.text
        try:
            found = json.loads(other, parse_float=Decimal, parse_int=Decimal, parse_constant=lambda c: math.nan)
        except ValueError:
            return False
        return isinstance(found, list) and len(found) == len(self.items) and all(
            type(a) is type(b) and a == b for a, b in zip(found, self.items))

    def __repr__(self):
        return self.text if self.items is None else f"JSON {self.items}"


def array_items(text, delimiter):
    """The elements of a one-dimensional array literal: (text, was quoted)."""
    items, position = [], 1
    if text == "{}":
        return items
    pattern = re.compile(rf'"((?:[^"\\]|\\.)*)"|((?:[^{delimiter}{{}}"\\]|\\.)+)', re.S)
    while text[position] != "}":
        match = pattern.match(text, position)
        is_quoted = match.group(1) is not None
        items.append((re.sub(r"\\(.)", r"\1", match.group(1) if is_quoted else match.group(2), flags=re.S), is_quoted))
        position = match.end()
        if text[position] == delimiter:
            position += 1
    return items


def columns_of(cursor, table, without=(), as_real=()):
    """Columns of schema-qualified, quoted `table` as the cache should have them."""
    cursor.execute(COLUMNS, (table,))
    return [Column(name, type_name, modifier, element, delimiter, name in as_real)
            for name, type_name, modifier, element, delimiter in cursor.fetchall()
            if name != "tide_xid" and name not in without]


def primary_rows(connection, table, columns, scope=None):
    """{key: row} with expected cache values; the key is the primary's text of its columns."""
    with connection.cursor() as cursor:
        cursor.execute(KEY, (table,))
        key_names = cursor.fetchone()[0]
        rendered = ", ".join(f"case when {quoted(c.name)} is distinct from null then format('%s', {quoted(c.name)}) end"
                             .replace("%", "%%") for c in columns)
        cursor.execute(f"select {rendered} from {table.replace('%', '%%')}" + (f" where {scope}" if scope else ""), ())
        positions = [next(i for i, c in enumerate(columns) if c.name == name) for name in key_names]
        rows = {}
        for raw in cursor:
            row = tuple(column.expected(text) for column, text in zip(columns, raw))
            rows[tuple(row[i] for i in positions)] = row
        return rows, positions


def cache_rows(path, table, columns, positions):
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        names = ", ".join(quoted(column.name) for column in columns)
        found = connection.execute(f"select {names} from {quoted(table)}").fetchall()
    finally:
        connection.close()
    return {tuple(row[i] for i in positions): row for row in found}


def same(expected, found):
    if isinstance(expected, Array):
        return expected == found
    return type(expected) is type(found) and expected == found


def differences(path, connection, table, schema="public", deleted_at="deleted_at", without=(), as_real=(),
                scope=None):
    """Texts that name what differs between the cache's table and the primary's; [] when equal.

    Live rows must be exactly equal. A tombstone of the primary may be missing in the
    cache; one of the cache must be the primary's tombstone, or be gone there.
    """
    name = f"{quoted(schema)}.{quoted(table)}"
    with connection.cursor() as cursor:
        cursor.execute(SESSION)
        columns = columns_of(cursor, name, without, as_real)
    expected, positions = primary_rows(connection, name, columns, scope)
    found = cache_rows(path, table, columns, positions)
    grave = next((i for i, c in enumerate(columns) if c.name == deleted_at), None)

    def is_tombstone(row):
        return grave is not None and row[grave] is not None

    problems = []
    for key, row in expected.items():
        if key not in found:
            if not is_tombstone(row):
                problems.append(f"{table} {key}: missing in the cache")
        else:
            problems += [f"{table} {key}: {column.name} is {shown(have)}, should be {shown(want)}"
                         for column, want, have in zip(columns, row, found[key]) if not same(want, have)]
    problems += [f"{table} {key}: not on the primary any more" for key, row in found.items()
                 if key not in expected and not is_tombstone(row)]
    return problems


def shown(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}… ({len(text)} characters)"


def assert_equal(path, connection, tables, **more):
    problems = [p for table in tables for p in differences(path, connection, table, **more)]
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems[:20])
