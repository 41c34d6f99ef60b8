-- The table of the notes program, on the primary.
create table note (
    id         uuid primary key default gen_random_uuid(),
    owner_id   uuid,
    title      text not null,
    body       text,
    pinned     boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
