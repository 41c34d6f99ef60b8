-- name: begin
begin;

-- name: commit
commit;

-- name: roll_back
rollback;

-- name: reset_session
-- The first resets the role too: DISCARD ALL, which does more than is wanted here, says no more than these two.
reset session authorization;
reset all;

-- name: process
select pg_backend_pid();

-- name: try_lock
-- Polled, never waited for: CREATE INDEX CONCURRENTLY would wait for the waiting ones.
select pg_try_advisory_lock(1953064037, 1);

-- name: lock_holder
select format('another runner is at work: pid %s, user %s, application "%s"%s, since %s',
              pid, coalesce(usename::text, '?'), coalesce(application_name, ''),
              coalesce(' on ' || coalesce(client_hostname, host(client_addr)), ''),
              to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
  from pg_locks
  left join pg_stat_activity using (pid)
 where locktype = 'advisory' and classid = 1953064037 and objid = 1 and objsubid = 2
   and pg_locks.granted
   and database = (select oid from pg_database where datname = current_database())
 limit 1;
