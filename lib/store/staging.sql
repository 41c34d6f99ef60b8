-- name: create_tables
create temp table if not exists tide_staged_unit (
    unit   integer primary key, -- sequence of its begin
    last   integer not null,    -- sequence of its end
    closed integer not null     -- all of its rows have been set aside
);
create temp table if not exists tide_staged_group (
    group_id integer primary key,
    phase    integer not null, -- enum staged_phase
    rank     integer not null, -- number of the table; below zero for deletes
    columns  blob    not null, -- numbers of two bytes
    first    integer,          -- ordinals
    last     integer,
    unique (phase, rank, columns)
);
create temp table if not exists tide_staged_draft (
    draft_id       integer primary key,
    group_id       integer not null,
    first_sequence integer not null,
    changed_us     integer not null,
    whole          integer not null, -- 0: not there; 1: there; 2: there, for references only
    row_key        text    not null,
    packed         blob    not null
);
create temp table if not exists tide_staged_row (
    ordinal  integer primary key,
    draft_id integer not null,
    group_id integer not null
);
create temp table if not exists tide_staged_draft_unit (
    draft_id integer not null,
    unit     integer not null
);
create temp table if not exists tide_staged_member (
    unit    integer not null,
    ordinal integer not null,
    primary key (unit, ordinal)
) without rowid;
create index if not exists temp.tide_staged_member_row on tide_staged_member (ordinal);
create temp table if not exists tide_staged_clean (
    position integer primary key,
    table_id integer not null,
    row_key  text    not null
);
create temp table if not exists tide_staged_reference (
    foreign_key integer not null,
    parent_key  text    not null,
    ordinal     integer not null,
    primary key (foreign_key, parent_key, ordinal)
) without rowid;
create temp table if not exists tide_staged_outcast (
    ordinal         integer primary key,
    sqlstate        text    not null,
    message         text    not null,
    constraint_name text,
    cause           integer not null,
    unit            integer not null,
    closed          integer not null
);
create index if not exists temp.tide_staged_outcast_open on tide_staged_outcast (ordinal)
 where closed = 0;

-- name: forget_all
delete from temp.tide_staged_unit;
delete from temp.tide_staged_group;
delete from temp.tide_staged_draft;
delete from temp.tide_staged_row;
delete from temp.tide_staged_draft_unit;
delete from temp.tide_staged_member;
delete from temp.tide_staged_clean;
delete from temp.tide_staged_reference;
delete from temp.tide_staged_outcast;

-- name: begin
begin;

-- name: commit
commit;

-- name: measure
select count(*), coalesce(max(sequence), 0) from main.tide_outbox where sequence <= :through;

-- name: table_ids
select distinct table_id
  from main.tide_outbox
 where sequence <= :through
   and row_key is not null;

-- name: marks
select sequence, op
  from main.tide_outbox
 where sequence <= :through
   and row_key is null
 order by sequence;

-- name: add_unit
insert into temp.tide_staged_unit (unit, last, closed) values (:unit, :last, 0);

-- name: unit_of
select unit, last
  from temp.tide_staged_unit
 where unit < :sequence
 order by unit desc
 limit 1;

-- name: find_group
select group_id
  from temp.tide_staged_group
 where phase = :phase
   and rank = :rank
   and columns = :columns;

-- name: add_group
insert into temp.tide_staged_group (phase, rank, columns)
values (:phase, :rank, :columns)
returning group_id;

-- name: add_draft
insert into temp.tide_staged_draft (draft_id, group_id, first_sequence, changed_us, whole, row_key,
                                    packed)
values (:draft_id, :group_id, :first_sequence, :changed_us, :whole, :row_key, :packed);

-- name: add_draft_unit
insert into temp.tide_staged_draft_unit (draft_id, unit) values (:draft_id, :unit);

-- name: add_clean
insert into temp.tide_staged_clean (table_id, row_key) values (:table_id, :row_key);

-- name: groups
select group_id, row_count
  from temp.tide_staged_group
  join (select group_id, count(*) as row_count
          from temp.tide_staged_draft
         group by group_id) using (group_id)
 order by phase, rank, group_id;

-- name: bound_group
update temp.tide_staged_group set first = :first, last = :last where group_id = :group_id;

-- name: drafts
select draft_id, group_id from temp.tide_staged_draft order by first_sequence;

-- name: number_row
insert into temp.tide_staged_row (ordinal, draft_id, group_id)
values (:ordinal, :draft_id, :group_id);

-- name: number_members
insert into temp.tide_staged_member (unit, ordinal)
select unit, ordinal
  from temp.tide_staged_draft_unit
  join temp.tide_staged_row using (draft_id)
 where true
    on conflict do nothing;

-- name: next_clean
select position, table_id, row_key
  from temp.tide_staged_clean
 where position > :after
 order by position
 limit 1;

-- name: group_at
select ordinal, last, phase, abs(rank), columns
  from temp.tide_staged_row
  join temp.tide_staged_group using (group_id)
 where ordinal between :from and :to
   and not exists (select 1
                     from temp.tide_staged_outcast
                    where tide_staged_outcast.ordinal = tide_staged_row.ordinal)
 order by ordinal
 limit 1;

-- name: group_of
select ordinal, last, phase, abs(rank), columns
  from temp.tide_staged_row
  join temp.tide_staged_group using (group_id)
 where ordinal = :ordinal;

-- name: rows
select ordinal, row_key, changed_us, first_sequence, whole, packed
  from temp.tide_staged_row
  join temp.tide_staged_draft using (draft_id)
 where ordinal between :from and :to
   and (:outcasts
        or not exists (select 1
                         from temp.tide_staged_outcast
                        where tide_staged_outcast.ordinal = tide_staged_row.ordinal))
 order by ordinal;

-- name: refuse
insert into temp.tide_staged_outcast (ordinal, sqlstate, message, constraint_name, cause, unit,
                                      closed)
values (:ordinal, :sqlstate, :message, :constraint_name, 0,
        coalesce((select min(unit) from temp.tide_staged_member where ordinal = :ordinal), 0), 0)
    on conflict do nothing;

-- name: next_open
select ordinal from temp.tide_staged_outcast where closed = 0 order by ordinal limit 1;

-- name: close
update temp.tide_staged_outcast set closed = 1 where ordinal = :ordinal;

-- name: open_units
select unit
  from temp.tide_staged_member
  join temp.tide_staged_unit using (unit)
 where ordinal = :ordinal
   and closed = 0;

-- name: close_unit
update temp.tide_staged_unit set closed = 1 where unit = :unit;

-- name: refuse_unit
-- Units that share a row become one: they carry the number of the first.
insert into temp.tide_staged_outcast (ordinal, sqlstate, message, constraint_name, cause, unit,
                                      closed)
select member.ordinal, cause.sqlstate, cause.message, cause.constraint_name, cause.ordinal,
       cause.unit, 0
  from temp.tide_staged_outcast as cause
  join temp.tide_staged_member as member on member.unit = :unit
 where cause.ordinal = :ordinal
    on conflict do nothing;

-- name: refuse_children
insert into temp.tide_staged_outcast (ordinal, sqlstate, message, constraint_name, cause, unit,
                                      closed)
select child.ordinal, cause.sqlstate, cause.message, cause.constraint_name, cause.ordinal,
       coalesce((select min(unit)
                   from temp.tide_staged_member
                  where tide_staged_member.ordinal = child.ordinal), 0), 0
  from temp.tide_staged_outcast as cause
  join temp.tide_staged_reference as child on child.foreign_key = :foreign_key
                                          and child.parent_key = :parent_key
 where cause.ordinal = :ordinal
    on conflict do nothing;

-- name: add_reference
insert into temp.tide_staged_reference (foreign_key, parent_key, ordinal)
values (:foreign_key, :parent_key, :ordinal)
    on conflict do nothing;

-- name: take_back
delete from temp.tide_staged_outcast;
update temp.tide_staged_unit set closed = 0;

-- name: count_outcasts
select count(*) from temp.tide_staged_outcast;

-- name: next_outcast
select ordinal, sqlstate, message, constraint_name, cause, unit
  from temp.tide_staged_outcast
 where ordinal > :after
 order by ordinal
 limit 1;
