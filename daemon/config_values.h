/*
 * Config values: what the files config*.c share. Nobody else includes this.
 */
#ifndef DAEMON_CONFIG_VALUES_H
#define DAEMON_CONFIG_VALUES_H

#include "daemon/config.h"

struct config_value {
    struct setting_value value;
    char *text; /* as it was written; NULL: unset */
    enum config_origin origin;
    char *where; /* see struct config_entry_view; NULL: default */
};

struct config_table {
    char *name;
    int line; /* of its section; 0: from the environment */
    struct config_value values[TABLE_SETTING_COUNT];
    enum conflict_policy conflict;
};

struct config {
    char *file;
    char *home;
    struct config_value values[SETTING_COUNT];
    struct config_table *tables;
    size_t table_count;
    struct introspect_rule *rules; /* one for each table */
};

struct config_source {
    enum config_origin origin;
    const char *where; /* errors begin with it */
};

/* Reads text as that setting and keeps it. home is for a leading ~/. */
MUST_CHECK enum outcome config_value_set(struct config_value *slot,
                                         const struct setting *setting, const char *text,
                                         const char *home,
                                         const struct config_source *source,
                                         struct error *err);

/* NULL: no such section yet. The pointer is good until the next add. */
struct config_table *config_find_table(struct config *config, const char *name);
MUST_CHECK enum outcome config_add_table(struct config *config, const char *name,
                                         int line, struct config_table **out_table,
                                         struct error *err);

/* NULL: not set, or empty. */
const char *config_environment_value(char *const *environment, const char *name);

/* Reads config->file into the values. */
MUST_CHECK enum outcome config_read_file(struct config *config, struct error *err);

/* Takes over TIDEMARK_… */
MUST_CHECK enum outcome config_read_environment(struct config *config,
                                                char *const *environment,
                                                struct error *err);

#endif
