#include "lib/control/control_protocol.h"

#include "lib/base/cleanup.h"
#include "lib/base/json_failure.h"
#include "lib/base/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQLSTATE_ORIGIN "SQLSTATE "
#define TIMEOUT_NAME "timeout" /* of a wait: no kind of its own, but a name */

enum exit_status control_exit_status(const struct error *err)
{
    switch (err->kind) {
    case ERROR_TRANSIENT:
        return EXIT_UNREACHABLE;
    case ERROR_INVALID:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}

/* NULL: the error did not come from the primary. */
static const char *sqlstate_of(const struct error *err)
{
    size_t prefix = strlen(SQLSTATE_ORIGIN);

    return strncmp(err->origin, SQLSTATE_ORIGIN, prefix) == 0 ? err->origin + prefix
                                                              : NULL;
}

/* json_string() refuses what is not UTF-8, and a message may have been cut in the middle
 * of a character: then the bytes beyond ASCII are dropped. */
static json_t *text_or_ascii(const char *text)
{
    json_t *value = json_string(text);
    char ascii[sizeof(((struct error *)0)->message)];
    size_t length = 0;

    if (value)
        return value;
    for (; *text && length + 1 < sizeof(ascii); text++)
        ascii[length++] = (char)((unsigned char)*text < 0x80 ? *text : '?');
    ascii[length] = '\0';
    return json_string(ascii);
}

static const char *name_of(const struct error *err)
{
    return strcmp(err->origin, TIMEOUT_NAME) == 0 ? TIMEOUT_NAME
                                                  : error_kind_name(err->kind);
}

json_t *control_error_document(const struct error *err)
{
    return json_pack("{s:i, s:s, s:s, s:i, s:o, s:o, s:s?}", "v", 1, "kind", "error",
                     "name", name_of(err), "code", (int)control_exit_status(err),
                     "message", text_or_ascii(err->message), "hint",
                     text_or_ascii(err->hint), "sqlstate", sqlstate_of(err));
}

json_t *control_result_document(void)
{
    return json_pack("{s:i, s:s, s:b}", "v", 1, "kind", "result", "ok", 1);
}

static enum error_kind kind_of_name(const char *name)
{
    for (int kind = ERROR_TRANSIENT; kind <= ERROR_INTERRUPTED; kind++)
        if (strcmp(error_kind_name((enum error_kind)kind), name) == 0)
            return (enum error_kind)kind;
    return strcmp(name, TIMEOUT_NAME) == 0 ? ERROR_TRANSIENT : ERROR_SYSTEM;
}

enum outcome control_error_read(const json_t *document, struct error *err)
{
    const char *name = json_string_value(json_object_get(document, "name"));
    const char *message = json_string_value(json_object_get(document, "message"));
    const char *hint = json_string_value(json_object_get(document, "hint"));
    const char *sqlstate = json_string_value(json_object_get(document, "sqlstate"));

    error_set(err, kind_of_name(name ? name : ""), "%s",
              message ? message : "the daemon gave no reason");
    if (name && strcmp(name, TIMEOUT_NAME) == 0)
        snprintf(err->origin, sizeof(err->origin), TIMEOUT_NAME);
    if (sqlstate)
        snprintf(err->origin, sizeof(err->origin), SQLSTATE_ORIGIN "%.5s", sqlstate);
    return hint ? error_hint(err, "%s", hint) : FAILED;
}

enum outcome control_line_parse(const char *line, size_t size, json_t **out_document,
                                struct error *err)
{
    json_error_t reason;
    json_t *document;

    if (size > CONTROL_LINE_LIMIT)
        return error_set(err, ERROR_CORRUPT, "a line of more than %zu bytes",
                         CONTROL_LINE_LIMIT);
    document = json_loadb(line, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &reason);
    if (!document && json_failure_is_memory(line, size, &reason))
        return error_out_of_memory(err);
    if (!document)
        return error_set(err, ERROR_CORRUPT, "not JSON: %s", reason.text);
    if (!json_is_object(document)) {
        json_decref(document);
        return error_set(err, ERROR_CORRUPT, "not a JSON object");
    }
    *out_document = document;
    return OK;
}

char *control_line_render(const json_t *document)
{
    OWNED(buffer_release) struct buffer line = {0};

    json_writer_append(&line, document, JSON_FORM_COMPACT);
    buffer_append_text(&line, "\n");
    return buffer_take(&line);
}
