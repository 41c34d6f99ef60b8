-- name: outbox
with pending as (
    select entry.table_id,
           entry.row_key,
           min(entry.sequence) as first,
           max(iif(entry.op <> 'update', entry.sequence, null)) as last_shape,
           count(distinct entry.sequence) as entries,
           min(entry.changed_at) as first_changed,
           max(entry.changed_at) as last_changed,
           json_group_array(distinct part.key) filter (where part.key is not null) as columns
      from tide_outbox as entry
      left join json_each(iif(json_valid(entry.base), entry.base, '{}')) as part
     where entry.row_key is not null
     group by entry.table_id, entry.row_key
)
select coalesce(tide_table.name, 'table ' || pending.table_id),
       pending.row_key,
       case when first_entry.op = 'insert' then iif(shape.op = 'delete', 'nothing', 'insert')
            when shape.op = 'delete' then 'delete'
            else 'update' end,
       pending.columns,
       pending.entries,
       strftime('%Y-%m-%dT%H:%M:%fZ', pending.first_changed),
       strftime('%Y-%m-%dT%H:%M:%fZ', pending.last_changed)
  from pending
  join tide_outbox as first_entry on first_entry.sequence = pending.first
  left join tide_outbox as shape on shape.sequence = pending.last_shape
  left join tide_table on tide_table.table_id = pending.table_id
 order by pending.first;

-- name: rejected
select rejected_id, table_name, row_key, op, sqlstate, message, constraint_name, cause_id, unit_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', changed_us / 1e6, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', rejected_us / 1e6, 'unixepoch')
  from tide_rejected_row
 where push_id is null
   and rejected_id between :id and iif(:id = 0, 9223372036854775807, :id)
   and (:table_name is null or table_name = :table_name)
   and (:row_key is null or row_key = :row_key)
 order by rejected_id;

-- name: rejected_values
select column_name, base, value from tide_rejected_value where rejected_id = :id order by column_name;

-- name: conflicts
select conflict_id, table_name, row_key, rule, winner, open,
       strftime('%Y-%m-%dT%H:%M:%fZ', changed_us / 1e6, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', found_us / 1e6, 'unixepoch')
  from tide_conflict_row
 where push_id is null
   and conflict_id between :id and iif(:id = 0, 9223372036854775807, :id)
   and (:table_name is null or table_name = :table_name)
   and (:row_key is null or row_key = :row_key)
 order by conflict_id;

-- name: conflict_values
select column_name, base_value, local_value, remote_value
  from tide_conflict_value
 where conflict_id = :id
 order by column_name;
