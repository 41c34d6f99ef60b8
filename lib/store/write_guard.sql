-- name: create_tables
create temp table if not exists tide_write_guard (
    schema_version integer not null -- of the file, that the guards were made for
);

-- name: is_there
-- The table above: it goes with a transaction that is rolled back, and the guards with it.
select 1 from temp.sqlite_schema where name = 'tide_write_guard';

-- name: is_for
select 1 from temp.tide_write_guard where schema_version = :schema_version;

-- name: forget
delete from temp.tide_write_guard;

-- name: note
insert into temp.tide_write_guard (schema_version) values (:schema_version);

-- name: applications_have_triggers
select 1
  from main.sqlite_schema
 where type = 'trigger'
   and name not like 'tide\_%' escape '\'
   and tbl_name collate nocase in (select name from main.tide_table)
 limit 1;

-- name: mirrored
select present.name
  from main.tide_table as mirrored
  join main.sqlite_schema as present on present.name = mirrored.name collate nocase
 where present.type = 'table';

-- name: guards
select name from temp.sqlite_schema where type = 'trigger' and name like 'tide\_own\_%' escape '\';
