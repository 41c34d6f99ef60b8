#include "daemon/config.h"

#include "daemon/config_values.h"
#include "daemon/primary/primary_password.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void value_release(struct config_value *slot)
{
    setting_value_release(&slot->value);
    free(slot->text);
    free(slot->where);
    *slot = (struct config_value){0};
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t id = 0; id < SETTING_COUNT; id++)
        value_release(&config->values[id]);
    for (size_t i = 0; i < config->table_count; i++) {
        for (size_t id = 0; id < TABLE_SETTING_COUNT; id++)
            value_release(&config->tables[i].values[id]);
        free(config->tables[i].name);
    }
    free(config->tables);
    free(config->rules);
    free(config->home);
    free(config->file);
    free(config);
}

enum outcome config_value_set(struct config_value *slot, const struct setting *setting,
                              const char *text, const char *home,
                              const struct config_source *source, struct error *err)
{
    OWNED(value_release) struct config_value fresh = {.origin = source->origin};

    if (setting_parse(setting, text, home, &fresh.value, err) == FAILED)
        return error_wrap(err, "%s: [%s] %s", source->where, setting->section,
                          setting->key);
    fresh.text = *text ? strdup(text) : NULL;
    fresh.where = strdup(source->where);
    if ((*text && !fresh.text) || !fresh.where)
        return error_out_of_memory(err);
    value_release(slot);
    *slot = TAKE(fresh);
    return OK;
}

struct config_table *config_find_table(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->table_count; i++)
        if (strcasecmp(config->tables[i].name, name) == 0)
            return &config->tables[i];
    return NULL;
}

enum outcome config_add_table(struct config *config, const char *name, int line,
                              struct config_table **out_table, struct error *err)
{
    struct config_table *added;

    if (array_room(&config->tables, config->table_count, err) == FAILED)
        return FAILED;
    added = &config->tables[config->table_count];
    *added = (struct config_table){.name = strdup(name), .line = line};
    if (!added->name)
        return error_out_of_memory(err);
    config->table_count++;
    *out_table = added;
    return OK;
}

const char *config_file(const struct config *config)
{
    return config->file;
}

const char *config_text(const struct config *config, enum setting_id id)
{
    return config->values[id].value.text;
}

int64_t config_duration_us(const struct config *config, enum setting_id id)
{
    return config->values[id].value.duration_us;
}

static bool config_flag(const struct config *config, enum setting_id id)
{
    return config->values[id].value.flag;
}

unsigned int config_mode(const struct config *config, enum setting_id id)
{
    return config->values[id].value.mode;
}

const char *const *config_list(const struct config *config, enum setting_id id)
{
    return (const char *const *)config->values[id].value.list;
}

static int64_t config_number(const struct config *config, enum setting_id id)
{
    return config->values[id].value.number;
}

static size_t config_choice(const struct config *config, enum setting_id id)
{
    return config->values[id].value.choice;
}

static struct config_entry_view view_of(const struct config_value *slot,
                                        const struct setting *setting, const char *table)
{
    return (struct config_entry_view){
        .setting = setting,
        .table = table,
        .text = slot->text,
        .origin = slot->origin,
        .where = slot->where ? slot->where : "default",
    };
}

size_t config_entry_count(const struct config *config)
{
    size_t count = SETTING_COUNT;

    for (size_t i = 0; i < config->table_count; i++)
        for (size_t id = 0; id < TABLE_SETTING_COUNT; id++)
            count += config->tables[i].values[id].where != NULL;
    return count;
}

struct config_entry_view config_entry(const struct config *config, size_t index)
{
    if (index < SETTING_COUNT)
        return view_of(&config->values[index], &setting_table[index], NULL);
    index -= SETTING_COUNT;
    for (size_t i = 0; i < config->table_count; i++) {
        const struct config_table *table = &config->tables[i];

        for (size_t id = 0; id < TABLE_SETTING_COUNT; id++)
            if (table->values[id].where && index-- == 0)
                return view_of(&table->values[id], &table_setting_table[id], table->name);
    }
    return (struct config_entry_view){0};
}

static int milliseconds(const struct config *config, enum setting_id id)
{
    return (int)(config_duration_us(config, id) / US_PER_MS);
}

void config_primary(const struct config *config, struct primary_config *out_primary)
{
    *out_primary = (struct primary_config){
        .section = "primary",
        .conninfo = config_text(config, PRIMARY_CONNINFO),
        .password_file = config_text(config, PRIMARY_PASSWORD_FILE),
        .role = config_text(config, PRIMARY_ROLE),
        .application = "tidemarkd",
        .allow_insecure_tls = config_flag(config, PRIMARY_ALLOW_INSECURE_TLS),
        .connect_timeout_ms = milliseconds(config, PRIMARY_CONNECT_TIMEOUT),
        .silence_timeout_ms = milliseconds(config, PRIMARY_SILENCE_TIMEOUT),
        .lock_timeout_ms = milliseconds(config, PRIMARY_LOCK_TIMEOUT),
        .interrupt_fd = -1,
    };
    if (!out_primary->conninfo)
        out_primary->conninfo = "";
}

/* Another role's connection: neither the password nor SET ROLE of [primary] fit it. */
void config_migrations_primary(const struct config *config,
                               struct primary_config *out_primary)
{
    const char *conninfo = config_text(config, MIGRATIONS_CONNINFO);
    const char *password_file = config_text(config, MIGRATIONS_PASSWORD_FILE);

    config_primary(config, out_primary);
    if (password_file)
        out_primary->password_file = password_file;
    if (!conninfo)
        return;
    out_primary->section = "migrations";
    out_primary->conninfo = conninfo;
    out_primary->password_file = password_file;
    out_primary->role = NULL;
}

void config_engine(const struct config *config, struct engine_config *out_engine)
{
    *out_engine = (struct engine_config){
        .selection =
            {
                .schemas = config_list(config, PRIMARY_SCHEMA),
                .tables = config_list(config, SYNC_TABLES),
                .updated_at = config_text(config, SYNC_UPDATED_AT),
                .deleted_at = config_text(config, SYNC_DELETED_AT),
                .conflict = (enum conflict_policy)config_choice(config, SYNC_CONFLICT),
                .rules = config->rules,
                .rule_count = config->table_count,
            },
        .cache = {.path = config_text(config, CACHE_PATH),
                  .mode = config_mode(config, CACHE_MODE)},
        .poll_interval_us = config_duration_us(config, SYNC_POLL_INTERVAL),
        .overlap_us = config_duration_us(config, SYNC_OVERLAP),
        .sweep_interval_us = config_duration_us(config, SYNC_SWEEP_INTERVAL),
        .tombstone_retention_us = config_duration_us(config, SYNC_TOMBSTONE_RETENTION),
        .push_batch_rows = config_number(config, SYNC_PUSH_BATCH),
    };
    config_primary(config, &out_engine->primary);
}

static enum outcome refuse_nameless(const struct config *config, struct error *err)
{
    if (config->file) {
        error_set(err, ERROR_INVALID, "%s names no primary", config->file);
        return error_hint(err, "put conninfo = … into its section [primary]");
    }
    error_set(err, ERROR_INVALID, "no configuration file, and no primary named");
    return error_hint(err, "tidemark init --conninfo 'host=… dbname=… user=…' "
                           "writes a configuration file");
}

static enum outcome check_credentials(const struct config *config, enum setting_id id,
                                      struct error *err)
{
    const char *password_file = config_text(config, id);

    if (!password_file || strncmp(password_file, "%d", 2) != 0)
        return OK;
    error_set(err, ERROR_INVALID,
              "%s: [%s] password_file is in the credentials folder of systemd, "
              "and there is none here ($CREDENTIALS_DIRECTORY)",
              config->values[id].where, setting_table[id].section);
    return error_hint(err, "start the service with LoadCredential=, or name a file "
                           "that you may read");
}

enum outcome config_check_primary(const struct config *config, struct error *err)
{
    if (!config_text(config, PRIMARY_CONNINFO))
        return refuse_nameless(config, err);
    return check_credentials(config, PRIMARY_PASSWORD_FILE, err);
}

enum outcome config_check_migrations(const struct config *config, struct error *err)
{
    if (check_credentials(config, MIGRATIONS_PASSWORD_FILE, err) == FAILED)
        return FAILED;
    if (config_text(config, MIGRATIONS_CONNINFO))
        return OK;
    return config_check_primary(config, err);
}

static bool same_text(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

size_t config_differences_needing_restart(const struct config *old_config,
                                          const struct config *new_config,
                                          char *out_names, size_t size)
{
    size_t count = 0;
    size_t used = 0;

    if (size)
        out_names[0] = '\0';
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = &setting_table[id];
        const struct setting_value *before = &old_config->values[id].value;
        const struct setting_value *after = &new_config->values[id].value;

        if (!setting->needs_restart ||
            (same_text(before->text, after->text) && before->mode == after->mode))
            continue;
        if (used < size)
            used += (size_t)snprintf(out_names + used, size - used, "%s%s.%s",
                                     count ? ", " : "", setting->section, setting->key);
        count++;
    }
    return count;
}
