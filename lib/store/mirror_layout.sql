-- name: is_name_taken
select 1 from sqlite_schema where name = :name collate nocase;

-- name: is_mirrored
select 1 from tide_table where name = :name;

-- name: count_indexes
-- Of the primary's indexes, how many of either kind stand on a copy; the key's own has no sql.
select count(*)
  from pragma_index_list(:table_name)
 where origin = 'c'
   and "unique" = :unique;

-- name: note_index
insert into tide_index (name) values (:name) on conflict do nothing;

-- name: forget_indexes
delete from tide_index where name not in (select name from sqlite_schema where type = 'index');

-- name: application_objects
-- Triggers (or indexes) that an application put on a mirrored table: all but ours.
select sql
  from sqlite_schema
 where tbl_name = :table_name collate nocase
   and type = iif(:triggers, 'trigger', 'index')
   and sql is not null
   and name not like 'tide\_%' escape '\'
   and name not in (select name from tide_index)
 order by rowid;
