"""Triggers that applications put on mirrored tables write too: every change arrives, as it was meant."""
import pytest

SCHEMA = """
create table person (id int primary key, email text, slug text);
insert into person values (1, 'one', 'p1'), (2, 'two', 'p2');
"""


def offline(world, triggers):
    """A cache with the application's triggers, and nobody who follows them meanwhile."""
    world.run(SCHEMA)
    world.track("person")
    daemon = world.daemon(start=False)
    daemon.sync()
    connection = daemon.open_cache()
    connection.executescript(triggers)
    connection.close()
    return daemon


def test_a_row_that_a_trigger_completes_arrives(world):
    daemon = offline(world, """
        create trigger complete after insert on person begin
            update person set slug = 'p' || new.id where id = new.id;
        end""")
    daemon.query("insert into person (id, email) values (3, 'three')")
    daemon.sync()
    assert world.run("select id, email, slug from person where id = 3") == [(3, "three", "p3")]
    assert daemon.value("select count(*) from tide_conflict") == 0
    world.assert_equal(daemon, "person")


def test_a_value_that_a_trigger_tidies_up_arrives_without_a_conflict(world):
    """The trigger's own change is made after the one that fired it, and so is its entry."""
    daemon = offline(world, """
        create trigger tidy after update of email on person when new.email <> lower(new.email) begin
            update person set email = lower(new.email) where id = new.id;
        end""")
    daemon.query("update person set email = 'UNO@X' where id = 1")
    assert daemon.value("select base from tide_outbox order by sequence limit 1") == """{"email":"'one'"}"""
    daemon.sync()
    assert world.value("select email from person where id = 1") == "uno@x"
    assert daemon.value("select count(*) from tide_conflict") == 0
    world.assert_equal(daemon, "person")


ANEW = """
create table thing (id int primary key, name text, n int);
create table note (id int primary key, name text, n int, updated_at timestamptz, deleted_at timestamptz);
insert into thing values (1, 'one', 1), (2, 'two', 2);
insert into note values (1, 'one', 1, now()), (2, 'two', 2, now());
"""


@pytest.mark.parametrize("table", ["thing", "note"])
def test_a_row_that_a_trigger_makes_anew_is_changed_and_not_lost(world, table):
    """The row's end is captured behind its new beginning."""
    world.run(ANEW)
    world.track("thing", "note")
    daemon = world.daemon(start=False)
    daemon.sync()
    connection = daemon.open_cache()
    connection.executescript(f"""
        create trigger anew after delete on {table} begin
            insert into {table} (id, name, n) values (old.id, old.name || ' again', 0);
            update {table} set n = old.n where id = old.id;
        end""")
    connection.executescript(f"delete from {table} where id = 1; insert into {table} (id, name) values (3, 'three');"
                             f"delete from {table} where id = 3")
    connection.close()
    assert [(row["key"], row["operation"], row["columns"]) for row in daemon.tool("outbox", "--json").document["changes"]] == [
        (["1"], "update", ["name"]), (["3"], "insert", [])]
    world.run(f"update {table} set n = 100 where id = 1")
    daemon.sync()
    assert world.run(f"select id, name, n from {table} order by id") == [
        (1, "one again", 100), (2, "two", 2), (3, "three again", None)]
    assert daemon.value("select count(*) from tide_conflict") == 0
    world.assert_equal(daemon, table)


def test_a_row_made_anew_outlives_a_round_before_its_push(world):
    world.run(ANEW)
    world.track("thing", "note")
    proxy = world.proxy()
    daemon = world.daemon(conninfo=proxy.conninfo(world.database), start=False)
    daemon.sync()
    connection = daemon.open_cache()
    connection.executescript("""
        create trigger anew after delete on thing begin
            insert into thing (id, name, n) values (old.id, 'again', old.n);
        end; delete from thing where id = 1""")
    connection.close()
    world.run("update thing set n = 5 where id = 1")
    daemon.tool("resync", "thing")
    daemon.sync()
    daemon.sync()
    assert world.run("select name, n from thing where id = 1") == [("again", 5)]
    world.assert_equal(daemon, "thing")


# ---- rows that the sync writes fire them too: what they then write to mirrored tables is void ----

ORDERS = """
create table orders (id int primary key, total int not null default 0, updates int not null default 0);
create table line (id int primary key, order_id int not null, amount int not null, note text);
insert into orders values (1, 10, 0), (2, 0, 0);
insert into line values (1, 1, 10, null);
"""
TOTALS = """
create table heard (what text);
create trigger added after insert on line begin
    update orders set total = total + new.amount, updates = updates + 1 where id = new.order_id;
    update line set note = 'last' where order_id = new.order_id;
    insert into heard values ('insert ' || new.id);
end;
create trigger changed before update of amount on line begin
    update orders set total = total + new.amount - old.amount where id = new.order_id;
    insert into heard values ('update ' || new.id);
end;
create trigger removed after delete on line begin
    update orders set total = total - old.amount where id = old.order_id;
    delete from line where order_id = old.order_id;
    insert or replace into orders values (77, 0, 0);
    insert into heard values ('delete ' || old.id);
end;
"""


def orders(world, count):
    world.run(ORDERS)
    world.track("orders", "line")
    devices = [world.daemon(start=False) for _ in range(count)]
    for device in devices:
        device.sync()
        connection = device.open_cache()
        connection.executescript(TOTALS)
        connection.close()
    return devices


def assert_all_equal(world, *devices):
    for device in devices:
        device.sync()
        device.sync()
        world.assert_equal(device, "orders", "line")
        assert device.value("select count(*) from tide_outbox") == 0


def test_a_trigger_on_each_device_counts_once(world):
    one, two = orders(world, 2)
    one.query("insert into line values (2, 1, 5, null)")
    one.sync()
    assert world.run("select total, updates from orders where id = 1") == [(15, 1)]
    two.sync()
    assert two.query("select id, note from line order by id") == [(1, "last"), (2, "last")]
    two.query("update line set amount = 7 where id = 2")
    two.sync()
    one.sync()
    assert one.value("select total from orders where id = 1") == 17
    assert_all_equal(world, one, two)


def test_what_a_program_on_the_primary_leaves_alone_a_trigger_here_does_too(world):
    only, = orders(world, 1)
    world.run("insert into line values (2, 2, 5, 'there'), (3, 2, 6, 'there')")
    only.sync()
    assert only.query("select total from orders order by id") == [(10,), (0,)]
    assert only.query("select note from line where id = 2") == [("there",)]
    world.run("update line set amount = 8 where id = 2; delete from line where id = 3")
    only.sync()
    assert only.value("select count(*) from line where order_id = 2") == 1
    assert only.query("select what from heard order by rowid")[-3:] in (
        [("insert 3",), ("update 2",), ("delete 3",)], [("insert 3",), ("delete 3",), ("update 2",)])
    assert_all_equal(world, only)


def test_a_change_that_waits_for_its_push_outlives_a_trigger(world):
    only, = orders(world, 1)
    only.query("update orders set updates = 100 where id = 2")
    world.run("insert into line values (2, 2, 5, 'there')")
    only.sync()
    assert world.run("select total, updates from orders where id = 2") == [(0, 100)]
    assert_all_equal(world, only)


def test_truncate_sweep_and_resync_do_not_let_triggers_write(world):
    only, = orders(world, 1)
    world.run("insert into line select n, 2, n, null from generate_series(10, 20) n")
    only.sync()
    world.run("delete from line where id > 15")
    assert only.tool("resync", "line").status == 0
    only.sync()
    assert only.value("select count(*) from line where order_id = 2") == 6
    world.run("truncate line")
    only.sync()
    assert only.value("select count(*) from line") == 0
    assert only.value("select total from orders where id = 1") == 10
    assert_all_equal(world, only)


def test_a_new_shape_does_not_let_triggers_write(world):
    only, = orders(world, 1)
    world.run("alter table line add column extra text default 'x'")
    only.sync()
    assert only.query("select extra from line") == [("x",)]
    assert only.query("select total from orders where id = 1") == [(10,)]
    assert_all_equal(world, only)


def test_triggers_that_come_and_go_beside_a_daemon(world):
    world.run(ORDERS)
    world.track("orders", "line")
    daemon = world.daemon()
    daemon.wait_caught_up()
    for number, id in enumerate((100, 200, 300), 1):
        connection = daemon.open_cache()
        connection.executescript("create table if not exists heard (what text); create trigger added after insert on line begin"
                                 " update orders set total = total + new.amount where id = new.order_id;"
                                 " insert into heard values (new.id); end;")
        connection.close()
        world.run("insert into line values (%d, 2, 5, null)" % id)
        daemon.wait_caught_up()
        assert daemon.value("select count(*) from heard") == number
        assert daemon.value("select total from orders where id = 2") == 0
        daemon.query("drop trigger added")
        world.run("insert into line values (%d, 2, 5, null)" % (id + 1))
        daemon.wait_caught_up()
        assert daemon.value("select count(*) from line where id = %d" % (id + 1)) == 1
    world.assert_equal(daemon, "orders", "line")
