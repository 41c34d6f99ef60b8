-- purge_tombstones() keeps what a transaction of up to a day deleted before the time since which
-- the log is complete, and committed after it.

-- upgrade

create or replace function tidemark.purge_tombstones(relation regclass, older_than interval,
                                                     deleted_at name default 'deleted_at') returns bigint
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
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
    -- the time is that of the delete: its transaction may have been committed much later, and
    -- a cache that has seen all commits before log_cutoff still has to hear of it
    delete from tidemark.deleted_row as logged
     where (logged.relation = relation and logged.deleted_at < log_cutoff - interval '1 day')
        or not exists (select from pg_class where oid = logged.relation);
    delete from tidemark.retention as known
     where not exists (select from pg_class where oid = known.relation);
    return purged;
end
$$;

-- downgrade

create or replace function tidemark.purge_tombstones(relation regclass, older_than interval,
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
