-- What tidemark keeps on the primary: the log of deleted rows and the ledger of devices.
-- Row level security is on everywhere; who may read is decided by grants, see grant_sync().
-- The schema itself and tidemark.migration are made by the runner, which needs them first.

-- upgrade

create table tidemark.deleted_row (
    relation oid not null,
    key text[],
    tide_xid xid8 not null default pg_current_xact_id(),
    deleted_at timestamptz not null default clock_timestamp()
);
create index ix_deleted_row_relation_tide_xid on tidemark.deleted_row (relation, tide_xid);
alter table tidemark.deleted_row enable row level security;
create policy readers on tidemark.deleted_row for select using (true);

comment on table tidemark.deleted_row is 'Rows that were deleted from tracked tables.';
comment on column tidemark.deleted_row.relation is
    'The tracked table; of a partitioned one the topmost parent.';
comment on column tidemark.deleted_row.key is
    'The primary key''s values as text, in the key''s order; null: the table was truncated.';
comment on column tidemark.deleted_row.tide_xid is 'The top-level transaction that deleted it.';

create table tidemark.device (
    device_id uuid primary key,
    last_push uuid,
    registered_at timestamptz not null default now()
);
alter table tidemark.device enable row level security;
create policy writers on tidemark.device using (true) with check (true);

comment on table tidemark.device is 'Ledger: the last push of each device that arrived.';

create function tidemark.grant_sync(sync_role regrole) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('grant usage on schema tidemark to %s', sync_role);
    execute format('grant select on tidemark.deleted_row to %s', sync_role);
    execute format('grant select on tidemark.migration to %s', sync_role);
    execute format('grant select, insert, update on tidemark.device to %s', sync_role);
end
$$;
comment on function tidemark.grant_sync(regrole) is
    'Gives the role that tidemarkd connects as what it needs in this schema. '
    'Rights on the mirrored tables are the team''s own to give.';
revoke execute on function tidemark.grant_sync(regrole) from public;

-- downgrade

drop function tidemark.grant_sync(regrole);
drop table tidemark.device;
drop table tidemark.deleted_row;
