/*
 * Config: the settings of one tidemark, from its file, the environment and defaults.
 *
 * The file is INI, read with libinih. Comments are whole lines that begin with ; or #, or
 * follow a value after white space and ";" (so a value cannot hold " ;", but "a;b" is
 * fine; "#" begins no comment inside a line). A line may be indented and holds one
 * setting: nothing is continued on the next. It may be CONFIG_LINE_LIMIT bytes long.
 * Every section and every key stands there once.
 *
 * Which file: the one asked for (-c), else $TIDEMARK_CONFIG, else
 * $XDG_CONFIG_HOME/tidemark/tidemark.conf (or ~/.config/…), else
 * /etc/tidemark/tidemark.conf. The first two must exist; without any file the environment
 * alone is enough.
 *
 * TIDEMARK_<SECTION>_<KEY> in the environment wins over the file, and
 * TIDEMARK_TABLE_<NAME>_<KEY> over [table NAME].
 *
 * Immutable after loading, so any thread may read it.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "daemon/primary/primary.h"
#include "daemon/setting.h"
#include "daemon/sync/engine.h"

#define CONFIG_LINE_LIMIT 4000

struct config;

struct config_request {
    const char *path;         /* NULL: look for it */
    char *const *environment; /* usually environ */
    bool is_root;             /* the defaults are those of the system service */
};

enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT };

/* ERROR_INVALID names file and line, or the variable, and the nearest valid name. */
MUST_CHECK enum outcome config_load(struct config **out_config,
                                    const struct config_request *request,
                                    struct error *err);
void config_free(struct config *config); /* NULL is fine */

/* The file that was read; NULL: none. */
const char *config_file(const struct config *config);

/* Unset text, path and list are NULL. What is returned lives as long as the config. */
const char *config_text(const struct config *config, enum setting_id id);
int64_t config_duration_us(const struct config *config, enum setting_id id);
unsigned int config_mode(const struct config *config, enum setting_id id);
const char *const *config_list(const struct config *config, enum setting_id id);

/* One value as a person would write it, and where it came from. */
struct config_entry_view {
    const struct setting *setting;
    const char *table; /* NAME of [table NAME]; NULL for the others */
    const char *text;  /* NULL: unset */
    enum config_origin origin;
    const char *where; /* "default", "/etc/…/tidemark.conf:12", "TIDEMARK_CACHE_PATH" */
};

/* All of them, in the order of the table; then those of each table that are set. */
size_t config_entry_count(const struct config *config);
struct config_entry_view config_entry(const struct config *config, size_t index);

/* What can be said before connecting: is there a primary, and a place for its password?
 * config_load() leaves that open, so that commands without a primary work. */
MUST_CHECK enum outcome config_check_primary(const struct config *config,
                                             struct error *err);

/* The pieces for other rooms; their text belongs to the config. application is set to
 * "tidemarkd", interrupt_fd to -1. */
void config_primary(const struct config *config, struct primary_config *out_primary);
void config_engine(const struct config *config, struct engine_config *out_engine);

/* As config_primary() and config_check_primary(), for the owner's role: [migrations]
 * conninfo and password_file where they are set. */
MUST_CHECK enum outcome config_check_migrations(const struct config *config,
                                                struct error *err);
void config_migrations_primary(const struct config *config,
                               struct primary_config *out_primary);

/*
 * Writes into out_names "cache.path, control.socket": what differs and cannot be taken
 * over without a restart. The number of names; 0: reload is enough.
 */
size_t config_differences_needing_restart(const struct config *old_config,
                                          const struct config *new_config,
                                          char *out_names, size_t size);

/* Where a file would be written or was looked for, for this request: the user's own, or
 * the system's for root. free() it; NULL: out of memory, or no home. */
char *config_default_path(const struct config_request *request);

#endif
