-- Our own tables beside the mirrored ones. Everything that starts with tide_ is private,
-- except the view tide_status.

-- Open only inside the daemon's own transactions: tells triggers that the sync is writing.
create table tide_gate (
    open integer not null check (open in (0, 1))
);
insert into tide_gate values (0);

-- Which cluster the cursors below belong to: xids mean nothing in another one.
create table tide_cluster (
    system_identifier text    not null,
    timeline          integer not null,
    next_xid          integer not null -- no transaction from here on has been seen
);

-- One row for each table that applications can see.
create table tide_table (
    table_id    integer primary key,
    name        text    not null unique collate nocase,
    schema_name text    not null,
    fingerprint text    not null, -- of the definition that the table was made from
    tracked     integer not null check (tracked in (0, 1)),
    exact       text    not null, -- pg_snapshot: all that is visible in it is here
    mark_us     integer not null, -- complete up to this time of the primary's clock; untracked
                                  -- deltas look back from here
    swept_us    integer not null, -- primary's clock at `exact`
    basis       text    not null  -- the table's tracking at `exact`, '' for none
);

-- One row for each table that is being copied under a private name.
create table tide_copy (
    name        text    not null primary key collate nocase,
    schema_name text    not null,
    copy_name   text    not null,
    fingerprint text    not null,
    exact       text    not null, -- pg_snapshot taken before the first row was read
    mark_us     integer not null, -- primary's clock at `exact`
    last_key    text,             -- JSON array of the last committed key
    row_count   integer not null,
    byte_count  integer not null,
    complete    integer not null check (complete in (0, 1)),
    basis       text    not null  -- the table's tracking at `exact`, '' for none
);

-- Rows that had to make room for others and are read again by key.
create table tide_refetch (
    table_name text not null collate nocase,
    row_key    text not null, -- JSON array of texts in the primary's spelling
    primary key (table_name, row_key)
) without rowid;

-- Indexes on mirrored tables that come from the primary; all others are an application's own.
create table tide_index (
    name text not null primary key collate nocase
) without rowid;

create table tide_state (
    state    text    not null,
    since_us integer not null,
    reason   text,
    mark_us  integer
);
insert into tide_state values ('absent', 0, null, null);

create view tide_status as
select state,
       strftime('%Y-%m-%dT%H:%M:%fZ', since_us / 1e6, 'unixepoch') as since,
       reason,
       strftime('%Y-%m-%dT%H:%M:%fZ', mark_us / 1e6, 'unixepoch') as complete_up_to,
       (select count(*) from tide_table) as tables
  from tide_state;
