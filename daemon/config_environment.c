#include "daemon/config_values.h"

#include "lib/base/cleanup.h"
#include "lib/base/text_distance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "TIDEMARK_"
#define TABLE_PREFIX PREFIX "TABLE_"
#define NAME_SIZE 128

/* The variable of a setting: TIDEMARK_SYNC_POLL_INTERVAL. */
static void name_variable(const struct setting *setting, char out_name[static NAME_SIZE])
{
    snprintf(out_name, NAME_SIZE, PREFIX "%s_%s", setting->section, setting->key);
    for (char *letter = out_name; *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
}

const char *config_environment_value(char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}

/* An unknown variable is somebody else's affair, unless it names one of our sections. */
static enum outcome refuse_unknown(const char *name, struct error *err)
{
    char names[SETTING_COUNT][NAME_SIZE];
    const char *words[SETTING_COUNT];
    bool ours = false;
    const char *nearest;

    for (size_t id = 0; id < SETTING_COUNT; id++) {
        size_t section = strlen(PREFIX) + strlen(setting_table[id].section) + 1;

        name_variable(&setting_table[id], names[id]);
        words[id] = names[id];
        ours = ours || strncmp(names[id], name, section) == 0;
    }
    if (!ours)
        return OK;
    nearest = text_nearest(name, words, SETTING_COUNT);
    if (nearest)
        return error_set(err, ERROR_INVALID,
                         "unknown setting %s in the environment; did you mean %s?", name,
                         nearest);
    return error_set(err, ERROR_INVALID, "unknown setting %s in the environment", name);
}

/* Does the variable's part stand for this table? Letters count, in either case. */
static bool stands_for(const char *part, size_t length, const char *table)
{
    if (strlen(table) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char letter = isalnum((unsigned char)table[i])
                          ? (char)toupper((unsigned char)table[i])
                          : '_';

        if (letter != part[i])
            return false;
    }
    return true;
}

static enum outcome find_table(struct config *config, const char *part, size_t length,
                               struct config_table **out_table, struct error *err)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < config->table_count; i++) {
        if (stands_for(part, length, config->tables[i].name)) {
            *out_table = &config->tables[i];
            return OK;
        }
    }
    for (size_t i = 0; i < length; i++)
        name[i] = (char)tolower((unsigned char)part[i]);
    name[length] = '\0';
    return config_add_table(config, name, 0, out_table, err);
}

/* TIDEMARK_TABLE_ORDERS_AS_REAL; NOTHING: it does not end with a key. */
static enum outcome take_table(struct config *config, const char *name, const char *text,
                               struct error *err)
{
    const char *part = name + strlen(TABLE_PREFIX);

    for (size_t id = 0; id < TABLE_SETTING_COUNT; id++) {
        const struct setting *setting = &table_setting_table[id];
        char variable[NAME_SIZE];
        const char *suffix;
        struct config_table *table;

        name_variable(setting, variable);
        suffix = variable + strlen(PREFIX) + strlen(setting->section); /* "_AS_REAL" */
        if (strlen(part) <= strlen(suffix) ||
            strcmp(part + strlen(part) - strlen(suffix), suffix) != 0)
            continue;
        if (find_table(config, part, strlen(part) - strlen(suffix), &table, err) ==
            FAILED)
            return FAILED;
        return config_value_set(&table->values[id], setting, text, config->home,
                                &(struct config_source){ORIGIN_ENVIRONMENT, name}, err);
    }
    return NOTHING;
}

static enum outcome take_setting(struct config *config, const char *name,
                                 const char *text, struct error *err)
{
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        char variable[NAME_SIZE];

        name_variable(&setting_table[id], variable);
        if (strcmp(variable, name) == 0)
            return config_value_set(
                &config->values[id], &setting_table[id], text, config->home,
                &(struct config_source){ORIGIN_ENVIRONMENT, name}, err);
    }
    return NOTHING;
}

static enum outcome take_variable(struct config *config, const char *variable,
                                  struct error *err)
{
    const char *equals = strchr(variable, '=');
    char name[NAME_SIZE];
    enum outcome outcome;

    if (!equals || (size_t)(equals - variable) >= sizeof(name))
        return OK;
    snprintf(name, sizeof(name), "%.*s", (int)(equals - variable), variable);
    if (strncmp(name, TABLE_PREFIX, strlen(TABLE_PREFIX)) == 0)
        outcome = take_table(config, name, equals + 1, err);
    else
        outcome = take_setting(config, name, equals + 1, err);
    if (outcome != NOTHING)
        return outcome;
    return refuse_unknown(name, err);
}

enum outcome config_read_environment(struct config *config, char *const *environment,
                                     struct error *err)
{
    for (; *environment; environment++)
        if (strncmp(*environment, PREFIX, strlen(PREFIX)) == 0 &&
            take_variable(config, *environment, err) == FAILED)
            return FAILED;
    return OK;
}
