-- name: definition
select fingerprint from tide_table where name = :name;
