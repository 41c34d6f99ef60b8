-- Tracked tables: every written row carries the transaction that wrote it, every deleted
-- key is logged, and each statement wakes the listeners. With that a pull is exact: it asks
-- for what the transactions invisible to its last snapshot have done.
--
-- The triggers are ENABLE ALWAYS, so that rows arriving by logical replication are stamped
-- too. Their names start with zz_, so that they have the last word among a table's own.

-- upgrade

create function tidemark.stamp() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    new.tide_xid := pg_current_xact_id();
    if tg_nargs = 0 then
        return new;
    elsif tg_argv[0] = 'updated_at' then
        new.updated_at := clock_timestamp();
    else
        new := jsonb_populate_record(new, jsonb_build_object(tg_argv[0], clock_timestamp()));
    end if;
    return new;
end
$$;
comment on function tidemark.stamp() is
    'Trigger: sets tide_xid, and the column named by the argument, whatever the writer sent.';

-- The settings make a key's text the same whatever the session's own are.
create function tidemark.log_key() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
    set extra_float_digits = 1
    set datestyle = 'ISO, YMD'
    set intervalstyle = 'iso_8601'
    set timezone = 'UTC'
    set bytea_output = 'hex'
as $$
declare
    deleted constant jsonb := to_jsonb(old);
    key text[];
begin
    select array_agg(deleted ->> name order by position)
      into key
      from unnest(tg_argv) with ordinality as argument(name, position);
    if array_position(key, null) is not null then
        -- a key is never null: its columns were renamed since track()
        select array_agg(deleted ->> name order by position)
          into key
          from unnest(tidemark.key_columns(tg_relid)) with ordinality as column_of(name, position);
    end if;
    insert into tidemark.deleted_row (relation, key)
    values (coalesce(pg_partition_root(tg_relid), tg_relid), key);
    return null;
end
$$;
comment on function tidemark.log_key() is
    'Trigger: logs the old key of a deleted row, or of one whose key changed. '
    'Arguments: the key''s columns, in order.';

create function tidemark.log_truncate() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into tidemark.deleted_row (relation)
    values (coalesce(pg_partition_root(tg_relid), tg_relid));
    return null;
end
$$;
comment on function tidemark.log_truncate() is 'Trigger: logs that the table was emptied.';

-- A transaction that has notified cannot be prepared for two-phase commit, so where that is
-- switched on nobody is woken unless the owner asked for it.
create function tidemark.notify() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_argv[0] = 'always' or current_setting('max_prepared_transactions') = '0' then
        perform pg_notify('tidemark', '');
    end if;
    return null;
end
$$;
comment on function tidemark.notify() is 'Trigger: wakes whoever listens on channel tidemark.';

create function tidemark.key_columns(relation regclass) returns name[]
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select array_agg(attname order by position)
      from pg_index,
           unnest(indkey::int2[]) with ordinality as key_part(number, position)
      join pg_attribute on attnum = number
     where indrelid = relation
       and attrelid = relation
       and indisprimary
       and position <= indnkeyatts
$$;
comment on function tidemark.key_columns(regclass) is
    'The columns of the primary key in its order; null when there is none.';

create function tidemark.require_trackable(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    class pg_class;
begin
    select * into strict class from pg_class where oid = relation;
    if class.relispartition then
        raise exception '% is a partition', relation
            using errcode = 'wrong_object_type',
                  hint = format('Track its parent: select tidemark.track(%L);',
                                pg_partition_root(relation));
    elsif class.relkind not in ('r', 'p') or class.relpersistence = 't' then
        raise exception '% is not an ordinary or partitioned table', relation
            using errcode = 'wrong_object_type';
    elsif class.relkind = 'r' and exists (select from pg_inherits
                                           where relation in (inhparent, inhrelid)) then
        raise exception '% takes part in table inheritance', relation
            using errcode = 'wrong_object_type',
                  hint = 'Use partitions, or tables of their own.';
    elsif tidemark.key_columns(relation) is null then
        raise exception '% has no primary key', relation
            using errcode = 'object_not_in_prerequisite_state',
                  hint = format('First: alter table %s add primary key (...);', relation);
    end if;
end
$$;
comment on function tidemark.require_trackable(regclass) is
    'Raises an error that says why a table cannot be tracked.';

create function tidemark.index_name(relation regclass) returns name
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    table_name text := (select relname from pg_class where oid = relation);
    stem text := table_name;
begin
    while octet_length('ix_' || stem || '_tide_xid') > 63 loop
        table_name := left(table_name, -1);
        stem := table_name || '_'
                || left(md5((select relname from pg_class where oid = relation)), 8);
    end loop;
    return 'ix_' || stem || '_tide_xid';
end
$$;
comment on function tidemark.index_name(regclass) is
    'ix_<table>_tide_xid; a name that would be too long is cut and told apart by a hash.';

create function tidemark.ensure_column(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    found_type regtype := (select atttypid from pg_attribute
                            where attrelid = relation and attname = 'tide_xid'
                              and not attisdropped);
begin
    if found_type is null then
        execute format('alter table %s add column tide_xid xid8 not null default ''0''', relation);
        execute format('comment on column %s.tide_xid is %L', relation,
                       'The transaction that last wrote this row; kept by tidemark.');
    elsif found_type <> 'xid8'::regtype then
        raise exception '% has a column tide_xid of type %', relation, found_type
            using errcode = 'duplicate_column', hint = 'Rename that column first.';
    end if;
end
$$;
comment on function tidemark.ensure_column(regclass) is
    'Adds tide_xid where it is missing. A constant default: the table is not rewritten.';

create function tidemark.ensure_index(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    index_schema name := (select nspname from pg_class
                            join pg_namespace on pg_namespace.oid = relnamespace
                           where pg_class.oid = relation);
    index_name name := tidemark.index_name(relation);
begin
    if exists (select from pg_index
                 join pg_class on pg_class.oid = indexrelid
                 join pg_am on pg_am.oid = relam
                 join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                where indrelid = relation and indisvalid and indpred is null
                  and amname = 'btree' and attname = 'tide_xid') then
        return;
    end if;
    if exists (select from pg_index
                where indrelid = relation and not indisvalid
                  and indexrelid = to_regclass(format('%I.%I', index_schema, index_name))) then
        -- a concurrent build that failed left it behind
        execute format('drop index %I.%I', index_schema, index_name);
    end if;
    execute format('create index %I on %s (tide_xid)', index_name, relation);
end
$$;
comment on function tidemark.ensure_index(regclass) is
    'Makes the index that a pull reads by, unless one is there (built CONCURRENTLY, say).';

create function tidemark.stamped_column(relation regclass, updated_at name) returns name
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    wanted constant name := coalesce(updated_at, 'updated_at');
    found_type regtype := (select atttypid from pg_attribute
                            where attrelid = relation and attname = wanted
                              and attnum > 0 and not attisdropped);
    usable constant boolean := found_type in ('timestamptz'::regtype, 'timestamp'::regtype);
begin
    if updated_at is not null and usable is not true then
        raise exception '% has no timestamp column %', relation, quote_ident(updated_at)
            using errcode = 'undefined_column';
    elsif usable is not true or tidemark.is_partition_key(relation, wanted) then
        return null;
    end if;
    return wanted;
end
$$;
comment on function tidemark.stamped_column(regclass, name) is
    'The column that the stamp keeps beside tide_xid: the one asked for, else updated_at '
    'where it is a timestamp; null for none. A column that chooses the partition is left '
    'alone, because a trigger may not move a row.';

create function tidemark.is_partition_key(relation regclass, column_name name) returns boolean
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    -- PostgreSQL records a column's part in the key, also inside an expression, as an
    -- internal dependency of the column on its own table
    select exists (select from pg_partition_tree(relation) as member
                     join pg_attribute on attrelid = member.relid and attname = column_name
                     join pg_depend on objid = member.relid and objsubid = attnum
                    where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass
                      and refobjid = objid and refobjsubid = 0 and deptype = 'i')
$$;
comment on function tidemark.is_partition_key(regclass, name) is
    'Whether a column takes part in the partition key, at any level.';

create function tidemark.ensure_trigger(relation regclass, trigger_name name, events text,
                                        action text) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('create or replace trigger %I %s on %s %s', trigger_name, events, relation,
                   action);
    execute format('alter table %s enable always trigger %I', relation, trigger_name);
end
$$;
comment on function tidemark.ensure_trigger(regclass, name, text, text) is
    'Creates or replaces one trigger, firing also while replication applies changes.';

create function tidemark.track(relation regclass, updated_at name default null,
                               notify boolean default null) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    key_changed text;
    key_arguments text;
    stamped name;
begin
    perform tidemark.require_trackable(relation);
    perform tidemark.ensure_column(relation);
    perform tidemark.ensure_index(relation);

    stamped := tidemark.stamped_column(relation, updated_at);
    -- by value: a session may print two keys alike; and by text: 1.0 is not spelled 1.00
    select string_agg(format('old.%1$I is distinct from new.%1$I'
                             ' or old.%1$I::text is distinct from new.%1$I::text', name), ' or '),
           string_agg(quote_literal(name), ', ' order by position)
      into key_changed, key_arguments
      from unnest(tidemark.key_columns(relation)) with ordinality as column_of(name, position);

    perform tidemark.ensure_trigger(relation, 'zz_tidemark_stamp', 'before insert or update',
        format('for each row execute function tidemark.stamp(%s)',
               coalesce(quote_literal(stamped), '')));
    perform tidemark.ensure_trigger(relation, 'zz_tidemark_log_delete', 'after delete',
        format('for each row execute function tidemark.log_key(%s)', key_arguments));
    perform tidemark.ensure_trigger(relation, 'zz_tidemark_log_key_change', 'after update',
        format('for each row when (%s) execute function tidemark.log_key(%s)',
               key_changed, key_arguments));
    perform tidemark.ensure_trigger(relation, 'zz_tidemark_log_truncate', 'after truncate',
        'for each statement execute function tidemark.log_truncate()');
    if not notify then
        execute format('drop trigger if exists zz_tidemark_notify on %s', relation);
    else
        perform tidemark.ensure_trigger(relation, 'zz_tidemark_notify',
            'after insert or update or delete or truncate',
            format('for each statement execute function tidemark.notify(%L)',
                   case when notify then 'always' else 'auto' end));
    end if;
end
$$;
comment on function tidemark.track(regclass, name, boolean) is
    'Prepares a table so that its pulls are exact: column tide_xid, its index, triggers. '
    'Again: repairs what is missing. updated_at: the timestamp column to keep current '
    '(default: the one of that name). notify: whether a commit wakes the devices; null: '
    'unless the server allows two-phase commit, which a notification forbids.';

create function tidemark.untrack(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    trigger_name name;
begin
    for trigger_name in
        select tgname from pg_trigger
          join pg_proc on pg_proc.oid = tgfoid
         where tgrelid = relation and pronamespace = 'tidemark'::regnamespace and tgparentid = 0
    loop
        execute format('drop trigger %I on %s', trigger_name, relation);
    end loop;
    -- takes its index along
    execute format('alter table %s drop column if exists tide_xid', relation);
    delete from tidemark.deleted_row where deleted_row.relation = untrack.relation;
end
$$;
comment on function tidemark.untrack(regclass) is
    'Takes back all that track() did to a table, and forgets its deleted rows.';

-- the owner's tools; triggers fire without this right
revoke execute on all functions in schema tidemark from public;

-- downgrade

do $$
declare
    tracked regclass;
begin
    for tracked in
        select distinct tgrelid::regclass from pg_trigger
          join pg_proc on pg_proc.oid = tgfoid
         where pronamespace = 'tidemark'::regnamespace and tgparentid = 0
    loop
        perform tidemark.untrack(tracked);
    end loop;
end
$$;
drop function tidemark.untrack(regclass);
drop function tidemark.track(regclass, name, boolean);
drop function tidemark.ensure_trigger(regclass, name, text, text);
drop function tidemark.stamped_column(regclass, name);
drop function tidemark.is_partition_key(regclass, name);
drop function tidemark.ensure_index(regclass);
drop function tidemark.ensure_column(regclass);
drop function tidemark.index_name(regclass);
drop function tidemark.require_trackable(regclass);
drop function tidemark.log_key();
drop function tidemark.key_columns(regclass);
drop function tidemark.notify();
drop function tidemark.log_truncate();
drop function tidemark.stamp();
