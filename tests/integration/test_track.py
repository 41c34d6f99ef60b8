"""tidemark.track(): every write is stamped, every deleted key is logged, whoever writes and however."""
import select

import psycopg2
import pytest

ORDERS = """
create table orders (id int primary key, note text, updated_at timestamptz);
"""


@pytest.fixture
def tracked(world):
    """A world with a tracked table `orders` and rows 1 and 2."""
    world.run(ORDERS)
    world.track("orders", notify=False)
    world.run("insert into orders values (1, 'one'), (2, 'two')")
    return world


def run_stamped(world, statements, table="orders"):
    """Runs in one transaction; returns which rows (by the first column) carry its xid."""
    connection = world.connect(autocommit=False)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"select * from {table} where tide_xid = pg_current_xact_id() order by 1")
        rows = cursor.fetchall()
    connection.close()
    return [row[0] for row in rows]


def deleted_keys(world, table="orders"):
    return [row[0] for row in world.run(
        "select key from tidemark.deleted_row where relation = %s::regclass order by tide_xid, deleted_at", (table,))]


def refusal(world, statement):
    with pytest.raises(psycopg2.Error) as caught:
        world.run(statement)
    return caught.value.diag


# -- stamps --

def test_existing_rows_are_not_rewritten(world):
    world.run(ORDERS + "insert into orders values (1, 'one', '2020-01-01')")
    before = world.run("select pg_relation_filenode('orders'), xmin, ctid from orders")
    world.track("orders")
    assert world.run("select pg_relation_filenode('orders'), xmin, ctid from orders") == before
    assert world.run("select tide_xid::text, updated_at = '2020-01-01' from orders") == [("0", True)]


def test_insert_and_update_are_stamped(tracked):
    assert run_stamped(tracked, ["insert into orders values (3)", "update orders set note = 'x' where id = 1"]) == [1, 3]


def test_what_a_client_sends_is_ignored(tracked):
    tracked.run("insert into orders values (3, 'x', '1999-01-01', '5')")
    tracked.run("update orders set tide_xid = '7', updated_at = '1999-01-01' where id = 1")
    assert tracked.run("select id from orders where tide_xid < '100' or updated_at < now() - interval '1 hour'") == []


def test_the_stamp_has_the_last_word_among_triggers(tracked):
    tracked.run("""
        create function old_stamp() returns trigger language plpgsql as $$
        begin new.updated_at := '2000-01-01'; new.tide_xid := '1'; return new; end $$;
        create trigger set_updated_at before insert or update on orders for each row execute function old_stamp();""")
    assert run_stamped(tracked, ["insert into orders values (3)"]) == [3]
    assert tracked.value("select updated_at > now() - interval '1 minute' from orders where id = 3")


def test_subtransactions_carry_the_top_level_transaction(tracked):
    statements = [
        "savepoint a", "update orders set note = 'in a savepoint' where id = 1", "release a",
        """do $$ begin
               update orders set note = 'undone' where id = 2;
               raise 'x';
           exception when others then
               insert into orders values (3, 'in a handler');
           end $$""",
        "savepoint b", "update orders set note = 'rolled back' where id = 2", "rollback to b",
    ]
    assert run_stamped(tracked, statements) == [1, 3]
    assert tracked.run("select note from orders where id = 2") == [("two",)]


def test_a_prepared_transaction_carries_its_own(tracked):
    connection = tracked.connect()
    with connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("update orders set note = 'prepared' where id = 1")
        cursor.execute("select pg_current_xact_id()::text")
        (xid,) = cursor.fetchone()
        cursor.execute("prepare transaction 'track'")
        cursor.execute("commit prepared 'track'")
    connection.close()
    assert tracked.run("select tide_xid::text, note from orders where id = 1") == [(xid, "prepared")]


def test_upsert_merge_and_copy_are_stamped(tracked):
    assert run_stamped(tracked, [
        "insert into orders values (1, 'upsert'), (3, 'new') on conflict (id) do update set note = excluded.note",
        """merge into orders using (values (2), (4)) as wanted(id) on orders.id = wanted.id
           when matched then update set note = 'merged' when not matched then insert (id) values (wanted.id)""",
        "copy orders (id) from program 'echo 5'",
    ]) == [1, 2, 3, 4, 5]


def test_what_replication_applies_is_stamped_and_logged(tracked):
    assert run_stamped(tracked, ["set local session_replication_role = replica",
                                 "insert into orders values (3)", "delete from orders where id = 1"]) == [3]
    assert deleted_keys(tracked) == [["1"]]


def test_a_writer_without_rights_on_the_schema_can_write(tracked):
    tracked.run("create role track_writer; grant select, insert, update, delete, truncate on orders to track_writer")
    try:
        assert run_stamped(tracked, ["set local role track_writer", "insert into orders values (3)",
                                     "update orders set id = 4 where id = 1", "delete from orders where id = 2"]) == [3, 4]
        tracked.run("set role track_writer; truncate orders; reset role")
        assert deleted_keys(tracked) == [["1"], ["2"], None]
        tracked.run("set role track_writer")
        assert refusal(tracked, "select tidemark.track('orders')").sqlstate == "42501"
        assert refusal(tracked, "delete from tidemark.deleted_row").sqlstate == "42501"
    finally:
        tracked.run("reset role; drop owned by track_writer; drop role track_writer")


# -- updated_at --

def test_another_column_can_be_kept_current(world):
    world.run('create table t (id int primary key, "Changed At" timestamp, updated_at text)')
    world.track()
    world.run("select tidemark.track('t', 'Changed At')")
    world.run("insert into t values (1, '1999-01-01', 'mine')")
    assert world.run("""select "Changed At" > localtimestamp - interval '1 minute', updated_at from t""") == [(True, "mine")]


def test_an_updated_at_of_another_type_is_left_alone(world):
    world.run("create table t (id int primary key, updated_at int)")
    world.track("t")
    world.run("insert into t values (1, 5)")
    assert world.run("select updated_at from t") == [(5,)]
    assert refusal(world, "select tidemark.track('t', 'nope')").message_primary == "public.t has no timestamp column nope"


def test_a_column_that_chooses_the_partition_is_left_alone(world):
    world.run("""create table t (id int, updated_at timestamptz, primary key (id, updated_at)) partition by range (updated_at);
                 create table t1 partition of t for values from ('2020-01-01') to ('2021-01-01')""")
    world.track("t")
    world.run("insert into t values (1, '2020-05-05Z')")
    assert world.run("select updated_at = '2020-05-05Z', tide_xid > '0' from t") == [(True, True)]


# -- deleted keys --

def test_deletes_are_logged_with_their_transaction(tracked):
    tracked.run("delete from orders where id = 2")
    assert tracked.run("""select relation = 'orders'::regclass, key, pg_xact_status(tide_xid), deleted_at <= clock_timestamp()
                          from tidemark.deleted_row""") == [(True, ["2"], "committed", True)]


def test_a_rolled_back_delete_is_not_logged(tracked):
    tracked.run("begin; delete from orders; rollback")
    assert deleted_keys(tracked) == []


def test_a_changed_key_logs_the_old_one(tracked):
    tracked.run("update orders set id = 10 where id = 1")
    tracked.run("update orders set id = id, note = 'same key'")
    assert deleted_keys(tracked) == [["1"]]


def test_swapped_keys_are_both_logged(world):
    world.run("create table t (id int primary key deferrable, note text)")
    world.track("t")
    world.run("insert into t values (1, 'a'), (2, 'b')")
    assert run_stamped(world, ["update t set id = 3 - id"], "t") == [1, 2]
    assert sorted(deleted_keys(world, "t")) == [["1"], ["2"]]


def test_an_equal_key_with_another_spelling_is_a_change(world):
    world.run("create table t (k numeric primary key)")
    world.track("t")
    world.run("insert into t values (1.0)")
    world.run("update t set k = 1.00")
    assert deleted_keys(world, "t") == [["1.0"]]


def test_a_key_change_is_seen_whatever_the_session_prints(world):
    world.run("create table t (k double precision primary key)")
    world.track("t")
    world.run("insert into t values (1.01)")
    world.run("set extra_float_digits = -14; update t set k = 1.02; reset extra_float_digits")
    assert deleted_keys(world, "t") == [["1.01"]]


def test_truncate_is_logged_without_a_key(tracked):
    tracked.run("truncate orders")
    assert deleted_keys(tracked) == [None]


def test_keys_are_logged_in_key_order_and_can_be_cast_back(world):
    world.run("""create table t (note text, at timestamptz, k bytea, "Odd ""Name" numeric(10,3), day date, span interval,
                                 primary key ("Odd ""Name", at, k, day, span))""")
    world.track("t")
    world.run("""insert into t values ('x', '0044-03-15 12:00:00.123456Z BC', '\\xdeadbeef', 1.500, 'infinity', '1 mon 2 days')""")
    world.run("set timezone = 'Asia/Tokyo'; set datestyle = 'SQL, DMY'; set bytea_output = escape; delete from t")
    assert world.run("""select key[1], key[2]::timestamptz = '0044-03-15 12:00:00.123456Z BC', key[3]::bytea = '\\xdeadbeef'::bytea,
                               key[4]::date = 'infinity', key[5]::interval = '1 mon 2 days', cardinality(key)
                        from tidemark.deleted_row""") == [("1.500", True, True, True, True, 5)]


def test_a_renamed_key_column_is_followed(tracked):
    tracked.run("alter table orders rename id to number")
    tracked.run("delete from orders where number = 1")
    tracked.run("update orders set number = 9 where number = 2")
    assert deleted_keys(tracked) == [["1"], ["2"]]


def test_cascades_are_logged(tracked):
    tracked.run("create table line (id int primary key, orders_id int references orders on delete cascade)")
    tracked.track("line")
    tracked.run("insert into line values (7, 1); delete from orders where id = 1")
    assert deleted_keys(tracked, "line") == [["7"]]


# -- partitions and names --

PARTITIONED = """
create table "Ord ""er" (region int, "the id" text, primary key (region, "the id")) partition by list (region);
create table p1 partition of "Ord ""er" for values in (1);
create table p2 partition of "Ord ""er" for values in (2) partition by hash ("the id");
create table p2a partition of p2 for values with (modulus 1, remainder 0);
"""


def test_partitions_are_tracked_through_their_parent(world):
    world.run(PARTITIONED)
    world.track('"Ord ""er"')
    world.run("""create table p3 partition of "Ord ""er" for values in (3);
                 create table p4 (region int not null, "the id" text not null, tide_xid xid8 not null default '0');
                 alter table "Ord ""er" attach partition p4 for values in (4)""")
    assert run_stamped(world, ["""insert into "Ord ""er" select n, 'k' || n from generate_series(1, 4) n""",
                               "insert into p4 values (4, 'direct')"], '"Ord ""er"') == [1, 2, 3, 4, 4]
    world.run("delete from p2a; delete from p4 where \"the id\" = 'direct'; delete from p3")
    assert deleted_keys(world, '"Ord ""er"') == [["2", "k2"], ["4", "direct"], ["3", "k3"]]


def test_a_row_that_moves_between_partitions_is_stamped_and_its_old_key_logged(world):
    world.run(PARTITIONED)
    world.track('"Ord ""er"')
    world.run("""insert into "Ord ""er" values (1, 'a')""")
    assert run_stamped(world, ["""update "Ord ""er" set region = 2"""], '"Ord ""er"') == [2]
    assert deleted_keys(world, '"Ord ""er"') == [["1", "a"]]


def test_every_trigger_fires_always_on_every_partition(world):
    world.run(PARTITIONED)
    world.track('"Ord ""er"')
    world.run("""create table p3 partition of "Ord ""er" for values in (3)""")
    assert world.run("""select tgenabled, count(distinct tgrelid) from pg_trigger
                        where tgname in ('zz_tidemark_stamp', 'zz_tidemark_log_delete', 'zz_tidemark_log_key_change')
                        group by 1""") == [("A", 5)]


def test_long_names_keep_within_63_bytes_and_apart(world):
    for last in "ab":
        world.run(f'create table "{"ä" * 30}{last}" (id int primary key)')
        world.track(f'"{"ä" * 30}{last}"')
    names = [row[0] for row in world.run("select relname from pg_class where relname like 'ix\\_%\\_tide\\_xid' and relkind = 'i' "
                                         "and relnamespace = 'public'::regnamespace")]
    assert len(names) == 2 and all(len(name.encode()) <= 63 for name in names)


# -- once more, and back --

def triggers_of(world, table="orders"):
    return world.run("select tgname, tgenabled from pg_trigger where tgrelid = %s::regclass order by 1", (table,))


def test_a_second_track_repairs_what_is_missing(tracked):
    tracked.run("select tidemark.track('orders')")
    whole = triggers_of(tracked)
    tracked.run("drop trigger zz_tidemark_log_delete on orders; alter table orders disable trigger zz_tidemark_stamp; "
                "drop index ix_orders_tide_xid")
    tracked.run("select tidemark.track('orders')")
    assert triggers_of(tracked) == whole
    assert tracked.value("select to_regclass('ix_orders_tide_xid') is not null")
    assert tracked.value("select count(*) from orders where tide_xid > '0'") == 2


def test_an_index_built_beforehand_is_used(world):
    world.run(ORDERS + "alter table orders add tide_xid xid8 not null default '0'; create index mine on orders (tide_xid)")
    world.track("orders")
    assert world.value("select count(*) from pg_index where indrelid = 'orders'::regclass") == 2


def test_untrack_takes_everything_back(tracked):
    tracked.run("delete from orders; create index other on orders (tide_xid, id)")
    tracked.run("select tidemark.untrack('orders')")
    assert triggers_of(tracked) == []
    assert deleted_keys(tracked) == []
    assert tracked.run("select attname from pg_attribute where attrelid = 'orders'::regclass and attname = 'tide_xid'") == []
    assert tracked.value("select count(*) from pg_index where indrelid = 'orders'::regclass") == 1


@pytest.mark.parametrize("table, message, hint", [
    (None, "there is no table to track", "Name it: select tidemark.track('orders');"),
    ("tidemark.device", "tidemark.device belongs to tidemark itself", "Name a table of the application; these are never mirrored."),
    ("no_key", "public.no_key has no primary key", "First: alter table public.no_key add primary key (...);"),
    ("a_view", "public.a_view is not an ordinary or partitioned table", None),
    ("part", "public.part is a partition", "Track its parent: select tidemark.track('public.whole');"),
    ("parent", "public.parent takes part in table inheritance", "Use partitions, or tables of their own."),
    ("taken", "public.taken has a column tide_xid of type text", "Rename that column first."),
])
def test_what_cannot_be_tracked_says_why(world, table, message, hint):
    world.run("""create table no_key (id int);
                 create view a_view as select 1 as id;
                 create table whole (id int primary key) partition by list (id);
                 create table part partition of whole for values in (1);
                 create table parent (id int primary key);
                 create table child () inherits (parent);
                 create table taken (id int primary key, tide_xid text)""")
    world.track()
    diagnosis = refusal(world, f"select tidemark.track({repr(table) if table else 'null'})")
    assert (diagnosis.message_primary, diagnosis.message_hint) == (message, hint)


# -- waking --

def listener_of(world):
    connection = world.connect()
    connection.cursor().execute("listen tidemark")
    return connection


def notifications(connection, timeout_s=0.3):
    select.select([connection], [], [], timeout_s)
    connection.poll()
    found, connection.notifies[:] = list(connection.notifies), []
    return [(one.channel, one.payload) for one in found]


def test_a_transaction_sends_one_notification(world):
    world.run(ORDERS)
    world.track("orders", notify=True)
    listener = listener_of(world)
    world.run("begin; insert into orders values (1); update orders set note = 'x'; delete from orders; truncate orders; commit")
    assert notifications(listener, 5) == [("tidemark", "")]
    listener.close()


def test_where_two_phase_commit_is_on_nobody_is_woken_unasked(world):
    world.run(ORDERS)
    world.track()
    world.run("select tidemark.track('orders')")
    listener = listener_of(world)
    world.run("insert into orders values (1)")
    assert notifications(listener) == []
    listener.close()


def test_where_two_phase_commit_is_off_everybody_is_woken(throw_away_cluster, world_on):
    world = world_on(throw_away_cluster("max_prepared_transactions = 0\n"))
    world.run(ORDERS)
    world.track()
    world.run("select tidemark.track('orders')")
    listener = listener_of(world)
    world.run("insert into orders values (1)")
    assert notifications(listener, 5) == [("tidemark", "")]
    listener.close()


# -- who may read --

def test_grant_sync_gives_a_role_what_it_needs(tracked):
    tracked.run("delete from orders where id = 1; create role sync_role")
    try:
        tracked.run("set role sync_role")
        assert refusal(tracked, "select * from tidemark.deleted_row").sqlstate == "42501"
        tracked.run("reset role; select tidemark.grant_sync('sync_role'); set role sync_role")
        assert tracked.value("select count(*) from tidemark.deleted_row") == 1
        assert tracked.value("select count(*) from tidemark.migration") >= 2
        tracked.run("insert into tidemark.device (device_id) values (gen_random_uuid()); update tidemark.device set last_push = device_id")
        assert refusal(tracked, "delete from tidemark.deleted_row").sqlstate == "42501"
    finally:
        tracked.run("reset role; drop owned by sync_role; drop role sync_role")


def test_nothing_can_be_led_astray_or_called_by_everybody(world):
    """Some run with the owner's rights: what they call must not be looked for where a writer may put his own."""
    world.track()
    assert world.run("""select proname from pg_proc where pronamespace = 'tidemark'::regnamespace
                        and proconfig @> '{"search_path=pg_catalog, pg_temp"}' is not true""") == []
    assert world.run("""select proname from pg_proc where pronamespace = 'tidemark'::regnamespace
                        and has_function_privilege('public', oid, 'execute')""") == []


def test_every_function_and_table_says_what_it_is_for(world):
    world.track()
    assert world.run("""select proname from pg_proc where pronamespace = 'tidemark'::regnamespace
                        and obj_description(oid, 'pg_proc') is null""") == []
    assert world.run("""select relname from pg_class where relnamespace = 'tidemark'::regnamespace and relkind = 'r'
                        and (obj_description(oid, 'pg_class') is null or not relrowsecurity)""") == []
