#include "daemon/migrate/lint_rule.h"

#include <string.h>

const struct lint_rule lint_rules[] = {
    /* of the schema */
    {"TM105", "a unique index counts tombstones: a deleted row still takes the value",
     "create unique index … where deleted_at is null"},
    {"TM106",
     "a policy for reading tests deleted_at: tombstones are hidden, so deletes never "
     "arrive, and a soft delete fails with 42501",
     "take the test out of the policy; the live_ views of the cache have it"},
    {"TM160", "no primary key: the table cannot be mirrored",
     "alter table … add primary key (…)"},
    {"TM161", "not tracked: a late commit or a hard delete is seen by sweeps only",
     "select tidemark.track('…')"},
    {"TM201", "the name is not snake_case: it must be quoted everywhere",
     "lower-case letters, digits and underscores, a letter first"},
    {"TM202",
     "the index is not named ix_<table>_<column>: errors and plans do not say "
     "what it is on",
     "alter index … rename to ix_<table>_<column> (ux_ or uq_ for a unique one)"},
    {"TM203", "the foreign key's column is not named <entity>_id",
     "alter table … rename column … to <entity>_id"},
    {"TM204", "a timestamp without time zone: its meaning depends on who reads it",
     "alter table … alter column … type timestamptz using … at time zone 'UTC'"},
    {"TM205", "created_at, updated_at and deleted_at are not all there",
     "timestamptz columns, created_at and updated_at not null default now()"},
    {"TM206", "row level security is off: whoever may read the table reads every row",
     "select tidemark.enable_rls('…'), or alter table … enable row level security and "
     "policies"},
    {"TM207",
     "row level security is on without a policy: nobody but the owner sees a row",
     "create policy … on …"},
    {"TM208",
     "a foreign key without an index: each delete in the other table reads all "
     "of this one",
     "create index concurrently ix_<table>_<column> on … (…)"},
    /* of migration files */
    {"TM301", "drops a table and its rows",
     "stop using it first, in an earlier release; take a dump"},
    {"TM302", "drops a column and its values",
     "stop using it first, in an earlier release; running applications still name it"},
    {"TM303", "changes a column's type: may rewrite the table while nobody can use it",
     "add a new column, fill it in batches, switch over, drop the old one; for the key "
     "of a tracked table in one file: tidemark.untrack('…'), this, tidemark.track('…')"},
    {"TM304",
     "NOT NULL on a column that is there: reads all rows while nobody can use "
     "the table",
     "add constraint … check (… is not null) not valid; validate constraint; then set "
     "not null"},
    {"TM305",
     "a foreign key or check on a table that is there: reads all rows while "
     "nobody can write",
     "add constraint … not valid; then validate constraint in a file of its own"},
    {"TM306", "an index on a table that is there: nobody can write while it is built",
     "create index concurrently, in a file with -- no-transaction"},
    {"TM307",
     "a unique or primary key on a table that is there: nobody can use it while "
     "the index is built",
     "create unique index concurrently; then add constraint … using index"},
    {"TM308", "a NOT NULL column without a default fails as soon as there are rows",
     "give it a default, or add it without NOT NULL and fill it first"},
    {"TM309", "a column that has another value in each row rewrites the table",
     "add it without the default, set the default, fill the old rows in batches"},
    {"TM310", "renames what running applications name",
     "add the new name beside the old one; take the old one away in a later release"},
    {"TM311", "a name longer than 63 bytes is cut short by the server", "a shorter name"},
    {"TM312", "no way back: the downgrade has no statement",
     "write one, or say in a comment why there is none"},
    {"TM399", "an allowance without a reason, or for no rule there is",
     "-- tidemark: allow TM306 the table is empty"},
};

const size_t lint_rule_count = sizeof(lint_rules) / sizeof(lint_rules[0]);

const struct lint_rule *lint_rule_find(const char *id, size_t length)
{
    for (size_t i = 0; i < lint_rule_count; i++)
        if (strlen(lint_rules[i].id) == length &&
            memcmp(lint_rules[i].id, id, length) == 0)
            return &lint_rules[i];
    return NULL;
}
