/*
 * Document reader: reading the JSON that engine_status() and the daemon give.
 *
 * Missing and null members read as "", 0 or NULL, so that a document of another version
 * is shown as far as it is understood.
 */
#ifndef DAEMON_CLI_DOCUMENT_READER_H
#define DAEMON_CLI_DOCUMENT_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* path: up to three member names, "primary.host". */
const json_t *document_member(const json_t *document, const char *path); /* NULL: null */
const char *document_text(const json_t *document, const char *path);     /* "": none */
int64_t document_int(const json_t *document, const char *path);
double document_real(const json_t *document, const char *path);
bool document_flag(const json_t *document, const char *path);
bool document_time(const json_t *document, const char *path, int64_t *out_us);

/* Rows of all tables. */
int64_t document_rows(const json_t *document);

/*
 * Must somebody do something? The cache is blocked, a table failed, a change was
 * rejected, a conflict waits for a decision, or a table that the configuration names
 * (NULL-terminated; globs do not count) is refused. Being offline, paused or stopped is
 * nobody's fault.
 */
bool document_needs_person(const json_t *document, const char *const *named_tables);

#endif
