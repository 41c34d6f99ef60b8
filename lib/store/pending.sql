-- name: create_tables
-- They belong to the connection: all that use them there see the same.
create temp table if not exists tide_pending_entry (
    sequence integer primary key,
    table_id integer not null,
    row_key  text    not null -- canonical
);
create index if not exists temp.tide_pending_row on tide_pending_entry (table_id, row_key);
create temp table if not exists tide_pending_state (
    tables text    not null, -- digest of the mirrored tables
    first  integer not null, -- sequence of the outbox's first entry; 0: none
    last   integer not null  -- all entries up to here have been read
);
insert into temp.tide_pending_state
select '', 0, 0
 where not exists (select 1 from temp.tide_pending_state);

-- name: begin
-- Inside a transaction or outside of one.
savepoint tide_pending;

-- name: commit
release tide_pending;

-- name: roll_back
rollback to tide_pending;
release tide_pending;

-- name: state
select tables, first, last,
       (select coalesce(min(sequence), 0) from main.tide_outbox),
       (select coalesce(max(sequence), 0) from main.tide_outbox)
  from temp.tide_pending_state;

-- name: put_state
update temp.tide_pending_state set tables = :tables, first = :first, last = :last;

-- name: note_first
update temp.tide_pending_state
   set first = (select coalesce(min(sequence), 0) from main.tide_outbox);

-- name: forget_all
delete from temp.tide_pending_entry;

-- name: is_empty
select not exists (select 1 from temp.tide_pending_entry);

-- name: unread
select sequence, table_id, row_key
  from main.tide_outbox
 where sequence > :after
   and row_key is not null
 order by sequence;

-- name: add
insert into temp.tide_pending_entry (sequence, table_id, row_key)
values (:sequence, :table_id, :row_key);

-- name: entries_of_row
select sequence, op, base, changed_at
  from temp.tide_pending_entry
  join main.tide_outbox using (sequence)
 where tide_pending_entry.table_id = :table_id
   and tide_pending_entry.row_key = :row_key
   and sequence > :after
 order by sequence;

-- name: remove_entries
delete from main.tide_outbox
 where sequence in (select sequence
                      from temp.tide_pending_entry
                     where table_id = :table_id
                       and row_key = :row_key
                       and sequence > :after);

-- name: forget_entries
delete from temp.tide_pending_entry
 where table_id = :table_id
   and row_key = :row_key
   and sequence > :after;

-- name: remove_entry
delete from main.tide_outbox where sequence = :sequence;

-- name: forget_entry
delete from temp.tide_pending_entry where sequence = :sequence;

-- name: put_base
update main.tide_outbox set base = :base where sequence = :sequence;

-- name: make_update
update main.tide_outbox set op = 'update', base = :base where sequence = :sequence;

-- name: make_insert
-- The edit was made when the last of them was.
update main.tide_outbox
   set op = 'insert',
       base = null,
       changed_at = (select changed_at from main.tide_outbox where sequence = :last)
 where sequence = :first;

-- name: next_row
select sequence, row_key
  from temp.tide_pending_entry as entry
 where +table_id = :table_id
   and sequence > :after
   and not exists (select 1
                     from temp.tide_pending_entry as earlier
                    where earlier.table_id = entry.table_id
                      and earlier.row_key = entry.row_key
                      and earlier.sequence < entry.sequence)
 order by sequence
 limit 1;
