-- name: first_sequence
select sequence from tide_outbox order by sequence limit 1;

-- name: last_sequence
select coalesce(max(sequence), 0) from tide_outbox;

-- name: entries
select sequence, table_id, row_key, op, base, changed_at
  from tide_outbox
 where sequence > :after
 order by sequence;

-- name: delete_through
delete from tide_outbox where sequence <= :sequence;
