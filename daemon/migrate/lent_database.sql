-- name: look
-- Whether it is ours to empty, and whether a run that was killed left it as it is.
select pg_has_role(datdba, 'usage'),
       coalesce(shobj_description(oid, 'pg_database') = 'in use by tidemark as a scratch database', false)
  from pg_database
 where datname = current_database();

-- name: take_lock
select pg_try_advisory_lock(1953064038, -1);

-- name: wait_for_lock
-- The session that held it may still be on its way out.
select pg_advisory_lock(1953064038, -1);

-- name: end_sessions
-- Of a run that is gone; only to be run by who has the lock. A server that is in the middle
-- of a statement notices only some seconds later that nobody is left to answer to, and keeps
-- its locks.
do $$
begin
    for attempt in 1 .. 200 loop
        perform pg_stat_clear_snapshot();
        perform pg_terminate_backend(pid)
           from pg_stat_activity
          where datname = current_database()
            and usename = session_user
            and application_name like 'tidemark%'
            and pid <> pg_backend_pid();
        exit when not found;
        perform pg_sleep(0.05);
    end loop;
end
$$;

-- name: contents
-- What is in it, in a few words; null: nothing.
with thing(name) as (
    select 'schema ' || quote_ident(nspname)
      from pg_namespace
     where nspname !~ '^(pg_.*|information_schema|public)$'
    union all
    select 'extension ' || quote_ident(extname) from pg_extension where extname <> 'plpgsql'
    union all
    select format('%I.%I', nspname, relname)
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = 'public' and relkind <> 'i'
    union all
    select format('%I.%I', nspname, proname)
      from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
     where nspname = 'public'
    union all
    select format('%I.%I', nspname, typname)
      from pg_type join pg_namespace on pg_namespace.oid = typnamespace
     where nspname = 'public' and typrelid = 0 and typelem = 0
    union all
    select 'publication ' || quote_ident(pubname) from pg_publication
    union all
    select 'event trigger ' || quote_ident(evtname) from pg_event_trigger
    union all
    select 'foreign data wrapper ' || quote_ident(fdwname) from pg_foreign_data_wrapper
    union all
    select 'large object ' || oid from pg_largeobject_metadata
    union all
    select 'default privileges of ' || defaclrole::regrole from pg_default_acl
)
select (select string_agg(name, ', ') from (select name from thing limit 4) as first_ones)
       || case when count(*) > 4 then format(' and %s more', count(*) - 4) else '' end
  from thing;

-- name: mark
do $$
begin
    execute format('comment on database %I is %L', current_database(),
                   'in use by tidemark as a scratch database');
end
$$;

-- name: unmark
do $$
begin
    execute format('comment on database %I is null', current_database());
end
$$;

-- name: empty
-- Schema public as initdb makes it, and nothing else.
do $$
declare
    statement text;
begin
    for statement in
        select format('drop event trigger if exists %I', evtname) from pg_event_trigger
        union all
        select format('drop publication if exists %I', pubname) from pg_publication
        union all
        select format('drop extension if exists %I cascade', extname)
          from pg_extension where extname <> 'plpgsql'
        union all
        select format('drop schema if exists %I cascade', nspname)
          from pg_namespace where nspname !~ '^(pg_.*|information_schema)$'
        union all
        select format('drop foreign data wrapper if exists %I cascade', fdwname)
          from pg_foreign_data_wrapper
        union all
        select format('select lo_unlink(%s)', oid) from pg_largeobject_metadata
    loop
        execute statement;
    end loop;
    create schema public authorization pg_database_owner;
    grant usage on schema public to public;
    comment on schema public is 'standard public schema';
end
$$;
