-- name: tables
select name, schema_name, tracked, mark_us from tide_table order by name;

-- name: state
select since_us, (select min(mark_us) from tide_table) from tide_state;
