#include "daemon/migrate/migration_file.h"

#include "daemon/migrate/sql_refusal.h"

#include <ctype.h>
#include <string.h>

#define NO_TRANSACTION_MARKER "-- no-transaction"
#define UPGRADE_MARKER "-- upgrade"
#define DOWNGRADE_MARKER "-- downgrade"

static bool has_form(const char *text)
{
    static const char pattern[] = "dddddddd_dddd";

    for (size_t i = 0; i < sizeof(pattern) - 1; i++)
        if (pattern[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
            return false;
    return text[sizeof(pattern) - 1] == '\0' || text[sizeof(pattern) - 1] == '_';
}

static int number_of(const char *digits, int count)
{
    int number = 0;

    while (count--)
        number = number * 10 + (*digits++ - '0');
    return number;
}

/* Of a text that has the form. */
static bool is_day(const char *text)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = number_of(text, 4);
    int month = number_of(text + 4, 2);
    int day = number_of(text + 6, 2);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
        return false;
    return month != 2 || day < 29 || leap;
}

bool migration_revision_is_valid(const char *text)
{
    return has_form(text) && is_day(text);
}

static enum outcome parse_name(struct migration_file *file, struct error *err)
{
    const size_t length = MIGRATION_REVISION_SIZE; /* with the underscore */

    if (has_form(file->name) && !is_day(file->name)) {
        error_set(err, ERROR_INVALID, "%s: the calendar has no day %.4s-%.2s-%.2s",
                  file->name, file->name, file->name + 4, file->name + 6);
        return error_hint(err, "rename the file: YYYYMMDD_####_description");
    }
    if (!has_form(file->name) || strlen(file->name) <= length) {
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

/* Opens a section behind its marker; the text's end is the section's, so far. */
static enum outcome open_section(struct migration_file *file, struct sql_script *section,
                                 const struct sql_statement *marker,
                                 const struct sql_script *rest, struct error *err)
{
    if (section->at)
        return error_set(err, ERROR_INVALID, "%s, line %d: a second section of that name",
                         file->name, marker->line);
    *section = *rest;
    return OK;
}

static enum outcome refuse_order(const struct migration_file *file, int line,
                                 const char *marker, const char *later, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s, line %d: %s must come before %s",
                     file->name, line, marker, later);
}

static enum outcome parse_remark(struct migration_file *file,
                                 const struct sql_statement *remark,
                                 const struct sql_script *rest, struct error *err)
{
    if (line_is(remark->text, remark->length, NO_TRANSACTION_MARKER)) {
        if (file->upgrade.at)
            return refuse_order(file, remark->line, NO_TRANSACTION_MARKER, UPGRADE_MARKER,
                                err);
        file->no_transaction = true;
    } else if (line_is(remark->text, remark->length, UPGRADE_MARKER)) {
        if (file->downgrade.at)
            return refuse_order(file, remark->line, UPGRADE_MARKER, DOWNGRADE_MARKER,
                                err);
        return open_section(file, &file->upgrade, remark, rest, err);
    } else if (line_is(remark->text, remark->length, DOWNGRADE_MARKER)) {
        if (!file->downgrade.at)
            file->upgrade.end = remark->text;
        return open_section(file, &file->downgrade, remark, rest, err);
    }
    return OK;
}

/* 0: there is no such line at all. */
static int find_line(const char *text, const char *marker,
                     bool (*fits)(const char *line, size_t length, const char *marker))
{
    int number = 1;

    for (const char *line = text; *line; number++) {
        size_t length = strcspn(line, "\n");

        if (fits(line, length, marker))
            return number;
        line += length + (line[length] == '\n');
    }
    return 0;
}

/* "--upgrade", "  -- Upgrade": what somebody meant for one. */
static bool line_means(const char *line, size_t length, const char *marker)
{
    size_t at = 0;

    for (; *marker; marker++) {
        if (*marker == ' ')
            continue;
        while (at < length && isspace((unsigned char)line[at]))
            at++;
        if (at == length || tolower((unsigned char)line[at]) != *marker)
            return false;
        at++;
    }
    return line_is(line + at, length - at, "");
}

static enum outcome fail_without_marker(const struct migration_file *file,
                                        const char *text, const char *marker,
                                        struct error *err)
{
    int line = find_line(text, marker, line_is);
    int meant = find_line(text, marker, line_means);

    if (!line) {
        error_set(err, ERROR_INVALID, "%s: no line \"%s\"", file->name, marker);
        return meant
                   ? error_hint(err,
                                "line %d must be exactly that, from its first character "
                                "on",
                                meant)
                   : FAILED;
    }
    error_set(err, ERROR_INVALID,
              "%s, line %d: \"%s\" stands inside of a quote, comment or parenthesis",
              file->name, line, marker);
    return error_hint(err, "close what is open above that line");
}

/* A marker inside of a function's body or a string is that one's text. */
static enum outcome parse_sections(struct migration_file *file, const char *text,
                                   struct error *err)
{
    struct sql_script rest = sql_script_of(text);
    struct sql_statement remark;
    enum outcome outcome;

    while ((outcome = sql_script_next_remark(&rest, &remark, err)) == OK)
        if (parse_remark(file, &remark, &rest, err) == FAILED)
            return FAILED;
    if (outcome == FAILED)
        return error_wrap(err, "%s", file->name);
    if (!file->upgrade.at)
        return fail_without_marker(file, text, UPGRADE_MARKER, err);
    if (!file->downgrade.at)
        return fail_without_marker(file, text, DOWNGRADE_MARKER, err);
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

enum outcome migration_file_parse(struct migration_file *out_file, const char *name,
                                  const char *text, struct error *err)
{
    struct migration_file file = {.name = name};

    if (parse_name(&file, err) == FAILED || parse_sections(&file, text, err) == FAILED ||
        expect_no_statement(&file, text, err) == FAILED ||
        sql_script_check(name, file.upgrade, file.no_transaction, &file.upgrade_steps,
                         err) == FAILED ||
        sql_script_check(name, file.downgrade, file.no_transaction, &file.downgrade_steps,
                         err) == FAILED)
        return FAILED;
    if (!file.upgrade_steps)
        return error_set(err, ERROR_INVALID, "%s: nothing to upgrade", name);
    sha256_text(text, strlen(text), file.checksum);
    *out_file = file;
    return OK;
}
