#include "daemon/cli/model_writer.h"

#include "daemon/cli/model_names.h"
#include "lib/base/cleanup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a column becomes. */
struct form {
    const char *member; /* of enum tide_member */
    const char *type;   /* in C, ready for the name to follow */
};

static const struct form *form_of(enum column_codec codec)
{
    static const struct form boolean = {"TIDE_MEMBER_BOOLEAN", "bool "};
    static const struct form small = {"TIDE_MEMBER_SMALLINT", "int16_t "};
    static const struct form middle = {"TIDE_MEMBER_INTEGER", "int32_t "};
    static const struct form big = {"TIDE_MEMBER_BIGINT", "int64_t "};
    static const struct form real = {"TIDE_MEMBER_REAL", "double "};
    static const struct form bytes = {"TIDE_MEMBER_BYTES", "unsigned char *"};
    static const struct form json = {"TIDE_MEMBER_JSON", "json_t *"};
    static const struct form text = {"TIDE_MEMBER_TEXT", "char *"};

    switch (codec) {
    case CODEC_BOOLEAN:
        return &boolean;
    case CODEC_SMALLINT:
        return &small;
    case CODEC_INTEGER:
        return &middle;
    case CODEC_BIGINT:
        return &big;
    case CODEC_REAL:
    case CODEC_DOUBLE:
    case CODEC_NUMERIC_SHORT:
    case CODEC_NUMERIC_AS_REAL:
        return &real;
    case CODEC_BYTEA:
        return &bytes;
    case CODEC_JSON:
    case CODEC_JSONB:
    case CODEC_ARRAY_OF_LITERALS:
    case CODEC_ARRAY_OF_TEXT:
        return &json;
    default:
        return &text;
    }
}

/* ---- members ---- */

struct member {
    const char *name;
    const char *has;  /* NULL: there always is a value */
    const char *size; /* NULL: no bytes */
};

struct members {
    struct model_names names;
    struct member *items; /* one for each column */
};

static void members_release(struct members *members)
{
    model_names_release(&members->names);
    free(members->items);
}

static bool is_whole_number(enum column_codec codec)
{
    return codec == CODEC_SMALLINT || codec == CODEC_INTEGER || codec == CODEC_BIGINT;
}

/* Null, or left to a default when a row is inserted. */
static bool may_be_absent(const struct table *table, size_t column)
{
    const struct table_column *wanted = &table->columns[column];
    bool is_numbered = table->key_count == 1 && (size_t)table->key[0] == column &&
                       is_whole_number(wanted->codec);

    return !wanted->not_null || wanted->cache_default || is_numbered;
}

static enum outcome name_member(struct members *members, const struct table *table,
                                size_t column, struct error *err)
{
    const struct table_column *wanted = &table->columns[column];
    struct member *member = &members->items[column];

    if (model_names_give(&members->names, "", wanted->name, "", &member->name, err) ==
        FAILED)
        return FAILED;
    if (may_be_absent(table, column) &&
        model_names_give(&members->names, "has_", member->name, "", &member->has, err) ==
            FAILED)
        return FAILED;
    if (wanted->codec != CODEC_BYTEA)
        return OK;
    return model_names_give(&members->names, "", member->name, "_size", &member->size,
                            err);
}

static enum outcome members_init(struct members *members, const struct table *table,
                                 struct error *err)
{
    members->items = calloc(table->column_count, sizeof(*members->items));
    if (!members->items)
        return error_out_of_memory(err);
    for (size_t i = 0; i < table->column_count; i++)
        if (name_member(members, table, i, err) == FAILED)
            return FAILED;
    return OK;
}

/* ---- text ---- */

/* No name can end the comment that it stands in. */
static void append_in_comment(struct buffer *text, const char *name)
{
    for (; *name; name++) {
        unsigned char letter = (unsigned char)*name;

        buffer_append(text, letter < ' ' || letter == '\\' ? "?" : name, 1);
        if (name[0] == '*' && name[1] == '/')
            buffer_append_text(text, " ");
        if (name[0] == '/' && name[1] == '*')
            buffer_append_text(text, " ");
    }
}

static void append_literal(struct buffer *text, const char *value)
{
    buffer_append_text(text, "\"");
    for (; *value; value++) {
        unsigned char letter = (unsigned char)*value;

        if (letter == '"' || letter == '\\')
            buffer_append_format(text, "\\%c", letter);
        else if (letter < ' ' || letter == '?' || letter >= 0x7f)
            buffer_append_format(text, "\\%03o", letter);
        else
            buffer_append(text, value, 1);
    }
    buffer_append_text(text, "\"");
}

static void append_guard(struct buffer *text, const char *entity)
{
    buffer_append_text(text, "MODELS_");
    for (; *entity; entity++) {
        char letter = (char)toupper((unsigned char)*entity);

        buffer_append(text, &letter, 1);
    }
    buffer_append_text(text, "_H");
}

static void append_labels(struct buffer *text, const struct table_column *column)
{
    for (size_t i = 0; i < column->label_count; i++) {
        buffer_append_text(text, i ? ", " : ": ");
        append_in_comment(text, column->labels[i]);
    }
}

static void append_member(struct buffer *text, const struct table_column *column,
                          const struct member *member)
{
    if (member->has)
        buffer_append_format(text, "    bool %s;\n", member->has);
    buffer_append_format(text, "    %s%s; /* ", form_of(column->codec)->type,
                         member->name);
    if (strcmp(column->name, member->name) != 0) {
        append_in_comment(text, column->name);
        buffer_append_text(text, ", ");
    }
    append_in_comment(text, column->type_name);
    append_labels(text, column);
    buffer_append_text(text, " */\n");
    if (member->size)
        buffer_append_format(text, "    size_t %s;\n", member->size);
}

static void append_struct(struct buffer *text, const struct model *model,
                          const struct members *members)
{
    buffer_append_text(text, "/* A row of ");
    append_in_comment(text, model->table->name);
    buffer_append_format(
        text,
        ". has_… says whether there is a value. Texts, bytes and JSON in\n"
        " * it are its own: %s_release() frees them. */\nstruct %s {\n",
        model->entity, model->struct_name);
    for (size_t i = 0; i < model->table->column_count; i++)
        append_member(text, &model->table->columns[i], &members->items[i]);
    buffer_append_text(text, "};\n\n");
}

/* %1$s is the entity, %2$s its struct. */
struct function {
    const char *comment;
    const char *signature;
    const char *body;
};

static const struct function functions[] = {
    {"/* As tide_repository_new(); TIDE_ERROR_SCHEMA names table and column where the\n"
     " * cache is not what this model was made from. */\n",
     "enum tide_result %1$s_repository(struct tide_repository **out_repository,\n"
     "    struct tide_cache *cache, struct tide_error *err)",
     "return tide_model_repository(&model, out_repository, cache, err);"},
    {"/* What is in *out_row before is not looked at. */\n",
     "enum tide_result %1$s_from_row(struct %2$s *out_row, const json_t *row,\n"
     "    struct tide_error *err)",
     "return tide_model_from_row(&model, out_row, row, err);"},
    {"/* For an insert or an update. What only the primary, the unit of work or a\n"
     " * soft delete writes is not among them. */\n",
     "enum tide_result %1$s_to_values(const struct %2$s *row, json_t **out_values,\n"
     "    struct tide_error *err)",
     "return tide_model_to_values(&model, row, out_values, err);"},
    {"/* A zeroed one is fine; it is zeroed. */\n", "void %1$s_release(struct %2$s *row)",
     "tide_model_release(&model, row);"},
};
#define FUNCTION_COUNT (sizeof(functions) / sizeof(functions[0]))

static void append_prototypes(struct buffer *text, const struct model *model)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        buffer_append_text(text, functions[i].comment);
        buffer_append_format(text, functions[i].signature, model->entity,
                             model->struct_name);
        buffer_append_text(text, ";\n\n");
    }
}

enum outcome model_write_header(struct buffer *text, const struct model *model,
                                struct error *err)
{
    OWNED(members_release) struct members members = {0};

    if (members_init(&members, model->table, err) == FAILED)
        return FAILED;
    buffer_append_text(text, MODEL_FIRST_LINE "\n#ifndef ");
    append_guard(text, model->entity);
    buffer_append_text(text, "\n#define ");
    append_guard(text, model->entity);
    buffer_append_text(text, "\n\n#include <tidemark.h>\n\n#ifdef __cplusplus\n"
                             "extern \"C\" {\n#endif\n\n");
    append_struct(text, model, &members);
    append_prototypes(text, model);
    buffer_append_text(text, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    return buffer_check(text, err);
}

/* ---- the source ---- */

static void append_offset(struct buffer *text, const struct model *model,
                          const char *member)
{
    if (member)
        buffer_append_format(text, "offsetof(struct %s, %s)", model->struct_name, member);
    else
        buffer_append_text(text, "TIDE_NO_MEMBER");
}

static bool is_read_only(const struct table *table, size_t column)
{
    return table->columns[column].generated || (int)column == table->deleted_at ||
           strcmp(table->columns[column].name, "owner_id") == 0;
}

static void append_field(struct buffer *text, const struct model *model,
                         const struct member *member, size_t column)
{
    const struct table_column *wanted = &model->table->columns[column];

    buffer_append_text(text, "    {");
    append_literal(text, wanted->name);
    buffer_append_format(text, ", \"%s\", %s,\n     ",
                         column_codec_info(wanted->codec)->name,
                         form_of(wanted->codec)->member);
    append_offset(text, model, member->name);
    buffer_append_text(text, ",\n     ");
    append_offset(text, model, member->has);
    buffer_append_text(text, ",\n     ");
    append_offset(text, model, member->size);
    buffer_append_format(text, ",\n     %s, %s},\n", wanted->not_null ? "false" : "true",
                         is_read_only(model->table, column) ? "true" : "false");
}

static void append_functions(struct buffer *text, const struct model *model)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        buffer_append_text(text, i ? "\n" : "");
        buffer_append_format(text, functions[i].signature, model->entity,
                             model->struct_name);
        buffer_append_format(text, "\n{\n    %s\n}\n", functions[i].body);
    }
}

enum outcome model_write_source(struct buffer *text, const struct model *model,
                                struct error *err)
{
    OWNED(members_release) struct members members = {0};

    if (members_init(&members, model->table, err) == FAILED)
        return FAILED;
    buffer_append_format(text, MODEL_FIRST_LINE "\n#include \"%s.h\"\n\n", model->entity);
    buffer_append_text(text, "static const struct tide_field fields[] = {\n");
    for (size_t i = 0; i < model->table->column_count; i++)
        append_field(text, model, &members.items[i], i);
    buffer_append_text(text, "};\n\nstatic const struct tide_model model = {\n    ");
    append_literal(text, model->table->name);
    buffer_append_format(text,
                         ", sizeof(struct %s), fields,\n    "
                         "sizeof(fields) / sizeof(fields[0]),\n};\n\n",
                         model->struct_name);
    append_functions(text, model);
    return buffer_check(text, err);
}
