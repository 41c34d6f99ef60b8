#include "daemon/primary/table_rules.h"

#include "daemon/primary/column_default.h"
#include "daemon/primary/table_selection.h"
#include "lib/base/cleanup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The names that say when a row changed; "" switches one off. */
static const char *updated_at_name(const struct table_draft *draft,
                                   const struct introspect_config *config)
{
    bool ruled = draft->rule && draft->rule->updated_at;

    return ruled ? draft->rule->updated_at : config->updated_at;
}

static const char *deleted_at_name(const struct table_draft *draft,
                                   const struct introspect_config *config)
{
    bool ruled = draft->rule && draft->rule->deleted_at;

    return ruled ? draft->rule->deleted_at : config->deleted_at;
}

static bool is_key_attribute(const struct table_draft *draft, size_t column)
{
    for (size_t i = 0; i < draft->key_attribute_count; i++)
        if (draft->key_attributes[i] == draft->facts[column].attribute)
            return true;
    return false;
}

static void check_key_type(struct table_draft *draft, size_t column, const char *role)
{
    const struct column_facts *facts = &draft->facts[column];
    const char *type_name = draft->table.columns[column].type_name;

    if (!facts->may_be_key) {
        table_draft_refuse(draft,
                           "its key column %s is of type %s, which cannot be a key",
                           facts->quoted_name, type_name);
        table_draft_remedy(draft, "make its primary key of integers, text, uuid, dates, "
                                  "numeric, boolean, bytea or an enum");
    }
    /* Else keys would be compared with the operators of another type, silently. */
    if (!facts->is_visible) {
        table_draft_refuse(draft,
                           "its key column %s is of type %s, which is not in the search "
                           "path",
                           facts->quoted_name, type_name);
        table_draft_remedy(
            draft, "alter role %s set search_path = …, with the schema of the type",
            role);
    }
}

static void check_key_types(struct table_draft *draft, const char *role)
{
    for (size_t i = 0; i < draft->table.column_count; i++)
        if (is_key_attribute(draft, i))
            check_key_type(draft, i, role);
}

static void check_rule_names(struct table_draft *draft)
{
    const char *const lists[] = {
        column_selection_unknown(draft->rule->columns, &draft->table),
        column_selection_unknown(draft->rule->as_real, &draft->table),
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (!lists[i])
            continue;
        table_draft_refuse(draft,
                           "the configuration names its column \"%s\", which it "
                           "does not have",
                           lists[i]);
        table_draft_remedy(draft, "correct [table %s] in the configuration",
                           draft->rule->table);
    }
}

/* A misspelt deleted_at would show deleted rows as living ones. */
static void check_ruled_timestamp(struct table_draft *draft, const char *setting,
                                  const char *name)
{
    int column;

    if (!name || !*name)
        return;
    column = table_find_column(&draft->table, name);
    if (column != TABLE_NO_COLUMN && draft->facts[column].is_timestamp)
        return;
    table_draft_refuse(draft,
                       "%s names \"%s\", which is no column of it with a timestamp",
                       setting, name);
    table_draft_remedy(draft, "correct %s in [table %s] of the configuration", setting,
                       draft->rule->table);
}

/* ":sub" as a word of its own; "::subject" is a cast. */
static bool needs_identity(const char *scope)
{
    for (const char *at = scope; (at = strstr(at, ":sub")); at++) {
        bool is_cast = at > scope && at[-1] == ':';
        char next = at[strlen(":sub")];

        if (!is_cast && !isalnum((unsigned char)next) && next != '_')
            return true;
    }
    return false;
}

static enum outcome set_scope(struct table_draft *draft, struct error *err)
{
    const char *scope = draft->rule->scope;

    if (!scope || !*scope)
        return OK;
    if (needs_identity(scope)) {
        table_draft_refuse(draft, "its scope contains :sub, which needs an identity, "
                                  "which this version does not have yet");
        table_draft_remedy(draft,
                           "write the value into scope of [table %s], or exclude "
                           "the table with tables = *, !%s",
                           draft->rule->table, draft->table.name);
    }
    draft->table.scope = strdup(scope);
    return draft->table.scope ? OK : error_out_of_memory(err);
}

static enum conflict_policy conflict_policy(const struct table_draft *draft,
                                            const struct introspect_config *config)
{
    bool ruled = draft->rule && draft->rule->conflict;

    return ruled ? *draft->rule->conflict : config->conflict;
}

static enum outcome apply_rule(struct table_draft *draft, struct error *err)
{
    if (!draft->rule)
        return OK;
    check_rule_names(draft);
    check_ruled_timestamp(draft, "updated_at", draft->rule->updated_at);
    check_ruled_timestamp(draft, "deleted_at", draft->rule->deleted_at);
    return set_scope(draft, err);
}

static bool is_named(const char *name, const char *column)
{
    return name && strcmp(name, column) == 0;
}

static void select_columns(struct table_draft *draft,
                           const struct introspect_config *config)
{
    const char *const *patterns = draft->rule ? draft->rule->columns : NULL;

    for (size_t i = draft->table.column_count; i-- > 0;) {
        const char *name = draft->table.columns[i].name;
        enum column_selection selection = column_selection_of(patterns, name);

        if (selection == COLUMN_EXCLUDED && is_key_attribute(draft, i)) {
            table_draft_refuse(draft, "the configuration excludes %s, a part of its key",
                               draft->facts[i].quoted_name);
            table_draft_remedy(draft, "leave the key in columns of [table %s]",
                               draft->rule->table);
        } else if (selection != COLUMN_SELECTED && !is_key_attribute(draft, i) &&
                   !is_named(updated_at_name(draft, config), name) &&
                   !is_named(deleted_at_name(draft, config), name)) {
            table_draft_remove_column(draft, i);
        }
    }
}

static void check_columns_readable(struct table_draft *draft, const char *role)
{
    for (size_t i = 0; i < draft->table.column_count; i++) {
        if (draft->facts[i].may_read)
            continue;
        table_draft_refuse(draft, "no permission to read its column %s",
                           draft->facts[i].quoted_name);
        table_draft_remedy(draft, "grant select (%s) on %s to %s; or columns = !%s",
                           draft->facts[i].quoted_name, draft->quoted_name, role,
                           draft->table.columns[i].name);
    }
}

/* What the delta reads besides the columns. */
static void check_delta_readable(struct table_draft *draft, const char *role)
{
    bool tracked = draft->table.mode == TABLE_TRACKED;
    const char *column = tracked ? "tide_xid" : "xmin";

    if (tracked ? draft->may_read_stamp : draft->may_read_xmin)
        return;
    table_draft_refuse(draft, "no permission to read its column %s", column);
    table_draft_remedy(draft, "grant select (%s) on %s to %s", column, draft->quoted_name,
                       role);
}

static void check_column_names(struct table_draft *draft)
{
    const struct table *table = &draft->table;

    for (size_t i = 0; i < table->column_count; i++)
        for (size_t j = i + 1; j < table->column_count; j++) {
            if (!table_same_name(table->columns[i].name, table->columns[j].name))
                continue;
            table_draft_refuse(draft,
                               "its columns %s and %s differ only in case, which SQLite "
                               "ignores",
                               draft->facts[i].quoted_name, draft->facts[j].quoted_name);
            table_draft_remedy(draft,
                               "rename one on the primary, or leave it out: columns = "
                               "!%s in [table %s]",
                               table->columns[j].name, table->name);
        }
}

static enum outcome resolve_key(struct table_draft *draft, struct error *err)
{
    struct table *table = &draft->table;

    table->key = calloc(draft->key_attribute_count, sizeof(table->key[0]));
    if (!table->key)
        return error_out_of_memory(err);
    for (size_t i = 0; i < draft->key_attribute_count; i++) {
        int column = table_draft_column(draft, draft->key_attributes[i]);

        if (column == TABLE_NO_COLUMN)
            return error_set(err, ERROR_SCHEMA, "%s changed while it was read",
                             draft->quoted_name);
        table->key[table->key_count++] = column;
    }
    return OK;
}

static int find_timestamp(const struct table_draft *draft, const char *name)
{
    int column = name ? table_find_column(&draft->table, name) : TABLE_NO_COLUMN;

    if (column != TABLE_NO_COLUMN && !draft->facts[column].is_timestamp)
        return TABLE_NO_COLUMN;
    return column;
}

/* A key stays exact: two numbers must not become one. */
static void choose_reals(struct table_draft *draft)
{
    const char *const *patterns = draft->rule ? draft->rule->as_real : NULL;

    for (size_t i = 0; patterns && patterns[0] && i < draft->table.column_count; i++) {
        struct table_column *column = &draft->table.columns[i];
        bool numeric =
            column->codec == CODEC_NUMERIC || column->codec == CODEC_NUMERIC_SHORT;

        if (numeric && !table_is_key(&draft->table, i) &&
            column_selection_of(patterns, column->name) == COLUMN_SELECTED)
            column->codec = CODEC_NUMERIC_AS_REAL;
    }
}

static enum outcome set_default(struct table_draft *draft, size_t i, struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct table_column *column = &draft->table.columns[i];
    bool sole_key = draft->table.key_count == 1 && table_is_key(&draft->table, i);

    if (draft->facts[i].default_expression)
        column_default_translate(&text, column, draft->facts[i].default_expression);
    if (!text.length && sole_key && column->codec == CODEC_UUID)
        buffer_append_text(&text, column_default_random_uuid);
    /* a trigger may set it there: an INSERT here need not name it either */
    if (!text.length && draft->table.updated_at == (int)i)
        buffer_append_text(&text, column_codec_present_moment(column->codec));
    if (buffer_check(&text, err) == FAILED)
        return FAILED;
    if (text.length && !column->generated)
        column->cache_default = buffer_take(&text);
    return OK;
}

static enum outcome set_defaults(struct table_draft *draft, struct error *err)
{
    for (size_t i = 0; i < draft->table.column_count; i++)
        if (set_default(draft, i, err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome table_rules_apply(struct table_draft *draft,
                               const struct introspect_config *config, const char *role,
                               struct error *err)
{
    check_key_types(draft, role);
    if (apply_rule(draft, err) == FAILED)
        return FAILED;
    select_columns(draft, config);
    check_columns_readable(draft, role);
    check_delta_readable(draft, role);
    check_column_names(draft);
    if (draft->reason)
        return OK;
    if (resolve_key(draft, err) == FAILED)
        return FAILED;
    draft->table.updated_at = find_timestamp(draft, updated_at_name(draft, config));
    draft->table.deleted_at = find_timestamp(draft, deleted_at_name(draft, config));
    draft->table.conflict_policy = conflict_policy(draft, config);
    choose_reals(draft);
    return set_defaults(draft, err);
}
