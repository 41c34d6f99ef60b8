-- What a migration of a project can call beside track(): rows that only their owner sees, and
-- an end for tombstones.
--
-- enable_rls() does not FORCE row level security: the table's owner is who runs migrations and
-- loads data, and a backfill that silently changes no row is worse than a trusted role. Everybody
-- else is bound by it, except roles with BYPASSRLS (a backend's service role).

-- upgrade

create table tidemark.retention (
    relation oid primary key,
    older_than interval not null,
    complete_since timestamptz not null
);
alter table tidemark.retention enable row level security;
create policy readers on tidemark.retention for select using (true);
comment on table tidemark.retention is
    'How long the tombstones of a table are kept, as purge_tombstones() was last told.';
comment on column tidemark.retention.complete_since is
    'Deletes before this time are not known any more: a cache that is not complete up to it '
    'must be verified.';

-- Who may read the log of deleted rows may read how far back it reaches.
do $$
declare
    reader regrole;
begin
    for reader in
        select distinct grantee from pg_class, aclexplode(relacl)
         where pg_class.oid = 'tidemark.deleted_row'::regclass
           and privilege_type = 'SELECT' and grantee not in (0, relowner)
    loop
        execute format('grant select on tidemark.retention to %s', reader);
    end loop;
end
$$;

create or replace function tidemark.grant_sync(sync_role regrole) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('grant usage on schema tidemark to %s', sync_role);
    execute format('grant select on tidemark.deleted_row to %s', sync_role);
    execute format('grant select on tidemark.retention to %s', sync_role);
    execute format('grant select on tidemark.migration to %s', sync_role);
    execute format('grant select, insert, update on tidemark.device to %s', sync_role);
end
$$;

create function tidemark.require_column(relation regclass, column_name name,
                                        wanted regtype[] default null) returns regtype
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    found_type regtype := (select atttypid from pg_attribute
                            where attrelid = relation and attname = column_name
                              and attnum > 0 and not attisdropped);
begin
    if found_type is null then
        raise exception '% has no column %', relation, quote_ident(column_name)
            using errcode = 'undefined_column';
    elsif found_type <> all (wanted) then
        raise exception '% of % is of type %', quote_ident(column_name), relation, found_type
            using errcode = 'datatype_mismatch',
                  hint = format('It must be of one of these: %s.', array_to_string(wanted, ', '));
    end if;
    return found_type;
end
$$;
comment on function tidemark.require_column(regclass, name, regtype[]) is
    'The type of a column; an error when it is missing or of another type.';

create function tidemark.ensure_owner_index(relation regclass, owner_column name) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    table_name name;
    index_schema name;
    index_name name;
begin
    if exists (select from pg_index
                 join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                where indrelid = relation and indisvalid and indpred is null
                  and attname = owner_column) then
        return;
    end if;
    select relname, nspname into table_name, index_schema
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where pg_class.oid = relation;
    index_name := 'ix_' || table_name || '_' || owner_column;
    if octet_length('ix_' || table_name || '_' || owner_column) > 63
       or to_regclass(format('%I.%I', index_schema, index_name)) is not null then
        index_name := 'ix_' || left(table_name, 10) || '_owner_'
                      || left(md5(table_name || '.' || owner_column), 8);
    end if;
    execute format('create index %I on %s (%I)', index_name, relation, owner_column);
    execute format('comment on index %I.%I is %L', index_schema, index_name,
                   'Made by tidemark.enable_rls().');
end
$$;
comment on function tidemark.ensure_owner_index(regclass, name) is
    'Makes the index that the owner''s policies look by, unless one is there.';

create function tidemark.enable_rls(relation regclass, owner_column name default 'owner_id')
    returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    class pg_class;
    owner_type regtype := tidemark.require_column(relation, owner_column);
    member regclass;
    history text := 'Made by tidemark.enable_rls().';
    is_owner text;
begin
    select * into strict class from pg_class where oid = relation;
    if class.relkind not in ('r', 'p') or class.relispartition then
        raise exception '% is not a table of its own', relation
            using errcode = 'wrong_object_type',
                  hint = 'Name an ordinary or partitioned table, not a partition or a view.';
    end if;
    if not class.relrowsecurity then
        history := history || ' Row level security was off before.';
    end if;
    -- what an earlier call has found
    history := coalesce((select obj_description(oid, 'pg_policy') from pg_policy
                          where polrelid = relation and polname = 'tidemark_owner_select'),
                        history);

    perform tidemark.ensure_owner_index(relation, owner_column);
    -- a partition can be named in a query too; nobody else has a policy there
    for member in select relid from pg_partition_tree(relation)
                  union select relation::oid
    loop
        execute format('alter table %s enable row level security', member);
    end loop;

    -- the sub-select is evaluated once for a statement, not for each row; '' is what a setting
    -- becomes after the transaction that had set it
    is_owner := format('%I = (select (nullif(current_setting(''request.jwt.claims'', true), '''')'
                       '::json ->> ''sub'')::%s)', owner_column, owner_type);
    perform tidemark.drop_owner_policies(relation);
    -- a tombstone stays visible to its owner: with a test of deleted_at here the ordinary soft
    -- delete fails (42501), and devices never hear of it
    execute format('create policy tidemark_owner_select on %s for select using (%s)',
                   relation, is_owner);
    execute format('create policy tidemark_owner_insert on %s for insert with check (%s)',
                   relation, is_owner);
    execute format('create policy tidemark_owner_update on %s for update using (%2$s)'
                   ' with check (%2$s)', relation, is_owner);
    if not exists (select from pg_attribute
                    where attrelid = relation and attname = 'deleted_at' and not attisdropped) then
        execute format('create policy tidemark_owner_delete on %s for delete using (%s)',
                       relation, is_owner);
    end if;
    execute format('comment on policy tidemark_owner_select on %s is %L', relation, history);
end
$$;
comment on function tidemark.enable_rls(regclass, name) is
    'Row level security by owner: a row is seen and changed only by the one whose sub (of '
    'request.jwt.claims) is in the owner column. A table with deleted_at has no policy for '
    'DELETE: rows are deleted softly. Again: repairs, or takes another column.';

create function tidemark.drop_owner_policies(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    policy_name name;
begin
    for policy_name in
        select polname from pg_policy
         where polrelid = relation
           and polname in ('tidemark_owner_select', 'tidemark_owner_insert',
                           'tidemark_owner_update', 'tidemark_owner_delete')
    loop
        execute format('drop policy %I on %s', policy_name, relation);
    end loop;
end
$$;
comment on function tidemark.drop_owner_policies(regclass) is
    'Removes the policies that enable_rls() makes.';

create function tidemark.disable_rls(relation regclass) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    history text := (select obj_description(oid, 'pg_policy') from pg_policy
                      where polrelid = relation and polname = 'tidemark_owner_select');
    index_name regclass;
    member regclass;
begin
    perform tidemark.drop_owner_policies(relation);
    for index_name in
        select indexrelid from pg_index
         where indrelid = relation
           and obj_description(indexrelid, 'pg_class') = 'Made by tidemark.enable_rls().'
    loop
        execute format('drop index %s', index_name);
    end loop;
    if history like '%was off before.' then
        for member in select relid from pg_partition_tree(relation)
                      union select relation::oid
        loop
            execute format('alter table %s disable row level security', member);
        end loop;
    end if;
end
$$;
comment on function tidemark.disable_rls(regclass) is
    'Takes back what enable_rls() did. Row level security that was on before stays on.';

create function tidemark.purge_tombstones(relation regclass, older_than interval,
                                          deleted_at name default 'deleted_at') returns bigint
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    -- a transaction may delete now and commit much later
    log_cutoff constant timestamptz := now() - greatest(older_than, interval '1 day');
    is_old text;
    purged bigint := 0;
    place record;
begin
    if older_than is null or older_than < interval '0' then
        raise exception 'older_than must be an interval of 0 or more'
            using errcode = 'invalid_parameter_value';
    end if;
    perform tidemark.require_column(relation, deleted_at, '{timestamptz,timestamp}');
    is_old := format('%I < %L::timestamptz', deleted_at, now() - older_than);
    begin
        execute format('delete from %s where %s', relation, is_old);
        get diagnostics purged = row_count;
    exception when foreign_key_violation then
        -- what something still refers to stays
        for place in execute format('select tableoid, ctid from %s where %s', relation, is_old)
        loop
            begin
                execute format('delete from %s where tableoid = $1 and ctid = $2 and %s',
                               relation, is_old) using place.tableoid, place.ctid;
                purged := purged + 1;
            exception when foreign_key_violation then
                null;
            end;
        end loop;
    end;

    insert into tidemark.retention as known (relation, older_than, complete_since)
    values (relation, older_than, log_cutoff)
        on conflict on constraint retention_pkey do update
       set older_than = excluded.older_than,
           complete_since = greatest(known.complete_since, excluded.complete_since);
    delete from tidemark.deleted_row as logged
     where (logged.relation = relation and logged.deleted_at < log_cutoff)
        or not exists (select from pg_class where oid = logged.relation);
    delete from tidemark.retention as known
     where not exists (select from pg_class where oid = known.relation);
    return purged;
end
$$;
comment on function tidemark.purge_tombstones(regclass, interval, name) is
    'Deletes rows that were soft-deleted longer ago, unless something still refers to them, and '
    'forgets deletes that no cache within that time needs (at least a day''s are kept). Returns '
    'how many rows. A cache that stays away for longer has to verify itself.';

revoke execute on all functions in schema tidemark from public;

-- downgrade

-- The policies stay where they are: they call nothing of ours, and without them a table would
-- be open or empty.
drop function tidemark.purge_tombstones(regclass, interval, name);
drop function tidemark.disable_rls(regclass);
drop function tidemark.enable_rls(regclass, name);
drop function tidemark.drop_owner_policies(regclass);
drop function tidemark.ensure_owner_index(regclass, name);
drop function tidemark.require_column(regclass, name, regtype[]);
drop table tidemark.retention;
create or replace function tidemark.grant_sync(sync_role regrole) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('grant usage on schema tidemark to %s', sync_role);
    execute format('grant select on tidemark.deleted_row to %s', sync_role);
    execute format('grant select on tidemark.migration to %s', sync_role);
    execute format('grant select, insert, update on tidemark.device to %s', sync_role);
end
$$;
