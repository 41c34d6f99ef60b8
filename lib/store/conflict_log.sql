-- name: add
insert into tide_conflict_row (push_id, table_name, row_key, rule, winner, open, changed_us,
                               found_us)
values (:push_id, :table_name, :row_key, :rule, :winner, :open, :changed_us, :found_us)
returning conflict_id;

-- name: add_value
insert into tide_conflict_value (conflict_id, column_name, base_value, local_value,
                                 remote_value)
values (:conflict_id, :column_name, :base_value, :local_value, :remote_value);
