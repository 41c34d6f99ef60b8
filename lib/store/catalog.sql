-- name: tables
select name, schema_name, fingerprint, tracked, exact, mark_us, swept_us, basis, table_id
  from tide_table
 order by name;

-- name: put_table
insert into tide_table (name, schema_name, fingerprint, tracked, exact, mark_us, swept_us, basis,
                        table_id)
values (:name, :schema_name, :fingerprint, :tracked, :exact, :mark_us, :swept_us, :basis,
        1 + max(coalesce((select max(table_id) from tide_table), 0),
                coalesce((select max(table_id) from tide_last_table), 0)))
    on conflict (name) do update
   set schema_name = excluded.schema_name,
       fingerprint = excluded.fingerprint,
       tracked = excluded.tracked,
       exact = excluded.exact,
       mark_us = excluded.mark_us,
       swept_us = excluded.swept_us,
       basis = excluded.basis;

-- name: table_id
select table_id from tide_table where name = :name and schema_name = :schema_name;

-- name: note_last_table
update tide_last_table
   set table_id = max(table_id, (select coalesce(max(table_id), 0) from tide_table));

-- name: remove_table
delete from tide_table where name = :name;

-- name: copies
select name, schema_name, copy_name, fingerprint, exact, mark_us, last_key, row_count, byte_count,
       complete, basis
  from tide_copy
 order by name;

-- name: put_copy
insert into tide_copy (name, schema_name, copy_name, fingerprint, exact, mark_us, last_key,
                       row_count, byte_count, complete, basis)
values (:name, :schema_name, :copy_name, :fingerprint, :exact, :mark_us, :last_key, :row_count,
        :byte_count, :complete, :basis)
    on conflict (name) do update
   set last_key = excluded.last_key,
       row_count = excluded.row_count,
       byte_count = excluded.byte_count,
       complete = excluded.complete;

-- name: remove_copy
delete from tide_copy where name = :name;

-- name: cluster
select system_identifier, timeline, next_xid from tide_cluster;

-- name: forget_cluster
delete from tide_cluster;

-- name: put_cluster
insert into tide_cluster (system_identifier, timeline, next_xid)
values (:system_identifier, :timeline, :next_xid);

-- name: put_next_xid
update tide_cluster set next_xid = max(next_xid, :next_xid);

-- name: forget_cursors
-- An empty snapshot: the table is copied anew before it is followed again.
update tide_table set exact = '';

-- name: forget_copies
update tide_copy set fingerprint = '';

-- name: add_refetch
insert into tide_refetch (table_name, row_key) values (:table_name, :row_key) on conflict do nothing;

-- name: remove_refetch
delete from tide_refetch where table_name = :table_name and row_key = :row_key;

-- name: remove_refetches
delete from tide_refetch where table_name = :table_name;

-- name: refetches
select row_key from tide_refetch where table_name = :table_name order by row_key limit :limit;

-- name: put_state
update tide_state
   set state = :state, since_us = :since_us, reason = :reason;

-- name: put_mark
update tide_state set mark_us = :mark_us;

-- name: open_gate
-- Also when somebody has deleted its row.
insert into tide_gate (rowid, open) values (1, 1) on conflict (rowid) do update set open = 1;

-- name: forget_replaced
-- What triggers kept in vain.
delete from tide_replaced;

-- name: close_gate
update tide_gate set open = 0;
