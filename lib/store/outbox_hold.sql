-- name: read
select table_id from tide_push_held order by table_id;

-- name: forget
delete from tide_push_held;

-- name: add
insert into tide_push_held (table_id) values (:table_id) on conflict do nothing;

-- name: operations
select distinct table_id, op from tide_outbox where row_key is not null;

-- name: neighbours
-- Tables that have rows in the same unit of work.
with entry as (
    select table_id, row_key, op, sum(row_key is null) over (order by sequence) as part
      from tide_outbox
), member as (
    select distinct part, table_id
      from entry
     where row_key is not null
       and part in (select part from entry where row_key is null and op = 'begin')
)
select distinct one.table_id, other.table_id
  from member as one
  join member as other using (part)
 where one.table_id <> other.table_id;

-- name: delete_entries
delete from tide_outbox
 where sequence <= :sequence
   and row_key is not null
   and table_id not in (select table_id from tide_push_held);

-- name: delete_marks
-- Those with nothing left behind a begin, or before an end.
delete from tide_outbox
 where sequence <= :sequence
   and row_key is null
   and (select neighbour.row_key
          from tide_outbox as neighbour
         where neighbour.sequence = iif(tide_outbox.op = 'begin',
                                        (select min(sequence) from tide_outbox as later
                                          where later.sequence > tide_outbox.sequence),
                                        (select max(sequence) from tide_outbox as earlier
                                          where earlier.sequence < tide_outbox.sequence))) is null;
