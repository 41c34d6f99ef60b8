-- name: columns
-- In the table's own spelling of its name.
select tide_table.name, tide_table.schema_name, columns.name, columns.type, columns."notnull", columns.pk
  from tide_table
  join pragma_table_info(tide_table.name) as columns
 where tide_table.name = :name
 order by columns.cid;
