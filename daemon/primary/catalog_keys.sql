-- Indexes and foreign keys, read for many tables at once. $1 is an array of OIDs. Columns
-- come as attribute numbers: "1 3".

-- name: indexes
-- Valid indexes on plain columns; the primary key's own only when it is deferrable. Columns that an index only
-- INCLUDEs are left out; in options, bit 0 of a column means DESC.
select i.indrelid, c.relname, i.indisunique,
       array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ') as columns,
       array_to_string((i.indoption::int2[])[0:i.indnkeyatts - 1], ' ') as options,
       pg_get_expr(i.indpred, i.indrelid) as predicate,
       i.indisprimary as deferrable_key
  from pg_index as i
  join pg_class as c on c.oid = i.indexrelid
  join pg_am as am on am.oid = c.relam
 where i.indrelid = any ($1::oid[])
   and not (i.indisprimary and i.indimmediate) and i.indisvalid and i.indislive
   and am.amname in ('btree', 'hash', 'brin')
   and 0 <> all ((i.indkey::int2[])[0:i.indnkeyatts - 1])
 order by i.indrelid, c.relname collate "C";

-- name: foreign_keys
-- Foreign keys that hold for every row. Those to the partitions of a referenced table, which
-- PostgreSQL adds by itself, have a parent constraint and are left out.
select con.conrelid, con.confrelid,
       array_to_string(con.conkey, ' ') as columns,
       array_to_string(con.confkey, ' ') as parent_columns
  from pg_constraint as con
 where con.contype = 'f' and con.convalidated and con.conparentid = 0
   and con.conrelid = any ($1::oid[]) and con.confrelid = any ($1::oid[])
 order by con.conrelid, con.conname collate "C";
