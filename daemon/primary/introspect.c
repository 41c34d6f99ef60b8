#include "daemon/primary/introspect.h"

#include "daemon/primary/catalog_columns.h"
#include "daemon/primary/catalog_keys.h"
#include "daemon/primary/catalog_retention.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/table_draft.h"
#include "daemon/primary/table_rules.h"
#include "daemon/primary/table_selection.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/table_fingerprint.h"

#include "introspect.sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Columns of the query. */
enum {
    AT_SCHEMA,
    AT_QUOTED_SCHEMA,
    AT_SCHEMA_EXISTS,
    AT_ROLE,
    AT_OID,
    AT_NAME,
    AT_QUOTED_NAME,
    AT_KIND,
    AT_IS_PARTITION,
    AT_MAY_USE_SCHEMA,
    AT_MAY_READ,
    AT_MAY_READ_XMIN,
    AT_MAY_LOCK,
    AT_MAY_READ_DELETE_LOG,
    AT_TRACKED,
    AT_TRACKING,
    AT_ESTIMATED_ROWS,
    AT_PARTITIONS,
    AT_KEY,
};

/* What an introspection works on. */
struct introspection {
    struct primary *primary;
    const struct introspect_config *config;
    struct primary_result *relations;
    struct table_drafts drafts;
    struct table_set set; /* what it all comes to */
};

static void introspection_release(struct introspection *self)
{
    primary_result_free(&self->relations);
    table_drafts_release(&self->drafts);
    table_set_release(&self->set);
}

static const char *relation_text(const struct introspection *self, size_t row, size_t at)
{
    return primary_result_text(self->relations, row, at);
}

static bool relation_bool(const struct introspection *self, size_t row, size_t at)
{
    return primary_result_bool(self->relations, row, at);
}

/* ---- refusals ---- */

static enum outcome refuse(struct introspection *self, const char *schema,
                           const char *name, const char *reason, const char *remedy,
                           struct error *err)
{
    OWNED(table_refusal_release)
    struct table_refusal refusal = {
        .schema = strdup(schema),
        .name = strdup(name),
        .reason = strdup(reason),
        .remedy = strdup(remedy),
    };
    struct table_set *set = &self->set;

    if (!refusal.schema || !refusal.name || !refusal.reason || !refusal.remedy)
        return error_out_of_memory(err);
    if (array_room(&set->refusals, set->refusal_count, err) == FAILED)
        return FAILED;
    set->refusals[set->refusal_count++] = TAKE(refusal);
    return OK;
}

static bool is_system_schema(const char *schema)
{
    return strncmp(schema, "pg_", 3) == 0 || strcmp(schema, "information_schema") == 0 ||
           strcmp(schema, "tidemark") == 0;
}

/* A schema as a whole, in place of its tables. */
static enum outcome check_schema(struct introspection *self, size_t row,
                                 struct error *err)
{
    const char *schema = relation_text(self, row, AT_SCHEMA);

    if (is_system_schema(schema))
        return refuse(self, schema, "*", "is a system schema",
                      "take it out of the setting schema", err);
    if (!relation_bool(self, row, AT_SCHEMA_EXISTS))
        return refuse(self, schema, "*", "the schema does not exist",
                      "correct the setting schema, or create the schema", err);
    return OK;
}

struct other_kind {
    char kind; /* pg_class.relkind */
    const char *reason;
    const char *remedy;
};

static const struct other_kind other_kinds[] = {
    {'v', "is a view", "mirror the tables under it"},
    {'m', "is a materialized view", "mirror the tables under it"},
    {'f', "is a foreign table", "mirror it from the server that holds it"},
};

/* Named in the configuration, but nothing that can be mirrored by itself. */
static enum outcome refuse_other_kind(struct introspection *self, size_t row,
                                      struct error *err)
{
    const char *schema = relation_text(self, row, AT_SCHEMA);
    const char *name = relation_text(self, row, AT_NAME);

    for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++)
        if (other_kinds[i].kind == relation_text(self, row, AT_KIND)[0])
            return refuse(self, schema, name, other_kinds[i].reason,
                          other_kinds[i].remedy, err);
    return refuse(self, schema, name, "is a partition",
                  "mirror the partitioned table that it belongs to", err);
}

static bool pattern_exists(const struct introspection *self, const char *pattern)
{
    for (size_t row = 0; row < primary_result_rows(self->relations); row++)
        if (relation_text(self, row, AT_NAME) &&
            table_selection_matches(pattern, relation_text(self, row, AT_SCHEMA),
                                    relation_text(self, row, AT_NAME)))
            return true;
    return false;
}

static enum outcome refuse_unknown(struct introspection *self, const char *name,
                                   const char *remedy, struct error *err)
{
    OWNED(buffer_release) struct buffer reason = {0};

    buffer_append_text(&reason, "does not exist in schema");
    for (size_t i = 0; self->config->schemas[i]; i++)
        buffer_append_format(&reason, "%s %s", i ? "," : "", self->config->schemas[i]);
    if (buffer_check(&reason, err) == FAILED)
        return FAILED;
    return refuse(self, self->config->schemas[0] ? self->config->schemas[0] : "", name,
                  reason.data, remedy, err);
}

/* Names in the configuration that mean nothing: a typing error would go unnoticed. */
static enum outcome refuse_unknown_names(struct introspection *self, struct error *err)
{
    const struct introspect_config *config = self->config;

    for (size_t i = 0; config->tables && config->tables[i]; i++) {
        const char *pattern = config->tables[i];

        if (pattern[0] == '!' || !table_selection_is_name(pattern) ||
            pattern_exists(self, pattern))
            continue;
        if (refuse_unknown(self, pattern, "correct the setting tables, or create it",
                           err) == FAILED)
            return FAILED;
    }
    for (size_t i = 0; i < config->rule_count; i++) {
        const char *name = config->rules[i].table;

        if (pattern_exists(self, name))
            continue;
        if (refuse_unknown(self, name,
                           "correct the section [table] of that name, or "
                           "take it out",
                           err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* ---- drafts ---- */

static void check_name(struct table_draft *draft)
{
    static const char *const reserved[] = {"tide_", "sqlite_"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strncasecmp(draft->table.name, reserved[i], strlen(reserved[i])) != 0)
            continue;
        table_draft_refuse(draft, "names that start with %s are reserved in the cache",
                           reserved[i]);
        table_draft_remedy(draft, "alter table %s rename to …", draft->quoted_name);
    }
}

static void check_access(const struct introspection *self, struct table_draft *draft,
                         size_t row)
{
    const char *role = relation_text(self, row, AT_ROLE);

    if (!relation_bool(self, row, AT_MAY_USE_SCHEMA)) {
        table_draft_refuse(draft, "no permission to use its schema");
        table_draft_remedy(draft, "grant usage on schema %s to %s",
                           relation_text(self, row, AT_QUOTED_SCHEMA), role);
    }
    if (!relation_bool(self, row, AT_MAY_READ)) {
        table_draft_refuse(draft, "no permission to read it");
        table_draft_remedy(draft, "grant select on %s to %s", draft->quoted_name, role);
    }
    if (draft->table.mode == TABLE_TRACKED &&
        !relation_bool(self, row, AT_MAY_READ_DELETE_LOG)) {
        table_draft_refuse(draft,
                           "is tracked, and no permission to read tidemark.deleted_row");
        table_draft_remedy(draft, "select tidemark.grant_sync('%s')", role);
    }
}

static enum outcome read_key(struct table_draft *draft, const char *attributes,
                             struct error *err)
{
    if (attributes)
        return table_draft_numbers(attributes, &draft->key_attributes,
                                   &draft->key_attribute_count, err);
    table_draft_refuse(draft, "has no primary key");
    table_draft_remedy(draft, "alter table %s add primary key (…)", draft->quoted_name);
    return OK;
}

static enum outcome copy_texts(const struct introspection *self,
                               struct table_draft *draft, size_t row, struct error *err)
{
    struct table *table = &draft->table;
    const char *partitions = relation_text(self, row, AT_PARTITIONS);
    const char *tracking = relation_text(self, row, AT_TRACKING);

    table->schema = strdup(relation_text(self, row, AT_SCHEMA));
    table->name = strdup(relation_text(self, row, AT_NAME));
    table->partitions = partitions ? strdup(partitions) : NULL;
    table->tracking =
        strdup(relation_bool(self, row, AT_TRACKED) && tracking ? tracking : "");
    draft->quoted_name = strdup(relation_text(self, row, AT_QUOTED_NAME));
    if (!table->schema || !table->name || !table->tracking || !draft->quoted_name ||
        (partitions && !table->partitions))
        return error_out_of_memory(err);
    return OK;
}

static enum outcome read_relation(struct introspection *self, struct table_draft *draft,
                                  size_t row, struct error *err)
{
    struct table *table = &draft->table;

    if (copy_texts(self, draft, row, err) == FAILED)
        return FAILED;
    table->oid = (uint32_t)primary_result_int(self->relations, row, AT_OID);
    table->mode = relation_bool(self, row, AT_TRACKED) ? TABLE_TRACKED : TABLE_UNTRACKED;
    table->lockable = relation_bool(self, row, AT_MAY_LOCK);
    table->partitioned = relation_text(self, row, AT_KIND)[0] == 'p';
    table->estimated_rows = primary_result_int(self->relations, row, AT_ESTIMATED_ROWS);
    draft->may_read_xmin = relation_bool(self, row, AT_MAY_READ_XMIN);
    draft->rule = table_selection_rule(self->config, table->schema, table->name);
    check_name(draft);
    check_access(self, draft, row);
    return read_key(draft, relation_text(self, row, AT_KEY), err);
}

static bool is_table(const struct introspection *self, size_t row)
{
    char kind = relation_text(self, row, AT_KIND)[0];

    return (kind == 'r' || kind == 'p') && !relation_bool(self, row, AT_IS_PARTITION);
}

/* One row of the relations: a draft, a refusal, or neither. */
static enum outcome take_relation(struct introspection *self, size_t row,
                                  struct error *err)
{
    const char *schema = relation_text(self, row, AT_SCHEMA);
    const char *name = relation_text(self, row, AT_NAME);
    enum table_selection selection;

    if (!name || is_system_schema(schema))
        return OK;
    selection = table_selection_of(self->config->tables, schema, name);
    if (selection == TABLE_NOT_SELECTED)
        return OK;
    if (is_table(self, row))
        return read_relation(self, &self->drafts.items[self->drafts.count++], row, err);
    if (selection == TABLE_SELECTED_BY_NAME)
        return refuse_other_kind(self, row, err);
    return OK;
}

static enum outcome draft_tables(struct introspection *self, struct error *err)
{
    size_t rows = primary_result_rows(self->relations);
    const char *schema = "";

    self->drafts.items = calloc(rows + 1, sizeof(self->drafts.items[0]));
    if (!self->drafts.items)
        return error_out_of_memory(err);
    for (size_t row = 0; row < rows; row++) {
        if (strcmp(schema, relation_text(self, row, AT_SCHEMA)) != 0) {
            schema = relation_text(self, row, AT_SCHEMA);
            if (check_schema(self, row, err) == FAILED)
                return FAILED;
        }
        if (take_relation(self, row, err) == FAILED)
            return FAILED;
    }
    return OK;
}

/* ---- what drafts do to each other ---- */

static const struct table_draft *find_earlier(const struct introspection *self,
                                              size_t limit, const char *name)
{
    for (size_t i = 0; i < limit; i++)
        if (!self->drafts.items[i].reason &&
            table_same_name(self->drafts.items[i].table.name, name))
            return &self->drafts.items[i];
    return NULL;
}

static void refuse_same_names(struct introspection *self)
{
    for (size_t i = 0; i < self->drafts.count; i++) {
        struct table_draft *draft = &self->drafts.items[i];
        const struct table_draft *taken = find_earlier(self, i, draft->table.name);

        if (draft->reason || !taken)
            continue;
        table_draft_refuse(draft, "its name is taken by %s (SQLite ignores case)",
                           taken->quoted_name);
        table_draft_remedy(draft, "exclude one: tables = *, !%s.%s", draft->table.schema,
                           draft->table.name);
    }
}

/* The table whose live view would have this name. */
static const struct table_draft *owner_of_live_view(const struct introspection *self,
                                                    const char *name)
{
    const struct table_draft *owner;

    if (strncasecmp(name, "live_", 5) != 0)
        return NULL;
    owner = find_earlier(self, self->drafts.count, name + 5);
    if (!owner || owner->table.deleted_at == TABLE_NO_COLUMN ||
        owner_of_live_view(self, owner->table.name))
        return NULL;
    return owner;
}

static void refuse_names_of_live_views(struct introspection *self)
{
    for (size_t i = 0; i < self->drafts.count; i++) {
        struct table_draft *draft = &self->drafts.items[i];
        const struct table_draft *owner = owner_of_live_view(self, draft->table.name);

        if (draft->reason || !owner)
            continue;
        table_draft_refuse(draft, "its name is taken by the view live_%s of %s",
                           owner->table.name, owner->quoted_name);
        table_draft_remedy(draft, "exclude one: tables = *, !%s", draft->table.name);
    }
}

/* ---- the result ---- */

static enum outcome collect_table(struct introspection *self, struct table_draft *draft,
                                  struct error *err)
{
    OWNED(buffer_release) struct buffer fingerprint = {0};

    if (draft->out_of_memory)
        return error_out_of_memory(err);
    if (draft->reason)
        return refuse(self, draft->table.schema, draft->table.name, draft->reason,
                      draft->remedy ? draft->remedy : "", err);
    table_fingerprint_append(&fingerprint, &draft->table);
    draft->table.fingerprint = buffer_take(&fingerprint);
    if (!draft->table.fingerprint)
        return error_out_of_memory(err);
    self->set.tables[self->set.table_count++] = table_draft_take_table(draft);
    return OK;
}

static enum outcome collect(struct introspection *self, struct error *err)
{
    self->set.tables = calloc(self->drafts.count + 1, sizeof(self->set.tables[0]));
    if (!self->set.tables)
        return error_out_of_memory(err);
    for (size_t i = 0; i < self->drafts.count; i++)
        if (collect_table(self, &self->drafts.items[i], err) == FAILED)
            return FAILED;
    return refuse_unknown_names(self, err);
}

static enum outcome apply_rules(struct introspection *self, struct error *err)
{
    for (size_t i = 0; i < self->drafts.count; i++) {
        struct table_draft *draft = &self->drafts.items[i];

        if (!draft->reason &&
            table_rules_apply(draft, self->config, relation_text(self, 0, AT_ROLE),
                              err) == FAILED)
            return FAILED;
    }
    refuse_same_names(self);
    refuse_names_of_live_views(self);
    return OK;
}

/* As an array of the primary: {"public","Odd \"one\""}. */
static void append_schemas(struct buffer *text, const char *const *schemas)
{
    buffer_append_text(text, "{");
    for (size_t i = 0; schemas[i]; i++) {
        buffer_append_text(text, i ? ",\"" : "\"");
        for (const char *at = schemas[i]; *at; at++) {
            if (*at == '"' || *at == '\\')
                buffer_append_text(text, "\\");
            buffer_append(text, at, 1);
        }
        buffer_append_text(text, "\"");
    }
    buffer_append_text(text, "}");
}

static enum outcome read_relations(struct introspection *self, struct error *err)
{
    OWNED(buffer_release) struct buffer schemas = {0};

    append_schemas(&schemas, self->config->schemas);
    if (buffer_check(&schemas, err) == FAILED)
        return FAILED;
    return primary_query(self->primary, &introspect_sql.relations,
                         (const char *const[]){schemas.data}, 1, &self->relations, err);
}

enum outcome introspect(struct primary *primary, const struct introspect_config *config,
                        struct table_set *out_set, struct error *err)
{
    OWNED(introspection_release)
    struct introspection self = {.primary = primary, .config = config};

    if (read_relations(&self, err) == FAILED || draft_tables(&self, err) == FAILED ||
        catalog_columns_read(primary, &self.drafts, err) == FAILED ||
        apply_rules(&self, err) == FAILED ||
        catalog_keys_read_indexes(primary, &self.drafts, err) == FAILED ||
        catalog_keys_read_foreign_keys(primary, &self.drafts, err) == FAILED ||
        collect(&self, err) == FAILED ||
        catalog_retention_read(primary, &self.set, err) == FAILED)
        return error_wrap(err, "introspect");
    *out_set = TAKE(self.set);
    return OK;
}
