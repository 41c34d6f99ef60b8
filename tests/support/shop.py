"""Two tables on a primary and one device that syncs when it is told, for tests of the write path."""

SCHEMA = """
create table customer (id int primary key, name text not null, email text unique,
                       updated_at timestamptz not null default now());
create table item (id int primary key, customer_id int not null references customer, note text,
                   total int not null default 0 constraint total_is_positive check (total >= 0),
                   deleted_at timestamptz, updated_at timestamptz not null default now());
insert into customer (id, name, email) select n, 'customer ' || n, 'c' || n || '@x' from generate_series(1, 5) n;
insert into item (id, customer_id, note, total) select n, 1, 'note ' || n, n from generate_series(1, 20) n;
"""


class Shop:
    """A primary with two tables, and one device that syncs when told."""

    def __init__(self, world, schema=SCHEMA, tables=("customer", "item"), settings=None, track=True, **more):
        self.world = world
        world.run(schema)
        if track:
            world.track(*tables)
        self.tables = tables
        self.device = world.daemon(settings, start=False, **more)
        self.device.sync()

    def edit(self, *statements):
        """Each in a transaction of its own; a list is one transaction."""
        connection = self.device.open_cache()
        connection.execute("pragma foreign_keys = off")
        for statement in statements:
            connection.execute("begin")
            for part in [statement] if isinstance(statement, str) else statement:
                connection.execute(part)
            connection.execute("commit")
        connection.close()

    def sync(self, status=0, **more):
        answer = self.device.tool("sync", **more)
        assert answer.status == status, answer
        return answer

    def assert_equal(self):
        self.world.assert_equal(self.device, *self.tables)

    def rejected(self):
        return self.device.query("select table_name, row_key, op, sqlstate, constraint_name from tide_rejected"
                                 " order by rejected_id")

    def conflicts(self):
        return self.device.query("select table_name, row_key, column_name, rule, winner, base_value, local_value,"
                                 " remote_value from tide_conflict order by conflict_id, column_name")

    def pending(self):
        return self.device.value("select count(*) from tide_outbox")
