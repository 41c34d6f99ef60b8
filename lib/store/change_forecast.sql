-- name: tables
select table_id, name
  from tide_table
 where table_id in (select table_id from tide_outbox where row_key is not null)
 order by table_id;
