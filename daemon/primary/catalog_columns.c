#include "daemon/primary/catalog_columns.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"

#include "catalog_columns.sql.h"

#include <stdlib.h>
#include <string.h>

/* Columns of the query. */
enum {
    AT_RELATION,
    AT_ATTRIBUTE,
    AT_NAME,
    AT_QUOTED_NAME,
    AT_TYPE_NAME,
    AT_BASE_TYPE,
    AT_KIND,
    AT_ELEMENT_KIND,
    AT_MODIFIER,
    AT_NOT_NULL,
    AT_GENERATED,
    AT_DEFAULT,
    AT_MAY_READ,
    AT_IS_VISIBLE,
};

struct kind_codec {
    const char *kind;
    enum column_codec codec;
};

static const struct kind_codec kind_codecs[] = {
    {"int2", CODEC_SMALLINT},
    {"int4", CODEC_INTEGER},
    {"int8", CODEC_BIGINT},
    {"bool", CODEC_BOOLEAN},
    {"float4", CODEC_REAL},
    {"float8", CODEC_DOUBLE},
    {"text", CODEC_TEXT},
    {"varchar", CODEC_TEXT},
    {"name", CODEC_TEXT},
    {"char", CODEC_TEXT},
    {"enum", CODEC_TEXT},
    {"bpchar", CODEC_PADDED_TEXT},
    {"citext", CODEC_CASELESS_TEXT},
    {"uuid", CODEC_UUID},
    {"timestamptz", CODEC_TIMESTAMPTZ},
    {"json", CODEC_JSON},
    {"jsonb", CODEC_JSONB},
    {"bytea", CODEC_BYTEA},
};

static bool is_one_of(const char *kind, const char *const *kinds)
{
    for (; *kinds; kinds++)
        if (strcmp(kind, *kinds) == 0)
            return true;
    return false;
}

/*
 * A double holds 15 digits, so numeric(15,s) fits. A scale below 0 (PostgreSQL 15)
 * appends zeros: they count. One far above the precision leaves what a double divides
 * exactly.
 */
static enum column_codec numeric_codec(int modifier)
{
    int precision = ((modifier - 4) >> 16) & 0xffff;
    int scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;

    if (modifier < 4 || scale > 300 || precision - (scale < 0 ? scale : 0) > 15)
        return CODEC_NUMERIC;
    return CODEC_NUMERIC_SHORT;
}

enum column_codec catalog_columns_codec(const char *kind, const char *element_kind,
                                        int modifier)
{
    static const char *const literal_elements[] = {
        "int2", "int4",   "int8", "float4", "float8", "numeric",
        "bool", "bpchar", "inet", NULL, /* a cast to text[] would change the last two */
    };

    if (strcmp(kind, "numeric") == 0)
        return numeric_codec(modifier);
    if (strcmp(kind, "array") == 0)
        return element_kind && is_one_of(element_kind, literal_elements)
                   ? CODEC_ARRAY_OF_LITERALS
                   : CODEC_ARRAY_OF_TEXT;
    for (size_t i = 0; i < sizeof(kind_codecs) / sizeof(kind_codecs[0]); i++)
        if (strcmp(kind, kind_codecs[i].kind) == 0)
            return kind_codecs[i].codec;
    return CODEC_SERVER_TEXT;
}

static bool copy_text(char **out_copy, const char *text)
{
    *out_copy = text ? strdup(text) : NULL;
    return *out_copy || !text;
}

static enum outcome read_column(struct table_column *column, struct column_facts *facts,
                                const struct primary_result *result, size_t row,
                                struct error *err)
{
    static const char *const never_keys[] = {
        "array", "composite", "json", "jsonb", "xml", NULL,
    };
    const char *kind = primary_result_text(result, row, AT_KIND);

    column->codec =
        catalog_columns_codec(kind, primary_result_text(result, row, AT_ELEMENT_KIND),
                              (int)primary_result_int(result, row, AT_MODIFIER));
    column->not_null = primary_result_bool(result, row, AT_NOT_NULL);
    column->generated = primary_result_bool(result, row, AT_GENERATED);
    facts->attribute = (int)primary_result_int(result, row, AT_ATTRIBUTE);
    facts->base_type = (uint32_t)primary_result_int(result, row, AT_BASE_TYPE);
    facts->is_timestamp = !strcmp(kind, "timestamptz") || !strcmp(kind, "timestamp");
    facts->is_enum = strcmp(kind, "enum") == 0;
    facts->may_be_key = !is_one_of(kind, never_keys);
    facts->is_visible = primary_result_bool(result, row, AT_IS_VISIBLE);
    facts->may_read = primary_result_bool(result, row, AT_MAY_READ);
    if (!copy_text(&column->name, primary_result_text(result, row, AT_NAME)) ||
        !copy_text(&column->type_name, primary_result_text(result, row, AT_TYPE_NAME)) ||
        !copy_text(&facts->quoted_name,
                   primary_result_text(result, row, AT_QUOTED_NAME)) ||
        !copy_text(&facts->default_expression,
                   primary_result_text(result, row, AT_DEFAULT)))
        return error_out_of_memory(err);
    return OK;
}

/* The stamp of tracked tables; another column may well have that name. */
static bool is_stamp(const struct primary_result *result, size_t row)
{
    return strcmp(primary_result_text(result, row, AT_NAME), "tide_xid") == 0 &&
           strcmp(primary_result_text(result, row, AT_KIND), "xid8") == 0;
}

static enum outcome read_columns(struct table_draft *draft,
                                 const struct primary_result *result, size_t row,
                                 size_t end, struct error *err)
{
    struct table *table = &draft->table;

    table->columns = calloc(end - row, sizeof(table->columns[0]));
    draft->facts = calloc(end - row, sizeof(draft->facts[0]));
    if (!table->columns || !draft->facts)
        return error_out_of_memory(err);
    for (; row < end; row++) {
        size_t i = table->column_count;

        if (is_stamp(result, row)) {
            draft->may_read_stamp = primary_result_bool(result, row, AT_MAY_READ);
            continue;
        }
        table->column_count++;
        if (read_column(&table->columns[i], &draft->facts[i], result, row, err) == FAILED)
            return FAILED;
    }
    return OK;
}

static enum outcome set_labels(struct table_column *column,
                               const struct primary_result *result, size_t row,
                               size_t end, struct error *err)
{
    column->labels = calloc(end - row, sizeof(column->labels[0]));
    if (!column->labels)
        return error_out_of_memory(err);
    for (; row < end; row++) {
        size_t i = column->label_count++;

        if (!copy_text(&column->labels[i], primary_result_text(result, row, 1)))
            return error_out_of_memory(err);
    }
    return OK;
}

static enum outcome label_columns(struct table_draft *draft, uint32_t enum_type,
                                  const struct primary_result *result, size_t row,
                                  size_t end, struct error *err)
{
    for (size_t i = 0; i < draft->table.column_count; i++)
        if (draft->facts[i].base_type == enum_type &&
            set_labels(&draft->table.columns[i], result, row, end, err) == FAILED)
            return FAILED;
    return OK;
}

/* "{…}" of the enum types in use; a type may be in it more than once. */
static void append_enum_types(struct buffer *text, const struct table_drafts *drafts)
{
    bool first = true;

    buffer_append_text(text, "{");
    for (size_t i = 0; i < drafts->count; i++)
        for (size_t j = 0; j < drafts->items[i].table.column_count; j++) {
            const struct column_facts *facts = &drafts->items[i].facts[j];

            if (!facts->is_enum)
                continue;
            buffer_append_format(text, "%s%u", first ? "" : ",", facts->base_type);
            first = false;
        }
    buffer_append_text(text, "}");
}

static enum outcome read_labels(struct primary *primary, struct table_drafts *drafts,
                                struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    OWNED(buffer_release) struct buffer types = {0};
    size_t end;

    append_enum_types(&types, drafts);
    if (buffer_check(&types, err) == FAILED)
        return FAILED;
    if (primary_query(primary, &catalog_columns_sql.labels,
                      (const char *const[]){types.data}, 1, &result, err) == FAILED)
        return FAILED;
    for (size_t row = 0; row < primary_result_rows(result); row = end) {
        end = table_draft_group_end(result, row);
        for (size_t i = 0; i < drafts->count; i++)
            if (label_columns(&drafts->items[i],
                              (uint32_t)primary_result_int(result, row, 0), result, row,
                              end, err) == FAILED)
                return FAILED;
    }
    return OK;
}

enum outcome catalog_columns_read(struct primary *primary, struct table_drafts *drafts,
                                  struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    OWNED(buffer_release) struct buffer oids = {0};
    size_t end;

    table_drafts_oids(&oids, drafts);
    if (buffer_check(&oids, err) == FAILED)
        return FAILED;
    if (primary_query(primary, &catalog_columns_sql.columns,
                      (const char *const[]){oids.data}, 1, &result, err) == FAILED)
        return FAILED;
    for (size_t row = 0; row < primary_result_rows(result); row = end) {
        uint32_t oid = (uint32_t)primary_result_int(result, row, AT_RELATION);
        struct table_draft *draft = table_drafts_find(drafts, oid);

        end = table_draft_group_end(result, row);
        if (draft && read_columns(draft, result, row, end, err) == FAILED)
            return FAILED;
    }
    return read_labels(primary, drafts, err);
}
