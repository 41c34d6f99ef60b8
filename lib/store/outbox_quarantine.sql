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

-- name: unit_of
-- The unit of work that an entry is in: the mark before it is a begin.
select sequence
  from (select sequence, op
          from tide_outbox
         where row_key is null and op in ('begin', 'end') and sequence < :sequence
         order by sequence desc
         limit 1)
 where op = 'begin';

-- name: note_broken
-- Its begin names what broke it first, until the last of it is refused.
update tide_outbox set base = :cause where sequence = :unit and base is null;

-- name: remove
delete from tide_outbox where sequence = :sequence;
