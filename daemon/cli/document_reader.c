#include "daemon/cli/document_reader.h"

#include "daemon/cli/human_text.h"

#include <string.h>

const json_t *document_member(const json_t *document, const char *path)
{
    const json_t *value = document;

    while (value && *path) {
        size_t length = strcspn(path, ".");
        char key[32];

        if (length >= sizeof(key))
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        value = json_object_get(value, key);
        path += length + (path[length] == '.');
    }
    return json_is_null(value) ? NULL : value;
}

const char *document_text(const json_t *document, const char *path)
{
    const char *text = json_string_value(document_member(document, path));

    return text ? text : "";
}

int64_t document_int(const json_t *document, const char *path)
{
    return (int64_t)json_number_value(document_member(document, path));
}

double document_real(const json_t *document, const char *path)
{
    return json_number_value(document_member(document, path));
}

bool document_flag(const json_t *document, const char *path)
{
    return json_is_true(document_member(document, path));
}

bool document_time(const json_t *document, const char *path, int64_t *out_us)
{
    return human_parse_utc(document_text(document, path), out_us);
}

int64_t document_rows(const json_t *document)
{
    const json_t *tables = document_member(document, "tables");
    int64_t rows = 0;

    for (size_t i = 0; i < json_array_size(tables); i++)
        rows += document_int(json_array_get(tables, i), "rows");
    return rows;
}

static bool names(const char *pattern, const json_t *refusal)
{
    const char *schema = document_text(refusal, "schema");
    const char *table = document_text(refusal, "name");
    size_t length = strlen(schema);

    if (strcmp(pattern, table) == 0)
        return true;
    return strncmp(pattern, schema, length) == 0 && pattern[length] == '.' &&
           strcmp(pattern + length + 1, table) == 0;
}

static bool refuses_a_named_table(const json_t *document, const char *const *named_tables)
{
    const json_t *refused = document_member(document, "refused");

    for (size_t i = 0; i < json_array_size(refused); i++)
        for (const char *const *name = named_tables; name && *name; name++)
            if (names(*name, json_array_get(refused, i)))
                return true;
    return false;
}

bool document_needs_person(const json_t *document, const char *const *named_tables)
{
    const json_t *tables = document_member(document, "tables");

    if (strcmp(document_text(document, "state"), "blocked") == 0 ||
        document_int(document, "rejected.count") > 0 ||
        document_int(document, "conflicts.open") > 0)
        return true;
    for (size_t i = 0; i < json_array_size(tables); i++)
        if (strcmp(document_text(json_array_get(tables, i), "state"), "failed") == 0)
            return true;
    return refuses_a_named_table(document, named_tables);
}
