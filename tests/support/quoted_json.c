#include "tests/support/quoted_json.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

json_t *quoted_json(const char *text)
{
    OWNED(text_free) char *copy = strdup(text);
    json_t *document;

    for (char *quote = copy; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    document = json_loads(copy, 0, NULL);
    assert_non_null(document);
    return document;
}
