-- What a push must remember from one attempt to the next.

-- Attempts in a row that failed for a reason that should pass by itself, while the primary
-- could be reached.
alter table tide_device add column failures integer not null default 0;

-- The primary was restored, promoted or exchanged since the ledger was last seen to agree.
alter table tide_device add column primary_changed integer not null default 0;

-- Tables whose changes the push in flight does not hold: their entries stay.
create table tide_push_held (
    table_id integer primary key
);
