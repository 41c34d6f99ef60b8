"""Is the file what the primary says? Counts and digests of the same canonical text.

Nothing of the product is used: the primary renders its values by SQL, the file's values
are read with Python's own sqlite3 and brought to the same spelling.
"""
import hashlib
import json
import sqlite3
from decimal import Decimal

COLUMNS = """
select attname::text, format_type(atttypid, null)
  from pg_attribute
 where attrelid = %s::regclass and attnum > 0 and not attisdropped and attname <> 'tide_xid'
 order by attnum
"""
UTC = """to_char({0} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def primary_text(name, type_name):
    """SQL that renders a column in the canonical spelling."""
    if type_name == "timestamp with time zone":
        return UTC.format(name)
    if type_name == "numeric":
        return f"trim_scale({name})::text"
    if type_name.endswith("[]"):
        return f"to_jsonb({name})::text"
    if type_name == "boolean":
        return f"{name}::integer::text"
    return f"{name}::text"


def file_text(value, type_name):
    """The canonical spelling of a value that was read from the file."""
    if value is None:
        return None
    if type_name == "numeric":
        return format(Decimal(str(value)).normalize(), "f")
    if type_name.endswith("[]"):
        return json.dumps(json.loads(value), ensure_ascii=False)
    return str(value)


class Side:
    """The rows of a table in key order: digests of the living ones, and the tombstones."""

    def __init__(self, columns):
        self.deleted_at = [name for name, _ in columns].index("deleted_at")
        self.live = {}  # key: digest of the row
        self.tombstones = {}
        self.digest = hashlib.sha256()

    def add(self, row):
        if row[self.deleted_at] is not None:
            self.tombstones[row[0]] = row
            return
        line = "\x1f".join("\\N" if text is None else text for text in row).encode()
        self.live[row[0]] = hashlib.md5(line).digest()
        self.digest.update(line + b"\n")


def read_primary(connection, table, columns):
    side = Side(columns)
    names = ", ".join(primary_text(name, type_name) for name, type_name in columns)
    with connection.cursor("both_sides") as cursor:
        cursor.itersize = 10000
        cursor.execute(f"select {names} from {table} order by id")
        for row in cursor:
            side.add(row)
    return side


def read_file(path, table, columns):
    side = Side(columns)
    types = [type_name for _, type_name in columns]
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for row in connection.execute(f"select {', '.join(name for name, _ in columns)} from {table} order by id"):
            side.add([file_text(value, type_name) for value, type_name in zip(row, types)])
    finally:
        connection.close()
    return side


def compare(connection, path, table):
    """(the primary's side, the file's side, what differs or None). connection: not in autocommit mode."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, (table,))
        columns = cursor.fetchall()
    primary, file = read_primary(connection, table, columns), read_file(path, table, columns)
    return primary, file, difference(primary, file)


def difference(primary, file):
    """Live rows must be the same. The file may have fewer tombstones: a first copy brings none."""
    if primary.digest.digest() != file.digest.digest():
        wrong = [key for key in primary.live.keys() | file.live.keys() if primary.live.get(key) != file.live.get(key)]
        return f"{len(wrong)} of the live rows, the first with id {min(wrong)}" if wrong else "the order of the rows"
    for key, row in file.tombstones.items():
        if primary.tombstones.get(key) != tuple(row):
            return f"the tombstone {key} is not the primary's"
    return None
