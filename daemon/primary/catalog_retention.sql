-- name: may_read
-- The table comes with a later migration than the log, and older roles were not granted it.
select coalesce(has_schema_privilege('tidemark', 'USAGE')
                and has_table_privilege(to_regclass('tidemark.retention')::oid, 'SELECT'), false)
  from pg_namespace
 where nspname = 'tidemark';

-- name: purged
select relation, ceil(extract(epoch from complete_since) * 1000000)::bigint from tidemark.retention;
