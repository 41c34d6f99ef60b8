-- What the objects are is asked in schema_types.sql, schema_tables.sql, schema_routines.sql
-- and schema_links.sql.

-- name: qualify_names
set local search_path = '';
