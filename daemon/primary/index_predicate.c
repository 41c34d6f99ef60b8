#include "daemon/primary/index_predicate.h"

#include <ctype.h>
#include <string.h>

/* PostgreSQL folds nothing that we would meet deeper than this. */
#define NESTING_LIMIT 32

struct parser {
    const char *rest;
    struct buffer *sql;
    const struct table *table;
    int nesting;
};

static bool conjunction(struct parser *parser);

static void skip_space(struct parser *parser)
{
    while (*parser->rest == ' ' || *parser->rest == '\n')
        parser->rest++;
}

static bool is_word_letter(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_' || letter == '$';
}

/* Keywords are upper case in deparsed text, names that look like them are quoted. */
static bool take(struct parser *parser, const char *token)
{
    size_t length = strlen(token);

    skip_space(parser);
    if (strncmp(parser->rest, token, length) != 0)
        return false;
    if (is_word_letter(token[length - 1]) && is_word_letter(parser->rest[length]))
        return false;
    parser->rest += length;
    return true;
}

static bool read_name(struct parser *parser, char *name, size_t size)
{
    size_t length = 0;
    bool quoted;

    skip_space(parser);
    quoted = *parser->rest == '"';
    parser->rest += quoted;
    while (quoted ? *parser->rest != '\0' : is_word_letter(*parser->rest)) {
        if (quoted && *parser->rest == '"' && *++parser->rest != '"')
            break;
        if (length + 1 >= size)
            return false;
        name[length++] = *parser->rest++;
    }
    name[length] = '\0';
    return length > 0;
}

static void append_name(struct buffer *sql, const char *name)
{
    buffer_append_text(sql, "\"");
    for (; *name; name++)
        buffer_append(sql, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    buffer_append_text(sql, "\"");
}

static bool column_test(struct parser *parser)
{
    char name[256];
    int column;

    if (!read_name(parser, name, sizeof(name)))
        return false;
    column = table_find_column(parser->table, name);
    if (column == TABLE_NO_COLUMN)
        return false;
    append_name(parser->sql, name);
    if (take(parser, "IS NOT NULL")) {
        buffer_append_text(parser->sql, " IS NOT NULL");
        return true;
    }
    if (take(parser, "IS NULL")) {
        buffer_append_text(parser->sql, " IS NULL");
        return true;
    }
    if (parser->table->columns[column].codec != CODEC_BOOLEAN)
        return false;
    if (take(parser, "= true"))
        buffer_append_text(parser->sql, " = 1");
    else if (take(parser, "= false"))
        buffer_append_text(parser->sql, " = 0");
    return true;
}

static bool factor(struct parser *parser)
{
    bool understood;

    if (take(parser, "NOT")) {
        buffer_append_text(parser->sql, "NOT (");
        understood = ++parser->nesting < NESTING_LIMIT && factor(parser);
        parser->nesting--;
        buffer_append_text(parser->sql, ")");
        return understood;
    }
    if (!take(parser, "("))
        return column_test(parser);
    buffer_append_text(parser->sql, "(");
    understood =
        ++parser->nesting < NESTING_LIMIT && conjunction(parser) && take(parser, ")");
    parser->nesting--;
    buffer_append_text(parser->sql, ")");
    return understood;
}

static bool conjunction(struct parser *parser)
{
    if (!factor(parser))
        return false;
    while (take(parser, "AND")) {
        buffer_append_text(parser->sql, " AND ");
        if (!factor(parser))
            return false;
    }
    return true;
}

bool index_predicate_translate(struct buffer *sql, const struct table *table,
                               const char *expression)
{
    struct parser parser = {.rest = expression, .sql = sql, .table = table};

    if (!conjunction(&parser))
        return false;
    skip_space(&parser);
    return *parser.rest == '\0';
}
