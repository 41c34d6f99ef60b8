/*
 * Control protocol: what `tidemark` and `tidemarkd` say to each other over the
 * Unix socket [control] socket.
 *
 * JSON objects, one per line, at most CONTROL_LINE_LIMIT bytes each. The client sends one
 * request; the server answers with lines and closes. Every answer line has "v":1 and
 * "kind":
 *
 *   request                                         answer lines
 *   {"command":"status"}                            the status document (kind "status")
 *   {"command":"sync"}                              "status" lines while it runs (at most
 * 5 a second), then "result" or "error"
 *   {"command":"wait","timeout_ms":5000}            "result" when caught up, "error" name
 * "timeout"; no timeout_ms: for ever. Failed attempts are waited out.
 *   {"command":"pause"} {"command":"resume"}        "result"
 *   {"command":"resync","table":"orders"}           as sync
 *   {"command":"resync","all":true}                 as sync; and this is another device
 *   {"command":"watch"}                             one "change_set" line each, until the
 * client leaves
 *
 * Any request may name the "cache" that it is about; a daemon of another one refuses it.
 *
 *   {"v":1,"kind":"result","ok":true}
 *   {"v":1,"kind":"error","name":"transient","code":75,"message":"…","hint":"…","sqlstate":"57P01"|null}
 *
 * "code" is the exit status for the tool; "name" is error_kind_name() or "timeout".
 *   {"v":1,"kind":"change_set","id":812,"at":"…Z","mark":"…Z","snapshot":false,
 *    "tables":[{"name":"orders","written":3,"deleted":1}]}
 */
#ifndef LIB_CONTROL_CONTROL_PROTOCOL_H
#define LIB_CONTROL_CONTROL_PROTOCOL_H

#include "lib/base/error.h"

#include <jansson.h>
#include <stddef.h>

#define CONTROL_LINE_LIMIT ((size_t)1 << 20)

/* Exit statuses of both programs. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,        /* usage or configuration */
    EXIT_NEEDS_PERSON = 3, /* finished, but something needs a person */
    EXIT_UNREACHABLE = 75, /* EX_TEMPFAIL: the primary cannot be reached */
};

/* ERROR_TRANSIENT: 75; ERROR_INVALID: 2; the rest: 1. */
enum exit_status control_exit_status(const struct error *err);

json_t *control_error_document(
    const struct error *err); /* a new reference; NULL: out of memory */
json_t *control_result_document(void);

/* Reads an "error" document back into err; the kind comes from "name". Always FAILED. */
enum outcome control_error_read(const json_t *document, struct error *err);

/* Parses one line. ERROR_CORRUPT: not a JSON object. */
MUST_CHECK enum outcome control_line_parse(const char *line, size_t size,
                                           json_t **out_document, struct error *err);

/* The document and a newline, as json_writer.h writes it, compact; free() it. NULL: out
 * of memory. */
char *control_line_render(const json_t *document);

#endif
