"""Every type of the primary, with its extremes, against the primary's own text."""
import math

import pytest
from support.compare import SESSION, differences

TYPES = """
create extension if not exists citext;
create extension if not exists hstore;
create type mood as enum ('sad', 'ok', 'it''s "fine", \\', '😀', 'NULL');
create domain mood_of_the_day as mood check (value <> 'sad');
create domain price as numeric(12, 2);
create domain discount as price check (value < 0);
create domain numbers as int[];
create domain positive as int check (value > 0);
create type pair as (a int, b text);
create type float_range as range (subtype = float8);
"""

TIMESTAMPS = ["2026-11-22 12:00:00.123456+02", "2026-11-22 12:00:00.1+00", "1970-01-01 00:00:00+00",
              "2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "0001-01-01 00:00:00+00",
              "0001-12-31 00:00:00+00 BC", "4714-11-24 00:00:00+00 BC", "9999-12-31 23:59:59.999999+00",
              "10000-01-01 00:00:00+00", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity",
              "1900-02-28 12:34:56.000001+00", "2024-02-29 00:00:00+00"]
LOCAL_TIMESTAMPS = [text.replace("+00", "").replace("+02", "") for text in TIMESTAMPS]
AWKWARD = ["", " ", "  both  ", "it's", 'say "so"', "back\\slash", "line\nbreak\r\n\ttab", "NULL", "null", "{}", "{a,b}",
           "%s %% \\x41", "😀 é e\u0301 \u202e", "\x01\x7f", "a,b;c", "0", "1e5", " 42"]

# type → literals; the first of a pair names the type in the test's name when it needs one
VALUES = {
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647", "0"],
    "bigint": ["-9223372036854775808", "9223372036854775807", "0"],
    "boolean": ["true", "false"],
    "real": ["1.1", "3.4028235e38", "1e-45", "-1.17549435e-38", "NaN", "Infinity", "-Infinity", "16777217", "0", "0.3"],
    "double precision": ["1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "NaN", "Infinity", "-Infinity",
                         "0.1", "123456789012345678", "1e15", "1e22", "-1.5", "0"],
    "numeric(12,4)": ["12345678.1234", "-0.0001", "0", "100", "99999999.9999", "NaN", "0.5"],
    "numeric(15,0)": ["999999999999999", "-999999999999999", "1"],
    "numeric(15,15)": ["0.123456789012345", "-0.999999999999999", "0"],
    "numeric(3,20)": ["0.00000000000000000123", "0"],
    "numeric(5,-2)": ["12345", "-9999900"],
    "numeric(16,2)": ["99999999999999.99", "0.10", "-0.01", "NaN"],
    "numeric": ["9" * 131072, "-" + "1" * 131072 + "." + "5" * 16383, "0." + "0" * 16382 + "1", "0.10", "100", "-0",
                "NaN", "Infinity", "-Infinity", "1e1000", "10000", "0.0001", "12345.678900"],
    "text": [*AWKWARD, "x" * 1_000_000, "😀" * 250_000],
    "varchar(12)": ["", "😀" * 12, "twelve chars"],
    "character(5)": ["", "ab", " ab", "abcde", "😀"],
    '"char"': ["a", "", "\\"],
    "name": ["", "n" * 63, "it's"],
    "citext": ["MiXed", "", "Straße"],
    "xml": ["<a>é</a>", "text only", "<a b='c'>&amp;</a>"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}"],
    "timestamptz": TIMESTAMPS,
    "timestamptz(0)": ["2026-11-22 12:00:00.6+00"],
    "timestamp": LOCAL_TIMESTAMPS,
    "date": ["2026-11-22", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "0001-01-01", "9999-12-31", "10000-01-01"],
    "time": ["00:00:00", "24:00:00", "23:59:59.999999", "12:00:00.1"],
    "timetz": ["12:00:00.000001+15:59", "00:00:00-15:59", "24:00:00+00", "12:00:00+05:30"],
    "interval": ["178000000 years", "-178000000 years", "-1 mon +2 days -00:00:00.000001", "0", "1 day", "25:00:00", "1.5 hours"],
    "json": ['{"a" : 1,  "a":2}', "null", '"x"', "[1, 2.50, 1e400]", '{"\\u00e9": "\\ud83d\\ude00"}', " [ ] "],
    "jsonb": ['{"ü": [1.10, null, "😀"], "a": {"b": []}}', "null", '"x"', "1e400", "{}", "true"],
    "bytea": ["", "\\x00", "\\x00ff275c", "\\x" + "00ff10" * 3_500_000],
    "mood": ["sad", "it's \"fine\", \\", "😀", "NULL"],
    "mood_of_the_day": ["ok", "😀"],
    "discount": ["-0.01", "-1234567890.12", "-5"],
    "numbers": ["{}", "{1,NULL,3}", "{{1},{2}}"],
    "positive": ["1", "2147483647"],
    "integer[]": ["{}", "{1,NULL,-2147483648}", "{{1,2},{3,4}}", "[0:2]={1,2,3}", "[5:5]={9}", "{NULL}", "{7}"],
    "bigint[]": ["{9223372036854775807,-9223372036854775808}"],
    "boolean[]": ["{t,f,NULL}", "{}"],
    "real[]": ["{1.1,NaN,Infinity,-Infinity,1e-45}"],
    "double precision[]": ["{0.1,1.7976931348623157e308,NaN,-Infinity,NULL}", "{1e22,100}"],
    "numeric[]": ["{1.10,1e30,0.000000000000000000001,NaN,NULL}", "{" + "9" * 1000 + "}"],
    "numeric(12,4)[]": ["{1.5,NULL}"],
    "text[]": ["{}", '{"a,b","\\"q\\"","\\\\","",NULL,"NULL","null",😀,"new\nline"," lead","{}","\x01"}', "{{a,b},{c,d}}", '[2:3]={a,"b c"}'],
    "varchar(3)[]": ["{abc,NULL}"],
    "uuid[]": ["{00000000-0000-0000-0000-000000000000,NULL}"],
    "timestamptz[]": ["{2026-11-22 12:00:00.1+00,infinity,NULL}"],
    "date[]": ["{2026-11-22,-infinity}"],
    "jsonb[]": ['{"{\\"a\\": [1, null]}","null",NULL}'],
    "json[]": ['{"{\\"a\\" :  1}"}'],
    "bytea[]": ['{"\\\\x00ff","\\\\x",NULL}'],
    "mood[]": ['{sad,"it\'s \\"fine\\", \\\\",😀,NULL,"NULL"}'],
    "mood_of_the_day[]": ["{ok,NULL}"],
    "positive[]": ["{1,2,NULL}"],
    "pair[]": ['{"(1,a)","(,\\"b c\\")",NULL}'],
    "box[]": ["{(1,1),(0,0);(2,2),(1,1)}"],
    "inet[]": ["{::1/64,10.0.0.1}"],
    "int4range[]": ['{"[1,5)",empty,NULL}'],
    "citext[]": ["{MiXed,NULL}"],
    "int4range": ["empty", "[1,5)", "(,)", "[1,)"],
    "numrange": ["[1.10,2.5]", "(NaN,)"],
    "tstzrange": ['["2026-11-22 12:00:00+00","infinity")', "[,]"],
    "float_range": ["[0.1,0.3)"],
    "int4multirange": ["{}", "{[1,3),[5,7)}"],
    "pair": ["(1,a)", '(,"b ""c"" ,\\\\")', "(,)"],
    "hstore": ['"a"=>"1", "b"=>NULL', ""],
    "inet": ["::1/64", "10.0.0.1", "10.0.0.0/8"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "tsvector": ["'a':1A 'it''s':2", ""],
    "tsquery": ["'a' & !'b' <-> 'c'"],
    "bit(5)": ["10101"],
    "varbit": ["", "101"],
    "money": ["-92233720368547758.08", "1234.5", "0"],
    "point": ["(1.5,-0.1)", "(NaN,Infinity)"],
    "lseg": ["[(0,0),(1,1)]"],
    "path": ["((0,0),(1,1))", "[(0,0),(1,1)]"],
    "polygon": ["((0,0),(1,1),(1,0))"],
    "circle": ["<(0,0),1.1>"],
    "oid": ["4294967295", "0"],
    "xid8": ["18446744073709551615"],
    "pg_lsn": ["FFFFFFFF/FFFFFFFF"],
    "jsonpath": ["$.\"a\"[*]?(@ > 1)"],
    "int2vector": ["1 2 3"],
    "tid": ["(0,1)"],
}
TABLE_OF = {name: f"t{number}" for number, name in enumerate(VALUES)}


def insert_values(cursor, name, first_id):
    for number, literal in enumerate([*VALUES[name], None]):
        cursor.execute(f"insert into {TABLE_OF[name]} (id, v) values (%s, %s::{name})", (first_id + number, literal))


@pytest.fixture(scope="module")
def mirrored(module_world):
    """Every value came twice: ids from 0 by snapshot, from 1000 by delta, from 2000 by update."""
    world = module_world
    world.run(TYPES)
    with world.connection.cursor() as cursor:
        for name, table in TABLE_OF.items():
            cursor.execute(f"create table {table} (id int primary key, v {name}, updated_at timestamptz not null default now())")
            insert_values(cursor, name, 0)
            cursor.execute(f"insert into {table} (id) select n + 2000 from generate_series(0, {len(VALUES[name])}) n")
    daemon = world.daemon()
    daemon.wait_caught_up(120)
    with world.connection.cursor() as cursor:
        for name, table in TABLE_OF.items():
            insert_values(cursor, name, 1000)
            cursor.execute(f"update {table} t set v = s.v, updated_at = now() from {table} s where t.id = s.id + 2000")
    daemon.wait_caught_up(120)
    world.run(SESSION)
    yield world, daemon


@pytest.mark.parametrize("name", VALUES)
def test_every_value_round_trips(mirrored, name):
    world, daemon = mirrored
    problems = differences(daemon.cache_path, world.connection, TABLE_OF[name])
    assert not problems, "\n".join(problems[:10])
    counts = daemon.query(f"select count(*), count(distinct v), sum(v is null) from {TABLE_OF[name]}")[0]
    assert counts[0] == 3 * (len(VALUES[name]) + 1) and counts[2] == 3


def test_minus_zero_is_plain_zero_because_a_real_column_keeps_no_sign(world):
    world.run("create table t (id int primary key, r real, d float8, updated_at timestamptz default now());"
              "insert into t values (1, '-0', '-0')")
    daemon = world.daemon(start=False)
    daemon.sync()
    found = daemon.query("select r, d from t")[0]
    assert found == (0.0, 0.0) and [math.copysign(1, value) for value in found] == [1, 1]


def test_numeric_is_real_where_the_configuration_says_so(world):
    world.run("create table t (id int primary key, a numeric, b numeric(30,2), c numeric, updated_at timestamptz default now());"
              "insert into t values (1, '0.1', '12345.67', '0.10'), (2, 'Infinity', '-1', 'NaN'), (3, 'NaN', '1e20', '1')")
    daemon = world.daemon({"table t": {"as_real": "a, b"}}, start=False)
    daemon.sync()
    world.assert_equal(daemon, "t", as_real={"a", "b"})
    assert daemon.query("select typeof(a), typeof(b), typeof(c) from t where id = 1") == [("real", "real", "text")]


def test_timestamps_sort_as_text_and_are_27_characters(mirrored):
    _, daemon = mirrored
    table = TABLE_OF["timestamptz"]
    lengths = daemon.query(f"select distinct length(v) from {table} where v glob '[0-9][0-9][0-9][0-9]-*' and v not like '%BC'")
    assert lengths == [(27,)]


def test_numeric_short_enough_compares_and_sums_as_a_number(mirrored):
    _, daemon = mirrored
    table = TABLE_OF["numeric(12,4)"]
    assert daemon.value(f"select max(v) from {table} where typeof(v) <> 'text'") == 99999999.9999
    assert daemon.value(f"select count(*) from {table} where v = 100 and v = 100.0 and v < 100.5") == 3


def test_case_insensitive_text_compares_so(mirrored):
    _, daemon = mirrored
    assert daemon.value(f"select count(*) from {TABLE_OF['citext']} where v = 'mixed'") == 3


def test_padded_text_compares_without_its_padding(mirrored):
    _, daemon = mirrored
    assert daemon.value(f"select count(*) from {TABLE_OF['character(5)']} where v = 'ab'") == 3


def test_generated_columns_are_mirrored(world):
    world.run("create table t (id int primary key, a int, twice int generated always as (a * 2) stored,"
              " updated_at timestamptz not null default now()); insert into t (id, a) values (1, 21)")
    daemon = world.daemon()
    daemon.wait_caught_up()
    assert daemon.query("select a, twice from t") == [(21, 42)]
    world.run("update t set a = 5, updated_at = now()")
    daemon.wait_caught_up()
    assert daemon.query("select a, twice from t") == [(5, 10)]


KEY_TYPES = {
    "four types": ("a uuid, b int, c text, d timestamptz", "a, b, c, d", [
        "'00000000-0000-0000-0000-000000000001', 1, 'é''\"', '2026-11-22 12:00:00.1+00'",
        "'00000000-0000-0000-0000-000000000001', 1, '', 'infinity'",
        "'ffffffff-0000-0000-0000-000000000001', -5, 'b', '0044-03-15 BC'"]),
    "in another order": ("a int, b text, c bool", "c, a, b", ["1, 'x', true", "1, 'x', false", "2, 'y', true"]),
    "numeric": ("a numeric", "a", ["1.10", "'NaN'", "12345678901234567890.5", "-1"]),
    "short numeric": ("a numeric(6,2)", "a", ["1.10", "100", "-0.5"]),
    "enum": ("a mood", "a", ["'sad'", "'😀'", "'ok'"]),
    "citext": ("a citext", "a", ["'Mixed'", "'other'"]),
    "char(4)": ("a char(4)", "a", ["'ab'", "'abcd'", "''"]),
    "bytea": ("a bytea", "a", ["'\\x00ff'", "''", "'\\x00'"]),
    "date": ("a date", "a", ["'2026-11-22'", "'infinity'", "'0044-03-15 BC'", "'10000-01-01'"]),
    "double precision": ("a float8", "a", ["0.1", "'-Infinity'", "1e300", "'NaN'"]),
    "inet": ("a inet", "a", ["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
    "text in another collation": ('a text collate "en-US-x-icu"', "a", ["'b'", "'A'", "'a'", "'B'", "'é'", "'_'", "' '"]),
}


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_rows_are_found_by_keys_of(world, kind):
    columns, key, rows = KEY_TYPES[kind]
    world.run(TYPES)
    world.run(f"create table t ({columns}, note text, updated_at timestamptz default now(), primary key ({key}))")
    names = ", ".join(part.split()[0] for part in columns.split(", "))
    insert = f"insert into t ({names}) values " + ", ".join(f"({row})" for row in rows)
    world.run(insert)
    world.track("t")
    daemon = world.daemon()
    daemon.wait_caught_up()
    world.assert_equal(daemon, "t")
    world.run("update t set note = 'changed'")
    daemon.wait_caught_up()
    world.assert_equal(daemon, "t")
    first = " and ".join(f"{name.strip()} = {value.strip()}" for name, value in zip(names.split(","), rows[0].split(", ")))
    world.run(f"delete from t where {first}")
    daemon.wait_caught_up()
    world.assert_equal(daemon, "t")
    assert daemon.value("select count(*) from t") == len(rows) - 1

