/*
 * Setting: the one table of everything that can be configured, and how a value of each
 * type is read.
 *
 * Parsing the file, the environment, the defaults, `tidemark config` and the file that
 * `tidemark init` writes are all driven by setting_table. Pure; no I/O.
 *
 *   text      as it stands
 *   path      the same; a leading ~/ is the home folder
 *   duration  a number and a unit: us ms s min (or m) h d, "1h 30min"; 0 needs none
 *   boolean   yes no true false on off 1 0
 *   list      names between commas; double quotes around one that holds a comma
 *   mode      octal file permissions: 0660
 *   number    digits
 *   choice    one word of a list
 */
#ifndef DAEMON_SETTING_H
#define DAEMON_SETTING_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_TEXT,
    SETTING_PATH,
    SETTING_DURATION,
    SETTING_BOOLEAN,
    SETTING_LIST,
    SETTING_MODE,
    SETTING_NUMBER,
    SETTING_CHOICE,
};

enum setting_id {
    PRIMARY_CONNINFO,
    PRIMARY_PASSWORD_FILE,
    PRIMARY_ROLE,
    PRIMARY_SCHEMA,
    PRIMARY_ALLOW_INSECURE_TLS,
    PRIMARY_CONNECT_TIMEOUT,
    PRIMARY_SILENCE_TIMEOUT,
    PRIMARY_LOCK_TIMEOUT,
    CACHE_PATH,
    CACHE_MODE,
    SYNC_TABLES,
    SYNC_POLL_INTERVAL,
    SYNC_UPDATED_AT,
    SYNC_DELETED_AT,
    SYNC_OVERLAP,
    SYNC_SWEEP_INTERVAL,
    SYNC_TOMBSTONE_RETENTION,
    SYNC_CONFLICT,
    SYNC_PUSH_BATCH,
    CONTROL_SOCKET,
    MIGRATIONS_CONNINFO,
    MIGRATIONS_PASSWORD_FILE,
    MIGRATIONS_DIRECTORY,
    MIGRATIONS_DATA,
    MIGRATIONS_SCHEMA,
    MIGRATIONS_SCRATCH,
    SETTING_COUNT,
};

/* The keys of a [table NAME] section. */
enum table_setting_id {
    TABLE_SCOPE,
    TABLE_COLUMNS,
    TABLE_AS_REAL,
    TABLE_UPDATED_AT,
    TABLE_DELETED_AT,
    TABLE_CONFLICT,
    TABLE_SETTING_COUNT,
};

struct setting {
    const char *section; /* "table" for those of [table NAME] */
    const char *key;
    enum setting_type type;
    const char *fallback;     /* the default as text; NULL: unset, or found at run time */
    int64_t minimum, maximum; /* durations, microseconds; numbers; maximum 0: no limit */
    const char *const *choices; /* NULL-terminated */
    bool may_be_empty;          /* "key =" then means: unset */
    bool needs_restart;         /* a running daemon cannot take over a new value */
    const char *example;        /* what `init` shows when there is no default */
    const char *help;           /* one or more lines for people */
};

extern const struct setting setting_table[SETTING_COUNT];
extern const struct setting table_setting_table[TABLE_SETTING_COUNT];

/* A key that a later version will know: saying "unknown" would mislead. */
struct setting_reserved {
    const char *section;
    const char *key; /* NULL: the whole section */
};
extern const struct setting_reserved setting_reserved_table[];
extern const size_t setting_reserved_count;

/* What a value becomes; which member counts is the type's business. */
struct setting_value {
    char *text;          /* TEXT, PATH */
    int64_t duration_us; /* DURATION */
    int64_t number;      /* NUMBER */
    size_t choice;       /* CHOICE: its place among the choices */
    bool flag;           /* BOOLEAN */
    unsigned int mode;   /* MODE */
    char **list;         /* LIST: NULL-terminated */
};

/* ERROR_INVALID says what a value of that kind looks like. home may be NULL. */
MUST_CHECK enum outcome setting_parse(const struct setting *setting, const char *text,
                                      const char *home, struct setting_value *out_value,
                                      struct error *err);
void setting_value_release(struct setting_value *value); /* a zeroed one is fine */

/* Also for options of the tool: "10s", "1h 30min". */
MUST_CHECK enum outcome setting_parse_duration(const char *text, int64_t *out_us,
                                               struct error *err);

/* NULL when the section has no such key. */
const struct setting *setting_find(const char *section, const char *key);
const struct setting *table_setting_find(const char *key);

#endif
