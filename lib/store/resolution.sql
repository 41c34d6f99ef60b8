-- name: all
select rejected_id from tide_rejected_row where push_id is null order by rejected_id;

-- name: group
-- Rows of one unit, causes and what they held back, as far as that leads.
with recursive member (rejected_id) as (
    select rejected_id
      from tide_rejected_row
     where push_id is null
       and rejected_id = :id
     union
    select other.rejected_id
      from member
      join tide_rejected_row as self using (rejected_id)
      join tide_rejected_row as other on other.unit_id = self.unit_id
     where other.push_id is null
     union
    select other.rejected_id
      from member
      join tide_rejected_row as other on other.cause_id = member.rejected_id
     where other.push_id is null
     union
    select other.rejected_id
      from member
      join tide_rejected_row as self using (rejected_id)
      join tide_rejected_row as other on other.rejected_id = self.cause_id
     where other.push_id is null
)
select rejected_id from member order by rejected_id;

-- name: rejected
select table_name, row_key, op, unit_id from tide_rejected_row where rejected_id = :id and push_id is null;

-- name: rejected_values
select column_name, value from tide_rejected_value where rejected_id = :id order by column_name;

-- name: forget_rejected
delete from tide_rejected_row where rejected_id = :id;

-- name: forget_rejected_values
delete from tide_rejected_value where rejected_id = :id;

-- name: broken_units
-- What broke the units of work of which rows are still in the outbox, to be refused with it.
select cast(base as integer)
  from tide_outbox as its
 where row_key is null
   and op = 'begin'
   and base is not null
   and (select row_key from tide_outbox as next where next.sequence > its.sequence
         order by sequence limit 1) is not null;

-- name: is_awaited
-- Whether the cache still shows what the primary did not take.
select exists (select 1 from tide_refetch where table_name = :table_name and row_key = :row_key);

-- name: conflict
select table_name, row_key, winner from tide_conflict_row where conflict_id = :id and push_id is null;

-- name: conflict_values
select column_name, local_value from tide_conflict_value where conflict_id = :id order by column_name;

-- name: settle
update tide_conflict_row set open = 0 where conflict_id = :id and push_id is null returning 1;

-- name: mark_unit
insert into tide_unit values (:mark);
