#include "daemon/sync/round_header.h"

#include "daemon/primary/array_text.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"
#include "round_header.sql.h"

#include <stdlib.h>
#include <string.h>

void round_header_release(struct round_header *header)
{
    free(header->exact);
    free(header->system_identifier);
    free(header->catalog_digest);
    *header = (struct round_header){0};
}

void round_header_params_release(struct round_header_params *params)
{
    free(params->oids);
    free(params->schemas);
    *params = (struct round_header_params){0};
}

int64_t round_header_next_xid(const char *exact)
{
    const char *colon = strchr(exact, ':');

    return colon ? strtoll(colon + 1, NULL, 10) : 0;
}

static char *field_text(const struct wire_field *field)
{
    return field->size < 0 ? strdup("") : strndup(field->bytes, (size_t)field->size);
}

static int64_t field_int(const struct wire_field *field)
{
    OWNED(text_free) char *text = field_text(field);

    return text ? strtoll(text, NULL, 10) : 0;
}

enum outcome round_header_read(const struct wire_field *fields,
                               struct round_header *out_header, struct error *err)
{
    OWNED(round_header_release)
    struct round_header header = {
        .exact = field_text(&fields[0]),
        .in_recovery = fields[1].size > 0 && fields[1].bytes[0] == 't',
        .system_identifier = field_text(&fields[2]),
        .timeline = field_int(&fields[3]),
        .mark_us = field_int(&fields[4]),
        .catalog_digest = field_text(&fields[5]),
        .next_xid = field_int(&fields[6]),
    };

    if (!header.exact || !header.system_identifier || !header.catalog_digest)
        return error_out_of_memory(err);
    *out_header = TAKE(header);
    return OK;
}

/* The leaves of a partitioned table too: "oid:file oid:file". */
static void append_partitions(struct buffer *oids, const char *partitions)
{
    while (partitions && *partitions) {
        char *end;

        buffer_append_format(oids, ",%lu", strtoul(partitions, &end, 10));
        partitions = strchr(end, ' ');
        if (partitions)
            partitions++;
    }
}

enum outcome round_header_params_init(struct round_header_params *params,
                                      const struct table_set *schema,
                                      const char *const *schema_names, struct error *err)
{
    OWNED(buffer_release) struct buffer oids = {0};
    OWNED(buffer_release) struct buffer schemas = {0};
    size_t count = 0;

    buffer_append_text(&oids, "{");
    for (size_t i = 0; i < schema->table_count; i++) {
        buffer_append_format(&oids, "%s%u", i ? "," : "", schema->tables[i].oid);
        append_partitions(&oids, schema->tables[i].partitions);
    }
    buffer_append_text(&oids, "}");
    while (schema_names[count])
        count++;
    array_text_append(&schemas, schema_names, count);
    if (buffer_check(&oids, err) == FAILED || buffer_check(&schemas, err) == FAILED)
        return FAILED;
    *params = (struct round_header_params){buffer_take(&oids), buffer_take(&schemas)};
    return OK;
}

enum outcome round_header_query(struct primary *primary,
                                const struct round_header_params *params,
                                struct round_header *out_header, struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *const texts[] = {params->oids, params->schemas};
    struct wire_field fields[ROUND_HEADER_COLUMNS];

    if (primary_query(primary, &round_header_sql.read, texts, 2, &result, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < ROUND_HEADER_COLUMNS; i++) {
        const char *text = primary_result_text(result, 0, i);

        fields[i] = (struct wire_field){text, text ? (int32_t)strlen(text) : -1};
    }
    return round_header_read(fields, out_header, err);
}
