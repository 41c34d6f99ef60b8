#include "daemon/cli/doctor_findings.h"

#include "lib/base/array.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void findings_release(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].text);
        free(findings->items[i].cure);
        free(findings->items[i].sql);
    }
    free(findings->items);
    *findings = (struct findings){0};
}

static char *format_text(struct findings *findings, const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0) {
        findings->failed = true;
        return NULL;
    }
    return text;
}

static void add(struct findings *findings, enum finding_level level, const char *id,
                const char *format, va_list args)
{
    char *text = format_text(findings, format, args);
    struct error ignored;

    if (!text)
        return;
    if (array_room(&findings->items, findings->count, &ignored) == FAILED) {
        findings->failed = true;
        free(text);
        return;
    }
    findings->items[findings->count++] = (struct finding){
        .group = findings->group, .level = level, .id = id, .text = text};
}

void findings_ok(struct findings *findings, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(findings, FINDING_OK, NULL, format, args);
    va_end(args);
}

void findings_warn(struct findings *findings, const char *id, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(findings, FINDING_WARN, id, format, args);
    va_end(args);
}

void findings_fail(struct findings *findings, const char *id, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(findings, FINDING_FAIL, id, format, args);
    va_end(args);
}

void findings_cure(struct findings *findings, const char *format, ...)
{
    va_list args;

    if (findings->failed)
        return;
    va_start(args, format);
    findings->items[findings->count - 1].cure = format_text(findings, format, args);
    va_end(args);
}

void findings_sql(struct findings *findings, const char *format, ...)
{
    va_list args;

    if (findings->failed)
        return;
    va_start(args, format);
    findings->items[findings->count - 1].sql = format_text(findings, format, args);
    va_end(args);
}

size_t findings_count(const struct findings *findings, enum finding_level level)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].level == level;
    return count;
}

static size_t count_sql(const struct findings *findings)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].sql != NULL;
    return count;
}

/* ---- lines ---- */

struct level_look {
    const char *word;
    const char *colour; /* SGR */
    const char *name;   /* in JSON */
};

static const struct level_look looks[] = {
    [FINDING_OK] = {"ok", "32", "ok"},
    [FINDING_WARN] = {"warn", "33", "warn"},
    [FINDING_FAIL] = {"FAIL", "31", "fail"},
};

/* What the primary says may hold anything: names with line ends must not break lines. */
static void print_text(FILE *out, const char *text)
{
    for (; *text; text++)
        putc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, out);
}

static void print_finding(const struct finding *finding, const char *group, FILE *out,
                          bool colour)
{
    const struct level_look *look = &looks[finding->level];
    const char *cure = finding->cure ? finding->cure : finding->sql;

    fprintf(out, "%-9s ", group);
    if (colour)
        fprintf(out, "\033[%sm%-4s\033[0m  ", look->colour, look->word);
    else
        fprintf(out, "%-4s  ", look->word);
    print_text(out, finding->text);
    if (finding->id)
        fprintf(out, "  (%s)", finding->id);
    putc('\n', out);
    if (!cure)
        return;
    fprintf(out, "%-16s-> ", "");
    print_text(out, cure);
    putc('\n', out);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_summary(const struct findings *findings, FILE *out)
{
    size_t failures = findings_count(findings, FINDING_FAIL);
    size_t warnings = findings_count(findings, FINDING_WARN);

    fprintf(out, "%zu problem%s, %zu warning%s.", failures, plural(failures), warnings,
            plural(warnings));
    if (findings->unreachable)
        fprintf(out, "   The primary was not asked.");
    if (count_sql(findings))
        fprintf(out, "   SQL for %zu of them: tidemark doctor --fix-sql > fix.sql",
                count_sql(findings));
    putc('\n', out);
}

void findings_print(const struct findings *findings, FILE *out, bool colour)
{
    const char *group = "";

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool same = strcmp(group, finding->group) == 0;

        print_finding(finding, same ? "" : finding->group, out, colour);
        group = finding->group;
    }
    print_summary(findings, out);
}

/* ---- SQL ---- */

void findings_print_sql(const struct findings *findings, FILE *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        if (!finding->sql)
            continue;
        fprintf(out, "-- %s ", finding->id ? finding->id : "");
        print_text(out, finding->text);
        fprintf(out, "\n%s\n\n", finding->sql);
    }
}

/* ---- JSON ---- */

static json_t *finding_document(const struct finding *finding)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?}", "group", finding->group,
                     "level", looks[finding->level].name, "id", finding->id, "text",
                     finding->text, "cure", finding->cure ? finding->cure : finding->sql,
                     "sql", finding->sql);
}

json_t *findings_document(const struct findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < findings->count; i++)
        if (json_array_append_new(list, finding_document(&findings->items[i])) < 0) {
            json_decref(list);
            list = NULL;
        }
    if (!list)
        return NULL;
    return json_pack("{s:i, s:s, s:b, s:I, s:I, s:o}", "v", 1, "kind", "doctor",
                     "reachable", !findings->unreachable, "problems",
                     (json_int_t)findings_count(findings, FINDING_FAIL), "warnings",
                     (json_int_t)findings_count(findings, FINDING_WARN), "findings",
                     list);
}
