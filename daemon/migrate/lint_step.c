#include "daemon/migrate/lint_step.h"

#include <string.h>
#include <strings.h>

/* Words of a statement from one place on, up to another; an action of ALTER TABLE. */
struct span {
    const struct sql_word *words;
    size_t count;
};

struct step {
    struct span all;
    struct buffer *new_tables;
    void (*found)(void *context, const char *id);
    void *context;
};

/* ---- words ---- */

void lint_statement_split(struct lint_statement *out_statement,
                          const struct sql_statement *statement)
{
    struct sql_words words = sql_words_of(statement);

    out_statement->count = 0;
    while (out_statement->count < LINT_WORD_LIMIT) {
        struct sql_word word = sql_words_next(&words);

        if (!word.length)
            break;
        out_statement->words[out_statement->count++] = word;
        if (*word.text != '\'')
            continue;
        /* a doubled quote is two strings side by side */
        while (words.at < words.end && *words.at != '\'')
            words.at++;
        words.at += words.at < words.end;
    }
}

static bool is(struct span span, size_t at, const char *text)
{
    return at < span.count && sql_word_is(&span.words[at], text);
}

/* Moves over the word if it is there. */
static bool skip(struct span *span, const char *text)
{
    if (!is(*span, 0, text))
        return false;
    span->words++;
    span->count--;
    return true;
}

static void skip_if_exists(struct span *span)
{
    if (skip(span, "if")) {
        skip(span, "not");
        skip(span, "exists");
    }
}

/* Do the words stand there one after the other? */
static bool holds(struct span span, const char *first, const char *second)
{
    for (size_t i = 0; i < span.count; i++)
        if (is(span, i, first) && (!second || is(span, i + 1, second)))
            return true;
    return false;
}

/* ---- new tables ---- */

/* Schema public goes without saying. */
static struct sql_word plain_name(struct sql_word name)
{
    if (name.length > 7 && strncasecmp(name.text, "public.", 7) == 0)
        return (struct sql_word){name.text + 7, name.length - 7};
    return name;
}

static void remember(struct step *step, struct sql_word table)
{
    table = plain_name(table);
    buffer_append(step->new_tables, table.text, table.length);
    buffer_append_text(step->new_tables, "\n");
}

static bool is_new(const struct step *step, struct sql_word table)
{
    const char *line = step->new_tables->data;

    table = plain_name(table);
    while (line && *line) {
        size_t length = strcspn(line, "\n");

        if (length == table.length && strncasecmp(line, table.text, length) == 0)
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}

/* ---- columns ---- */

/* Has it another value in each row that is there? */
static bool differs_by_row(struct span column)
{
    static const char *const volatile_functions[] = {"gen_random_uuid",
                                                     "random",
                                                     "nextval",
                                                     "uuid_generate_v4",
                                                     "pg_catalog.gen_random_uuid",
                                                     "clock_timestamp",
                                                     "uuidv7"};

    if (holds(column, "generated", NULL) || holds(column, "serial", NULL) ||
        holds(column, "bigserial", NULL))
        return true;
    for (size_t i = 0; i < sizeof(volatile_functions) / sizeof(volatile_functions[0]);
         i++)
        if (holds(column, volatile_functions[i], "("))
            return true;
    return false;
}

static void check_new_column(const struct step *step, struct span column)
{
    if (differs_by_row(column))
        step->found(step->context, "TM309");
    else if (holds(column, "not", "null") && !holds(column, "default", NULL))
        step->found(step->context, "TM308");
    if (holds(column, "references", NULL) || holds(column, "check", "("))
        step->found(step->context, "TM305");
    if (holds(column, "unique", NULL) || holds(column, "primary", "key"))
        step->found(step->context, "TM307");
}

/* ---- actions of ALTER TABLE ---- */

static bool starts_constraint(struct span span)
{
    return is(span, 0, "unique") || is(span, 0, "primary") || is(span, 0, "foreign") ||
           is(span, 0, "check") || is(span, 0, "exclude");
}

static void check_constraint(const struct step *step, struct span action)
{
    bool is_key =
        is(action, 0, "unique") || is(action, 0, "primary") || is(action, 0, "exclude");

    if (is_key && !holds(action, "using", "index"))
        step->found(step->context, "TM307");
    else if (!is_key && !holds(action, "not", "valid"))
        step->found(step->context, "TM305");
}

static void check_add(const struct step *step, struct span action)
{
    if (skip(&action, "constraint")) {
        action.words++; /* its name */
        action.count -= action.count > 0;
        check_constraint(step, action);
    } else if (starts_constraint(action)) {
        check_constraint(step, action);
    } else {
        skip(&action, "column");
        check_new_column(step, action);
    }
}

static void check_alter_column(const struct step *step, struct span action)
{
    skip(&action, "column");
    if (is(action, 1, "type") || (is(action, 1, "set") && is(action, 2, "data")))
        step->found(step->context, "TM303");
    else if (is(action, 1, "set") && is(action, 2, "not"))
        step->found(step->context, "TM304");
}

static void check_action(const struct step *step, struct span action)
{
    if (skip(&action, "add"))
        check_add(step, action);
    else if (skip(&action, "alter") && !is(action, 0, "constraint"))
        check_alter_column(step, action);
    else if (skip(&action, "drop") && !is(action, 0, "constraint"))
        step->found(step->context, "TM302");
    else if (skip(&action, "rename") && !is(action, 0, "constraint"))
        step->found(step->context, "TM310");
}

/* Between commas that are in no parentheses. */
static void check_actions(const struct step *step, struct span rest)
{
    size_t start = 0;
    int depth = 0;

    for (size_t i = 0; i <= rest.count; i++) {
        if (i == rest.count || (depth == 0 && is(rest, i, ","))) {
            check_action(step, (struct span){rest.words + start, i - start});
            start = i + 1;
        } else {
            depth += is(rest, i, "(") - is(rest, i, ")");
        }
    }
}

static void check_alter_table(struct step *step, struct span rest)
{
    skip_if_exists(&rest);
    skip(&rest, "only");
    if (!rest.count || is_new(step, rest.words[0]))
        return;
    check_actions(step, (struct span){rest.words + 1, rest.count - 1});
}

/* ---- statements ---- */

static void check_create_index(const struct step *step, struct span rest)
{
    if (skip(&rest, "concurrently"))
        return;
    while (rest.count && !skip(&rest, "on")) {
        rest.words++;
        rest.count--;
    }
    skip(&rest, "only");
    if (rest.count && !is_new(step, rest.words[0]))
        step->found(step->context, "TM306");
}

static void check_create(struct step *step, struct span rest)
{
    skip(&rest, "unlogged");
    if (skip(&rest, "table")) {
        skip_if_exists(&rest);
        if (rest.count)
            remember(step, rest.words[0]);
        return;
    }
    skip(&rest, "unique");
    if (skip(&rest, "index"))
        check_create_index(step, rest);
}

static void check_drop(const struct step *step, struct span rest)
{
    if (!skip(&rest, "table"))
        return;
    skip_if_exists(&rest);
    if (rest.count && !is_new(step, rest.words[0]))
        step->found(step->context, "TM301");
}

void lint_step(const struct lint_statement *statement, struct buffer *new_tables,
               void (*found)(void *context, const char *id), void *context)
{
    struct step step = {.all = {statement->words, statement->count},
                        .new_tables = new_tables,
                        .found = found,
                        .context = context};
    struct span rest = step.all;

    if (skip(&rest, "create"))
        check_create(&step, rest);
    else if (skip(&rest, "drop"))
        check_drop(&step, rest);
    else if (skip(&rest, "alter") && skip(&rest, "table"))
        check_alter_table(&step, rest);
}
