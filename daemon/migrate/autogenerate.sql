-- name: begin
begin;

-- name: commit
commit;

-- name: roll_back
rollback;

