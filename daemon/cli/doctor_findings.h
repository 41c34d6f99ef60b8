/*
 * Findings: what the doctor's checks found, and its three faces: lines for people,
 * a JSON document, SQL.
 *
 * A finding belongs to the group that is open. Adding never fails by itself: running out
 * of memory sets `failed`, to be looked at once, at the end.
 */
#ifndef DAEMON_CLI_DOCTOR_FINDINGS_H
#define DAEMON_CLI_DOCTOR_FINDINGS_H

#include "lib/base/attributes.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum finding_level {
    FINDING_OK,
    FINDING_WARN, /* works, but worse than it could */
    FINDING_FAIL, /* does not work, or promises less than it seems to */
};

struct finding {
    const char *group; /* "machine"; a literal */
    enum finding_level level;
    const char *id; /* "TM103"; a literal; NULL for FINDING_OK */
    char *text;     /* one clause */
    char *cure;     /* what to do; NULL: nothing */
    char *sql;      /* runs as it stands, with its semicolons; NULL: SQL cannot help */
};

struct findings {
    const char *group; /* of the next findings */
    struct finding *items;
    size_t count;
    bool unreachable; /* the primary could not be asked */
    bool failed;      /* out of memory: the report is not complete */
};

void findings_release(struct findings *findings); /* a zeroed one is fine */

PRINTF_LIKE(2, 3)
void findings_ok(struct findings *findings, const char *format, ...);
PRINTF_LIKE(3, 4)
void findings_warn(struct findings *findings, const char *id, const char *format, ...);
PRINTF_LIKE(3, 4)
void findings_fail(struct findings *findings, const char *id, const char *format, ...);

/* What to do about the last finding; the SQL is also its cure when it has no other. */
PRINTF_LIKE(2, 3)
void findings_cure(struct findings *findings, const char *format, ...);
PRINTF_LIKE(2, 3)
void findings_sql(struct findings *findings, const char *format, ...);

size_t findings_count(const struct findings *findings, enum finding_level level);

void findings_print(const struct findings *findings, FILE *out, bool colour);
void findings_print_sql(const struct findings *findings, FILE *out);

/* {"v":1,"kind":"doctor",…}, a new reference; NULL: out of memory. */
json_t *findings_document(const struct findings *findings);

#endif
