-- name: create_tables
create temp table if not exists tide_pending_unit (
    unit  integer primary key, -- sequence of its begin
    last  integer not null,    -- of its end, or of the next mark
    cause integer              -- rejected_id of what broke it; null: it is whole
);
create index if not exists temp.tide_pending_unit_broken on tide_pending_unit (unit)
 where cause is not null;
delete from temp.tide_pending_unit;

-- name: read_marks
insert into temp.tide_pending_unit (unit, last, cause)
select sequence, next, cast(base as integer)
  from (select sequence, op, base,
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
update temp.tide_pending_unit
   set cause = :cause
 where cause is null
   and unit in (select its.unit
                  from temp.tide_pending_entry as entry
                  join temp.tide_pending_unit as its
                       on its.unit = (select max(unit)
                                        from temp.tide_pending_unit
                                       where unit < entry.sequence)
                      and entry.sequence < its.last
                 where entry.table_id = :table_id
                   and entry.row_key = :row_key);

-- name: note_broken
-- Its begin names what broke it, until the last of it is refused.
update main.tide_outbox
   set base = :cause
 where sequence in (select unit from temp.tide_pending_unit where cause = :cause);

-- name: next_member
-- Units that share a row carry the number of the first.
select entry.table_id, entry.row_key, coalesce(cause_id, rejected_id), coalesce(unit_id, unit),
       sqlstate, message
  from temp.tide_pending_unit as broken
  join temp.tide_pending_entry as entry on entry.sequence > broken.unit
                                       and entry.sequence < broken.last
  join main.tide_rejected_row on rejected_id = cause
 where cause is not null
 order by entry.sequence
 limit 1;

-- name: are_broken
select exists (select 1 from tide_rejected_row where unit_id is not null)
   and exists (select 1 from tide_outbox where row_key is null and op = 'begin' and base is not null);

-- name: forget_broken
update tide_outbox
   set base = null
 where row_key is null
   and op = 'begin'
   and base is not null;
