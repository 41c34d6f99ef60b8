-- name: application_triggers
-- What applications put on a mirrored table, oldest first.
select name, sql
  from sqlite_schema
 where tbl_name = :table_name collate nocase
   and type = 'trigger'
   and name not like 'tide\_%' escape '\'
 order by rowid;
