-- What the doctor asks the primary. Tables come as arrays of OIDs, names beside them as
-- arrays of the same length; each answer row begins with the position in that array.

-- name: clock
select (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- name: role
select quote_ident(current_user), rolsuper, rolbypassrls
  from pg_roles
 where rolname = current_user;

-- name: installation
-- No to_regclass(): without USAGE on the schema it is an error.
select has_schema_privilege(pg_namespace.oid, 'usage') as may_use,
       has_table_privilege(history.oid, 'select') as may_read_history,
       has_table_privilege(log.oid, 'select') as may_read_log
  from pg_namespace
  left join pg_class as history
         on history.relnamespace = pg_namespace.oid and history.relname = 'migration'
  left join pg_class as log
         on log.relnamespace = pg_namespace.oid and log.relname = 'deleted_row'
 where nspname = 'tidemark';

-- name: newest_migration
select revision || '_' || description
  from tidemark.migration
 where source = 'tidemark'
 order by revision collate "C" desc
 limit 1;

-- name: tracking
-- What is missing of each table that has the column tide_xid. Row triggers must fire on
-- every partition too.
with listed as (
    select relation, position
      from unnest($1::oid[]) with ordinality as listed(relation, position)
     where exists (select from pg_attribute
                    where attrelid = relation and attname = 'tide_xid' and not attisdropped)
), member as (
    select position, coalesce(relid, relation) as relation
      from listed left join lateral pg_partition_tree(relation) on true
), row_trigger(name) as (
    values ('zz_tidemark_stamp'::name), ('zz_tidemark_log_delete'),
           ('zz_tidemark_log_key_change')
), problem(position, what) as (
    select position, 'trigger ' || name || ' is missing or does not always fire'
      from member cross join row_trigger
     where not exists (select from pg_trigger
                        where tgrelid = relation and tgname = name and tgenabled = 'A')
    union
    select position, 'trigger zz_tidemark_log_truncate is missing or does not always fire'
      from listed
     where not exists (select from pg_trigger
                        where tgrelid = relation and tgname = 'zz_tidemark_log_truncate'
                          and tgenabled = 'A')
    union
    select position, 'tide_xid has no index'
      from listed
     where not exists (select from pg_index
                         join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                        where indrelid = relation and indisvalid and indpred is null
                          and attname = 'tide_xid')
    union
    select position, 'its primary key has changed since'
      from listed
      join pg_trigger on tgrelid = relation and tgname = 'zz_tidemark_log_delete'
     where tgargs is distinct from (
           select string_agg(convert_to(attname, getdatabaseencoding()) || '\x00'::bytea,
                             ''::bytea order by key_part.position)
             from pg_index
            cross join unnest(indkey::int2[]) with ordinality as key_part(number, position)
             join pg_attribute on attrelid = indrelid and attnum = key_part.number
            where indrelid = relation and indisprimary
              and key_part.position <= indnkeyatts)
)
select position - 1, string_agg(what, ', ' order by what)
  from problem
 group by position
 order by position;

-- name: future_stamps
-- Rows stamped by transactions that this server has not begun: restored from a dump. One
-- look at the end of each index.
select position - 1
  from unnest($1::oid[]) with ordinality as listed(relation, position)
 where has_any_column_privilege(relation, 'select')
   and exists (select from pg_index
                 join pg_attribute on attrelid = indrelid and attnum = indkey[0]
                where indrelid = relation and indisvalid and attname = 'tide_xid')
   and (xpath('//ahead/text()', query_to_xml(format(
           'select tide_xid >= pg_snapshot_xmax(pg_current_snapshot()) as ahead
              from %s order by tide_xid desc limit 1', relation::regclass),
           false, false, '')))[1]::text = 'true';

-- name: null_times
-- By the planner's statistics; tables that were never analyzed do not appear.
select position - 1, null_frac::float8 * greatest(reltuples, 0)
  from unnest($1::oid[], $2::text[]) with ordinality as listed(relation, column_name, position)
  join pg_class on pg_class.oid = relation
  join pg_namespace on pg_namespace.oid = relnamespace
  join pg_stats on schemaname = nspname and tablename = relname and attname = column_name
 where null_frac > 0
 order by position;

-- name: row_security
-- Tables whose policies apply to this role, one row for each policy that lets it read (or
-- one without a policy); whether that policy asks for live rows only. Policies of a role
-- apply to its members.
select position - 1, polname,
       pg_get_expr(polqual, polrelid) ~* ('\m' || column_name || '"? is null')
  from unnest($1::oid[], $2::text[]) with ordinality as listed(relation, column_name, position)
  left join pg_policy
         on polrelid = relation and polpermissive and polcmd in ('r', '*')
        and exists (select from unnest(polroles) as granted(role)
                     where role = 0 or pg_has_role(current_user, role, 'usage'))
 where row_security_active(relation)
 order by position, polname;

-- name: long_transactions
-- What keeps old row versions alive, on a tracked table also what keeps a cursor behind.
select format('%s %s, user %s, "%s"', backend_type, pid, coalesce(usename, '?'),
              coalesce(application_name, '')),
       extract(epoch from clock_timestamp() - xact_start)::bigint,
       format('select pg_terminate_backend(%s);', pid)
  from pg_stat_activity
 where xact_start < clock_timestamp() - interval '1 hour'
   and pid <> pg_backend_pid()
   and datname = current_database()
union all
select format('prepared transaction "%s", user %s', gid, owner),
       extract(epoch from clock_timestamp() - prepared)::bigint,
       format('commit prepared %L; or rollback prepared %L;', gid, gid)
  from pg_prepared_xacts
 where prepared < clock_timestamp() - interval '1 hour'
   and database = current_database()
 order by 2 desc;
