"""What becomes of local changes on the primary: they arrive once, merge, or are refused with a reason."""
import os

import pytest
from support.pooler import Pooler
from support.shop import Shop

@pytest.fixture
def shop(world):
    return Shop(world)


# ---- what arrives ----

def test_inserts_updates_and_deletes_arrive(shop):
    shop.edit("insert into customer (id, name) values (6, 'new')",
              "insert into item (id, customer_id, note) values (21, 6, 'of a new one')",
              "update item set note = 'changed', total = 7 where id = 2",
              "delete from item where id = 3",
              "delete from customer where id = 5")
    shop.sync()
    assert shop.world.run("select name from customer where id = 6") == [("new",)]
    assert shop.world.run("select customer_id, note from item where id = 21") == [(6, "of a new one")]
    assert shop.world.run("select note, total from item where id = 2") == [("changed", 7)]
    assert shop.world.value("select deleted_at is not null from item where id = 3")
    assert shop.world.run("select from customer where id = 5") == []
    assert shop.pending() == 0
    shop.assert_equal()


def test_a_change_of_another_column_is_merged(shop):
    shop.edit("update item set note = 'from here' where id = 1")
    shop.world.run("update item set total = 100 where id = 1")
    shop.sync()
    assert shop.world.run("select note, total from item where id = 1") == [("from here", 100)]
    assert shop.conflicts() == []
    shop.assert_equal()


def test_of_two_columns_only_the_one_that_lost_is_lost(world):
    shop = Shop(world, settings={"sync": {"conflict": "server_wins"}})
    shop.edit("update item set note = 'from here', total = 50 where id = 1")
    shop.world.run("update item set note = 'from there' where id = 1")
    shop.sync()
    assert shop.world.run("select note, total from item where id = 1") == [("from there", 50)]
    assert [row[2] for row in shop.conflicts()] == ["note"]
    shop.assert_equal()


def test_many_rows_arrive(shop):
    shop.edit("insert into item (id, customer_id, note, total)"
              " with recursive n(i) as (select 100 union all select i + 1 from n where i < 5099)"
              " select i, 1 + i % 5, 'many ' || i, i from n")
    shop.sync()
    assert shop.world.value("select count(*) from item where note like 'many%'") == 5000
    shop.assert_equal()
    shop.edit("update item set total = total + 1 where id >= 100")
    shop.sync()
    assert shop.world.value("select sum(total - id) from item where note like 'many%'") == 5000
    shop.assert_equal()


def test_what_a_trigger_of_the_primary_makes_of_it_comes_back(world):
    """Also where no column says that the row has changed."""
    shop = Shop(world, "create table tag (id int primary key, label text); insert into tag values (1, 'one'), (2, 'two');"
                       "create function tidy() returns trigger language plpgsql as $$ begin new.label := upper(new.label); return new; end $$;"
                       "create trigger tidy before insert or update on tag for each row execute function tidy()",
                ("tag",), settings={"sync": {"sweep_interval": "1h"}}, track=False)
    shop.edit("update tag set label = 'changed' where id = 1", "insert into tag values (3, 'new')")
    shop.sync()
    assert shop.device.query("select label from tag order by id") == [("CHANGED",), ("two",), ("NEW",)]
    shop.assert_equal()


def test_updated_at_is_the_primarys(shop):
    shop.edit("update item set note = 'x', updated_at = '2001-01-01T00:00:00.000000Z' where id = 1")
    shop.sync()
    assert shop.world.value("select updated_at > now() - interval '1 minute' from item where id = 1")
    shop.assert_equal()


# ---- conflicts ----

def test_the_later_of_two_changes_wins(shop):
    shop.edit("update item set note = 'from here' where id = 1")
    shop.world.run("update item set note = 'from there' where id = 1")
    shop.world.run("update item set note = 'from there' where id = 2")
    shop.edit("update item set note = 'from here' where id = 2")
    shop.sync()
    assert shop.world.value("select note from item where id = 1") == "from there"
    assert shop.world.value("select note from item where id = 2") == "from here"
    assert shop.conflicts() == [
        ("item", '["1"]', "note", "last_write_wins", "remote", "note 1", "from here", "from there"),
        ("item", '["2"]', "note", "last_write_wins", "local", "note 2", "from here", "from there")]
    shop.assert_equal()


@pytest.mark.parametrize("policy, winner", [("server_wins", "from there"), ("client_wins", "from here"),
                                            ("manual", "from there")])
def test_a_policy_decides(world, policy, winner):
    shop = Shop(world, settings={"sync": {"conflict": policy}})
    shop.edit("update item set note = 'from here', total = 50 where id = 1")
    shop.world.run("update item set note = 'from there' where id = 1")
    shop.sync(status=3 if policy == "manual" else 0)
    assert shop.world.run("select note, total from item where id = 1") == [(winner, 50)]
    assert len(shop.conflicts()) == 1
    assert shop.device.value("select sum(open) from tide_conflict_row") == (policy == "manual")
    shop.assert_equal()


def test_the_same_value_on_both_sides_is_no_conflict(shop):
    shop.edit("update item set note = 'same' where id = 1")
    shop.world.run("update item set note = 'same' where id = 1")
    shop.sync()
    assert shop.conflicts() == []
    shop.assert_equal()


def test_a_new_row_that_is_there_already(shop):
    shop.edit("insert into customer (id, name, email) values (9, 'here', 'same@x')",
              "insert into customer (id, name) values (10, 'equal')")
    shop.world.run("insert into customer (id, name, email) values (9, 'there', 'same@x'), (10, 'equal', null)")
    shop.sync()
    assert shop.world.run("select name from customer where id in (9, 10) order by id") == [("there",), ("equal",)]
    assert [row[:4] for row in shop.conflicts()] == [("customer", '["9"]', "name", "last_write_wins")]
    shop.assert_equal()


def test_a_delete_there_stands_and_the_edit_is_kept(shop):
    shop.edit("update customer set name = 'edited' where id = 5")
    shop.world.run("delete from customer where id = 5")
    shop.sync()
    assert shop.world.run("select from customer where id = 5") == []
    assert [row[:4] + row[6:7] for row in shop.conflicts()] == [
        ("customer", '["5"]', "name", "deleted there", "edited")]
    shop.assert_equal()


def test_a_client_that_wins_brings_the_row_back(world):
    shop = Shop(world, settings={"sync": {"conflict": "client_wins"}})
    shop.edit("update customer set name = 'edited' where id = 5")
    shop.world.run("delete from customer where id = 5")
    shop.sync()
    assert shop.world.run("select name, email from customer where id = 5") == [("edited", "c5@x")]
    shop.assert_equal()


def test_a_hard_delete_here_stands_and_the_edit_there_is_kept(shop):
    shop.edit("delete from customer where id = 5")
    shop.world.run("update customer set name = 'edited' where id = 5")
    shop.sync()
    assert shop.world.run("select from customer where id = 5") == []
    assert [row[2:5] + row[7:] for row in shop.conflicts()] == [("name", "deleted here", "local", "edited")]
    shop.assert_equal()


def test_an_edit_of_a_row_that_became_a_tombstone_is_applied_to_it(shop):
    shop.edit("update item set note = 'edited' where id = 1", "update item set deleted_at = '2026-01-01' where id = 2")
    shop.world.run("update item set deleted_at = now() where id in (1, 2)")
    shop.sync()
    assert shop.world.run("select note, deleted_at is not null from item where id = 1") == [("edited", True)]
    assert shop.conflicts() == []
    shop.assert_equal()


# ---- what is refused ----

def test_one_bad_row_does_not_block_the_others(shop):
    shop.edit("update item set note = 'fine' where id between 2 and 20",
              "update item set total = -5, note = 'fine' where id = 7",
              "insert into item (id, customer_id) values (30, 1)",
              "insert into item (id, customer_id) values (31, 77)")
    shop.sync(status=3)
    assert shop.rejected() == [("item", '["31"]', "insert", "23503", "item_customer_id_fkey"),
                               ("item", '["7"]', "update", "23514", "total_is_positive")]
    assert shop.world.value("select count(*) from item where note = 'fine'") == 18
    assert shop.world.value("select count(*) from item where id in (30, 31)") == 1
    assert shop.pending() == 0
    shop.assert_equal()


def test_a_refused_row_is_no_conflict_too(world):
    """What was decided about a row in an attempt that was undone counts no more once the row is refused."""
    shop = Shop(world, settings={"sync": {"conflict": "client_wins"}})
    shop.edit("update item set total = -1 where id = 7", "update item set note = 'here' where id = 8")
    shop.world.run("update item set total = 70 where id = 7; update item set note = 'there' where id = 8")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["7"]', "update", "23514")]
    assert [row[1:5] for row in shop.conflicts()] == [('["8"]', "note", "client_wins", "local")]
    shop.assert_equal()


def test_children_of_a_refused_row_go_with_it(shop):
    shop.edit("insert into customer (id, name, email) values (50, 'twice', 'far@x')",
              "insert into item (id, customer_id) values (50, 50)",
              "insert into customer (id, name) values (51, 'fine')",
              "insert into item (id, customer_id) values (51, 51)")
    shop.world.run("insert into customer values (8, 'there', 'far@x')")
    shop.sync(status=3)
    assert shop.rejected() == [("customer", '["50"]', "insert", "23505", "customer_email_key"),
                               ("item", '["50"]', "insert", "23505", "customer_email_key")]
    assert shop.device.query("select cause_id from tide_rejected order by rejected_id") == [(None,), (1,)]
    assert shop.world.value("select count(*) from item where id = 51") == 1
    shop.assert_equal()


def test_a_unit_of_work_stands_or_falls_together(shop):
    shop.edit(["insert into tide_unit values ('begin')", "update item set note = 'unit' where id in (1, 2)",
               "update item set total = -1 where id = 3", "insert into tide_unit values ('end')"],
              "update item set note = 'alone' where id = 4")
    shop.sync(status=3)
    assert sorted(row[1] for row in shop.rejected()) == ['["1"]', '["2"]', '["3"]']
    assert shop.world.value("select count(*) from item where note = 'unit'") == 0
    assert shop.world.value("select note from item where id = 4") == "alone"
    shop.assert_equal()


def test_a_value_that_moves_on_is_no_clash(shop):
    """A chain in the wrong order, and a new row with the value of a deleted one."""
    shop.edit("update customer set email = 'free@x' where id = 1", "update customer set email = 'c1@x' where id = 2",
              "update customer set email = 'c2@x' where id = 3", "update customer set email = 'c3@x' where id = 4",
              "delete from customer where id = 5", "insert into customer (id, name, email) values (6, 'n', 'c5@x')")
    shop.world.run("update customer set email = email where id = 1")
    shop.sync()
    assert shop.rejected() == []
    assert shop.world.run("select email from customer order by id") == [
        ("free@x",), ("c1@x",), ("c2@x",), ("c3@x",), ("c5@x",)]
    shop.assert_equal()


def test_a_time_that_another_row_gives_free_is_no_clash(world):
    """A constraint of exclusion: the new row comes before the change that makes room for it."""
    shop = Shop(world, "create table booking (id int primary key, during int4range not null, note text,"
                       " updated_at timestamptz not null default now(), exclude using gist (during with &&));"
                       "insert into booking (id, during) values (1, '[1,5)'), (2, '[20,25)')", ("booking",))
    shop.edit("update booking set during = '[10,15)' where id = 1", "insert into booking (id, during) values (3, '[1,5)')",
              "insert into booking (id, during) values (4, '[22,23)')")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["4"]', "insert", "23P01")]
    assert world.run("select id, during::text from booking order by id") == [(1, "[10,15)"), (2, "[20,25)"), (3, "[1,5)")]
    shop.assert_equal()


def test_a_chain_against_the_order_of_rows(shop):
    shop.edit("update customer set email = 'free@x' where id = 5", "update customer set email = 'c5@x' where id = 4",
              "update customer set email = 'c4@x' where id = 3", "update customer set email = 'c3@x' where id = 2",
              "update customer set email = 'c2@x' where id = 1")
    shop.sync()
    assert shop.rejected() == []
    assert shop.world.value("select string_agg(email, ' ' order by id) from customer") == "c2@x c3@x c4@x c5@x free@x"
    shop.assert_equal()


def test_swapped_unique_values_arrive(shop):
    shop.edit("update customer set email = 'tmp' where id = 1", "update customer set email = 'c1@x' where id = 2",
              "update customer set email = 'c2@x' where id = 1",
              "update customer set email = 'c4@x!' where id = 3", "update customer set email = 'c3@x' where id = 4",
              "update customer set email = 'c4@x' where id = 3",
              "insert into customer (id, name, email) values (9, 'taken', 'far@x')")
    shop.world.run("insert into customer values (8, 'there', 'far@x')")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["9"]', "insert", "23505")]
    assert shop.world.value("select string_agg(email, ' ' order by id) from customer where id < 5") == (
        "c2@x c1@x c4@x c3@x")
    shop.assert_equal()


def test_a_text_with_a_nul_byte_is_refused_here(shop):
    shop.edit("update item set note = 'a' || char(0) || 'b' where id = 1", "update item set note = 'fine' where id = 2")
    shop.sync(status=3)
    assert [row[1:4] for row in shop.rejected()] == [('["1"]', "update", "22021")]
    assert shop.world.value("select note from item where id = 2") == "fine"
    shop.assert_equal()


def test_rows_that_changed_places_arrive(world):
    """Every value was another row's: no order of whole rows fits, only that of the steps."""
    shop = Shop(world, """
        create table step (id int primary key, position int not null unique, updated_at timestamptz);
        insert into step select n, n from generate_series(1, 300) n;""", ("step",))
    shop.edit(["update step set position = -position", "update step set position = 1 - position where id < 300",
               "update step set position = 1 where id = 300"])
    shop.sync()
    assert shop.rejected() == []
    assert shop.world.value("select bool_and(position = id % 300 + 1) from step")
    shop.assert_equal()


def test_many_bad_rows_among_good_ones(shop):
    shop.edit("insert into item (id, customer_id, note, total)"
              " with recursive n(i) as (select 100 union all select i + 1 from n where i < 1099)"
              " select i, 1, 'many', iif(i % 50 = 0, -1, i) from n")
    shop.sync(status=3)
    assert len(shop.rejected()) == 20
    assert shop.world.value("select count(*) from item where note = 'many'") == 980
    shop.assert_equal()


# ---- the way there ----

def test_a_push_of_any_size_takes_few_round_trips(world):
    shop = Shop(world)
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database)}})
    shop.edit("insert into item (id, customer_id, note, total)"
              " with recursive n(i) as (select 100 union all select i + 1 from n where i < 8099)"
              " select i, 1, 'many ' || i, i from n", "update item set note = 'y' where id < 10")
    turns = []

    def count(message, from_client):
        if from_client and not (turns and turns[-1]):
            turns.append(True)
        elif not from_client and turns and turns[-1]:
            turns.append(False)
    proxy.watch(count)
    shop.sync()
    assert sum(turns) < 40, "with the connection, the schema and the round that follows"
    shop.assert_equal()


def test_a_transaction_pooler_lies_between(world, folder):
    shop = Shop(world)
    os.mkdir(os.path.join(folder, "pooler"))
    with Pooler(os.path.join(folder, "pooler"), world.cluster) as pooler:
        shop.device.configure({"primary": {"conninfo": pooler.conninfo(world.database)}})
        shop.edit("update item set note = 'pooled' where id = 1", "update item set total = -1 where id = 2",
                  "insert into customer (id, name) values (9, 'new')", "delete from customer where id = 5")
        shop.sync(status=3)
        assert shop.world.value("select note from item where id = 1") == "pooled"
        assert [row[1] for row in shop.rejected()] == ['["2"]']
        shop.assert_equal()


# ---- what is no change any more ----

def test_what_was_edited_back_is_read_again(shop):
    """Its base may be older than what a round brought meanwhile."""
    shop.edit("update item set note = 'x' where id = 1", "update item set note = 'note 1' where id = 1",
              "update item set note = 'y', total = 5 where id = 2", "update item set note = 'note 2' where id = 2")
    shop.world.run("update item set note = 'theirs' where id in (1, 2)")
    shop.sync()
    assert shop.world.run("select note, total from item where id in (1, 2) order by id") == [("theirs", 1), ("theirs", 5)]
    assert shop.pending() == 0 and shop.conflicts() == []
    shop.assert_equal()


def test_a_touch_arrives_as_one(shop):
    before = shop.world.value("select updated_at from item where id = 1")
    shop.edit("update item set updated_at = '2001-01-01T00:00:00.000000Z' where id = 1")
    shop.sync()
    assert shop.world.value("select updated_at from item where id = 1") > before
    assert shop.pending() == 0
    shop.assert_equal()


def test_a_row_that_came_and_went_leaves_no_trace(shop):
    shop.edit("insert into customer (id, name) values (9, 'x')", "delete from customer where id = 9")
    shop.sync()
    assert shop.world.run("select from customer where id = 9") == []
    assert shop.pending() == 0
    shop.assert_equal()
