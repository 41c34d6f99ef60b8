-- name: create_tables
create temp table if not exists tide_pending_unit (
    unit integer primary key, -- sequence of its begin
    last integer not null     -- of its end, or of the next mark
);
create temp table if not exists tide_broken_unit (
    unit  integer primary key,
    last  integer not null,
    cause integer not null, -- rejected_id
    first integer not null  -- units that share a row carry the number of the first
);
delete from temp.tide_pending_unit;
delete from temp.tide_broken_unit;

-- name: read_marks
insert into temp.tide_pending_unit (unit, last)
select sequence, next
  from (select sequence, op,
               coalesce(lead(sequence) over (order by sequence), 9223372036854775807) as next
          from main.tide_outbox
         where row_key is null)
 where op = 'begin';

-- name: unit_of_row
select coalesce(min(unit), 0)
  from temp.tide_pending_entry as entry
  join temp.tide_pending_unit on unit = (select max(unit)
                                           from temp.tide_pending_unit
                                          where unit < entry.sequence)
                             and entry.sequence < last
 where entry.table_id = :table_id
   and entry.row_key = :row_key;

-- name: break_units
insert into temp.tide_broken_unit (unit, last, cause, first)
select distinct unit, last, :cause, coalesce(nullif(unit_id, 0), unit)
  from temp.tide_pending_entry as entry
  join temp.tide_pending_unit on unit = (select max(unit)
                                           from temp.tide_pending_unit
                                          where unit < entry.sequence)
                             and entry.sequence < last
  join main.tide_rejected_row on rejected_id = :cause
 where entry.table_id = :table_id
   and entry.row_key = :row_key
    on conflict do nothing;

-- name: next_member
select entry.table_id, entry.row_key, coalesce(cause_id, rejected_id), first, sqlstate, message
  from temp.tide_broken_unit as broken
  join temp.tide_pending_entry as entry on entry.sequence > broken.unit
                                       and entry.sequence < broken.last
  join main.tide_rejected_row on rejected_id = cause
 order by entry.sequence
 limit 1;
