-- What stands around the parts of a push, in its one transaction.

-- name: begin
begin isolation level read committed;

-- name: defer
-- Constraints that may be checked at the end are; each part of a push looks at them at its end.
set constraints all deferred;

-- name: check
set constraints all immediate;

-- name: open_push
-- What lies before is the ledger's move, which stays when all rows are sent anew.
savepoint tide_push;

-- name: reopen_push
rollback to savepoint tide_push;

-- name: open_part
savepoint tide_part;

-- name: undo_part
rollback to savepoint tide_part;

-- name: close_part
release savepoint tide_part;
