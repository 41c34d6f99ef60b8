-- name: read
-- What one cut of the primary is: its MVCC snapshot, the cluster it belongs to, its time, and
-- a digest of the catalog that changes with every DDL on the mirrored tables ($1: their oids) and with every
-- table that comes or goes in the mirrored schemas ($2). The digest may change without need
-- (xmin of catalog rows); then the schema is read again and found the same.
-- The time is that of the transaction's begin, so from before the snapshot; a standby's is
-- asked for by `replayed`. A standby's snapshots do not list what is in progress: all from xmin
-- on is taken to be, so that the cursor holds on its primary too. A database copied from a
-- template has the oids of that.
select case when pg_is_in_recovery()
            then pg_snapshot_xmin(pg_current_snapshot()) || ':' || pg_snapshot_xmin(pg_current_snapshot()) || ':'
            else pg_current_snapshot()::text
       end,
       pg_is_in_recovery()::text,
       (select system_identifier::text from pg_control_system())
       || '/' || (select oid from pg_database where datname = current_database()),
       case when pg_is_in_recovery() then (select timeline_id::text from pg_control_checkpoint())
            else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text
       end,
       case when not pg_is_in_recovery() then (extract(epoch from now()) * 1000000)::bigint::text end,
       (select count(*) || ':' || coalesce(sum(hashint8extended(c.oid::bigint, c.xmin::text::bigint)::numeric), 0)
          from pg_class c
         where (c.relnamespace in (select n.oid from pg_namespace n where n.nspname = any ($2::text[]))
                and c.relkind in ('r', 'p'))
            or c.oid = any ($1::oid[]))
       || '/' ||
       (select count(*) || ':' || coalesce(sum(hashint8extended(n.oid::bigint, n.xmin::text::bigint)::numeric), 0)
          from pg_namespace n
         where n.nspname = any ($2::text[]))
       || '/' ||
       (select count(*) || ':' || coalesce(sum(hashint8extended(a.attrelid::bigint * 2048 + a.attnum,
                                                               a.xmin::text::bigint)::numeric), 0)
          from pg_attribute a
         where a.attrelid = any ($1::oid[]) and a.attnum > 0)
       || '/' ||
       (select count(*) || ':' || coalesce(sum(hashint8extended(t.oid::bigint, t.xmin::text::bigint)::numeric), 0)
          from pg_trigger t
         where t.tgrelid = any ($1::oid[]))
       || '/' ||
       (select count(*) || ':' || coalesce(sum(hashint8extended(i.indexrelid::bigint, i.xmin::text::bigint)::numeric), 0)
          from pg_index i
         where i.indrelid = any ($1::oid[]) and i.indisvalid)
       || '/' ||
       (select count(*) || ':' || coalesce(sum(hashint8extended(e.oid::bigint, e.xmin::text::bigint)::numeric), 0)
          from pg_enum e),
       pg_snapshot_xmax(pg_current_snapshot())::text;

-- name: begin
begin isolation level repeatable read read only;

-- name: replayed
-- A standby is complete up to the last commit it has replayed, whatever its clock says. Every
-- snapshot that is taken after this one holds all of that; the snapshot that this is read under
-- need not, because the standby goes on replaying.
select (extract(epoch from greatest(pg_last_xact_replay_timestamp(),
                                    (select checkpoint_time from pg_control_checkpoint()))) * 1000000)::bigint::text;

-- name: renew
-- A transaction like the last one, without a snapshot yet: in the same round trip, and on the
-- same server behind a pooler too, which looks for another one only where no transaction is open.
commit and chain;

-- name: commit
commit;

-- name: forget_statements
deallocate all;

-- name: pin_for_rounds
-- Generic plans without sequential scans: an idle poll touches a few index pages and costs no
-- planning, whatever the planner would guess for a parameter it does not know.
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
