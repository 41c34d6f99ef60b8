#include "daemon/migrate/migration_file.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define UPGRADE_MARKER "-- upgrade"
#define DOWNGRADE_MARKER "-- downgrade"

static enum outcome parse_name(struct migration_file *file, struct error *err)
{
    static const char pattern[] = "dddddddd_dddd_";
    size_t length = strlen(pattern);
    bool fits = strlen(file->name) > length;

    for (size_t i = 0; fits && i < length; i++)
        fits = pattern[i] == 'd' ? isdigit((unsigned char)file->name[i])
                                 : file->name[i] == pattern[i];
    if (!fits)
        return error_set(err, ERROR_INVALID,
                         "%s: the name is not YYYYMMDD_####_description", file->name);
    memcpy(file->revision, file->name, MIGRATION_REVISION_SIZE - 1);
    file->revision[MIGRATION_REVISION_SIZE - 1] = '\0';
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

static enum outcome parse_line(struct migration_file *file, const char *line,
                               size_t length, const struct sql_script *after,
                               struct error *err)
{
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
    while ((outcome = sql_script_next(&section, &statement, err)) == OK)
        ++*out_count;
    return outcome == FAILED ? error_wrap(err, "%s", file->name) : OK;
}

enum outcome migration_file_parse(struct migration_file *out_file, const char *name,
                                  const char *text, struct error *err)
{
    struct migration_file file = {.name = name};
    int downgrades;
    int upgrades;

    if (parse_name(&file, err) == FAILED || parse_sections(&file, text, err) == FAILED ||
        expect_no_statement(&file, text, err) == FAILED ||
        expect_whole_statements(&file, file.upgrade, &upgrades, err) == FAILED ||
        expect_whole_statements(&file, file.downgrade, &downgrades, err) == FAILED)
        return FAILED;
    if (!upgrades)
        return error_set(err, ERROR_INVALID, "%s: nothing to upgrade", name);
    sha256_text(text, strlen(text), file.checksum);
    *out_file = file;
    return OK;
}

/* The record at this place is of another revision than the file, or there is no file. */
static enum outcome explain_misfit(const struct migration_file *file /* NULL: none */,
                                   const struct migration_record *record,
                                   struct error *err)
{
    if (file && strcmp(file->revision, record->revision) < 0) {
        error_set(err, ERROR_INVALID, "%s was skipped: the later %s_%s is applied",
                  file->name, record->revision, record->description);
        return error_hint(err, "give it a revision after the applied ones");
    }
    error_set(err, ERROR_INVALID, "%s_%s is applied on the primary, but its file is gone",
              record->revision, record->description);
    return error_hint(err,
                      "a newer tidemark applied it: use that one; a file of your own: "
                      "restore it");
}

enum outcome migration_files_compare(const struct migration_file *files,
                                     size_t file_count,
                                     const struct migration_record *records,
                                     size_t record_count, size_t *out_applied,
                                     struct error *err)
{
    for (size_t i = 0; i < record_count; i++) {
        const struct migration_file *file = i < file_count ? &files[i] : NULL;

        if (!file || strcmp(file->revision, records[i].revision) != 0)
            return explain_misfit(file, &records[i], err);
        if (strcmp(file->checksum, records[i].checksum) != 0) {
            error_set(
                err, ERROR_INVALID,
                "%s was edited after it was applied: checksum %.12s now, %.12s then",
                file->name, file->checksum, records[i].checksum);
            return error_hint(err, "restore its text; changes go into a new file");
        }
    }
    *out_applied = record_count;
    return OK;
}
