-- name: first_sequence
-- Of what is not held back: most often the very first one.
select sequence
  from tide_outbox
 where not exists (select 1 from tide_push_held)
    or (row_key is not null and table_id not in (select table_id from tide_push_held))
 order by sequence
 limit 1;

-- name: last_sequence
select coalesce(max(sequence), 0) from tide_outbox;

-- name: entries
select sequence, table_id, row_key, op, base, changed_at
  from tide_outbox
 where sequence > :after
 order by sequence;

-- name: delete_through
delete from tide_outbox where sequence <= :sequence;
