"""A right that was not granted is nobody's bad row: the table's changes wait, whole, until it is granted,
the others go on, and the status has the GRANT."""
import datetime
import re
import signal
import time

import pytest
from support.process import wait_until
from support.proxy import at_commit
from support.shop import SCHEMA, Shop

MORE = "create table news (id int primary key, note text, updated_at timestamptz not null default now());"
SETTINGS = {"sync": {"poll_interval": "100ms"}}
TABLES = ("customer", "item", "news")


def make(world, cluster, *grants, settings=None, **more):
    """A role that may read everything and write what is granted."""
    world.run("do $$ begin create role writer login; exception when duplicate_object then null; end $$")
    world.run(SCHEMA + MORE)
    world.track(*TABLES)
    world.run("select tidemark.grant_sync('writer'); grant select on customer, item, news to writer")
    for grant in grants:
        world.run(f"grant {grant} to writer")
    shop = Shop.__new__(Shop)
    shop.world, shop.tables = world, TABLES
    shop.device = world.daemon({**SETTINGS, **(settings or {})}, conninfo=cluster.conninfo(world.database, user="writer"),
                               start=False, **more)
    shop.device.sync()
    return shop


def waits(shop, *entries):
    """Nothing is set aside; the status says which right is missing, and ends with 3."""
    assert shop.rejected() == []
    assert [row for row, in shop.device.query("select distinct table_name || row_key from tide_pending order by 1")] == sorted(entries)


def grant_of(shop):
    """What the status says to run."""
    answer = shop.device.tool("status", "--json")
    assert answer.status == 3, answer
    reason = answer.document["push"]["reason"]
    assert reason["sqlstate"] == "42501" and answer.document["state"] == "blocked", reason
    return reason["hint"]


def test_the_changes_of_the_table_wait_and_the_others_arrive(world, cluster):
    shop = make(world, cluster, "insert, update, delete on news")
    shop.device.start()
    shop.device.wait_caught_up()
    shop.edit("update item set note = 'here' where id = 1", "insert into news (id, note) values (1, 'a')",
              "update item set note = 'here' where id = 2")
    wait_until(lambda: world.run("select note from news") == [("a",)], shop.device.log, 20)
    wait_until(lambda: shop.device.status()["state"] == "blocked", shop.device.log, 20)
    waits(shop, 'item["1"]', 'item["2"]')
    screen = shop.device.tool("status").out
    assert "writer may not write item" in re.sub(r"\s+", " ", screen), screen
    shop.edit("insert into news (id, note) values (2, 'b')")
    wait_until(lambda: world.value("select count(*) from news") == 2, shop.device.log, 20)
    world.run("insert into news values (3, 'from there')")
    wait_until(lambda: shop.device.query("select 1 from news where id = 3"), shop.device.log, 20)
    waits(shop, 'item["1"]', 'item["2"]')
    world.run(grant_of(shop))
    wait_until(lambda: world.value("select count(*) from item where note = 'here'") == 2, shop.device.log, 70)
    shop.device.wait_caught_up()
    assert shop.device.status()["state"] == "live" and shop.pending() == 0
    shop.assert_equal()


def seconds_to_next_try(shop):
    at = shop.device.status()["push"]["next_try"]
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() - time.time() if at else 0


def test_what_waits_is_remembered_when_another_push_is_lost(world, cluster):
    """An answer to COMMIT does not come: that push is settled later, and nothing else is left to send."""
    proxy = world.proxy()
    shop = make(world, cluster, "insert, update, delete on news",
                settings={"sync": {"poll_interval": "1s"}, "primary": {"silence_timeout": "1s", "connect_timeout": "1s"}})
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database, user="writer")}})
    shop.device.start()
    shop.device.wait_caught_up()
    shop.edit("update item set note = 'here' where id = 1", "insert into news (id, note) values (1, 'a')")
    wait_until(lambda: shop.device.status()["state"] == "blocked", shop.device.log, 20)
    wait_until(lambda: seconds_to_next_try(shop) > 5, shop.device.log, 40)
    at_commit(proxy, lambda: proxy.silent_after(0))
    shop.edit("insert into news (id, note) values (2, 'b')")
    wait_until(lambda: world.value("select count(*) from news") == 2, shop.device.log, 20)
    wait_until(lambda: shop.device.status()["state"] == "offline", shop.device.log, 20)
    proxy.heal()
    wait_until(lambda: shop.device.status()["state"] == "blocked", shop.device.log, 20)
    waits(shop, 'item["1"]')
    world.run(grant_of(shop))
    wait_until(lambda: world.value("select count(*) from item where note = 'here'") == 1, shop.device.log, 70)


def test_what_waits_is_no_work_when_pushes_stop_for_good(world, cluster):
    """Settings that are read meanwhile make the daemon forget how it pushed, and not to wait between its rounds."""
    shop = make(world, cluster, "insert, update, delete on news", settings={"sync": {"poll_interval": "30s"}})
    shop.edit("insert into news (id, note) values (1, 'known there')")
    shop.device.start()
    shop.device.wait_caught_up()
    shop.edit("update item set note = 'here' where id = 1")
    wait_until(lambda: seconds_to_next_try(shop) > 5, shop.device.log, 40)
    world.run("update tidemark.device set last_push = gen_random_uuid()")
    shop.edit("insert into news (id, note) values (2, 'b')")
    wait_until(lambda: shop.device.status()["push"]["state"] == "blocked", shop.device.log, 20)
    shop.device.configure({"sync": {"poll_interval": "40s"}})
    shop.device.signal(signal.SIGHUP)
    time.sleep(7)
    before = shop.device.status()["rounds"]["completed"]
    time.sleep(2)
    assert shop.device.status()["rounds"]["completed"] <= before + 2, shop.device.log()


@pytest.mark.parametrize("edit, granted, grant", [
    ("insert into customer (id, name) values (9, 'new')", "update", "grant insert on public.customer to writer"),
    ("update customer set name = 'here' where id = 1", "insert", "grant update on public.customer to writer"),
    ("delete from customer where id = 5", "update", "grant delete on public.customer to writer"),
    ("update customer set name = 'here' where id = 1", "update (name)", "grant update (updated_at) on public.customer to writer"),
    ("insert into customer (id, name) values (1, 'there too')", "insert", "grant update on public.customer to writer"),
])
def test_the_right_is_named(world, cluster, edit, granted, grant):
    shop = make(world, cluster, f"{granted} on customer", "insert, update on news")
    shop.edit("pragma ignore_check_constraints = on", edit.replace("values (1,", "values (6,"),
              "insert into news (id, note) values (1, 'a')")
    world.run("insert into customer (id, name) values (6, 'theirs')") if "too" in edit else None
    answer = shop.device.tool("sync")
    assert answer.status == 3, answer
    assert world.value("select count(*) from news") == 1
    waits(shop, *[row for row, in shop.device.query("select distinct table_name || row_key from tide_pending")])
    assert shop.pending() == 1
    shop.device.start()
    wait_until(lambda: shop.device.status()["state"] == "blocked", shop.device.log)
    assert grant_of(shop) == grant + ";"
    world.run(grant)
    wait_until(lambda: shop.pending() == 0, shop.device.log, 40)
    assert shop.rejected() == []
    shop.device.wait_caught_up()
    shop.assert_equal()


def test_what_depends_on_a_change_that_waits_waits_too(world, cluster):
    """A child of a new row, and what a unit of work holds together."""
    shop = make(world, cluster, "insert, update, delete on item", "insert, update, delete on news")
    shop.edit("insert into customer (id, name) values (9, 'new')", "insert into item (id, customer_id) values (90, 9)",
              "insert into news (id, note) values (1, 'a')")
    assert shop.device.tool("sync").status == 3
    waits(shop, 'customer["9"]', 'item["90"]')
    assert world.value("select count(*) from news") == 1
    shop.edit(["insert into tide_unit values ('begin')", "update customer set name = 'u' where id = 2",
               "insert into news (id, note) values (2, 'b')", "insert into tide_unit values ('end')"])
    assert shop.device.tool("sync").status == 3
    waits(shop, 'customer["2"]', 'customer["9"]', 'item["90"]', 'news["2"]')
    world.run("grant insert, update on customer to writer; alter table news add check (id <> 2)")
    assert shop.device.tool("sync").status == 3
    assert sorted(row[1] for row in shop.rejected()) == ['["2"]', '["2"]'], "the unit is still one"
    assert world.value("select count(*) from item where id = 90") == 1
    assert shop.pending() == 0
    shop.assert_equal()


def test_a_right_that_a_trigger_lacks_is_the_rows(world, cluster):
    """The role may write the table; its trigger may not write another: a refusal of each row."""
    shop = make(world, cluster, "insert, update, delete on customer", "insert, update, delete on item", "insert, update on news")
    world.run("create table audit (what text);"
              "create function audit() returns trigger language plpgsql as"
              " $$ begin if new.total > 50 then insert into audit values (new.note); end if; return new; end $$;"
              "create trigger audit before update on item for each row execute function audit()")
    shop.edit("update item set total = 60 where id = 1", "update item set total = 40 where id = 2")
    assert shop.device.tool("sync").status == 3
    assert [row[1:4] for row in shop.rejected()] == [('["1"]', "update", "42501")]
    assert world.value("select total from item where id = 2") == 40
    shop.assert_equal()


@pytest.mark.parametrize("point", ["push.recorded", "push.before_commit", "push.after_commit", "push.before_finish"])
def test_a_death_on_the_way_loses_nothing_that_waits(world, cluster, point):
    shop = make(world, cluster, "insert, update, delete on news", faults=True)
    shop.edit("update item set note = 'here' where id = 1", "insert into news (id, note) values (1, 'a')")
    shop.device.tool("sync", environment={"TIDEMARK_FAULT": point})
    assert shop.device.tool("sync").status == 3
    waits(shop, 'item["1"]')
    assert world.value("select count(*) from news") == 1
    world.run("grant update on item to writer")
    shop.device.sync()
    assert world.value("select note from item where id = 1") == "here" and shop.pending() == 0
    shop.assert_equal()


def test_a_large_backlog_waits_beside_what_goes_on(world, cluster):
    shop = make(world, cluster, "insert, update, delete on news", settings={"sync": {"push_batch": "100"}})
    for number in range(300):
        shop.edit(f"insert into news (id, note) values ({number}, 'n')", f"update item set total = {number} where id = {1 + number % 20}")
    assert shop.device.tool("sync").status == 3
    assert world.value("select count(*) from news") == 300
    waits(shop, *(f'item["{number}"]' for number in range(1, 21)))
    world.run("grant update on item to writer")
    shop.device.sync()
    assert shop.pending() == 0
    shop.assert_equal()
