"""outbox, rejected, conflicts, explain: what a person sees and does about local changes."""
import glob
import json
import os

import pytest

SCHEMA = """
create table orders (
    id text primary key,
    total numeric(10, 2) constraint total_is_positive check (total >= 0),
    note text,
    updated_at timestamptz not null default now(),
    deleted_at timestamptz);
create table line (
    order_id text not null references orders,
    number integer not null,
    amount integer,
    updated_at timestamptz not null default now(),
    primary key (order_id, number));
insert into orders (id, total, note) values ('o1', 10, 'one'), ('o2', 20, 'two');
"""


@pytest.fixture
def shop(world):
    world.run(SCHEMA)
    world.track("orders", "line")
    daemon = world.daemon(start=False)
    daemon.sync()
    return daemon


def refuse_one(daemon):
    """One bad row beside a good one; the id of the refused change."""
    daemon.query("update orders set total = -5 where id = 'o1'")
    daemon.query("update orders set note = 'good' where id = 'o2'")
    answer = daemon.tool("sync")
    assert answer.status == 3, answer
    return daemon.tool("rejected", "--json").document["changes"][0]["id"]


def test_outbox_lists_what_waits(shop):
    answer = shop.tool("outbox")
    assert (answer.status, answer.out) == (0, "nothing waits: the primary has every local change\n")

    shop.query("update orders set total = 11, note = 'x' where id = 'o1'")
    shop.query("insert into line (order_id, number, amount) values ('o1', 1, 5)")
    document = shop.tool("outbox", "--json").document
    assert (document["kind"], document["count"]) == ("outbox", 2)
    assert [(change["table"], change["key"], change["operation"]) for change in document["changes"]] == [
        ("orders", ["o1"], "update"), ("line", ["o1", "1"], "insert")]
    assert set(document["changes"][0]["columns"]) >= {"total", "note"}
    out = shop.tool("outbox").out
    assert "2 rows wait for the primary" in out and "line  o1, 1  insert" in out


def test_outbox_shows_what_will_be_sent(shop):
    connection = shop.open_cache()
    connection.executescript("""
        create trigger complete after insert on line begin
            update line set amount = 7 where order_id = new.order_id and number = new.number;
        end;
        insert into line (order_id, number, amount) values ('o1', 1, 5);
        insert into line (order_id, number, amount) values ('o1', 2, 5); delete from line where number = 2;
        update orders set total = 11, note = 'x' where id = 'o1'; update orders set note = 'one' where id = 'o1';
        update orders set note = 'x' where id = 'o2'; update orders set note = 'two' where id = 'o2'""")
    connection.close()
    assert [(change["key"], change["operation"], change["columns"]) for change in shop.tool("outbox", "--json").document["changes"]] == [
        (["o1", "1"], "insert", []), (["o1", "2"], "nothing", []), (["o1"], "update", ["total"]), (["o2"], "nothing", [])]


def test_reals_are_printed_in_as_many_digits_as_they_have(world):
    world.run("create table measure (id int primary key, reading double precision check (reading >= 1),"
              " updated_at timestamptz not null default now()); insert into measure values (1, 1234567.890123456), (2, 9.99)")
    world.track("measure")
    daemon = world.daemon(start=False)
    daemon.sync()
    daemon.query("update measure set reading = 0.1 + 0.2 where id = 1")
    daemon.query("update measure set reading = 0.1 where id = 2")
    assert daemon.tool("sync").status == 3
    expected = ['"base":1234567.890123456,"value":0.30000000000000004}', '"base":9.99,"value":0.1}']
    out = daemon.tool("rejected", "--json").out
    assert [part for part in expected if part not in out] == [], out
    assert daemon.tool("rejected", "discard", "--all", "--yes").status == 0
    with open(glob.glob(daemon.cache_path + "-discarded-*")[0]) as kept:
        text = kept.read()
    assert '"value": 0.30000000000000004\n' in text and '"value": 0.1\n' in text, text


def test_a_refused_change_is_listed_shown_and_leaves_the_others_alone(shop, world):
    number = refuse_one(shop)
    assert world.run("select id, total, note from orders order by id") == [("o1", 10, "one"), ("o2", 20, "good")]
    assert shop.value("select total from orders where id = 'o1'") == 10

    answer = shop.tool("rejected")
    assert answer.status == 3
    assert "1 change needs you" in answer.out and "23514" in answer.out
    assert f"tidemark rejected show {number}" in answer.out
    shown = shop.tool("rejected", "show", str(number)).out
    assert "orders o1   update" in shown and "total  10 -> -5" in shown and "total_is_positive" in shown
    change = shop.tool("rejected", "show", str(number), "--json").document["changes"][0]
    assert (change["sqlstate"], change["constraint"], change["operation"]) == ("23514", "total_is_positive", "update")
    assert change["columns"] == [{"name": "total", "base": 10, "value": -5}]


def test_retry_works_once_the_cause_is_gone(shop, world):
    number = refuse_one(shop)
    world.run("alter table orders drop constraint total_is_positive")
    assert shop.tool("rejected", "retry", str(number)).status == 0
    shop.sync()
    assert world.value("select total from orders where id = 'o1'") == -5
    assert shop.tool("rejected").status == 0
    world.assert_equal(shop, "orders", "line")


def test_discard_asks_keeps_a_copy_and_leaves_both_sides_equal(shop, world):
    number = refuse_one(shop)
    answer = shop.tool("rejected", "discard", str(number))
    assert answer.status == 2 and "--yes" in answer.err
    answer = shop.tool("rejected", "discard", str(number), "--yes")
    assert answer.status == 0, answer
    with open(glob.glob(shop.cache_path + "-discarded-*.json")[0]) as copy:
        assert json.load(copy)["changes"][0]["columns"] == [{"name": "total", "base": 10, "value": -5}]
    assert os.path.basename(glob.glob(shop.cache_path + "-discarded-*.json")[0]) in answer.out
    assert os.stat(glob.glob(shop.cache_path + "-discarded-*.json")[0]).st_mode & 0o777 == 0o600
    assert shop.tool("rejected").out == "nothing was refused\n"
    shop.sync()
    world.assert_equal(shop, "orders", "line")


def test_children_of_a_refused_parent_go_with_it_and_come_back_with_it(shop, world):
    shop.query("insert into orders (id, total) values ('o3', -1)")
    shop.query("insert into line (order_id, number, amount) values ('o3', 1, 7)")
    assert shop.tool("sync").status == 3
    changes = shop.tool("rejected", "--json").document["changes"]
    assert sorted((change["table"], change["sqlstate"]) for change in changes)[1] == ("orders", "23514")
    assert shop.value("select count(*) from orders where id = 'o3'") == 0

    world.run("alter table orders drop constraint total_is_positive")
    answer = shop.tool("rejected", "retry", str(changes[0]["id"]))
    assert answer.status == 0 and "2 changes are again in the outbox" in answer.out, answer
    shop.sync()
    assert world.value("select amount from line where order_id = 'o3'") == 7
    world.assert_equal(shop, "orders", "line")


def test_retry_all_takes_each_group_for_itself(shop, world):
    shop.query("update orders set total = -1")
    assert shop.tool("sync").status == 3
    world.run("update orders set total = 0; alter table orders drop constraint total_is_positive")
    answer = shop.tool("rejected", "retry", "--all")
    assert answer.status == 0 and "2 changes" in answer.out, answer
    shop.sync()
    assert world.run("select distinct total from orders") == [(-1,)]


def test_retry_all_does_not_stop_at_a_change_that_does_not_fit(shop, world):
    shop.query("update orders set total = -1")
    assert shop.tool("sync").status == 3
    world.run("delete from orders where id = 'o1'; alter table orders drop constraint total_is_positive")
    shop.tool("sync")
    answer = shop.tool("rejected", "retry", "--all")
    assert answer.status == 1 and "1 of 2 changes" in answer.err and "not in the cache any more" in answer.err, answer
    shop.tool("sync")
    assert world.run("select id, total from orders") == [("o2", -1)]
    assert shop.value("select row_key from tide_rejected") == '["o1"]'


def test_retry_waits_until_the_refused_row_was_read_again(world):
    """Until then the cache shows the refused values: writing them once more would change nothing."""
    world.run(SCHEMA)
    world.track("orders", "line")
    daemon = world.daemon(start=False, faults=True)
    daemon.sync()
    daemon.query("update orders set total = -1 where id = 'o1'")
    daemon.tool("sync", environment={"TIDEMARK_FAULT": "push.finished"})
    assert daemon.value("select total from orders where id = 'o1'") == -1
    number = daemon.tool("rejected", "--json").document["changes"][0]["id"]
    answer = daemon.tool("rejected", "retry", str(number))
    assert answer.status == 1 and "not been read again" in answer.err, answer

    world.run("alter table orders drop constraint total_is_positive")
    daemon.tool("sync")
    assert daemon.tool("rejected", "retry", str(number)).status == 0
    daemon.sync()
    assert world.value("select total from orders where id = 'o1'") == -1
    world.assert_equal(daemon, "orders")


def test_conflicts_show_what_lost(shop, world):
    shop.query("update orders set note = 'here' where id = 'o1'")
    world.run("update orders set note = 'there' where id = 'o1'")
    shop.sync()
    answer = shop.tool("conflicts")
    assert answer.status == 0 and "1 row was changed on both sides" in answer.out, answer
    conflict = shop.tool("conflicts", "--json").document["conflicts"][0]
    assert conflict["columns"] == [{"name": "note", "base": "one", "local": "here", "remote": "there"}]
    assert "was \"one\"   here \"here\"   there \"there\"" in shop.tool("conflicts", "show", str(conflict["id"])).out


def test_a_manual_conflict_waits_for_a_decision(world):
    world.run(SCHEMA)
    world.track("orders", "line")
    daemon = world.daemon({"sync": {"conflict": "manual"}}, start=False)
    daemon.sync()
    daemon.query("update orders set note = 'here'")
    world.run("update orders set note = 'there'")
    assert daemon.tool("sync").status == 3
    assert daemon.query("select distinct note from orders") == [("there",)]

    first, second = [conflict["id"] for conflict in daemon.tool("conflicts", "--json").document["conflicts"]]
    assert daemon.tool("conflicts", "mine", str(first)).status == 0
    assert daemon.tool("conflicts", "theirs", str(second)).status == 0
    daemon.sync()
    assert sorted(world.run("select note from orders")) == [("here",), ("there",)]
    assert daemon.tool("conflicts").status == 0
    world.assert_equal(daemon, "orders")


def test_a_row_that_is_gone_can_be_written_again_from_its_conflict(world):
    """Where a person decides, the conflict holds the whole row: nothing else has it any more."""
    world.run("create table note (id text primary key, title text not null, body text, tags text[]);"
              "insert into note values ('n1', 'one', 'first', '{a,b}'), ('n2', 'two', 'second', null)")
    world.track("note")
    daemon = world.daemon({"sync": {"conflict": "manual"}}, start=False)
    daemon.sync()
    daemon.query("update note set body = 'edited' where id = 'n1'")
    world.run("delete from note where id = 'n1'")
    assert daemon.tool("sync").status == 3
    conflict, = daemon.tool("conflicts", "--json").document["conflicts"]
    kept = {column["name"]: (column["base"], column["local"]) for column in conflict["columns"]}
    assert kept == {"id": ("n1", "n1"), "title": ("one", "one"), "body": ("first", "edited"), "tags": ('["a","b"]', '["a","b"]')}


def test_explain_tells_the_story_of_a_row(shop):
    shop.query("update orders set note = 'mine' where id = 'o1'")
    document = shop.tool("explain", "orders", "o1", "--json").document
    assert document["row"]["note"] == "mine" and document["pending"][0]["columns"]["note"] == "'one'"
    out = shop.tool("explain", "orders", "o1").out
    assert "changed here" in out and "note was 'one', is \"mine\"" in out and "waits for the primary" in out
    number = refuse_one(shop)
    out = shop.tool("explain", "orders", "o1").out
    assert "refused by the primary" in out and str(number) in out


def test_wrong_words_are_named(shop):
    for arguments, message in [(("rejected", "show"), "needs an ID"), (("rejected", "shwo", "1"), "takes no 'shwo'"),
                               (("rejected", "show", "x"), "'x' is no ID"),
                               (("rejected", "show", "99"), "there is no rejected change 99"),
                               (("conflicts", "mine", "99"), "there is no conflict 99"),
                               (("explain", "order", "1"), "not a mirrored table"),
                               (("explain", "orders"), "needs a KEY"), (("explain", "line", "o1"), "2 columns")]:
        answer = shop.tool(*arguments)
        assert answer.status == 2 and message in answer.err, (arguments, answer)
