-- name: shape
-- Is there a table of records, and is it this version's?
select to_regclass('tidemark.migration') is not null,
       exists (select from pg_attribute
                where attrelid = to_regclass('tidemark.migration') and attname = 'state');

-- name: prepare
-- The runner's own table, which must be there before the first file. It is made as tidemark
-- 0.1.0 made it and then extended, so that older installations get to the same place; what an
-- older runner inserts still fits.
create schema if not exists tidemark;
comment on schema tidemark is 'What tidemark keeps here to mirror tables exactly.';
create table if not exists tidemark.migration (
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
drop policy if exists readers on tidemark.migration;
create policy readers on tidemark.migration for select using (true);
alter table tidemark.migration rename column applied_at to finished_at;
alter table tidemark.migration
    alter column finished_at drop not null,
    add column started_at timestamptz not null default clock_timestamp(),
    add column host text not null default '',
    add column state text not null default 'applied'
        check (state in ('running', 'failed', 'applied', 'reverting', 'reverted')),
    add column transactional boolean not null default true,
    add column step integer not null default 0,
    add column steps integer not null default 0,
    add column step_begun boolean not null default false,
    add column error text;
update tidemark.migration set started_at = finished_at;
comment on table tidemark.migration is 'The migrations that were applied, and their text.';
comment on column tidemark.migration.source is
    'tidemark: built into the program; project: a file of [migrations] directory.';
comment on column tidemark.migration.checksum is 'SHA-256 of the whole file.';
comment on column tidemark.migration.state is
    'running, failed: the upgrade is under way or stopped in the middle (only files without '
    'a transaction); reverting: the downgrade is; reverted: taken back.';
comment on column tidemark.migration.step is
    'How many steps of what is under way are done, out of steps.';
comment on column tidemark.migration.step_begun is
    'The next step was begun and cannot be taken back: it may have had its effect.';
comment on column tidemark.migration.error is 'What the step that failed said.';

-- name: read
-- Through JSON, because an older table has not all of these columns.
select source, revision, description, checksum, upgrade, downgrade,
       coalesce(record ->> 'state', 'applied'),
       coalesce((record ->> 'transactional')::boolean, true),
       coalesce((record ->> 'step')::integer, 0),
       coalesce((record ->> 'steps')::integer, 0),
       coalesce((record ->> 'step_begun')::boolean, false),
       to_char(coalesce(record ->> 'started_at', record ->> 'applied_at')::timestamptz
               at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       to_char(coalesce(record ->> 'finished_at', record ->> 'applied_at')::timestamptz
               at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       applied_by, coalesce(record ->> 'host', ''), runner_version, record ->> 'error'
  from tidemark.migration, to_jsonb(migration) as record
 where source in ('tidemark', 'project')
 order by source = 'tidemark' desc, revision collate "C";

-- name: record
-- Applied, in the transaction that ran it.
insert into tidemark.migration
       (source, revision, description, checksum, upgrade, downgrade, runner_version, host, started_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now())
    on conflict (source, revision) do update
   set description = excluded.description, checksum = excluded.checksum, upgrade = excluded.upgrade,
       downgrade = excluded.downgrade, runner_version = excluded.runner_version,
       host = excluded.host, started_at = excluded.started_at,
       finished_at = clock_timestamp(), applied_by = current_user, state = 'applied',
       transactional = true, step = 0, steps = 0, step_begun = false, error = null;

-- name: record_as_text
-- The same as a statement to be run by somebody else.
select format('insert into tidemark.migration
       (source, revision, description, checksum, upgrade, downgrade, runner_version, host, started_at, transactional)
values (%L, %L, %L, %L, %L, %L, %L, %L, now(), %L)
    on conflict (source, revision) do update
   set description = excluded.description, checksum = excluded.checksum, upgrade = excluded.upgrade,
       downgrade = excluded.downgrade, runner_version = excluded.runner_version,
       host = excluded.host, started_at = excluded.started_at,
       finished_at = clock_timestamp(), applied_by = current_user, state = ''applied'',
       transactional = excluded.transactional, step = 0, steps = 0, step_begun = false, error = null;',
              $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::boolean);

-- name: revert
-- Taken back, in the transaction that did it.
update tidemark.migration
   set state = 'reverted', finished_at = clock_timestamp(), started_at = now(),
       applied_by = current_user, host = $3, runner_version = $4,
       step = 0, steps = 0, step_begun = false, error = null
 where source = $1 and revision = $2;

-- name: revert_as_text
select format('update tidemark.migration
   set state = ''reverted'', finished_at = clock_timestamp(), started_at = now(),
       applied_by = current_user, host = %L, runner_version = %L,
       step = 0, steps = 0, step_begun = false, error = null
 where source = %L and revision = %L;', $3::text, $4::text, $1::text, $2::text);

-- name: begin_steps
-- The upgrade of a file without a transaction is under way: $9 steps, $10 of them done. One
-- that goes on may have been edited behind the steps that are done.
insert into tidemark.migration
       (source, revision, description, checksum, upgrade, downgrade, runner_version, host,
        steps, step, state, transactional, finished_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', false, null)
    on conflict (source, revision) do update
   set description = excluded.description, checksum = excluded.checksum, upgrade = excluded.upgrade,
       downgrade = excluded.downgrade, runner_version = excluded.runner_version,
       host = excluded.host, applied_by = current_user, transactional = false,
       started_at = case when migration.state = 'reverted' then clock_timestamp()
                         else migration.started_at end,
       finished_at = null, state = 'running', steps = excluded.steps, step = excluded.step,
       step_begun = migration.step_begun and migration.state <> 'reverted';

-- name: begin_reverting
update tidemark.migration
   set state = 'reverting', steps = $3, step = $4, host = $5, runner_version = $6,
       applied_by = current_user, finished_at = null,
       started_at = case when state = 'reverting' then started_at else clock_timestamp() end
 where source = $1 and revision = $2;

-- name: step_begins
update tidemark.migration set step_begun = true
 where source = $1 and revision = $2;

-- name: step_is_done
update tidemark.migration set step = $3, step_begun = false, error = null
 where source = $1 and revision = $2;

-- name: step_failed
-- What it may have left is looked for before it is run again.
update tidemark.migration
   set error = $3, step_begun = $4, state = case when state = 'running' then 'failed' else state end
 where source = $1 and revision = $2;

-- name: finish_steps
update tidemark.migration
   set state = case when state = 'reverting' then 'reverted' else 'applied' end,
       finished_at = clock_timestamp(), step_begun = false, error = null
 where source = $1 and revision = $2;
