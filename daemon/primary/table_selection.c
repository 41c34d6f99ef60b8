#include "daemon/primary/table_selection.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Room for two names of 63 bytes, the dot and the NUL. */
#define QUALIFIED_SIZE 256

static bool pattern_means(const char *pattern, const char *name)
{
    return strcmp(pattern, name) == 0 || fnmatch(pattern, name, 0) == 0;
}

bool table_selection_matches(const char *pattern, const char *schema, const char *name)
{
    char qualified[QUALIFIED_SIZE];

    snprintf(qualified, sizeof(qualified), "%s.%s", schema, name);
    return pattern_means(pattern, name) || pattern_means(pattern, qualified);
}

bool table_selection_is_name(const char *pattern)
{
    return strpbrk(pattern, "*?[") == NULL;
}

enum table_selection table_selection_of(const char *const *patterns, const char *schema,
                                        const char *name)
{
    enum table_selection selection = TABLE_NOT_SELECTED;
    bool has_includes = false;

    for (size_t i = 0; patterns && patterns[i]; i++) {
        const char *pattern = patterns[i];

        if (pattern[0] == '!') {
            if (table_selection_matches(pattern + 1, schema, name))
                return TABLE_NOT_SELECTED;
            continue;
        }
        has_includes = true;
        if (!table_selection_matches(pattern, schema, name))
            continue;
        if (table_selection_is_name(pattern))
            selection = TABLE_SELECTED_BY_NAME;
        else if (selection == TABLE_NOT_SELECTED)
            selection = TABLE_SELECTED;
    }
    return has_includes ? selection : TABLE_SELECTED;
}

const struct introspect_rule *table_selection_rule(const struct introspect_config *config,
                                                   const char *schema, const char *name)
{
    const struct introspect_rule *unqualified = NULL;
    char qualified[QUALIFIED_SIZE];

    snprintf(qualified, sizeof(qualified), "%s.%s", schema, name);
    for (size_t i = 0; i < config->rule_count; i++) {
        if (strcmp(config->rules[i].table, qualified) == 0)
            return &config->rules[i];
        if (strcmp(config->rules[i].table, name) == 0)
            unqualified = &config->rules[i];
    }
    return unqualified;
}

enum column_selection column_selection_of(const char *const *patterns, const char *name)
{
    bool has_includes = false;
    bool included = false;

    for (size_t i = 0; patterns && patterns[i]; i++) {
        if (patterns[i][0] != '!') {
            has_includes = true;
            included = included || pattern_means(patterns[i], name);
        } else if (pattern_means(patterns[i] + 1, name)) {
            return COLUMN_EXCLUDED;
        }
    }
    return included || !has_includes ? COLUMN_SELECTED : COLUMN_NOT_LISTED;
}

const char *column_selection_unknown(const char *const *patterns,
                                     const struct table *table)
{
    for (size_t i = 0; patterns && patterns[i]; i++) {
        const char *name = patterns[i] + (patterns[i][0] == '!');

        if (table_selection_is_name(name) &&
            table_find_column(table, name) == TABLE_NO_COLUMN)
            return name;
    }
    return NULL;
}
