-- name: triggers
-- All of a mirrored table, ours and the applications', in the order of their making.
select name, sql, name like 'tide\_%' escape '\' as ours
  from sqlite_schema
 where tbl_name = :table_name collate nocase
   and type = 'trigger'
 order by rowid;

-- name: view
select sql from sqlite_schema where type = 'view' and name = :name collate nocase;

-- name: strange_triggers
-- What applications put on our own tables.
select name, tbl_name
  from sqlite_schema
 where type = 'trigger'
   and tbl_name like 'tide\_%' escape '\'
   and name not like 'tide\_%' escape '\'
   and tbl_name not in (select name from tide_table)
 order by name;
