/* Quoted JSON: documents that tests write down without a backslash before each quote. */
#ifndef TESTS_SUPPORT_QUOTED_JSON_H
#define TESTS_SUPPORT_QUOTED_JSON_H

#include <jansson.h>

/* A new reference. Single quotes stand for double ones. Anything else fails the test. */
json_t *quoted_json(const char *text);

#endif
