"""The primary's schema changes while the daemon runs: noticed, and never wrong data.

A changed table is copied anew or stops with a clear reason; the other tables go on.
"""
import pytest
from support.process import wait_until

SCHEMA = """
create type mood as enum ('sad', 'ok');
create table item (id int primary key, note text, amount int, feeling mood, updated_at timestamptz not null default now());
create table other (id int primary key, n int, updated_at timestamptz not null default now());
insert into item select n, 'note ' || n, n, 'ok' from generate_series(1, 200) n;
insert into other select n, n from generate_series(1, 10) n;
"""


@pytest.fixture(params=["tracked", "untracked"])
def followed(world, request):
    world.run(SCHEMA)
    if request.param == "tracked":
        world.track("item", "other")
    daemon = world.daemon({"sync": {"sweep_interval": "2s"}})
    daemon.wait_caught_up()
    return world, daemon


def goes_on(world, daemon):
    """The other table still follows."""
    number = daemon.value("select n from other where id = 1") + 1
    world.run("update other set n = %s, updated_at = now() where id = 1", (number,))
    wait_until(lambda: daemon.value("select n from other where id = 1") == number,
               lambda: f"the other table goes on\n{daemon.log()}", 20)


def becomes_equal(world, daemon, table="item"):
    def settled():
        try:
            return not world.differences(daemon, table)
        except Exception:  # noqa: BLE001 - the table may be missing a column for a while
            return False
    wait_until(settled, lambda: f"{table} is equal again: {daemon.table(table)}\n{daemon.log()}", 30)


def column_names(daemon, table):
    return [row[1] for row in daemon.query(f"pragma table_info({table})")]


def test_an_added_column_arrives_with_its_values(followed):
    world, daemon = followed
    world.run("alter table item add column colour text not null default 'red'; update item set colour = 'blue', updated_at = now() where id = 7")
    becomes_equal(world, daemon)
    assert "colour" in column_names(daemon, "item")
    goes_on(world, daemon)


def test_an_applications_views_survive_a_new_shape(followed):
    """Also one that cannot be used, of a table that is not there, must not stand in the way of the new table."""
    world, daemon = followed
    cache = daemon.open_cache()
    cache.executescript("create view my_view as select note, amount from item; create view my_broken as select * from nowhere;"
                        "create view my_join as select item.id, other.n from item join other using (id)")
    cache.close()
    world.run("alter table item alter amount type bigint; update item set amount = 5000000000, updated_at = now() where id = 7")
    becomes_equal(world, daemon)
    assert daemon.query("select amount from my_view where note = 'note 7'") == [(5000000000,)]
    assert daemon.value("select count(*) from my_join") == 10
    goes_on(world, daemon)


def test_a_dropped_column_goes(followed):
    world, daemon = followed
    world.run("alter table item drop column amount; update item set note = 'x', updated_at = now() where id = 1")
    becomes_equal(world, daemon)
    assert "amount" not in column_names(daemon, "item")
    goes_on(world, daemon)


def test_a_renamed_column_is_renamed_and_values_stay_under_their_names(followed):
    world, daemon = followed
    world.run("alter table item rename column note to remark; alter table item rename column amount to note;"
              "update item set remark = 'x', updated_at = now() where id = 1")
    becomes_equal(world, daemon)
    assert set(column_names(daemon, "item")) == {"id", "remark", "note", "feeling", "updated_at"}
    goes_on(world, daemon)


def test_a_type_change_that_rewrites_the_table_is_followed(followed):
    world, daemon = followed
    world.run("alter table item alter column amount type numeric(20,4) using amount * 1.5; update item set amount = 7.25, updated_at = now() where id = 1")
    becomes_equal(world, daemon)
    assert daemon.value("select amount from item where id = 2") == "3.0000"
    goes_on(world, daemon)


def test_a_new_enum_label_is_accepted(followed):
    world, daemon = followed
    world.cluster.run_alone("alter type mood add value 'great'", world.database)
    world.run("update item set feeling = 'great', updated_at = now() where id = 3")
    becomes_equal(world, daemon)
    assert daemon.value("select feeling from item where id = 3") == "great"
    goes_on(world, daemon)


def test_a_renamed_enum_label_is_followed(followed):
    world, daemon = followed
    world.run("alter type mood rename value 'ok' to 'fine'")
    becomes_equal(world, daemon)
    assert daemon.value("select distinct feeling from item") == "fine"


def test_a_dropped_table_goes_or_is_named_and_the_others_go_on(followed):
    world, daemon = followed
    world.run("drop table item")
    goes_on(world, daemon)
    wait_until(lambda: daemon.table("item") is None or daemon.table("item")["state"] != "live", "the table is no longer live", 20)
    goes_on(world, daemon)


def test_a_column_that_may_not_be_null_any_more_may_not_here_either(followed):
    world, daemon = followed
    world.run("alter table item alter note set not null")
    wait_until(lambda: ("note", 1) in [(row[1], row[3]) for row in daemon.query("pragma table_info(item)")],
               lambda: f"the new shape\n{daemon.log()}", 20)
    becomes_equal(world, daemon)
    goes_on(world, daemon)


def test_a_dropped_schema_goes_and_the_others_go_on(world):
    world.run(SCHEMA + "create schema shop; create table shop.stock (id int primary key, n int); insert into shop.stock values (1, 1)")
    world.track("item", "other", "shop.stock")
    daemon = world.daemon({"primary": {"schema": "public, shop"}})
    daemon.wait_caught_up()
    world.run("drop schema shop cascade")
    wait_until(lambda: not daemon.table("stock"), lambda: f"the table goes\n{daemon.log()}", 20)
    goes_on(world, daemon)


def test_a_table_dropped_and_made_anew_has_the_new_rows_only(followed):
    world, daemon = followed
    world.run("drop table item; create table item (id int primary key, text_of_it text, updated_at timestamptz not null default now());"
              "insert into item values (1000, 'new')")
    becomes_equal(world, daemon)
    assert daemon.query("select id, text_of_it from item") == [(1000, "new")]
    goes_on(world, daemon)


def test_an_added_table_is_mirrored(followed):
    world, daemon = followed
    world.run("create table later (id int primary key, note text, updated_at timestamptz not null default now()); insert into later values (1, 'x')")
    wait_until(lambda: daemon.table("later") and daemon.table("later")["state"] == "live", lambda: daemon.log(), 30)
    world.run("insert into later values (2, 'y')")
    becomes_equal(world, daemon, "later")
    goes_on(world, daemon)


def test_a_renamed_table_moves(followed):
    world, daemon = followed
    world.run("alter table item rename to thing; update thing set note = 'after', updated_at = now() where id = 1")
    wait_until(lambda: daemon.table("thing") and daemon.table("thing")["state"] == "live", lambda: daemon.log(), 30)
    becomes_equal(world, daemon, "thing")
    goes_on(world, daemon)


def test_a_primary_key_that_goes_stops_the_table_with_a_reason(followed):
    world, daemon = followed
    world.run("alter table item drop constraint item_pkey; insert into item (id, note) values (1, 'twin')")
    goes_on(world, daemon)
    wait_until(lambda: any(entry["name"] == "item" for entry in daemon.status()["refused"])
               or (daemon.table("item") or {}).get("state") == "failed", lambda: daemon.log(), 20)
    goes_on(world, daemon)


def test_another_primary_key_is_followed(followed):
    world, daemon = followed
    world.run("alter table item drop constraint item_pkey; alter table item add primary key (note)")
    becomes_equal(world, daemon)
    world.run("update item set amount = 5, updated_at = now() where note = 'note 9'")
    becomes_equal(world, daemon)


def test_changes_made_while_the_daemon_is_away_are_noticed_at_the_start(followed):
    world, daemon = followed
    daemon.stop()
    world.run("alter table item add column colour text; alter table item drop column amount; update item set colour = note")
    daemon.start()
    becomes_equal(world, daemon)
    goes_on(world, daemon)


def test_a_schema_change_in_the_middle_of_the_load_never_leaves_wrong_data(followed):
    world, daemon = followed
    for number in range(8):
        world.run(f"alter table item add column extra_{number} int default {number}")
        world.run(f"update item set extra_{number} = id, updated_at = now() where id <= 20")
        if number:
            world.run(f"alter table item drop column extra_{number - 1}")
    becomes_equal(world, daemon)
    goes_on(world, daemon)


# -- units of work --

def unit(*statements):
    return ["insert into tide_unit values ('begin')", *statements, "insert into tide_unit values ('end')"]


def changes_apart(world, daemon, here, there):
    """Both sides change while the daemon is away; it comes back."""
    daemon.stop()
    cache = daemon.open_cache()
    cache.executescript("begin immediate;" + ";".join(here) + ";commit")
    cache.close()
    world.run(there)
    daemon.start()


def is_decided(daemon):
    daemon.wait_caught_up()
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, lambda: f"nothing waits\n{daemon.log()}", 30)


@pytest.mark.parametrize("more", ["", "alter table other alter column n set not null, add column m text;",
                                  "insert into other select n, n from generate_series(100, 60000) n; alter table other alter column n set not null;"],
                         ids=["one_table", "both_tables", "one_after_the_other"])
def test_a_unit_of_work_goes_whole_when_a_row_of_it_does_not_fit_the_new_shape(followed, more):
    """Also what of it is about a table that is not there yet when the first row finds no place."""
    world, daemon = followed
    changes_apart(world, daemon,
                  unit("insert into item (id, note) values (500, null)", "update item set note = 'mine' where id = 2",
                       "update other set n = 77 where id = 1", "insert into other (id, n) values (50, 1)")
                  + unit("update other set n = 78 where id = 1", "delete from other where id = 2")
                  + unit("update other set n = 79 where id = 3"),
                  "alter table item alter column note set not null;" + more)
    is_decided(daemon)
    becomes_equal(world, daemon)
    becomes_equal(world, daemon, "other")
    assert world.value("select array_agg(n order by id) from other where id in (1, 2, 3, 50)") == [1, 2, 79]
    assert world.value("select note from item where id = 2") == "note 2"
    rejected = daemon.query("select table_name, row_key, op, sqlstate, cause_id, unit_id from tide_rejected order by rejected_id")
    assert rejected[0][:5] == ("item", '["500"]', "insert", "23502", None)
    assert sorted(row[:3] for row in rejected[1:]) == [("item", '["2"]', "update"), ("other", '["1"]', "update"),
                                                      ("other", '["2"]', "delete"), ("other", '["50"]', "insert")]
    assert {row[3:] for row in rejected[1:]} == {("23502", 1, rejected[0][5])} and rejected[0][5]


def test_what_of_a_unit_is_refused_is_read_again_though_the_push_waits(followed):
    world, daemon = followed
    holder = world.connect(autocommit=False)
    holder.cursor().execute("select from other where id = 3 for update")
    changes_apart(world, daemon,
                  unit("insert into item (id, note) values (500, null)", "update other set n = 77 where id = 1",
                       "delete from other where id = 2") + ["update other set n = 79 where id = 3"],
                  "alter table item alter column note set not null")
    wait_until(lambda: daemon.query("select id, n from other where id in (1, 2, 3)") == [(1, 1), (2, 2), (3, 79)],
               lambda: f"the primary's values are back: {daemon.table('other')}\n{daemon.log()}", 30)
    assert daemon.value("select count(*) from tide_pending") == 1
    holder.rollback()
    holder.close()
    is_decided(daemon)
    becomes_equal(world, daemon, "other")
