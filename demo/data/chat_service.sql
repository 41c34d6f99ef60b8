-- Rows from generate_series: 5 makers, 40 models, 2,000 people, 200,000 sessions, 50,000 entries in the ledger.
-- Keys are made from their number, so each run has the same ones, and a second run adds nothing.

insert into llm_factory (id, name, website)
select md5('factory ' || n)::uuid, 'Factory ' || n, 'https://factory' || n || '.example'
  from generate_series(1, 5) n
    on conflict do nothing;

insert into llms (id, llm_factory_id, name, context_tokens, price_per_million_tokens, modalities, settings)
select md5('llm ' || n)::uuid, md5('factory ' || 1 + n % 5)::uuid, 'model-' || n,
       8192 * (1 + n % 16), 0.05 * n, case when n % 3 = 0 then '{text,image}' else '{text}' end::text[],
       jsonb_build_object('temperature', 0.1 * (n % 10), 'stop', jsonb_build_array('END'))
  from generate_series(1, 40) n
    on conflict do nothing;

insert into user_preferences (id, owner_id, language, preferences, favourite_llm_ids)
select md5('preferences ' || n)::uuid, md5('owner ' || n)::uuid, (array['en', 'de', 'fr', 'ja'])[1 + n % 4],
       jsonb_build_object('theme', case when n % 2 = 0 then 'dark' else 'light' end, 'fontSize', 12 + n % 6),
       array[md5('llm ' || 1 + n % 40)::uuid]
  from generate_series(1, 2000) n
    on conflict do nothing;

insert into agent_chat_session (id, owner_id, llm_id, title, status, is_pinned, message_count, cost, tags, context,
                                created_at)
select md5('session ' || n)::uuid, md5('owner ' || 1 + n % 2000)::uuid, md5('llm ' || 1 + n % 40)::uuid,
       'Session ' || n || ': planning a trip', (enum_range(null::chat_status))[1 + n % 3], n % 50 = 0,
       n % 120, (n % 120) * 0.000125, case when n % 4 = 0 then '{travel,"to do"}' else '{}' end::text[],
       case when n % 2 = 0 then jsonb_build_object('city', 'Wien', 'budget', n % 1000) end,
       now() - make_interval(mins => n)
  from generate_series(1, 200000) n
    on conflict do nothing;

insert into points_ledger (id, owner_id, agent_chat_session_id, amount, reason)
select md5('entry ' || n)::uuid, md5('owner ' || 1 + n % 2000)::uuid, md5('session ' || n)::uuid, -0.25 * (1 + n % 8), 'chat'
  from generate_series(1, 50000) n
    on conflict do nothing;

analyze;
