-- One of many small tables, for the idle poll; :table is filled in by workload.py.
create table :table (
    id         uuid primary key default gen_random_uuid(),
    owner_id   uuid not null default gen_random_uuid(),
    title      text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
insert into :table (title)
select 'Row ' || n from generate_series(1, 1000) n;
create index on :table (updated_at, id);
