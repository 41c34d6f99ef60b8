-- name: add
insert into tide_rejected_row (push_id, table_name, row_key, op, sqlstate, message,
                               constraint_name, cause_id, unit_id, changed_us, rejected_us)
values (:push_id, :table_name, :row_key, :op, :sqlstate, :message, :constraint_name,
        nullif(:cause_id, 0), nullif(:unit_id, 0), :changed_us, :rejected_us)
returning rejected_id;

-- name: add_value
insert into tide_rejected_value (rejected_id, column_name, base, value)
values (:rejected_id, :column_name, :base, :value);

-- name: forget_values
delete from tide_rejected_value where rejected_id = :rejected_id;

-- name: put_change
update tide_rejected_row
   set op = :op, changed_us = :changed_us
 where rejected_id = :rejected_id;
