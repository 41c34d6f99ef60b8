-- What a push finds out while it runs, until the cache takes it in one transaction: TEMP
-- tables on the cache's write connection, so that memory is flat and nobody waits for it.

-- name: create_tables
create temp table if not exists push_outcome (
    ordinal    integer primary key, -- of the row in the push
    table_name text    not null,
    row_key    text    not null,
    rule       text,                -- null: no conflict, only to be read again
    local_wins integer not null,
    open       integer not null,
    changed_us integer not null
);
create temp table if not exists push_outcome_value (
    ordinal  integer not null,
    position integer not null,
    name     text    not null,
    base,
    local,
    remote,
    primary key (ordinal, position)
) without rowid;

-- name: add
insert or replace into temp.push_outcome values (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: add_value
insert or replace into temp.push_outcome_value values (?1, ?2, ?3, ?4, ?5, ?6);

-- name: forget_rows
delete from temp.push_outcome where ordinal between ?1 and ?2;

-- name: forget_values
delete from temp.push_outcome_value where ordinal between ?1 and ?2;

-- name: list
select ordinal, table_name, row_key, rule, local_wins, open, changed_us
  from temp.push_outcome
 order by ordinal;

-- name: count_values
select count(*) from temp.push_outcome_value where ordinal = ?1;

-- name: list_values
select name, base, local, remote
  from temp.push_outcome_value
 where ordinal = ?1
 order by position;
