-- Routines, views, rules, triggers, policies and tracking as objects of the schema catalog;
-- the columns of the answers are those of schema_types.sql.

-- name: routines
-- No aggregates: the server cannot print them. What can be replaced keeps its result,
-- its arguments' names and their defaults.
select 'routine', name, definition, definition, format('drop %s %s', what, name),
       'pg_proc'::regclass::oid, oid, 0, null, null, null, null,
       definition, signature, null, null, null, null
  from (select pg_proc.oid, pg_proc.oid::regprocedure::text as name,
               case prokind when 'p' then 'procedure' else 'function' end as what,
               rtrim(pg_get_functiondef(pg_proc.oid), E'\n') as definition,
               concat(prokind, ' (', pg_get_function_arguments(pg_proc.oid), ') ',
                      pg_get_function_result(pg_proc.oid)) as signature
          from pg_proc
          join pg_namespace on pg_namespace.oid = pronamespace
         where prokind in ('f', 'p', 'w')
           and nspname !~ '^(pg_.*|information_schema|tidemark)$'
           and ($1::text[] is null or quote_ident(nspname) = any ($1))
           and not exists (select from pg_depend
                            where classid = 'pg_proc'::regclass and objid = pg_proc.oid
                              and deptype in ('e', 'i'))) as found;

-- name: views
-- A view whose columns stay the same is replaced, so that what stands on it may stay.
select case relkind when 'v' then 'view' else 'materialized view' end, name, definition,
       format('create %s', definition),
       format('drop %s %s', case relkind when 'v' then 'view' else 'materialized view' end, name),
       'pg_class'::regclass::oid, oid, 0, null, null, null, name,
       case relkind when 'v' then format('create or replace %s', definition) end, columns,
       null, null, null, null
  from (select class.oid, relkind, name, columns,
               case relkind when 'v' then 'view ' else 'materialized view ' end || name
               || coalesce(' with (' || (select string_agg(setting, ', ' order by setting)
                                           from unnest(reloptions) as setting where relkind = 'v') || ')', '')
               || E' as\n' || rtrim(pg_get_viewdef(class.oid), ';') as definition
          from (select pg_class.oid, relkind, reloptions, format('%I.%I', nspname, relname) as name
                  from pg_class
                  join pg_namespace on pg_namespace.oid = relnamespace
                 where relkind in ('v', 'm')
                   and nspname !~ '^(pg_.*|information_schema|tidemark)$'
                   and ($1::text[] is null or quote_ident(nspname) = any ($1))
                   and not exists (select from pg_depend
                                    where classid = 'pg_class'::regclass and objid = pg_class.oid
                                      and deptype = 'e')) as class
         cross join lateral (select string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod),
                                                      nullif(attcollation, 0)::regcollation), E'\n' order by attnum)
                               from pg_attribute
                              where attrelid = class.oid and attnum > 0) as listed(columns)) as found;

-- name: rules
select 'rule', format('%s.%I', ev_class::regclass, rulename), pg_get_ruledef(pg_rewrite.oid),
       rtrim(pg_get_ruledef(pg_rewrite.oid), ';'), format('drop rule %I on %s', rulename, ev_class::regclass),
       'pg_rewrite'::regclass::oid, pg_rewrite.oid, 0, 'pg_class'::regclass::oid, ev_class, 0,
       null, null, null, null, null, null, null
  from pg_rewrite
 where pg_rewrite.oid >= 16384 and rulename <> '_RETURN';

-- name: triggers
select 'trigger', format('%s.%I', tgrelid::regclass, tgname), pg_get_triggerdef(pg_trigger.oid),
       pg_get_triggerdef(pg_trigger.oid), format('drop trigger %I on %s', tgname, tgrelid::regclass),
       'pg_trigger'::regclass::oid, pg_trigger.oid, 0, 'pg_class'::regclass::oid, tgrelid, 0,
       null, null, null, null, null, null, null
  from pg_trigger
  join pg_proc on pg_proc.oid = tgfoid
 where not tgisinternal and tgparentid = 0
   and pronamespace is distinct from to_regnamespace('tidemark')::oid;

-- name: trigger_states
select 'trigger state', format('%s.%I', tgrelid::regclass, tgname), state,
       format('alter table %s %s trigger %I', tgrelid::regclass, state, tgname),
       format('alter table %s enable trigger %I', tgrelid::regclass, tgname),
       null, null, null, 'pg_trigger'::regclass::oid, pg_trigger.oid, 0, null,
       format('alter table %s %s trigger %I', tgrelid::regclass, state, tgname),
       null, null, null, null, null
  from pg_trigger
  join pg_proc on pg_proc.oid = tgfoid
 cross join lateral (values (case tgenabled when 'D' then 'disable' when 'R' then 'enable replica'
                                            when 'A' then 'enable always' end)) as named(state)
 where not tgisinternal and tgparentid = 0 and tgenabled <> 'O'
   and pronamespace is distinct from to_regnamespace('tidemark')::oid;

-- name: policies
select 'policy', format('%s.%I', polrelid::regclass, polname), definition,
       format(E'create policy %I on %s%s', polname, polrelid::regclass, definition),
       format('drop policy %I on %s', polname, polrelid::regclass),
       'pg_policy'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, polrelid, 0,
       null, null, null, null, null, null, null
  from (select oid, polname, polrelid,
               concat(case when not polpermissive then ' as restrictive' end,
                      case polcmd when 'r' then ' for select' when 'a' then ' for insert'
                                  when 'w' then ' for update' when 'd' then ' for delete' end,
                      case when polroles <> '{0}' then
                           ' to ' || (select string_agg(coalesce(quote_ident(rolname), 'public'), ', ' order by rolname)
                                        from unnest(polroles) as listed(role)
                                        left join pg_roles on pg_roles.oid = role) end,
                      E'\n    using (' || pg_get_expr(polqual, polrelid) || ')',
                      E'\n    with check (' || pg_get_expr(polwithcheck, polrelid) || ')') as definition
          from pg_policy) as found;

-- name: tracking
-- What track() was told, as far as it matters: a timestamp column of another name, and
-- whether a commit wakes the devices.
select 'tracking', relation::text, concat_ws(', ', stamped, notify),
       format('select tidemark.track(%s)', concat_ws(', ', quote_literal(relation), stamped, notify)),
       format('select tidemark.untrack(%L)', relation),
       'pg_trigger'::regclass::oid, oid, 0, 'pg_class'::regclass::oid, tgrelid, 0,
       null, format('select tidemark.track(%s)', concat_ws(', ', quote_literal(relation), stamped, notify)),
       stamped, null, null, null, null
  from (select stamp.oid, stamp.tgrelid, stamp.tgrelid::regclass as relation,
               'updated_at => ' || quote_literal(nullif(nullif(rtrim(encode(stamp.tgargs, 'escape'), '\0'),
                                                               'updated_at'), '')) as stamped,
               case when wake.oid is null then 'notify => false'
                    when wake.tgargs = '\x616c7761797300' then 'notify => true' end as notify
          from pg_trigger as stamp
          join pg_proc on pg_proc.oid = stamp.tgfoid
          left join pg_trigger as wake on wake.tgrelid = stamp.tgrelid and wake.tgname = 'zz_tidemark_notify'
         where stamp.tgname = 'zz_tidemark_stamp' and stamp.tgparentid = 0
           and pronamespace = to_regnamespace('tidemark')::oid) as found;
