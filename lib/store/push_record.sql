-- name: device
select device_id, registered, last_push, failures, primary_changed from tide_device;

-- name: put_device
insert into tide_device (device_id, registered, last_push) values (:device_id, 0, null);

-- name: put_failures
update tide_device set failures = :failures where failures <> :failures;

-- name: forget_device
delete from tide_device;

-- name: forget_history
delete from tide_push_history;

-- name: registered
update tide_device set registered = :registered;

-- name: primary_changed
update tide_device set primary_changed = 1;

-- name: knows
select 1 from tide_push_history where push_id = :push_id;

-- name: in_flight
select push_id, through from tide_push;

-- name: put
insert into tide_push (push_id, through) values (:push_id, :through);

-- name: add_refetch
insert into tide_push_refetch (table_name, row_key)
values (:table_name, :row_key)
    on conflict do nothing;

-- name: rejected
select rejected_id, table_name, row_key
  from tide_rejected_row
 where push_id = :push_id
   and rejected_id > :after
 order by rejected_id
 limit 1;

-- name: file_rejected
update tide_rejected_row set push_id = null where push_id = :push_id;

-- name: file_conflicts
update tide_conflict_row set push_id = null where push_id = :push_id;

-- name: file_refetches
insert into tide_refetch (table_name, row_key)
select table_name, row_key
  from tide_push_refetch
 where true
    on conflict do nothing;

-- name: forget_refetches
delete from tide_push_refetch;

-- name: move_last_push
update tide_device set last_push = :push_id, primary_changed = 0;

-- name: add_history
insert into tide_push_history (push_id) values (:push_id);

-- name: trim_history
delete from tide_push_history
 where number <= (select max(number) from tide_push_history) - 1000;

-- name: forget_push
delete from tide_push;

-- name: file_local_wins
update tide_conflict_row set push_id = null where push_id = :push_id and winner = 'local';

-- name: forget_rejected_values
delete from tide_rejected_value
 where rejected_id in (select rejected_id from tide_rejected_row where push_id = :push_id);

-- name: forget_rejected
delete from tide_rejected_row where push_id = :push_id;

-- name: forget_conflict_values
delete from tide_conflict_value
 where conflict_id in (select conflict_id from tide_conflict_row where push_id = :push_id);

-- name: forget_conflicts
delete from tide_conflict_row where push_id = :push_id;
