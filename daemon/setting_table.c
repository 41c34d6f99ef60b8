#include "daemon/setting.h"

#include "lib/base/clock.h"
#include "lib/model/conflict_rule.h"

#include <string.h>

#define SECONDS(n) ((n)*US_PER_SECOND)
#define DAYS(n) SECONDS((n)*86400LL)

const struct setting setting_table[SETTING_COUNT] = {
    [PRIMARY_CONNINFO] =
        {
            .section = "primary",
            .key = "conninfo",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "host=db.example.com dbname=app user=tidemark sslmode=verify-full",
            .help = "How to reach the PostgreSQL to mirror (15 or newer), as libpq reads "
                    "it.\n"
                    "Without a password: that goes into password_file.",
        },
    [PRIMARY_PASSWORD_FILE] =
        {
            .section = "primary",
            .key = "password_file",
            .type = SETTING_PATH,
            .may_be_empty = true,
            .example = "%d/primary-password",
            .help = "A file with the password and nothing else, readable by you alone.\n"
                    "%d is the credentials folder of systemd. Default: PGPASSWORD and\n"
                    "~/.pgpass, as for psql.",
        },
    [PRIMARY_ROLE] =
        {
            .section = "primary",
            .key = "role",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "service_role",
            .help = "SET ROLE after connecting.",
        },
    [PRIMARY_SCHEMA] =
        {
            .section = "primary",
            .key = "schema",
            .type = SETTING_LIST,
            .fallback = "public",
            .help = "The schemas to mirror from, between commas.",
        },
    [PRIMARY_ALLOW_INSECURE_TLS] =
        {
            .section = "primary",
            .key = "allow_insecure_tls",
            .type = SETTING_BOOLEAN,
            .fallback = "no",
            .help = "Other hosts need sslmode=verify-full; yes lets that go.",
        },
    [PRIMARY_CONNECT_TIMEOUT] =
        {
            .section = "primary",
            .key = "connect_timeout",
            .type = SETTING_DURATION,
            .fallback = "10s",
            .minimum = SECONDS(1),
            .maximum = SECONDS(600),
            .help = "How long one attempt to connect may take.",
        },
    [PRIMARY_SILENCE_TIMEOUT] =
        {
            .section = "primary",
            .key = "silence_timeout",
            .type = SETTING_DURATION,
            .fallback = "30s",
            .minimum = SECONDS(1),
            .maximum = SECONDS(3600),
            .help = "A primary that says nothing for so long is taken for gone.",
        },
    [PRIMARY_LOCK_TIMEOUT] =
        {
            .section = "primary",
            .key = "lock_timeout",
            .type = SETTING_DURATION,
            .fallback = "5s",
            .minimum = US_PER_MS,
            .maximum = SECONDS(3600),
            .help = "How long to wait there for somebody else's lock.",
        },
    [CACHE_PATH] =
        {
            .section = "cache",
            .key = "path",
            .type = SETTING_PATH,
            .needs_restart = true,
            .help = "The SQLite file that applications open.",
        },
    [CACHE_MODE] =
        {
            .section = "cache",
            .key = "mode",
            .type = SETTING_MODE,
            .fallback = "0660",
            .needs_restart = true,
            .help = "Its permissions.",
        },
    [SYNC_TABLES] =
        {
            .section = "sync",
            .key = "tables",
            .type = SETTING_LIST,
            .fallback = "*",
            .help = "Which tables: names or globs between commas, a leading ! excludes:\n"
                    "*, !audit_*",
        },
    [SYNC_POLL_INTERVAL] =
        {
            .section = "sync",
            .key = "poll_interval",
            .type = SETTING_DURATION,
            .fallback = "2s",
            .minimum = 10 * US_PER_MS,
            .maximum = DAYS(1),
            .help = "How often to look for changes. Tracked tables also announce them.",
        },
    [SYNC_UPDATED_AT] =
        {
            .section = "sync",
            .key = "updated_at",
            .type = SETTING_TEXT,
            .fallback = "updated_at",
            .help = "The column that says when a row was last changed.",
        },
    [SYNC_DELETED_AT] =
        {
            .section = "sync",
            .key = "deleted_at",
            .type = SETTING_TEXT,
            .fallback = "deleted_at",
            .help = "The column that says when a row was deleted (soft deletes).",
        },
    [SYNC_OVERLAP] =
        {
            .section = "sync",
            .key = "overlap",
            .type = SETTING_DURATION,
            .fallback = "60s",
            .maximum = DAYS(1),
            .help = "Untracked tables: how far each look reaches back, for transactions "
                    "that\n"
                    "commit late.",
        },
    [SYNC_SWEEP_INTERVAL] =
        {
            .section = "sync",
            .key = "sweep_interval",
            .type = SETTING_DURATION,
            .fallback = "10min",
            .minimum = SECONDS(1),
            .maximum = DAYS(30),
            .help = "Untracked tables: how often they are made exact.",
        },
    [SYNC_TOMBSTONE_RETENTION] =
        {
            .section = "sync",
            .key = "tombstone_retention",
            .type = SETTING_DURATION,
            .fallback = "30d",
            .minimum = SECONDS(1),
            .help = "How long the cache keeps rows that were soft-deleted.",
        },
    [SYNC_CONFLICT] =
        {
            .section = "sync",
            .key = "conflict",
            .type = SETTING_CHOICE,
            .fallback = "last_write_wins",
            .choices = conflict_rule_names,
            .help = "Who wins when both sides changed the same column of a row:\n"
                    "server_wins, client_wins, last_write_wins, or manual: the server's\n"
                    "value stands until somebody decides. What loses is always kept.",
        },
    [SYNC_PUSH_BATCH] =
        {
            .section = "sync",
            .key = "push_batch",
            .type = SETTING_NUMBER,
            .fallback = "10000",
            .minimum = 1,
            .maximum = 1000000000,
            .help =
                "How many local changes go to the primary in one transaction, about;\n"
                "one local transaction is never cut.",
        },
    [CONTROL_SOCKET] =
        {
            .section = "control",
            .key = "socket",
            .type = SETTING_PATH,
            .needs_restart = true,
            .help = "Where `tidemark` and `tidemarkd` meet.",
        },
    [MIGRATIONS_CONNINFO] =
        {
            .section = "migrations",
            .key = "conninfo",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "host=db.example.com dbname=app user=owner sslmode=verify-full",
            .help = "The connection of the role that owns the tables, for `tidemark "
                    "migrate`.\n"
                    "Default: that of [primary].",
        },
    [MIGRATIONS_PASSWORD_FILE] =
        {
            .section = "migrations",
            .key = "password_file",
            .type = SETTING_PATH,
            .may_be_empty = true,
            .example = "~/.config/tidemark/owner-password",
            .help = "A file with that role's password, as [primary] password_file.",
        },
    [MIGRATIONS_DIRECTORY] =
        {
            .section = "migrations",
            .key = "directory",
            .type = SETTING_PATH,
            .fallback = "migrations",
            .help = "The folder of the project's migrations, from where the command is "
                    "run.",
        },
    [MIGRATIONS_DATA] =
        {
            .section = "migrations",
            .key = "data",
            .type = SETTING_PATH,
            .fallback = "data",
            .help = "The folder of the SQL files that `tidemark init-data` runs.",
        },
    [MIGRATIONS_SCHEMA] =
        {
            .section = "migrations",
            .key = "schema",
            .type = SETTING_PATH,
            .fallback = "schema.sql",
            .help = "The schema as it should be, for `tidemark revision --autogenerate`.",
        },
    [MIGRATIONS_SCRATCH] =
        {
            .section = "migrations",
            .key = "scratch",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "host=db.example.com dbname=app_scratch user=owner",
            .help =
                "An empty database of the role's own, in which schemas are compared "
                "where the role may\n"
                "not create databases. EVERYTHING in it is dropped, before and after.",
        },
};

const struct setting table_setting_table[TABLE_SETTING_COUNT] = {
    [TABLE_SCOPE] =
        {
            .section = "table",
            .key = "scope",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "region = 'north'",
            .help = "Only the rows for which this SQL expression holds on the primary.",
        },
    [TABLE_COLUMNS] =
        {
            .section = "table",
            .key = "columns",
            .type = SETTING_LIST,
            .may_be_empty = true,
            .example = "!embedding",
            .help = "Names or globs; a leading ! excludes.",
        },
    [TABLE_AS_REAL] =
        {
            .section = "table",
            .key = "as_real",
            .type = SETTING_LIST,
            .may_be_empty = true,
            .example = "price",
            .help = "Wide numeric columns to keep as numbers of 15 digits, not as exact "
                    "text.",
        },
    [TABLE_UPDATED_AT] =
        {
            .section = "table",
            .key = "updated_at",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "modified",
            .help = "As in [sync], for this table.",
        },
    [TABLE_DELETED_AT] =
        {
            .section = "table",
            .key = "deleted_at",
            .type = SETTING_TEXT,
            .may_be_empty = true,
            .example = "removed",
            .help = "As in [sync], for this table.",
        },
    [TABLE_CONFLICT] =
        {
            .section = "table",
            .key = "conflict",
            .type = SETTING_CHOICE,
            .may_be_empty = true,
            .choices = conflict_rule_names,
            .example = "server_wins",
            .help = "As in [sync], for this table.",
        },
};

const struct setting_reserved setting_reserved_table[] = {
    {"sync", "verify_interval"},
    {"control", "http"},
    {"identity", NULL},
};
const size_t setting_reserved_count =
    sizeof(setting_reserved_table) / sizeof(setting_reserved_table[0]);

const struct setting *setting_find(const char *section, const char *key)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(setting_table[i].section, section) == 0 &&
            strcmp(setting_table[i].key, key) == 0)
            return &setting_table[i];
    return NULL;
}

const struct setting *table_setting_find(const char *key)
{
    for (size_t i = 0; i < TABLE_SETTING_COUNT; i++)
        if (strcmp(table_setting_table[i].key, key) == 0)
            return &table_setting_table[i];
    return NULL;
}
