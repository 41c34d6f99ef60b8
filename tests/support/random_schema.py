"""Random schemas, and random changes of them, as SQL that PostgreSQL accepts.

    before = random_schema(random.Random(7))
    after = changed(before, random.Random(8))
    before.sql(), after.sql()

A schema is plain data. Whatever a change leaves without what it stands on (an index on a
column that is gone) is taken out by `mend`, so every schema can be loaded. Equal seeds give
equal schemas.
"""
import copy

PLAIN_TYPES = ["integer", "bigint", "text", "varchar(10)", "varchar(20)", "numeric(10,2)", "boolean",
               "timestamptz", "date", "uuid", "jsonb", "text[]", "double precision", "smallint"]
DEFAULTS = {"integer": ["1", "7"], "bigint": ["1", "fn_a(3)"], "text": ["'x'", "lower('Y')"], "varchar(10)": ["'v'"],
            "varchar(20)": ["'v'"], "numeric(10,2)": ["0", "1.5"], "boolean": ["true", "false"],
            "timestamptz": ["now()"], "date": ["current_date"], "uuid": ["gen_random_uuid()"], "jsonb": ["'{}'"],
            "text[]": ["'{}'"], "double precision": ["0.5"], "smallint": ["3"]}
NUMBERS = {"integer", "bigint", "smallint"}
TEXTS = {"text", "varchar(10)", "varchar(20)"}
TABLES = ["orders", "customers", "price", "Odd Table", "app.line", "notes", "audit"]
COLUMNS = ["a", "b", "c", "name", "state", "Odd one", "amount", "at_time", "ref", "note"]
KEY = ["integer", "bigint", "uuid"]
ENUMS = {"mood": ["sad", "ok", "happy", "it's", "odd\\one"], "level": ["low", "mid", "high", "top"]}
COMMENTS = ["plain", "it's", "two\nlines", "-- not a comment", "$tag$"]


def quoted(name):
    return ".".join(part if part.islower() and part.replace("_", "").isalnum() else f'"{part}"'
                    for part in name.split("."))


def literal(text):
    return ("E" if "\\" in text else "") + "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Schema:
    def __init__(self):
        self.enums, self.domains, self.composites, self.sequences, self.functions = {}, {}, {}, {}, {}
        self.tables, self.views = {}, {}

    # -- SQL --

    def sql(self, rng=None):
        """rng: shuffles what may come in any order."""
        parts = ["create schema app;"]
        for name, labels in self.enums.items():
            parts.append(f"create type {name} as enum ({', '.join(map(literal, labels))});")
        for name, body in self.functions.items():
            parts.append(function_sql(name, body))
        for name, domain in self.domains.items():
            parts.append(f"create domain {name} as {domain['base']}" + (" not null" if domain["strict"] else "")
                         + (f" default {domain['default']}" if domain["default"] else "")
                         + (f" constraint {name}_check check ({domain['check']})" if domain["check"] else "") + ";")
        for name, attributes in self.composites.items():
            parts.append(f"create type {name} as ({', '.join(f'{key} {kind}' for key, kind in attributes)});")
        for name, options in self.sequences.items():
            parts.append(f"create sequence {name} {options};")
        tables = list(self.tables.items())
        if rng:
            rng.shuffle(tables)
        for name, table in tables:
            parts += table_sql(name, table, rng)
        for name, table in tables:
            parts += rest_sql(name, table)
        for name, view in self.views.items():
            parts += view_sql(name, view)
        for name, table in tables:
            if table.get("tracked"):
                parts.append(f"select tidemark.track({literal(quoted(name))}, notify => {'true' if table['notifies'] else 'false'});")
        return "\n".join(parts) + "\n"


def function_sql(name, body):
    if body["kind"] == "trigger":
        return f"create function {name}() returns trigger language plpgsql as $$begin {body['text']} return new; end$$;"
    if body["kind"] == "atomic":
        return (f"create function {name}(x {body['type']}) returns {body['type']} language sql immutable"
                f" return x + {body['text']};")
    return (f"create function {name}(x {body['type']}) returns {body['type']} language sql immutable"
            f" as 'select x + {body['text']}';")


def column_sql(name, column):
    text = f"{quoted(name)} {column['type']}"
    if column["collate"]:
        text += f' collate "{column["collate"]}"'
    if column["generated"]:
        text += f" generated always as ({column['generated']}) stored"
    if column["identity"]:
        text += f" generated {column['identity']} as identity" + (" (start with 100 increment by 5)" if column["wide"] else "")
    if column["default"]:
        text += f" default {column['default']}"
    return text + (" not null" if column["strict"] else "")


def table_sql(name, table, rng):
    columns = [column_sql(key, column) for key, column in table["columns"].items()]
    if rng:
        rng.shuffle(columns)
    constraints = []
    if table["key"]:
        constraints.append(f"constraint {short(name)}_pkey primary key ({', '.join(map(quoted, table['key']))})")
    for number, check in table["checks"].items():
        constraints.append(f"constraint {short(name)}_check_{number} check ({check['text']})")
    for number, unique in table["uniques"].items():
        constraints.append(f"constraint {short(name)}_unique_{number} unique{' nulls not distinct' if unique['nulls'] else ''}"
                           f" ({', '.join(map(quoted, unique['columns']))})"
                           f"{' deferrable initially deferred' if unique['late'] else ''}")
    unlogged = "unlogged " if table["unlogged"] else ""
    partitioned = " partition by range (at_time)" if table["partitions"] is not None else ""
    parts = [f"create {unlogged}table {quoted(name)} (\n    " + ",\n    ".join(columns + constraints) + f"\n){partitioned};"]
    for year in sorted(table["partitions"] or []):
        parts.append(f"create table {quoted(name + '_' + str(year))} partition of {quoted(name)}"
                     f" for values from ('{year}-01-01') to ('{year + 1}-01-01');")
    return parts


def short(name):
    return name.split(".")[-1].lower().replace(" ", "_")


def rest_sql(name, table):
    parts, target, plain = [], quoted(name), short(name)
    for column, sequence in table["owned"].items():
        parts.append(f"create sequence {sequence_name(name, column)};")
        parts.append(f"alter sequence {sequence_name(name, column)} owned by {target}.{quoted(column)};")
        parts.append(f"alter table {target} alter column {quoted(column)} set default nextval('{sequence_name(name, column)}');")
    for number, index in table["indexes"].items():
        parts.append(f"create {'unique ' if index['unique'] else ''}index ix_{plain}_{number} on {target} ({index['on']})"
                     + (f" include ({', '.join(map(quoted, index['include']))})" if index["include"] else "")
                     + (f" where {index['where']}" if index["where"] else "") + ";")
    for number, key in table["foreign"].items():
        parts.append(f"alter table {target} add constraint {plain}_fk_{number} foreign key ({quoted(key['column'])})"
                     f" references {quoted(key['table'])}{key['how']};")
    if table["secured"]:
        parts.append(f"alter table {target} enable row level security;")
    for number, policy in table["policies"].items():
        parts.append(f"create policy p_{number} on {target} {policy};")
    for number, trigger in table["triggers"].items():
        parts.append(f"create trigger t_{number} {trigger['when']} on {target} for each row execute function {trigger['function']}();")
        if trigger["always"]:
            parts.append(f"alter table {target} enable always trigger t_{number};")
    for option in table["options"]:
        parts.append(f"alter table {target} set ({option});")
    if table["comment"]:
        parts.append(f"comment on table {target} is {literal(table['comment'])};")
    for key, column in table["columns"].items():
        if column["comment"]:
            parts.append(f"comment on column {target}.{quoted(key)} is {literal(column['comment'])};")
        if column["storage"]:
            parts.append(f"alter table {target} alter column {quoted(key)} set storage {column['storage']};")
    for role, privileges in table["grants"].items():
        parts.append(f"grant {privileges} on {target} to {role};")
    return parts


def sequence_name(table, column):
    return f"{'app.' if table.startswith('app.') else ''}{short(table)}_{short(column)}_owned"


def view_sql(name, view):
    kind = "materialized view" if view["kept"] else "view"
    options = " with (security_invoker = true)" if view["invoker"] and not view["kept"] else ""
    where = f" where {quoted(view['columns'][0])} is not null" if view["filtered"] else ""
    parts = [f"create {kind} {name}{options} as select {', '.join(map(quoted, view['columns']))} from {quoted(view['of'])}{where};"]
    if view["comment"]:
        parts.append(f"comment on {kind} {name} is {literal(view['comment'])};")
    return parts


# ---- making ----

def random_column(rng, schema):
    kinds = PLAIN_TYPES + list(schema.enums) + [f"{name}[]" for name in schema.enums] + list(schema.domains) + list(schema.composites)
    kind = rng.choice(kinds)
    column = {"type": kind, "strict": rng.random() < 0.3, "default": None, "collate": None, "generated": None,
              "identity": None, "wide": rng.random() < 0.3, "comment": None, "storage": None}
    if rng.random() < 0.4 and kind in DEFAULTS:
        column["default"] = rng.choice(DEFAULTS[kind])
    elif rng.random() < 0.5 and kind in schema.enums:
        column["default"] = literal(rng.choice(schema.enums[kind]))
    elif kind in NUMBERS and rng.random() < 0.2:
        column["identity"] = rng.choice(["always", "by default"])
    if kind in TEXTS and rng.random() < 0.3:
        column["collate"] = rng.choice(["C", "POSIX"])
    if kind in TEXTS and rng.random() < 0.2:
        column["storage"] = rng.choice(["main", "external"])
    if rng.random() < 0.2:
        column["comment"] = rng.choice(COMMENTS)
    return column


def random_table(rng, schema):
    key_column = dict(random_column(rng, schema), type=rng.choice(KEY), default=None, identity=None, collate=None,
                      storage=None, strict=True)
    columns = {"id": key_column}
    for name in rng.sample(COLUMNS, rng.randint(1, 6)):
        columns[name] = random_column(rng, schema)
    table = {"columns": columns, "key": ["id"] if rng.random() < 0.85 else [], "checks": {}, "uniques": {}, "indexes": {},
             "foreign": {}, "policies": {}, "triggers": {}, "options": [], "comment": None, "grants": {}, "owned": {},
             "secured": False, "unlogged": rng.random() < 0.1, "partitions": None}
    if rng.random() < 0.15:
        table.update(partitions=rng.sample(range(2020, 2025), rng.randint(0, 3)), unlogged=False)
    for _ in range(rng.randint(0, 8)):
        decorate(rng, schema, table)
    return table


def decorate(rng, schema, table):
    """Adds or replaces one thing that stands on the table's columns."""
    names = list(table["columns"])
    one, other = rng.choice(names), rng.choice(names)
    number = rng.randint(1, 3)
    choice = rng.randint(0, 11)
    if choice == 0:
        table["checks"][number] = {"on": [one], "text": rng.choice([f"{quoted(one)} is not null", f"{quoted(one)}::text <> 'x'"])}
    elif choice == 1:
        table["uniques"][number] = {"columns": list(dict.fromkeys([one, other])), "nulls": rng.random() < 0.3, "late": rng.random() < 0.3}
    elif choice in (2, 3):
        table["indexes"][number] = random_index(rng, one, other, table)
    elif choice == 4:
        table["foreign"][number] = {"column": one, "table": rng.choice(TABLES),
                                    "how": rng.choice(["", " on delete cascade", " not valid", " deferrable initially deferred"])}
    elif choice == 5:
        table["secured"] = not table["secured"]
    elif choice == 6:
        table["policies"][number] = rng.choice(["for select using (true)", f"using ({quoted(one)} is not null)",
                                                f"as restrictive for update to pg_monitor using ({quoted(one)} is not null) with check (true)"])
    elif choice == 7:
        table["triggers"][number] = {"when": rng.choice(["before insert", f"before update of {quoted(one)}", "after delete"]),
                                     "function": "trigger_a", "always": rng.random() < 0.3}
    elif choice == 8:
        table["options"] = rng.choice([[], ["fillfactor = 70"], ["fillfactor = 80", "autovacuum_enabled = false"]])
    elif choice == 9:
        table["comment"] = rng.choice([None, *COMMENTS])
    elif choice == 10:
        table["grants"] = rng.choice([{}, {"pg_monitor": "select"}, {"pg_monitor": "select, insert", "public": "select"}])
    else:
        add_special_column(rng, table, one)


def random_index(rng, one, other, table):
    kind = table["columns"][one]["type"]
    on = quoted(one)
    if kind in TEXTS and rng.random() < 0.4:
        on = f"lower({on})"
    elif kind == "integer" and rng.random() < 0.4:
        on = f"fn_b({on})"
    elif rng.random() < 0.3:
        on += " desc nulls last"
    return {"on": on, "columns": [one, other], "include": [other] if rng.random() < 0.2 and other != one else [],
            "where": f"{quoted(other)} is not null" if rng.random() < 0.3 else None, "unique": rng.random() < 0.2}


def add_special_column(rng, table, base):
    kind = table["columns"][base]["type"]
    if kind in NUMBERS and not table["columns"][base]["generated"]:
        table["columns"]["derived"] = {"type": "bigint", "strict": False, "default": None, "collate": None, "identity": None,
                                       "generated": rng.choice([f"{quoted(base)} * 2", f"fn_a({quoted(base)})"]), "base": base,
                                       "wide": False, "comment": None, "storage": None}
    if kind in NUMBERS and not table["columns"][base]["identity"] and not table["columns"][base]["generated"]:
        table["owned"] = {base: True} if rng.random() < 0.5 else table["owned"]


def random_enum(rng, name):
    labels = rng.sample(ENUMS[name], rng.randint(2, len(ENUMS[name])))
    return sorted(labels, key=ENUMS[name].index) if rng.random() < 0.7 else labels


def random_domain(rng):
    base = rng.choice(["integer", "text", "numeric(10,2)"])
    check = {"integer": "value > 0", "text": "value <> ''", "numeric(10,2)": "value < 1000"}[base]
    return {"base": base, "strict": rng.random() < 0.1, "check": check if rng.random() < 0.5 else None,
            "default": {"integer": "3", "text": "'d'", "numeric(10,2)": "1"}[base] if rng.random() < 0.3 else None}


def random_functions(rng):
    return {"fn_a": {"kind": rng.choice(["text", "atomic"]), "type": "bigint", "text": rng.choice("123")},
            "fn_b": {"kind": rng.choice(["text", "atomic"]), "type": rng.choice(["integer", "integer", "bigint"]), "text": rng.choice("12")},
            "trigger_a": {"kind": "trigger", "text": rng.choice(["", "perform 1;"])}}


def random_view(rng, schema):
    of = rng.choice([*schema.tables, *schema.views])
    known = list(schema.tables[of]["columns"]) if of in schema.tables else schema.views[of]["columns"]
    return {"of": of, "columns": rng.sample(known, rng.randint(1, len(known))), "kept": rng.random() < 0.2,
            "invoker": rng.random() < 0.3, "filtered": rng.random() < 0.4,
            "comment": rng.choice([None, None, *COMMENTS])}


def random_schema(rng):
    schema = Schema()
    schema.functions = random_functions(rng)
    for name in ENUMS:
        if rng.random() < 0.8:
            schema.enums[name] = random_enum(rng, name)
    if rng.random() < 0.6:
        schema.domains["positive"] = random_domain(rng)
    if rng.random() < 0.4:
        schema.composites["pair"] = random_composite(rng)
    if rng.random() < 0.4:
        schema.sequences["loose"] = random_sequence(rng)
    for name in rng.sample(TABLES, rng.randint(1, 5)):
        schema.tables[name] = random_table(rng, schema)
    for number in range(rng.randint(0, 3)):
        schema.views[f"view_{number}"] = random_view(rng, schema)
    return mend(schema)


def track(schema, rng):
    """Has some of the tables tracked, or no longer tracked."""
    for table in schema.tables.values():
        if rng.random() < 0.5:
            table.update(tracked=not table.get("tracked"), notifies=rng.random() < 0.8)
        table["tracked"] = bool(table.get("tracked") and table["key"])
    return schema


def random_composite(rng):
    return [(key, rng.choice(["integer", "text"])) for key in rng.sample(["x", "y", "z"], rng.randint(1, 3))]


def random_sequence(rng):
    return rng.choice(["", "increment by 5", "as integer maxvalue 500 cycle", "start with 10 cache 20"])


# ---- changing ----

def changed(schema, rng):
    """A copy with some changes: few or many."""
    schema = copy.deepcopy(schema)
    for _ in range(rng.choice([1, 2, 3, 6, 12, 25])):
        change(schema, rng)
    return mend(schema)


def change(schema, rng):
    choice = rng.random()
    if choice < 0.12:
        change_type(schema, rng)
    elif choice < 0.18:
        schema.functions[rng.choice(list(schema.functions))] = None
        for name, body in random_functions(rng).items():
            schema.functions[name] = schema.functions.get(name) or body
    elif choice < 0.25:
        schema.tables[rng.choice(TABLES)] = random_table(rng, schema)
    elif choice < 0.32 and len(schema.tables) > 1:
        del schema.tables[rng.choice(list(schema.tables))]
    elif choice < 0.42:
        schema.views[f"view_{rng.randint(0, 3)}"] = random_view(rng, schema)
    elif choice < 0.45 and schema.views:
        del schema.views[rng.choice(list(schema.views))]
    elif schema.tables:
        change_table(schema, rng.choice(list(schema.tables.values())), rng)


def change_type(schema, rng):
    kind = rng.randint(0, 4)
    name = rng.choice(list(ENUMS))
    if kind <= 1:
        schema.enums[name] = random_enum(rng, name)
    elif kind == 2:
        schema.domains["positive"] = random_domain(rng)
    elif kind == 3:
        schema.composites["pair"] = random_composite(rng)
    else:
        schema.sequences["loose"] = random_sequence(rng)


def change_table(schema, table, rng):
    choice = rng.random()
    names = [name for name in table["columns"] if name not in ("id", "derived")]
    if choice < 0.2:
        table["columns"][rng.choice(COLUMNS)] = random_column(rng, schema)
    elif choice < 0.3 and names:
        del table["columns"][rng.choice(names)]
    elif choice < 0.4 and names:
        table["columns"][rng.choice(names)]["type"] = rng.choice(PLAIN_TYPES)
    elif choice < 0.5:
        column = table["columns"][rng.choice(list(table["columns"]))]
        column["strict"], column["comment"] = rng.random() < 0.5, rng.choice([None, *COMMENTS])
    elif choice < 0.55:
        table["columns"]["id"]["type"] = rng.choice(KEY)
    elif choice < 0.6:
        table["key"] = [] if table["key"] else ["id"]
    elif choice < 0.7:
        pool = rng.choice([table["indexes"], table["checks"], table["foreign"], table["policies"], table["triggers"], table["uniques"]])
        if pool:
            del pool[rng.choice(list(pool))]
    elif choice < 0.73 and table["partitions"] is not None:
        table["partitions"] = rng.sample(range(2020, 2025), rng.randint(0, 3))
    else:
        decorate(rng, schema, table)


# ---- mending ----

def mend(schema):
    """Takes out what has lost what it stands on, until nothing more has."""
    for table in schema.tables.values():
        mend_columns(schema, table)
    for name, table in schema.tables.items():
        mend_table(schema, name, table)
    gone = True
    while gone:
        gone = [name for name, view in schema.views.items() if not view_stands(schema, name, view)]
        for name in gone:
            del schema.views[name]
    ordered = {}
    while len(ordered) < len(schema.views):
        ready = [name for name, view in schema.views.items()
                 if name not in ordered and (view["of"] in schema.tables or view["of"] in ordered)]
        if not ready:
            break
        for name in ready:
            ordered[name] = schema.views[name]
    schema.views = ordered
    return schema


def view_stands(schema, name, view):
    of = schema.tables.get(view["of"]) or schema.views.get(view["of"])
    return of is not None and view["of"] != name and all(column in of["columns"] for column in view["columns"])


def mend_columns(schema, table):
    known = set(PLAIN_TYPES) | set(schema.enums) | {f"{name}[]" for name in schema.enums} | set(schema.domains) | set(schema.composites)
    if table["partitions"] is not None:
        table["columns"]["at_time"] = {"type": "timestamptz", "strict": True, "default": None, "collate": None, "generated": None,
                                       "identity": None, "wide": False, "comment": None, "storage": None}
        table["key"] = ["id", "at_time"] if table["key"] else []
    else:
        table["key"] = ["id"] if table["key"] else []
    for name, column in list(table["columns"].items()):
        kind = column["type"]
        if kind not in known:
            del table["columns"][name]
            continue
        labels = [literal(label) for label in schema.enums.get(kind, [])]
        if column["default"] not in DEFAULTS.get(kind, labels):
            column["default"] = None
        if kind not in TEXTS:
            column["collate"] = column["storage"] = None
        if kind not in NUMBERS or name in table["owned"] or column["default"] or table["partitions"] is not None:
            column["identity"] = None
        if column["identity"] or name in table["key"]:
            column["strict"] = True
    derived = table["columns"].get("derived")
    if derived and (derived["base"] not in table["columns"] or table["columns"][derived["base"]]["type"] not in NUMBERS
                    or table["columns"][derived["base"]]["generated"]):
        del table["columns"]["derived"]
    for column in list(table["owned"]):
        if column not in table["columns"] or table["columns"][column]["type"] not in NUMBERS or table["columns"][column]["generated"] \
                or table["columns"][column]["identity"] or table["columns"][column]["default"] or table["partitions"] is not None:
            del table["owned"][column]


def sortable(schema, kind):
    return kind not in ("jsonb", "text[]") and kind not in schema.composites


def mend_table(schema, name, table):
    columns = table["columns"]
    plain = table["partitions"] is None
    keep(table, "checks", lambda check: check["on"][0] in columns)
    keep(table, "uniques", lambda unique: plain and all(column in columns and sortable(schema, columns[column]["type"])
                                                        for column in unique["columns"]))
    keep(table, "indexes", lambda index: index_stands(schema, table, index))
    keep(table, "foreign", lambda key: foreign_key_stands(schema, table, key))
    keep(table, "policies", lambda policy: all(part in columns for part in mentioned(policy)))
    keep(table, "triggers", lambda trigger: all(part in columns for part in mentioned(trigger["when"])))
    if not plain:
        table["options"], table["unlogged"] = [], False
        keep(table, "policies", lambda policy: True)


def keep(table, pool, stands):
    table[pool] = {number: item for number, item in table[pool].items() if stands(item)}


def mentioned(text):
    """The column that a policy or a trigger names."""
    for name in sorted([*COLUMNS, "id", "derived"], key=len, reverse=True):
        if f"({quoted(name)} is" in text or f"update of {quoted(name)}" in text:
            return [name]
    return []


def index_stands(schema, table, index):
    one, other = index["columns"]
    columns = table["columns"]
    if one not in columns or other not in columns or not sortable(schema, columns[one]["type"]):
        return False
    if index["on"].startswith("lower(") and columns[one]["type"] not in TEXTS:
        return False
    if index["on"].startswith("fn_b(") and columns[one]["type"] not in ("integer", "smallint"):
        return False
    return not (index["unique"] and table["partitions"] is not None)


def foreign_key_stands(schema, table, key):
    target = schema.tables.get(key["table"])
    if not target or key["column"] not in table["columns"] or target["key"] != ["id"]:
        return False
    if table["partitions"] is not None and "not valid" in key["how"]:
        return False
    if target["unlogged"] != table["unlogged"]:
        return False
    return table["columns"][key["column"]]["type"] == target["columns"]["id"]["type"]
