#include "daemon/migrate/migration_file.h"

#include "daemon/migrate/sql_refusal.h"

#include <ctype.h>
#include <string.h>

#define NO_TRANSACTION_MARKER "-- no-transaction"
#define UPGRADE_MARKER "-- upgrade"
#define DOWNGRADE_MARKER "-- downgrade"

bool migration_revision_is_valid(const char *text)
{
    static const char pattern[] = "dddddddd_dddd";

    for (size_t i = 0; i < sizeof(pattern) - 1; i++)
        if (pattern[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
            return false;
    return text[sizeof(pattern) - 1] == '\0' || text[sizeof(pattern) - 1] == '_';
}

static enum outcome parse_name(struct migration_file *file, struct error *err)
{
    const size_t length = MIGRATION_REVISION_SIZE; /* with the underscore */

    if (!migration_revision_is_valid(file->name) || strlen(file->name) <= length) {
        error_set(err, ERROR_INVALID, "%s: the name is not YYYYMMDD_####_description",
                  file->name);
        return error_hint(err,
                          "tidemark revision -m \"what it does\" makes the next one");
    }
    memcpy(file->revision, file->name, length - 1);
    file->revision[length - 1] = '\0';
    file->description = file->name + length;
    return OK;
}

static bool line_is(const char *line, size_t length, const char *marker)
{
    while (length && isspace((unsigned char)line[length - 1]))
        length--;
    return length == strlen(marker) && memcmp(line, marker, length) == 0;
}

/* Opens a section at the line after its marker; the text's end is the section's, so far.
 */
static enum outcome open_section(struct migration_file *file, struct sql_script *section,
                                 const struct sql_script *after, struct error *err)
{
    if (section->at)
        return error_set(err, ERROR_INVALID, "%s, line %d: a second section of that name",
                         file->name, after->line - 1);
    *section = *after;
    return OK;
}

static enum outcome mark_no_transaction(struct migration_file *file, int line,
                                        struct error *err)
{
    if (file->upgrade.at)
        return error_set(err, ERROR_INVALID,
                         "%s, line %d: " NO_TRANSACTION_MARKER
                         " must come before " UPGRADE_MARKER,
                         file->name, line);
    file->no_transaction = true;
    return OK;
}

static enum outcome parse_line(struct migration_file *file, const char *line,
                               size_t length, const struct sql_script *after,
                               struct error *err)
{
    if (line_is(line, length, NO_TRANSACTION_MARKER))
        return mark_no_transaction(file, after->line - 1, err);
    if (line_is(line, length, UPGRADE_MARKER)) {
        if (file->downgrade.at)
            return error_set(err, ERROR_INVALID,
                             "%s, line %d: " UPGRADE_MARKER
                             " must come before " DOWNGRADE_MARKER,
                             file->name, after->line - 1);
        return open_section(file, &file->upgrade, after, err);
    }
    if (line_is(line, length, DOWNGRADE_MARKER)) {
        if (!file->downgrade.at)
            file->upgrade.end = line;
        return open_section(file, &file->downgrade, after, err);
    }
    return OK;
}

static enum outcome parse_sections(struct migration_file *file, const char *text,
                                   struct error *err)
{
    const char *end = text + strlen(text);
    int line_number = 1;

    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        struct sql_script after = {.at = next, .end = end, .line = ++line_number};

        if (parse_line(file, line, (size_t)(next - line), &after, err) == FAILED)
            return FAILED;
        line = next;
    }
    if (!file->upgrade.at || !file->downgrade.at)
        return error_set(err, ERROR_INVALID, "%s: no line \"%s\"", file->name,
                         file->upgrade.at ? DOWNGRADE_MARKER : UPGRADE_MARKER);
    return OK;
}

static enum outcome expect_no_statement(const struct migration_file *file,
                                        const char *text, struct error *err)
{
    struct sql_script header = {.at = text, .end = file->upgrade.at, .line = 1};
    struct sql_statement statement;
    enum outcome outcome = sql_script_next(&header, &statement, err);

    if (outcome == OK)
        return error_set(err, ERROR_INVALID, "%s, line %d: a statement before %s",
                         file->name, statement.line, UPGRADE_MARKER);
    return outcome == FAILED ? error_wrap(err, "%s", file->name) : OK;
}

static enum outcome expect_whole_statements(const struct migration_file *file,
                                            struct sql_script section, int *out_count,
                                            struct error *err)
{
    struct sql_statement statement;
    enum outcome outcome;

    *out_count = 0;
    while ((outcome = sql_script_next(&section, &statement, err)) == OK) {
        if (sql_statement_refuse(&statement, file->no_transaction, err) == FAILED)
            return error_wrap(err, "%s, line %d", file->name, statement.line);
        ++*out_count;
    }
    return outcome == FAILED ? error_wrap(err, "%s", file->name) : OK;
}

enum outcome migration_file_parse(struct migration_file *out_file, const char *name,
                                  const char *text, struct error *err)
{
    struct migration_file file = {.name = name};

    if (parse_name(&file, err) == FAILED || parse_sections(&file, text, err) == FAILED ||
        expect_no_statement(&file, text, err) == FAILED ||
        expect_whole_statements(&file, file.upgrade, &file.upgrade_steps, err) ==
            FAILED ||
        expect_whole_statements(&file, file.downgrade, &file.downgrade_steps, err) ==
            FAILED)
        return FAILED;
    if (!file.upgrade_steps)
        return error_set(err, ERROR_INVALID, "%s: nothing to upgrade", name);
    sha256_text(text, strlen(text), file.checksum);
    *out_file = file;
    return OK;
}
