-- name: entries
-- Of one table; whose they are is told by their key, which the triggers spell their own way.
select row_key, op, base, strftime('%Y-%m-%dT%H:%M:%fZ', changed_at)
  from tide_outbox
 where table_id = (select table_id from tide_table where name = :table_name)
   and row_key is not null
 order by sequence;

-- name: mark
select strftime('%Y-%m-%dT%H:%M:%fZ', mark_us / 1e6, 'unixepoch') from tide_table where name = :table_name;

-- name: refetch
select 1 from tide_refetch where table_name = :table_name and row_key = :row_key;
