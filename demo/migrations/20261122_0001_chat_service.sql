-- The demo's own tables: a service in which people chat with language models and pay in points.

-- upgrade

create type chat_status as enum ('open', 'waiting', 'closed');

-- who makes models
create table llm_factory (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    website text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create unique index ix_llm_factory_name on llm_factory (name) where deleted_at is null;

create table llms (
    id uuid primary key default gen_random_uuid(),
    llm_factory_id uuid not null references llm_factory (id),
    name text not null,
    context_tokens integer not null check (context_tokens > 0),
    price_per_million_tokens numeric(12, 6) not null,
    modalities text[] not null default '{text}',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index ix_llms_llm_factory_id on llms (llm_factory_id);
create unique index ix_llms_name on llms (name) where deleted_at is null;

create table agent_chat_session (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null,
    llm_id uuid not null references llms (id),
    title text not null,
    status chat_status not null default 'open',
    is_pinned boolean not null default false,
    message_count integer not null default 0,
    cost numeric(12, 6) not null default 0,
    tags text[] not null default '{}',
    context jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index ix_agent_chat_session_owner_id on agent_chat_session (owner_id);
create index ix_agent_chat_session_llm_id on agent_chat_session (llm_id);

create table user_preferences (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null,
    language text not null default 'en',
    preferences jsonb not null default '{}',
    favourite_llm_ids uuid[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create unique index ix_user_preferences_owner_id on user_preferences (owner_id) where deleted_at is null;

create table points_ledger (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null,
    agent_chat_session_id uuid references agent_chat_session (id),
    amount numeric(14, 2) not null check (amount <> 0),
    reason text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index ix_points_ledger_owner_id on points_ledger (owner_id);
create index ix_points_ledger_agent_chat_session_id on points_ledger (agent_chat_session_id);

-- downgrade

drop table points_ledger;
drop table user_preferences;
drop table agent_chat_session;
drop table llms;
drop table llm_factory;
drop type chat_status;
