#include "daemon/migrate/lint_findings.h"

#include "lib/base/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOWANCE "tidemark: allow "

void lint_findings_release(struct lint_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->items[i].place);
    free(findings->items);
    *findings = (struct lint_findings){0};
}

void lint_findings_add(struct lint_findings *findings, const char *id, const char *format,
                       ...)
{
    struct error ignored;
    char *place = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&place, format, args) < 0)
        place = NULL;
    va_end(args);
    if (!place || array_room(&findings->items, findings->count, &ignored) == FAILED) {
        free(place);
        findings->failed = true;
        return;
    }
    findings->items[findings->count++] =
        (struct lint_finding){.rule = lint_rule_find(id, strlen(id)), .place = place};
}

/* ---- allowances ---- */

struct allowance {
    const char *id;
    size_t id_length;
    bool has_reason;
};

static bool next_allowance(const char **at, const char *end, struct allowance *out)
{
    const char *found = memmem(*at, (size_t)(end - *at), ALLOWANCE, strlen(ALLOWANCE));
    const char *line_end;

    if (!found)
        return false;
    out->id = found + strlen(ALLOWANCE);
    line_end = memchr(out->id, '\n', (size_t)(end - out->id));
    line_end = line_end ? line_end : end;
    out->id_length = 0;
    while (out->id + out->id_length < line_end &&
           !strchr(" \t\r", out->id[out->id_length]))
        out->id_length++;
    out->has_reason = false;
    for (const char *c = out->id + out->id_length; c < line_end; c++)
        out->has_reason |= !strchr(" \t\r", *c);
    *at = line_end;
    return true;
}

static const char *end_of(const char *text, const char *end)
{
    return end ? end : text + strlen(text);
}

bool lint_is_allowed(const char *text, const char *end, const char *id)
{
    struct allowance allowance;

    end = end_of(text, end);
    while (next_allowance(&text, end, &allowance))
        if (allowance.has_reason && allowance.id_length == strlen(id) &&
            memcmp(allowance.id, id, allowance.id_length) == 0)
            return true;
    return false;
}

const char *lint_bad_allowance(const char *text, const char *end)
{
    struct allowance allowance;

    end = end_of(text, end);
    while (next_allowance(&text, end, &allowance))
        if (!allowance.has_reason || !lint_rule_find(allowance.id, allowance.id_length))
            return allowance.id;
    return NULL;
}
