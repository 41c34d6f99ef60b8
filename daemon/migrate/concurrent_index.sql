-- name: look
-- The index of that name on that table: null when there is none. One that is being built has
-- its builder in pg_stat_progress_create_index. First the statement that removes it.
select format('drop index concurrently if exists %s', pg_class.oid::regclass),
       indisvalid,
       exists (select from pg_stat_progress_create_index as building
                where building.index_relid = indexrelid and building.pid <> pg_backend_pid())
  from pg_index
  join pg_class on pg_class.oid = indexrelid
 where indrelid = to_regclass($2)
   and relname = (parse_ident($1))[cardinality(parse_ident($1))];

-- name: exists_by_name
select to_regclass($1)::text;
