-- Makes the mirrors of all five exact.

-- upgrade

select tidemark.track('llm_factory');
select tidemark.track('llms');
select tidemark.track('agent_chat_session');
select tidemark.track('user_preferences');
select tidemark.track('points_ledger');

-- downgrade

select tidemark.untrack('points_ledger');
select tidemark.untrack('user_preferences');
select tidemark.untrack('agent_chat_session');
select tidemark.untrack('llms');
select tidemark.untrack('llm_factory');
