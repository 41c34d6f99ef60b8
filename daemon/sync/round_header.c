#include "daemon/sync/round_header.h"

#include "daemon/primary/array_text.h"
#include "daemon/primary/primary.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
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

int64_t round_header_replayed_us(const struct wire_field *field)
{
    return field_int(field);
}

enum outcome round_header_read(const struct wire_field *fields, int64_t replayed_us,
                               struct round_header *out_header, struct error *err)
{
    OWNED(round_header_release)
    struct round_header header = {
        .exact = field_text(&fields[0]),
        .in_recovery = fields[1].size > 0 && fields[1].bytes[0] == 't',
        .system_identifier = field_text(&fields[2]),
        .timeline = field_int(&fields[3]),
        /* one that was promoted since says what time it is now */
        .mark_us = replayed_us ? replayed_us : field_int(&fields[4]),
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

static enum outcome query_replayed(struct primary *primary, int64_t *out_replayed_us,
                                   struct error *err)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;

    if (primary_query(primary, &round_header_sql.replayed, NULL, 0, &result, err) ==
        FAILED)
        return FAILED;
    *out_replayed_us = primary_result_int(result, 0, 0);
    return OK;
}

enum outcome round_header_begin(struct primary *primary, int64_t *out_replayed_us,
                                struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    struct primary_info info;

    *out_replayed_us = 0;
    if (primary_begin_reading(primary, err) == FAILED)
        return FAILED;
    primary_describe(primary, &info);
    if (!info.in_recovery)
        return OK;
    buffer_append_text(&sql, round_header_sql.renew.text);
    primary_append_transaction_pins(primary, &sql);
    if (buffer_check(&sql, err) == FAILED ||
        query_replayed(primary, out_replayed_us, err) == FAILED)
        return FAILED;
    return primary_run_text(primary, round_header_sql.renew.name, sql.data, err);
}

enum outcome round_header_query(struct primary *primary,
                                const struct round_header_params *params,
                                int64_t replayed_us, struct round_header *out_header,
                                struct error *err)
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
    return round_header_read(fields, replayed_us, out_header, err);
}
