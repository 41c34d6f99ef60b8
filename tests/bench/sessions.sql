-- The table of the benchmark: chat sessions, one in twenty of them soft-deleted.
-- :row_count is filled in by workload.py. The same seed gives the same rows, except for the keys.

create table agent_chat_session (
    id            uuid primary key,
    owner_id      uuid not null,
    title         text,
    model_code    text,
    points        numeric(12, 4),
    settings      jsonb,
    is_archived   boolean not null default false,
    message_count integer not null default 0,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    deleted_at    timestamptz
);

select setseed(0.42);

insert into agent_chat_session
with created as (
    select n, timestamptz '2025-01-01' + n * interval '20 seconds' + random() * interval '1 second' as created_at
      from generate_series(1, :row_count) n
), written as (
    select *, created_at + random() * interval '30 days' as updated_at
      from created
)
select gen_random_uuid(),
       md5('owner' || n % 20000)::uuid,
       format('Session %s %s', lpad(n::text, 7, '0'), left(md5(n::text), 17 + (random() * 14)::integer)),
       (array['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4', 'claude-opus-4', 'gemini-2.5-pro'])[1 + n % 5],
       round((random() * 100000)::numeric, 4),
       jsonb_build_object('temperature', round(random()::numeric, 2), 'top_p', 0.9,
                          'system', left(md5((n * 7)::text), 20),
                          'tools', jsonb_build_array('search', 'code', 'image'), 'lang', 'en'),
       random() < 0.1,
       (random() * 500)::integer,
       created_at,
       updated_at,
       case when random() < 0.05 then updated_at + interval '1 hour' end
  from written;

create index agent_chat_session_updated_at_id on agent_chat_session (updated_at, id);
