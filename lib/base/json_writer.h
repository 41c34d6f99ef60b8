/*
 * JSON writer: a JSON value as text. Reals are written in as few digits as read back as
 * the same double: 0.1, and 0.30000000000000004. (jansson writes all reals of a document
 * with one number of digits: too many for some, too few for others.) Otherwise as
 * json_dumps() with the same indentation does it, but with no memory of jansson's for
 * the text, which an application may have made its own.
 */
#ifndef LIB_BASE_JSON_WRITER_H
#define LIB_BASE_JSON_WRITER_H

#include "lib/base/buffer.h"

#include <jansson.h>

enum json_form {
    JSON_FORM_COMPACT,  /* in one line, without spaces */
    JSON_FORM_INDENTED, /* a line for each value, two spaces for each level */
};

/*
 * Appends the text. text->failed: out of memory, or it is no JSON: one that contains
 * itself, or is deeper than anything that can be read back.
 */
void json_writer_append(struct buffer *text, const json_t *json, enum json_form form);

/* The text by itself, to be freed; NULL where the above fails. */
char *json_writer_text(const json_t *json, enum json_form form);

#endif
