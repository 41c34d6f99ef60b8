-- name: begin
begin;

-- name: commit
commit;

-- name: roll_back
rollback;

-- name: try_lock
-- Polled, never waited for: CREATE INDEX CONCURRENTLY would wait for the waiting ones.
select pg_try_advisory_lock(1953064037, 1);

-- name: lock_holder
select pid, coalesce(usename::text, '?'), coalesce(application_name, '')
  from pg_locks
  left join pg_stat_activity using (pid)
 where locktype = 'advisory' and classid = 1953064037 and objid = 1 and objsubid = 2
   and pg_locks.granted
   and database = (select oid from pg_database where datname = current_database())
 limit 1;

-- name: history_exists
select to_regclass('tidemark.migration') is not null;

-- name: create_history
-- The runner's own table, which must be there before the first file.
create schema tidemark;
comment on schema tidemark is 'What tidemark keeps here to mirror tables exactly.';
create table tidemark.migration (
    source text not null,
    revision text not null,
    description text not null,
    checksum text not null,
    upgrade text not null,
    downgrade text not null,
    applied_at timestamptz not null default clock_timestamp(),
    applied_by text not null default current_user,
    runner_version text not null,
    primary key (source, revision)
);
alter table tidemark.migration enable row level security;
create policy readers on tidemark.migration for select using (true);
comment on table tidemark.migration is 'The migrations that were applied, and their text.';
comment on column tidemark.migration.source is
    'tidemark: built into the program; else whose files they are.';
comment on column tidemark.migration.checksum is 'SHA-256 of the whole file.';

-- name: read_history
select revision, description, checksum
  from tidemark.migration
 where source = 'tidemark'
 order by revision collate "C";

-- name: record
insert into tidemark.migration
       (source, revision, description, checksum, upgrade, downgrade, runner_version)
values ('tidemark', $1, $2, $3, $4, $5, $6);

-- name: record_as_text
-- The same as a statement to be run by somebody else.
select format('insert into tidemark.migration
       (source, revision, description, checksum, upgrade, downgrade, runner_version)
values (''tidemark'', %L, %L, %L, %L, %L, %L);',
              $1::text, $2::text, $3::text, $4::text, $5::text, $6::text);
