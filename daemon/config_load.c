#include "daemon/config.h"

#include "daemon/config_values.h"
#include "daemon/primary/primary_password.h"
#include "lib/base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/tidemark/tidemark.conf"
#define FILE_NAME "tidemark/tidemark.conf"

static void config_drop(struct config **config)
{
    config_free(*config);
}

PRINTF_LIKE(1, 2)
static char *text_format(const char *format, ...)
{
    char *text;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return text;
}

/* $VARIABLE/name, or ~/fallback/name; NULL without a home. */
static char *user_path(char *const *environment, const char *variable,
                       const char *fallback, const char *name)
{
    const char *folder = config_environment_value(environment, variable);
    const char *home = config_environment_value(environment, "HOME");

    if (folder && folder[0] == '/')
        return text_format("%s/%s", folder, name);
    return fallback && home ? text_format("%s/%s/%s", home, fallback, name) : NULL;
}

char *config_default_path(const struct config_request *request)
{
    if (request->is_root)
        return strdup(SYSTEM_FILE);
    return user_path(request->environment, "XDG_CONFIG_HOME", ".config", FILE_NAME);
}

/* Leaves config->file NULL when there is none. */
static enum outcome find_file(struct config *config, const struct config_request *request,
                              struct error *err)
{
    const char *named = config_environment_value(request->environment, "TIDEMARK_CONFIG");
    OWNED(text_free) char *own = NULL;

    if (request->path || named) {
        config->file = strdup(request->path ? request->path : named);
        return config->file ? OK : error_out_of_memory(err);
    }
    own = user_path(request->environment, "XDG_CONFIG_HOME", ".config", FILE_NAME);
    if (own && access(own, F_OK) == 0)
        config->file = TAKE(own);
    else if (access(SYSTEM_FILE, F_OK) == 0 && !(config->file = strdup(SYSTEM_FILE)))
        return error_out_of_memory(err);
    return OK;
}

static enum outcome put_default(struct config *config, enum setting_id id,
                                const char *text, struct error *err)
{
    static const struct config_source source = {ORIGIN_DEFAULT, "default"};
    struct config_value *slot = &config->values[id];

    if (!text)
        return error_out_of_memory(err);
    if (config_value_set(slot, &setting_table[id], text, config->home, &source, err) ==
        FAILED)
        return FAILED;
    free(slot->where);
    slot->where = NULL;
    return OK;
}

static enum outcome put_defaults(struct config *config, struct error *err)
{
    for (size_t id = 0; id < SETTING_COUNT; id++)
        if (setting_table[id].fallback &&
            put_default(config, (enum setting_id)id, setting_table[id].fallback, err) ==
                FAILED)
            return FAILED;
    return OK;
}

/* The system service's places for root and for a file in /etc. */
static bool is_system(const struct config *config, const struct config_request *request)
{
    return request->is_root || (config->file && strncmp(config->file, "/etc/", 5) == 0);
}

static enum outcome default_cache(struct config *config,
                                  const struct config_request *request, struct error *err)
{
    OWNED(text_free) char *path = NULL;

    if (config_text(config, CACHE_PATH))
        return OK;
    if (is_system(config, request))
        return put_default(config, CACHE_PATH, "/var/lib/tidemark/cache.db", err);
    path = user_path(request->environment, "XDG_DATA_HOME", ".local/share",
                     "tidemark/cache.db");
    if (!path) {
        error_set(err, ERROR_INVALID,
                  "no place for the cache: neither $XDG_DATA_HOME nor $HOME is set");
        return error_hint(err, "set [cache] path or TIDEMARK_CACHE_PATH");
    }
    return put_default(config, CACHE_PATH, path, err);
}

static enum outcome default_socket(struct config *config,
                                   const struct config_request *request,
                                   struct error *err)
{
    const char *cache = config_text(config, CACHE_PATH);
    const char *slash = strrchr(cache, '/');
    OWNED(text_free) char *path = NULL;

    if (config_text(config, CONTROL_SOCKET))
        return OK;
    if (is_system(config, request))
        return put_default(config, CONTROL_SOCKET, "/run/tidemark/control.sock", err);
    path =
        user_path(request->environment, "XDG_RUNTIME_DIR", NULL, "tidemark/control.sock");
    if (!path)
        path =
            text_format("%.*scontrol.sock", slash ? (int)(slash - cache + 1) : 0, cache);
    return put_default(config, CONTROL_SOCKET, path, err);
}

/* %d in front is the credentials folder; without one it stays, and
 * config_check_primary() says so. */
static enum outcome expand_password_file(struct config *config, enum setting_id id,
                                         const struct config_request *request,
                                         struct error *err)
{
    const char *folder =
        config_environment_value(request->environment, "CREDENTIALS_DIRECTORY");
    char **path = &config->values[id].value.text;
    char *expanded;

    if (!folder || !*path || strncmp(*path, "%d", 2) != 0)
        return OK;
    expanded = text_format("%s%s", folder, *path + 2);
    if (!expanded)
        return error_out_of_memory(err);
    free(*path);
    *path = expanded;
    return OK;
}

static enum outcome check_password_file(const struct config *config, enum setting_id id,
                                        struct error *err)
{
    const char *path = config_text(config, id);
    struct stat status;

    if (!path || stat(path, &status) < 0 || !(status.st_mode & (S_IROTH | S_IWOTH)))
        return OK;
    error_set(err, ERROR_INVALID,
              "%s: [%s] password_file: everybody may read or write %s",
              config->values[id].where, setting_table[id].section, path);
    return error_hint(err, "chmod 600 %s", path);
}

static enum outcome check_conninfo(const struct config *config, enum setting_id id,
                                   struct error *err)
{
    struct primary_config primary;

    if (!config_text(config, id))
        return OK;
    config_primary(config, &primary);
    primary.section = setting_table[id].section;
    primary.conninfo = config_text(config, id);
    if (primary_check_conninfo(&primary, err) == FAILED)
        return error_wrap(err, "%s", config->values[id].where);
    return OK;
}

/* NULL: as in [sync]. */
static const enum conflict_policy *conflict_of(struct config_table *table)
{
    if (!table->values[TABLE_CONFLICT].text)
        return NULL;
    table->conflict = (enum conflict_policy)table->values[TABLE_CONFLICT].value.choice;
    return &table->conflict;
}

static enum outcome make_rules(struct config *config, struct error *err)
{
    config->rules = calloc(config->table_count + 1, sizeof(*config->rules));
    if (!config->rules)
        return error_out_of_memory(err);
    for (size_t i = 0; i < config->table_count; i++) {
        const struct config_value *values = config->tables[i].values;

        config->rules[i] = (struct introspect_rule){
            .table = config->tables[i].name,
            .scope = values[TABLE_SCOPE].value.text,
            .columns = (const char *const *)values[TABLE_COLUMNS].value.list,
            .as_real = (const char *const *)values[TABLE_AS_REAL].value.list,
            .updated_at = values[TABLE_UPDATED_AT].value.text,
            .deleted_at = values[TABLE_DELETED_AT].value.text,
            .conflict = conflict_of(&config->tables[i]),
        };
    }
    return OK;
}

static enum outcome settle_password(struct config *config, enum setting_id id,
                                    const struct config_request *request,
                                    struct error *err)
{
    if (expand_password_file(config, id, request, err) == FAILED)
        return FAILED;
    return check_password_file(config, id, err);
}

static enum outcome complete(struct config *config, const struct config_request *request,
                             struct error *err)
{
    if (default_cache(config, request, err) == FAILED ||
        default_socket(config, request, err) == FAILED ||
        settle_password(config, PRIMARY_PASSWORD_FILE, request, err) == FAILED ||
        settle_password(config, MIGRATIONS_PASSWORD_FILE, request, err) == FAILED ||
        check_conninfo(config, PRIMARY_CONNINFO, err) == FAILED ||
        check_conninfo(config, MIGRATIONS_CONNINFO, err) == FAILED ||
        check_conninfo(config, MIGRATIONS_SCRATCH, err) == FAILED)
        return FAILED;
    return make_rules(config, err);
}

enum outcome config_load(struct config **out_config, const struct config_request *request,
                         struct error *err)
{
    OWNED(config_drop) struct config *config = calloc(1, sizeof(*config));
    const char *home = config_environment_value(request->environment, "HOME");

    if (!config || (home && !(config->home = strdup(home))))
        return error_out_of_memory(err);
    if (find_file(config, request, err) == FAILED || put_defaults(config, err) == FAILED)
        return FAILED;
    if (config->file && config_read_file(config, err) == FAILED)
        return FAILED;
    if (config_read_environment(config, request->environment, err) == FAILED ||
        complete(config, request, err) == FAILED)
        return FAILED;
    *out_config = TAKE(config);
    return OK;
}
