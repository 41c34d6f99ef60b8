"""A table may have as many columns as PostgreSQL allows; all of them may change at once."""
import pytest
from support.shop import Shop

COLUMNS = 1500
KINDS = ["smallint", "text", "boolean", "int[]", "varchar(3)", "numeric(4,1)"]
VALUES = [("1", "2"), ("'a'", "'b\"\\'"), ("1", "0"), ("'[1,null]'", "'[2]'"), ("'xyz'", "null"), ("'0.5'", "'1.5'")]


def value(number, which):
    return VALUES[number % len(VALUES)][which]


@pytest.fixture
def shop(world):
    columns = ", ".join(f"c{number} {KINDS[number % len(KINDS)]}" for number in range(COLUMNS))
    shop = Shop(world, f"create table wide (id int primary key, {columns}, updated_at timestamptz)", ("wide",))
    # a row of the primary must fit in one page: only some have a value
    some = [number for number in range(COLUMNS) if number % 5 == 0]
    for row in range(1, 4):
        shop.edit(f"insert into wide (id, {', '.join(f'c{number}' for number in some)})"
                  f" values ({row}, {', '.join(value(number, 0) for number in some)})")
    shop.sync()
    return shop


def assignments(which, columns):
    return ", ".join(f"c{number} = {value(number, which)}" for number in columns)


def change_all(row):
    """All columns are dirty; few enough hold something long."""
    parts = [f"c{number} = null" if number % 5 == 0 else f"c{number} = {'1' if number % 6 in (0, 2) else 'null'}"
             for number in range(COLUMNS)]
    return f"update wide set {', '.join(parts)} where id = {row}"


def test_an_update_of_all_columns_arrives(shop):
    shop.edit("update wide set " + ", ".join(f"c{n} = {1 if n % 6 != 3 else chr(39) + '[7]' + chr(39)}"
                                             for n in range(COLUMNS) if n % 6 in (0, 2, 3)) + " where id = 2")
    shop.edit("update wide set " + ", ".join(f"c{n} = 'x'" for n in range(COLUMNS) if n % 6 in (1, 4)) + " where id = 2")
    shop.sync()
    assert shop.rejected() == [] and shop.pending() == 0
    assert shop.world.value("select c1495 from wide where id = 2") == "x"
    shop.assert_equal()
    shop.edit(change_all(2))
    shop.sync()
    assert shop.rejected() == [] and shop.conflicts() == []
    assert shop.world.run("select c0, c1, c2, c3, c1496 from wide where id = 2") == [(None, None, True, None, True)]
    shop.assert_equal()


def test_a_column_that_changed_on_both_sides_is_one_conflict(shop):
    shop.edit(change_all(3))
    shop.world.run("update wide set c5 = 7.5 where id = 3")
    shop.sync()
    assert shop.rejected() == []
    assert [row[1:3] for row in shop.conflicts()] == [('["3"]', "c5")]
    shop.assert_equal()


def test_a_row_with_all_its_columns_is_deleted(shop):
    shop.edit("delete from wide where id = 1")
    shop.sync()
    assert shop.world.value("select count(*) from wide") == 2
    shop.assert_equal()
