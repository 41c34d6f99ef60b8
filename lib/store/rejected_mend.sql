-- name: is_needed
select 1
  from tide_rejected_row
  join tide_refetch using (table_name, row_key)
 where push_id is null
   and exists (select 1 from tide_refetch) -- mostly there is none, however many are refused
 limit 1;

-- name: awaited
-- The last refusal of each row that is to be read again.
select max(rejected_id), table_name, row_key, op
  from tide_rejected_row
  join tide_refetch using (table_name, row_key)
 where push_id is null
 group by table_name, row_key;

-- name: refused_values
select column_name, quote(value), quote(base) from tide_rejected_value where rejected_id = :rejected_id;

-- name: refused_base
select json_group_object(column_name, quote(base))
  from tide_rejected_value
 where rejected_id = :rejected_id;
