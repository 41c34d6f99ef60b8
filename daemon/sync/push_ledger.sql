-- The primary's ledger: the last push of each device that arrived.

-- name: exists
select to_regclass('tidemark.device') is not null;

-- name: enrol
-- With the last push of a time when there was no ledger ($2), if there was one.
insert into tidemark.device (device_id, last_push)
values ($1::uuid, $2::uuid)
    on conflict (device_id) do nothing;

-- name: move
-- From the push before ($3, null: none) to this one ($2); waits for an attempt of ours that the
-- server still works on. Says what time it is.
update tidemark.device
   set last_push = $2::uuid
 where device_id = $1::uuid and last_push is not distinct from $3::uuid
returning (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- name: clock
select (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- name: look
select last_push::text from tidemark.device where device_id = $1::uuid;

-- name: look_and_wait
-- Behind an attempt of ours that the server still works on.
select last_push::text from tidemark.device where device_id = $1::uuid for update;

-- name: identity
-- As in the header of a round.
select (select system_identifier::text from pg_control_system())
       || '/' || (select oid from pg_database where datname = current_database()),
       ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text,
       pg_snapshot_xmax(pg_current_snapshot())::text;
