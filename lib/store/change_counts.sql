-- name: pending
-- julianday is in days, and 2440587.5 is 1970-01-01.
select coalesce(tide_table.name, 'table ' || table_id),
       count(distinct row_key),
       count(*),
       cast((min(changed_at) - 2440587.5) * 86400e6 as integer)
  from tide_outbox
  left join tide_table using (table_id)
 where row_key is not null
 group by table_id;

-- name: rejected
select table_name, count(*)
  from tide_rejected_row
 where push_id is null
 group by table_name;

-- name: first_rejected
select rejected_id, table_name, row_key, op, sqlstate, message
  from tide_rejected_row
 where push_id is null and cause_id is null
 order by rejected_id
 limit 1;

-- name: conflicts
select count(*), coalesce(sum(open), 0) from tide_conflict_row where push_id is null;

-- name: device
select device_id from tide_device;

-- name: tables
select table_id, name
  from (select distinct table_id from tide_outbox where row_key is not null)
  join tide_table using (table_id)
 order by table_id;
