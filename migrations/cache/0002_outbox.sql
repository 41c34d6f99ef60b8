-- Local changes: what applications wrote, until the primary has acknowledged it, and what
-- became of it.

-- Filled by the capture triggers inside the application's own transaction; only ever
-- appended to. Entries go when the primary has acknowledged them.
create table tide_outbox (
    sequence   integer primary key autoincrement, -- order of capture; never reused
    table_id   integer not null, -- of tide_table; 0 for the marks of a unit of work
    row_key    text,             -- JSON array of strings; null for a mark
    op         text    not null, -- insert, update, delete; begin, end
    base       text,             -- JSON: changed column to quote() of its old value
    changed_at real    not null default (julianday('now')) -- by the device's clock
);

-- Rows that a statement is about to replace: kept by the triggers that fire before it for
-- those that fire after it. Empty between statements, save for what was kept in vain.
create table tide_replaced (
    table_id   integer not null,
    owner      text    not null, -- row_key of the row that comes; '': not known yet
    row_key    text    not null, -- as in tide_outbox
    row_number integer,          -- its rowid
    stamp,                       -- its updated_at
    base       text    not null, -- all its values; of a row with the same key what will differ
    primary key (table_id, owner, row_key)
) without rowid;

-- Rows that a delete puts back as tombstones, while it does. Empty between statements.
create table tide_put_back (
    table_id integer not null,
    row_key  text    not null, -- its rowid; as in tide_outbox where that has no name
    primary key (table_id, row_key)
) without rowid;

-- A trigger that inserts here learns the conflict policy of its statement: IGNORE changes
-- nothing, REPLACE sets the mark, and ABORT fails as the statement itself is about to. Its
-- message names the index.
create table tide_probe (
    one      integer not null,
    replaces integer not null
);
create unique index tide_another_row_has_these_unique_values on tide_probe (one + 0);
insert into tide_probe values (1, 0);

-- The last number given to a table that is gone: numbers in the outbox are not used again.
create table tide_last_table (
    table_id integer not null
);
insert into tide_last_table select coalesce(max(table_id), 0) from tide_table;

-- This cache, as the primary's ledger knows it.
create table tide_device (
    device_id  text    not null, -- UUID
    registered integer not null check (registered in (0, 1)), -- the ledger has our row
    last_push  text              -- the push that the ledger should name; null: none yet
);

-- Pushes of our own, newest last: tells a restored primary from a copied cache.
create table tide_push_history (
    number  integer primary key autoincrement,
    push_id text not null
);

-- The push whose COMMIT was sent, or is about to be, and whose answer is not known.
create table tide_push (
    push_id text    not null,
    through integer not null -- last sequence that it holds
);

-- Rows that are to be read again when that push is known to have arrived.
create table tide_push_refetch (
    table_name text not null collate nocase,
    row_key    text not null, -- as in tide_refetch
    primary key (table_name, row_key)
) without rowid;

-- Changes that the primary refused; kept until a person decides.
create table tide_rejected_row (
    rejected_id     integer primary key autoincrement,
    push_id         text,             -- of the push in flight; null: filed
    table_name      text    not null collate nocase,
    row_key         text    not null, -- as in tide_refetch
    op              text    not null, -- insert, update, delete
    sqlstate        text    not null,
    message         text    not null,
    constraint_name text,
    cause_id        integer,          -- the rejected row that this one depends on
    unit_id         integer,          -- alike for rows of one unit of work
    changed_us      integer not null, -- last local edit, by the device's clock
    rejected_us     integer not null
);
create index tide_rejected_row_cause on tide_rejected_row (cause_id) where cause_id is not null;
create index tide_rejected_row_unit on tide_rejected_row (unit_id) where unit_id is not null;
create table tide_rejected_value (
    rejected_id integer not null,
    column_name text    not null,
    base                              /* value before the change; null for an insert */,
    value                             /* the value that was refused */,
    primary key (rejected_id, column_name)
) without rowid;

-- The same columns changed on both sides. What lost is kept here.
create table tide_conflict_row (
    conflict_id integer primary key autoincrement,
    push_id     text,             -- of the push in flight; null: filed
    table_name  text    not null collate nocase,
    row_key     text    not null, -- as in tide_refetch
    rule        text    not null, -- server_wins, client_wins, last_write_wins, manual, …
    winner      text    not null check (winner in ('local', 'remote')),
    open        integer not null check (open in (0, 1)), -- waits for a person
    changed_us  integer not null, -- local edit, by the device's clock
    found_us    integer not null
);
create table tide_conflict_value (
    conflict_id integer not null,
    column_name text    not null,
    base_value,
    local_value,
    remote_value,
    primary key (conflict_id, column_name)
) without rowid;

-- One row for each row with changes that the primary has not acknowledged.
create view tide_pending as
select tide_table.name as table_name,
       row_key,
       count(*) as changes,
       min(sequence) as first_sequence,
       strftime('%Y-%m-%dT%H:%M:%fZ', min(changed_at)) as first_changed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', max(changed_at)) as last_changed_at
  from tide_outbox
  left join tide_table using (table_id)
 where row_key is not null
 group by table_id, row_key;

create view tide_rejected as
select rejected_id, table_name, row_key, op, sqlstate, message, constraint_name, cause_id, unit_id,
       (select json_group_object(column_name, iif(typeof(base) = 'blob', '\x' || lower(hex(base)), base))
          from tide_rejected_value
         where tide_rejected_value.rejected_id = tide_rejected_row.rejected_id) as base,
       (select json_group_object(column_name, iif(typeof(value) = 'blob', '\x' || lower(hex(value)), value))
          from tide_rejected_value
         where tide_rejected_value.rejected_id = tide_rejected_row.rejected_id) as "values",
       strftime('%Y-%m-%dT%H:%M:%fZ', changed_us / 1e6, 'unixepoch') as changed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', rejected_us / 1e6, 'unixepoch') as rejected_at
  from tide_rejected_row
 where push_id is null;

create view tide_conflict as
select conflict_id, table_name, row_key, column_name, rule, winner, open, base_value, local_value,
       remote_value,
       strftime('%Y-%m-%dT%H:%M:%fZ', changed_us / 1e6, 'unixepoch') as changed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', found_us / 1e6, 'unixepoch') as found_at
  from tide_conflict_row
  left join tide_conflict_value using (conflict_id)
 where push_id is null;

-- insert into tide_unit values ('begin') … ('end'): what lies between stands or falls
-- together on the primary.
create view tide_unit as
select op as mark from tide_outbox where row_key is null;
create trigger tide_unit_insert instead of insert on tide_unit
begin
    select raise(abort, 'tidemark: a mark of a unit of work is ''begin'' or ''end''')
     where new.mark is null or new.mark not in ('begin', 'end');
    insert into tide_outbox (table_id, op) values (0, new.mark);
end;
