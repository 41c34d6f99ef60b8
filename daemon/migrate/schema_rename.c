#include "daemon/migrate/schema_rename.h"

#include "daemon/migrate/schema_match.h"
#include "daemon/migrate/schema_name.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "schema_rename.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "-- tidemark: rename "
#define WORD_SIZE 300

struct declaration {
    char what[WORD_SIZE]; /* table, column */
    char from[WORD_SIZE];
    char to[WORD_SIZE];
};

void schema_renames_release(struct schema_renames *renames)
{
    buffer_release(&renames->upgrade);
    buffer_release(&renames->downgrade);
}

/* ---- statements ---- */

/* The way back stands in front of what was renamed before. */
static enum outcome put_first(struct buffer *script, const char *statement,
                              struct error *err)
{
    OWNED(buffer_release) struct buffer whole = {0};

    buffer_append_format(&whole, "%s;\n%s", statement, script->data ? script->data : "");
    if (buffer_check(&whole, err) == FAILED)
        return FAILED;
    buffer_release(script);
    *script = TAKE(whole);
    return OK;
}

static enum outcome apply(struct schema_renames *renames, struct primary *primary,
                          const char *upgrade, const char *downgrade, struct error *err)
{
    if (primary_run_text(primary, "rename", upgrade, err) == FAILED)
        return FAILED;
    buffer_append_format(&renames->upgrade, "%s;\n", upgrade);
    if (buffer_check(&renames->upgrade, err) == FAILED)
        return FAILED;
    return put_first(&renames->downgrade, downgrade, err);
}

/* ---- declared ---- */

/* The words up to the line's end; a quoted name may hold blanks. */
static const char *next_word(const char *at, char word[static WORD_SIZE])
{
    size_t length = 0;
    bool quoted = false;

    at += strspn(at, " \t");
    for (; *at && *at != '\n' && *at != '\r' && (quoted || (*at != ' ' && *at != '\t'));
         at++) {
        quoted ^= *at == '"';
        if (length < WORD_SIZE - 1)
            word[length++] = *at;
    }
    word[length] = '\0';
    return at;
}

static enum outcome parse(const char *line, struct declaration *declaration,
                          struct error *err)
{
    char to[WORD_SIZE];
    char rest[WORD_SIZE];
    const char *at = next_word(line + strlen(MARK), declaration->what);

    at = next_word(at, declaration->from);
    at = next_word(at, to);
    at = next_word(at, declaration->to);
    next_word(at, rest);
    if ((strcmp(declaration->what, "table") == 0 ||
         strcmp(declaration->what, "column") == 0) &&
        declaration->from[0] && strcmp(to, "to") == 0 && declaration->to[0] && !rest[0])
        return OK;
    error_set(err, ERROR_INVALID, "not understood: %.*s", (int)strcspn(line, "\r\n"),
              line);
    return error_hint(err, MARK "table a to b, or " MARK "column a.x to y");
}

static enum outcome declare(struct schema_renames *renames, struct primary *primary,
                            const struct declaration *declaration, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *found = NULL;
    const char *params[] = {declaration->from, declaration->to};
    bool is_table = strcmp(declaration->what, "table") == 0;
    bool is_old;
    bool is_new;

    if (primary_query(primary,
                      is_table ? &schema_rename_sql.rename_table
                               : &schema_rename_sql.rename_column,
                      params, 2, &found, err) == FAILED)
        return FAILED;
    is_old = primary_result_bool(found, 0, 0);
    is_new = primary_result_bool(found, 0, 1);
    if (is_old && !is_new)
        return apply(renames, primary, primary_result_text(found, 0, 2),
                     primary_result_text(found, 0, 3), err);
    if (is_new)
        return OK; /* done already */
    error_set(err, ERROR_INVALID, "rename %s %s to %s: there is neither",
              declaration->what, declaration->from, declaration->to);
    return error_hint(err, "mend the names, or take the comment out when the %s is gone",
                      declaration->what);
}

enum outcome schema_renames_declared(struct schema_renames *renames,
                                     struct primary *primary, const char *what,
                                     const char *text, struct error *err)
{
    int line_number = 1;

    for (const char *line = text; line; line_number++) {
        const char *newline = strchr(line, '\n');
        struct declaration declaration;

        if (strncmp(line, MARK, strlen(MARK)) == 0 &&
            (parse(line, &declaration, err) == FAILED ||
             declare(renames, primary, &declaration, err) == FAILED))
            return error_wrap(err, "%s, line %d", what, line_number);
        line = newline ? newline + 1 : NULL;
    }
    return OK;
}

/* ---- alike ---- */

/* An index's definition from its table's name on; a constraint's does not hold its name.
 */
static const char *definition_of(const struct schema_object *object)
{
    const char *on =
        object->kind == SCHEMA_INDEX ? strstr(object->definition, " ON ") : NULL;

    return on ? on : object->definition;
}

static bool is_unique(const struct schema_object *object)
{
    return strncmp(object->definition, "CREATE UNIQUE", 13) == 0;
}

static bool is_alike(const struct schema_match *match, size_t left, size_t right)
{
    const struct schema_object *from = schema_match_from(match, left);
    const struct schema_object *to = schema_match_to(match, right);
    const struct schema *schemas[] = {match->from, match->to};

    return to && from->kind == to->kind && is_unique(from) == is_unique(to) &&
           from->owner != SCHEMA_NO_OBJECT && to->owner != SCHEMA_NO_OBJECT &&
           schema_object_order(&schemas[0]->objects[from->owner],
                               &schemas[1]->objects[to->owner]) == 0 &&
           strcmp(definition_of(from), definition_of(to)) == 0;
}

/* Does something that is still there have the name? */
static bool is_taken(const struct schema *schema, const char *name)
{
    for (size_t i = 0; name && i < schema->count; i++)
        if (schema->objects[i].occupies && strcmp(schema->objects[i].occupies, name) == 0)
            return true;
    return false;
}

/* The pair that comes and is like the one that goes; each is taken once. */
static size_t find_alike(struct schema_match *match, size_t left)
{
    for (size_t i = 0; i < match->count; i++)
        if (match->pairs[i].fate == SCHEMA_COMES && is_alike(match, left, i) &&
            !is_taken(match->from, schema_match_to(match, i)->occupies)) {
            match->pairs[i].fate = SCHEMA_STAYS;
            return i;
        }
    return SCHEMA_NO_OBJECT;
}

static enum outcome rename_one(struct schema_renames *renames, struct primary *primary,
                               const struct schema_match *match, size_t left,
                               size_t right, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *text = NULL;
    const struct schema_object *from = schema_match_from(match, left);
    const struct schema_object *table = &match->from->objects[from->owner];
    char old_name[SCHEMA_NAME_SIZE];
    char new_name[SCHEMA_NAME_SIZE];
    const char *params[] = {table->identity, old_name, new_name};

    schema_name_last(from->identity, old_name);
    schema_name_last(schema_match_to(match, right)->identity, new_name);
    if (primary_query(primary,
                      from->kind == SCHEMA_INDEX ? &schema_rename_sql.rename_index
                                                 : &schema_rename_sql.rename_constraint,
                      params, 3, &text, err) == FAILED)
        return FAILED;
    return apply(renames, primary, primary_result_text(text, 0, 0),
                 primary_result_text(text, 0, 1), err);
}

static bool can_be_renamed(const struct schema_match *match, size_t pair)
{
    const struct schema_object *from = schema_match_from(match, pair);

    return match->pairs[pair].fate == SCHEMA_GOES &&
           (from->kind == SCHEMA_INDEX || from->kind == SCHEMA_CONSTRAINT ||
            from->kind == SCHEMA_FOREIGN_KEY) &&
           from->owner != SCHEMA_NO_OBJECT &&
           match->from->objects[from->owner].kind == SCHEMA_TABLE;
}

enum outcome schema_renames_alike(struct schema_renames *renames, struct primary *primary,
                                  const struct schema *from, const struct schema *to,
                                  struct error *err)
{
    OWNED(schema_match_release) struct schema_match match = {0};
    enum outcome outcome = NOTHING;

    if (schema_match_make(&match, from, to, false, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < match.count; i++) {
        size_t alike;

        if (!can_be_renamed(&match, i))
            continue;
        alike = find_alike(&match, i);
        if (alike == SCHEMA_NO_OBJECT)
            continue;
        if (rename_one(renames, primary, &match, i, alike, err) == FAILED)
            return FAILED;
        outcome = OK;
    }
    return outcome;
}
