"""Every type of the primary on its way there: what is written here arrives as it is, or is refused."""
import pytest
from support.compare import SESSION
from test_types import TYPES, VALUES

TABLE_OF = {name: f"p{number}" for number, name in enumerate(VALUES)}


@pytest.fixture(scope="module")
def mirrored(module_world):
    """Each type twice: rows of `from_there` are copied here into `from_here`, and pushed."""
    world = module_world
    world.run(TYPES)
    for name, table in TABLE_OF.items():
        world.run(f"create table {table} (id int primary key, origin int, value {name})")
        with world.connection.cursor() as cursor:
            cursor.execute(f"insert into {table} (id, origin) values (0, 0)")
            for number, literal in enumerate(VALUES[name], 1):
                cursor.execute(f"insert into {table} values ({number}, {number}, %s::{name})", (literal,))
    world.track(*TABLE_OF.values())
    daemon = world.daemon(start=False)
    daemon.sync()
    connection = daemon.open_cache()
    for table in TABLE_OF.values():
        connection.execute(f"insert into {table} select id + 1000, origin, value from {table}")
        connection.execute(f"insert into {table} select id + 1000, origin, null from {table} where id between 1000 and 1999")
        connection.execute(f"update {table} set value = (select value from {table} as t where t.id = {table}.origin)"
                           f" where id >= 2000")
    connection.close()
    assert daemon.tool("sync").status == 0, daemon.query("select table_name, row_key, sqlstate, message from tide_rejected")
    connection = daemon.open_cache()
    for table in TABLE_OF.values():
        # once more as an update: from every value to the next one, compared with the old one
        connection.execute(f"update {table} set value = (select value from {table} as t where t.id = 1 + {table}.origin)"
                           f" where id between 1000 and 1999")
    connection.close()
    assert daemon.tool("sync").status == 0, daemon.query("select table_name, row_key, sqlstate, message from tide_rejected")
    yield world, daemon


@pytest.mark.parametrize("name", VALUES)
def test_every_value_arrives(mirrored, name):
    world, daemon = mirrored
    table = TABLE_OF[name]
    with world.connection.cursor() as cursor:
        cursor.execute(SESSION)
    rows = dict(world.run(f"select id, concat(value) from {table}"))
    assert len(rows) == 3 * (1 + len(VALUES[name]))
    for number in range(1 + len(VALUES[name])):
        assert rows[2000 + number] == rows[number], (number, VALUES[name])
        assert rows[1000 + number] == rows.get(number + 1, "")
    assert daemon.query(f"select * from tide_conflict where table_name = '{table}'") == []
