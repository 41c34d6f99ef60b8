-- name: entries
select sequence,
       table_id,
       row_key,
       op,
       base,
       exists (select 1 from tide_table where tide_table.table_id = tide_outbox.table_id)
  from tide_outbox
 where sequence > :after and sequence <= :through
 order by sequence;

-- name: remove
delete from tide_outbox where sequence = :sequence;
