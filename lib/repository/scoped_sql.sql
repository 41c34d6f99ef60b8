-- name: tables
select name
  from tide_table
 where instr(lower(:query), lower(name))
 order by name;
