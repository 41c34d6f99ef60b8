-- name: mark
insert into tide_unit (mark) values (:mark);

-- name: has_entries
select 1
  from tide_outbox
 where sequence > :begin_mark
   and row_key is not null
 limit 1;

-- name: forget_mark
delete from tide_outbox where sequence >= :begin_mark;
