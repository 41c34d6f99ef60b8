-- Which relations there are. Nothing here depends on the search path.

-- name: relations
-- Everything that is or looks like a table, schemas in the order given. A schema that is
-- missing gives one row without a name, an empty one a row without a relation. The primary
-- key comes as attribute numbers: "1 3".
with wanted as (
    select name, position from unnest($1::text[]) with ordinality as s(name, position)
), leaf as (
    select root.oid as root, part.relid::oid as oid
      from pg_class as root, pg_partition_tree(root.oid) as part
     where root.relkind = 'p' and not root.relispartition and part.isleaf
), delete_log as (
    select c.oid, has_schema_privilege(n.oid, 'USAGE')
                  and has_table_privilege(c.oid, 'SELECT') as may_read
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
     where n.nspname = 'tidemark' and c.relname = 'deleted_row'
), stamped as (
    select tgrelid as oid
      from pg_trigger
     where not tgisinternal and tgenabled = 'A'
       and tgname in ('zz_tidemark_stamp', 'zz_tidemark_log_delete')
     group by tgrelid
    having count(*) = 2
)
select wanted.name, quote_ident(wanted.name) as quoted_schema, n.oid is not null as schema_exists,
       quote_ident(current_user) as role,
       c.oid, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as quoted_name, c.relkind, c.relispartition,
       has_schema_privilege(n.oid, 'USAGE') as may_use_schema,
       has_any_column_privilege(c.oid, 'SELECT') as may_read,
       has_column_privilege(c.oid, (-2)::smallint, 'SELECT') as may_read_xmin,
       has_table_privilege(c.oid, 'SELECT') as may_lock,
       coalesce((select delete_log.may_read from delete_log), false) as may_read_delete_log,
       exists (select from delete_log)
       and exists (select from pg_attribute as a
                    where a.attrelid = c.oid and a.attname = 'tide_xid'
                      and a.atttypid = 'pg_catalog.xid8'::regtype and not a.attisdropped)
       and c.oid in (select oid from stamped)
       and not exists (select from leaf
                        where leaf.root = c.oid and leaf.oid not in (select oid from stamped))
       as tracked,
       (select md5(string_agg(t.oid || ':' || t.xmin, ' ' order by t.oid))
               || ':' || coalesce(pg_relation_filenode(c.oid), 0)
          from pg_trigger as t
         where t.tgname like 'zz\_tidemark\_%'
           and (t.tgrelid = c.oid
                or t.tgrelid in (select leaf.oid from leaf where leaf.root = c.oid))) as tracking,
       case c.relkind
           when 'p' then coalesce((select sum(part.reltuples)::bigint
                                     from leaf join pg_class as part on part.oid = leaf.oid
                                    where leaf.root = c.oid and part.reltuples >= 0), -1)
           else c.reltuples::bigint
       end as estimated_rows,
       (select string_agg(leaf.oid || ':' || coalesce(pg_relation_filenode(leaf.oid), 0), ' ' order by leaf.oid)
          from leaf where leaf.root = c.oid) as leaves,
       (select array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ')
          from pg_index as i where i.indrelid = c.oid and i.indisprimary) as key
  from wanted
  left join pg_namespace as n on n.nspname = wanted.name
  left join pg_class as c on c.relnamespace = n.oid
        and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
 order by wanted.position, c.relname collate "C";
