-- name: begin
begin;

-- name: roll_back
rollback;

