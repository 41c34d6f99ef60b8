-- name: entries
-- The key to sort by comes first and is all that is compared: SQLite is quickest then.
select tide_text(:sort_key, table_id, row_key) as sort_key,
       sequence,
       table_id,
       op,
       base,
       changed_at
  from main.tide_outbox
 where row_key is not null
 order by sort_key, sequence;
