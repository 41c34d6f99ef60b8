-- name: blocker
-- Who holds what the session $1 waits for, and for how long already. Half a second says that
-- it is more than a moment.
with waiting as (
    select relation, locktype from pg_locks
     where pid = $1::int and not granted
       and waitstart < clock_timestamp() - interval '0.5 s'
), blocker as (
    select blocking.pid, usename, application_name, relation, locktype,
           extract(epoch from clock_timestamp() - coalesce(xact_start, backend_start))::bigint as age_s
      from waiting, unnest(pg_blocking_pids($1::int)) as blocking(pid)
      left join pg_stat_activity using (pid)
     order by xact_start nulls last
     limit 1
)
select case when pid = 0 then 'a prepared transaction (pg_prepared_xacts)'
            else format('pid %s, user %s, application "%s"', pid, coalesce(usename, '?'),
                        coalesce(application_name, ''))
       end
       || case when relation is not null then format(' has a lock on %s', relation::regclass)
               else ' has a transaction open that must end first' end
       || case when age_s is null then ''
               when age_s < 120 then format(', for %s s', age_s)
               else format(', for %s min', age_s / 60) end
  from blocker;
