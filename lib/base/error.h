/*
 * Errors: what failed, why, and what a caller may do about it.
 *
 * A function that can fail returns FAILED and fills the struct error it was
 * given; on any other result it leaves it alone. The message is complete: the
 * lowest layer says what happened, each layer above may prefix what it was
 * doing. No allocation is made, so running out of memory can be reported too.
 *
 * kind is for decisions, message and hint are for people. SQLite codes become
 * kinds in lib/db/statement.c, SQLSTATEs in daemon/primary, errno in
 * error_set_errno(): one place each.
 */
#ifndef LIB_BASE_ERROR_H
#define LIB_BASE_ERROR_H

#include "lib/base/attributes.h"

#include <stdbool.h>

enum outcome { FAILED = -1, OK = 0, NOTHING = 1 /* no such row; no more rows */ };

enum error_kind {
    ERROR_NONE = 0,
    ERROR_TRANSIENT,   /* network lost, server restarting, file busy: try again */
    ERROR_CONFLICT,    /* the row has moved on since it was read */
    ERROR_REJECTED,    /* the primary refused; trying again cannot help */
    ERROR_SCHEMA,      /* the two schemas no longer agree */
    ERROR_AUTH,        /* not allowed: password, role, permission */
    ERROR_INVALID,     /* the caller's or the operator's input is wrong */
    ERROR_CORRUPT,     /* stored or received data breaks its own format */
    ERROR_SYSTEM,      /* disk full, permission denied, out of memory */
    ERROR_INTERRUPTED, /* we were asked to stop; nothing is wrong */
};

struct error {
    enum error_kind kind;
    char origin[24];   /* "SQLITE 5", "SQLSTATE 40001", "errno 28"; may be "" */
    char message[512]; /* what failed, on what, why; cut short rather than overflown */
    char hint[256];    /* what to do about it; may be "" */
};

/* All of these return FAILED, so that a failing branch is one line. */
PRINTF_LIKE(3, 4)
enum outcome error_set(struct error *err, enum error_kind kind, const char *format, ...);

/* "format: strerror(errno)"; the kind is ERROR_SYSTEM, or ERROR_TRANSIENT for lost
 * connections. A full disk has its hint already. */
PRINTF_LIKE(2, 3)
enum outcome error_set_errno(struct error *err, const char *format, ...);

enum outcome error_out_of_memory(struct error *err);

/* Prefixes the message with "format: ", keeping kind, origin and hint. */
PRINTF_LIKE(2, 3)
enum outcome error_wrap(struct error *err, const char *format, ...);

/* Says what a person can do about it. */
PRINTF_LIKE(2, 3)
enum outcome error_hint(struct error *err, const char *format, ...);

/* No room on a disk, or a quota used up: room alone cures it. */
bool error_is_full_disk(const struct error *err);

/* "transient", "schema", … for logs and JSON. */
const char *error_kind_name(enum error_kind kind);

#endif
