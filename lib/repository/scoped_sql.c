#include "lib/repository/scoped_sql.h"

#include "lib/base/cleanup.h"
#include "lib/db/statement.h"
#include "lib/store/local_table.h"
#include "scoped_sql.sql.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *skip_comment(const char *text)
{
    const char *end;

    if (text[0] == '-' && text[1] == '-')
        return text + strcspn(text, "\n");
    end = strstr(text + 2, "*/");
    return end ? end + 2 : text + strlen(text);
}

static const char *skip_blank(const char *text)
{
    for (;;) {
        if (isspace((unsigned char)*text))
            text++;
        else if (strncmp(text, "--", 2) == 0 || strncmp(text, "/*", 2) == 0)
            text = skip_comment(text);
        else
            return text;
    }
}

/* What follows the word, or NULL when another one stands there. */
static const char *behind_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    unsigned char next;

    if (strncasecmp(text, word, length) != 0)
        return NULL;
    next = (unsigned char)text[length];
    return isalnum(next) || next == '_' || next >= 0x80 ? NULL : text + length;
}

/* Tables without tombstones are their own live rows; so is everything with the deleted.
 */
static bool is_cut(const struct table *table, enum mirror_scope scope)
{
    return scope == MIRROR_ONLY_DELETED ||
           (scope == MIRROR_LIVE && table->deleted_at != TABLE_NO_COLUMN);
}

static enum outcome append_tables(struct buffer *sql, struct database *db,
                                  const char *query, enum mirror_scope scope,
                                  struct error *err)
{
    OWNED(statement_release) struct statement names = {0};
    enum outcome outcome;

    if (statement_prepare(&names, db, &scoped_sql_sql.tables, err) == FAILED)
        return FAILED;
    statement_bind_text(&names, 1, query);
    while ((outcome = statement_step(&names, err)) == OK) {
        OWNED(table_release) struct table table = {0};

        if (local_table_read(db, statement_column_text(&names, 0), &table, err) == FAILED)
            return FAILED;
        if (!table.name || !is_cut(&table, scope))
            continue;
        buffer_append_text(sql, sql->length ? ",\n" : "");
        mirror_sql_repository_rows_as(sql, &table, scope);
    }
    return outcome == FAILED ? FAILED : buffer_check(sql, err);
}

enum outcome scoped_sql_append(struct buffer *sql, struct database *db, const char *query,
                               enum mirror_scope scope, struct error *err)
{
    OWNED(buffer_release) struct buffer tables = {0};
    const char *start = skip_blank(query);
    const char *with = behind_word(start, "with");
    const char *recursive = with ? behind_word(skip_blank(with), "recursive") : NULL;

    if (!with && !behind_word(start, "select") && !behind_word(start, "values"))
        return error_set(err, ERROR_INVALID,
                         "a query begins with SELECT, WITH or VALUES: %.80s", start);
    if (append_tables(&tables, db, query, scope, err) == FAILED)
        return FAILED;
    if (tables.length) {
        buffer_append_text(sql, recursive ? "WITH RECURSIVE " : "WITH ");
        buffer_append_text(sql, tables.data);
        buffer_append_text(sql, with ? "," : "\n");
        start = recursive ? recursive : with ? with : start;
    }
    buffer_append_text(sql, start);
    return buffer_check(sql, err);
}
