-- name: table_with_entries
-- NOTHING to do for a table that the outbox does not know.
select table_id
  from tide_table
 where name = :name
   and exists (select 1 from tide_outbox where tide_outbox.table_id = tide_table.table_id);
