#include "daemon/migrate/lint_file.h"

#include "daemon/migrate/lint_step.h"

#include <string.h>

#define NAME_BYTES 63

/* The place of one statement, and the comments above it. */
struct statement_place {
    const struct migration_file *file;
    const char *text; /* of the file */
    const char *above;
    const struct sql_statement *statement;
    struct lint_findings *findings;
};

static bool is_allowed(const struct statement_place *place, const char *id)
{
    return lint_is_allowed(place->above, place->statement->text, id) ||
           lint_is_allowed(place->text, place->file->upgrade.at, id);
}

static void find(void *context, const char *id)
{
    const struct statement_place *place = context;

    if (is_allowed(place, id))
        place->findings->allowed++;
    else
        lint_findings_add(place->findings, id, "%s, line %d", place->file->name,
                          place->statement->line);
}

static void check_lengths(struct statement_place *place,
                          const struct lint_statement *statement)
{
    for (size_t i = 0; i < statement->count; i++) {
        const struct sql_word *word = &statement->words[i];
        size_t part = 0;

        for (size_t j = 0; j < word->length && part <= NAME_BYTES; j++)
            part = word->text[j] == '.' || word->text[j] == '"' ? 0 : part + 1;
        if (part > NAME_BYTES) {
            find(place, "TM311");
            return;
        }
    }
}

static void check_statement(struct statement_place *place, struct buffer *new_tables)
{
    struct lint_statement statement;

    if (lint_bad_allowance(place->above, place->statement->text))
        find(place, "TM399");
    lint_statement_split(&statement, place->statement);
    check_lengths(place, &statement);
    lint_step(&statement, new_tables, find, place);
}

static bool has_statement(struct sql_script script)
{
    struct sql_statement statement;
    struct error ignored;

    return sql_script_next(&script, &statement, &ignored) == OK;
}

/* The file was parsed before: its statements end. */
void lint_file(const struct migration_file *file, const char *text,
               struct buffer *new_tables, struct lint_findings *findings)
{
    struct sql_script script = file->upgrade;
    struct sql_statement statement;
    struct error ignored;
    const char *above = script.at;

    while (sql_script_next(&script, &statement, &ignored) == OK) {
        struct statement_place place = {.file = file,
                                        .text = text,
                                        .above = above,
                                        .statement = &statement,
                                        .findings = findings};

        check_statement(&place, new_tables);
        above = script.at;
    }
    if (lint_bad_allowance(text, file->upgrade.at))
        lint_findings_add(findings, "TM399", "%s", file->name);
    if (!has_statement(file->downgrade) &&
        !lint_is_allowed(text, file->upgrade.at, "TM312"))
        lint_findings_add(findings, "TM312", "%s", file->name);
}
