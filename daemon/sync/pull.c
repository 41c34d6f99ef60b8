#include "daemon/sync/pull.h"

#include "daemon/primary/array_text.h"
#include "daemon/primary/primary.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/primary/type_codec.h"
#include "daemon/sync/pull_plan.h"
#include "daemon/sync/refetch.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_sql.h"
#include "round_header.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name belongs to one text for as long as the connection lives. */
static void name_statements(struct pull *pull, uint32_t number)
{
    struct primary_statement *const statements[] = {&pull->begin,        &pull->replayed,
                                                    &pull->renew,        &pull->lock,
                                                    &pull->header_query, &pull->commit};
    static const char *const verbs[] = {"begin", "replayed", "renew",
                                        "lock",  "header",   "commit"};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        snprintf(pull->names[i], sizeof(pull->names[i]), "tide_%s_%u", verbs[i], number);
        statements[i]->name = pull->names[i];
    }
}

static enum outcome build_lock(struct pull *pull, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    for (size_t i = 0; i < pull->followed->count; i++) {
        const struct table *table = pull->followed->tables[i].table;

        if (!table->lockable || pull->followed->tables[i].locked_out)
            continue;
        buffer_append_text(&sql, sql.length ? ", " : "lock table ");
        mirror_sql_primary_name(&sql, table);
    }
    buffer_append_text(&sql, sql.length ? " in access share mode" : "select where false");
    pull->lock_text = buffer_take(&sql);
    if (!pull->lock_text)
        return error_out_of_memory(err);
    pull->lock.text = pull->lock_text;
    return OK;
}

/* One statement each: the extended protocol takes no more at a time. */
static enum outcome build_pins(struct pull *pull, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    size_t lines = 0;
    char *rest;
    char *line;

    primary_append_transaction_pins(pull->primary, &sql);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    if (!sql.length)
        return OK;
    for (const char *at = sql.data; (at = strchr(at, '\n')); at++)
        lines++;
    pull->pins = calloc(lines + 1, sizeof(*pull->pins));
    pull->pin_text = buffer_take(&sql);
    if (!pull->pins || !pull->pin_text)
        return error_out_of_memory(err);
    for (line = strtok_r(pull->pin_text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        pull->pins[pull->pin_count++] =
            (struct primary_statement){.name = "pin the transaction", .text = line};
    return OK;
}

enum outcome pull_init(struct pull *pull, struct primary *primary, struct cache *cache,
                       struct followed_set *followed,
                       const struct pull_settings *settings, struct error *err)
{
    struct primary_info info;

    primary_describe(primary, &info);
    *pull = (struct pull){
        .primary = primary,
        .cache = cache,
        .followed = followed,
        .settings = *settings,
        .asks_replayed = info.in_recovery,
        .begin = {.text = round_header_sql.begin.text},
        .replayed = {.text = round_header_sql.replayed.text},
        .renew = {.text = round_header_sql.renew.text},
        .header_query = {.text = round_header_sql.read.text},
        .commit = {.text = round_header_sql.commit.text},
    };
    name_statements(pull, settings->number);
    pull->fields = calloc(WIRE_ROW_FIELD_LIMIT + 1, sizeof(*pull->fields));
    pull->values = calloc(WIRE_ROW_FIELD_LIMIT, sizeof(*pull->values));
    pull->plans = calloc(followed->count + 1, sizeof(*pull->plans));
    if (!pull->fields || !pull->values || !pull->plans) {
        pull_release(pull);
        return error_out_of_memory(err);
    }
    if (change_set_init(&pull->changes, cache->path, settings->memory_limit_bytes, err) ==
            FAILED ||
        round_header_params_init(&pull->header_params, &followed->schema,
                                 settings->schema_names, err) == FAILED ||
        build_lock(pull, err) == FAILED || build_pins(pull, err) == FAILED) {
        pull_release(pull);
        return FAILED;
    }
    return OK;
}

void pull_release(struct pull *pull)
{
    pull_plans_clear(pull);
    change_set_release(&pull->changes);
    round_header_params_release(&pull->header_params);
    round_header_release(&pull->header);
    buffer_release(&pull->scratch);
    free(pull->lock_text);
    free(pull->pin_text);
    free(pull->pins);
    free(pull->fields);
    free(pull->values);
    free(pull->plans);
    *pull = (struct pull){.changes.file = -1};
}

/* ---- sending ---- */

static enum outcome send_refetch(struct primary_pipeline *pipeline,
                                 struct pull_plan *plan, struct error *err)
{
    const struct table *table = plan->followed->table;
    char **texts = calloc(table->key_count, sizeof(*texts));
    enum outcome outcome = texts ? OK : error_out_of_memory(err);

    if (outcome == OK)
        outcome = refetch_params(plan, texts, err);
    if (outcome == OK)
        outcome =
            primary_pipeline_send(pipeline, &plan->followed->refetch,
                                  (const char *const *)texts, table->key_count, err);
    row_key_free(texts, table->key_count);
    return outcome;
}

/* What the delta starts from: a snapshot, or a time with the overlap taken off. */
static const char *delta_start(const struct pull *pull, const struct pull_plan *plan,
                               char room[static CLOCK_TEXT_SIZE])
{
    const struct followed_table *followed = plan->followed;
    const struct catalog_cursor *cursor =
        plan->joins ? &followed->copy.cursor : &followed->cursor;

    if (plan->sweeps || followed->table->mode == TABLE_TRACKED)
        return cursor->exact;
    clock_format_utc(cursor->mark_us - pull->settings.overlap_us, room);
    return room;
}

static enum outcome send_table(struct pull *pull, struct primary_pipeline *pipeline,
                               struct pull_plan *plan, struct error *err)
{
    struct followed_table *followed = plan->followed;
    char room[CLOCK_TEXT_SIZE];
    const char *const since[] = {delta_start(pull, plan, room)};

    if (plan->polls && primary_pipeline_send(
                           pipeline, plan->sweeps ? &followed->sweep : &followed->delta,
                           since, 1, err) == FAILED)
        return FAILED;
    if (plan->refetch_sent && send_refetch(pipeline, plan, err) == FAILED)
        return FAILED;
    if (plan->counts &&
        primary_pipeline_send(pipeline, &followed->count, NULL, 0, err) == FAILED)
        return FAILED;
    if (plan->lists &&
        primary_pipeline_send(pipeline, &followed->keys, NULL, 0, err) == FAILED)
        return FAILED;
    return OK;
}

static enum outcome send_prologue(struct pull *pull, struct primary_pipeline *pipeline,
                                  struct error *err)
{
    const char *const params[] = {pull->header_params.oids, pull->header_params.schemas};

    if (primary_pipeline_send(pipeline, &pull->begin, NULL, 0, err) == FAILED)
        return FAILED;
    if (pull->asks_replayed &&
        (primary_pipeline_send(pipeline, &pull->replayed, NULL, 0, err) == FAILED ||
         primary_pipeline_send(pipeline, &pull->renew, NULL, 0, err) == FAILED))
        return FAILED;
    for (size_t i = 0; i < pull->pin_count; i++)
        if (primary_pipeline_send(pipeline, &pull->pins[i], NULL, 0, err) == FAILED)
            return FAILED;
    if (primary_pipeline_send(pipeline, &pull->lock, NULL, 0, err) == FAILED)
        return FAILED;
    return primary_pipeline_send(pipeline, &pull->header_query, params, 2, err);
}

static enum outcome send_all(struct pull *pull, struct primary_pipeline *pipeline,
                             struct error *err)
{
    if (send_prologue(pull, pipeline, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < pull->plan_count; i++)
        if (send_table(pull, pipeline, &pull->plans[i], err) == FAILED)
            return FAILED;
    if (primary_pipeline_send(pipeline, &pull->commit, NULL, 0, err) == FAILED)
        return FAILED;
    return primary_pipeline_flush(pipeline, err);
}

/* ---- receiving ---- */

/* The answer of a statement that has no rows. */
static enum outcome receive_done(struct primary_pipeline *pipeline,
                                 struct primary_statement *statement, struct error *err)
{
    if (primary_pipeline_next(pipeline, statement, err) == FAILED)
        return FAILED;
    return primary_pipeline_row(pipeline, statement, NULL, NULL, 0, err) == FAILED
               ? FAILED
               : OK;
}

/* 0: not asked for. */
static enum outcome receive_replayed(struct pull *pull, struct primary_pipeline *pipeline,
                                     int64_t *out_replayed_us, struct error *err)
{
    static const uint32_t text_oid[] = {25};
    struct primary_statement *query = &pull->replayed;

    *out_replayed_us = 0;
    if (!pull->asks_replayed)
        return OK;
    if (primary_pipeline_next(pipeline, query, err) == FAILED ||
        primary_pipeline_row(pipeline, query, pull->fields, text_oid, 1, err) != OK)
        return FAILED;
    *out_replayed_us = round_header_replayed_us(&pull->fields[0]);
    if (primary_pipeline_row(pipeline, query, pull->fields, text_oid, 1, err) == FAILED)
        return FAILED;
    return receive_done(pipeline, &pull->renew, err);
}

static enum outcome receive_header(struct pull *pull, struct primary_pipeline *pipeline,
                                   int64_t replayed_us, struct error *err)
{
    static const uint32_t any_type[ROUND_HEADER_COLUMNS] = {0};
    struct primary_statement *query = &pull->header_query;

    round_header_release(&pull->header);
    if (primary_pipeline_next(pipeline, query, err) == FAILED ||
        primary_pipeline_row(pipeline, query, pull->fields, any_type,
                             ROUND_HEADER_COLUMNS, err) != OK ||
        round_header_read(pull->fields, replayed_us, &pull->header, err) == FAILED)
        return FAILED;
    return primary_pipeline_row(pipeline, query, pull->fields, any_type,
                                ROUND_HEADER_COLUMNS, err) == FAILED
               ? FAILED
               : OK;
}

/* A row of a delta: the operation, then the columns; only the key of what is gone. */
static enum outcome keep_row(struct pull *pull, size_t number, struct error *err)
{
    const struct table *table = pull->plans[number].followed->table;
    struct change change = {.table = (uint32_t)number, .values = pull->values};

    change.operation = (enum change_operation)pull->fields[0].bytes[0];
    if (wire_row_decode(table, pull->fields + 1, &pull->scratch, pull->values, err) ==
        FAILED)
        return FAILED;
    if (change.operation == CHANGE_UPSERT) {
        change.value_count = table->column_count;
    } else if (change.operation == CHANGE_DELETE) {
        struct value key[TABLE_KEY_LIMIT];

        row_key_pick(table, pull->values, key);
        memcpy(pull->values, key, table->key_count * sizeof(key[0]));
        change.value_count = table->key_count;
    }
    if (pull->refetching)
        refetch_note(&pull->plans[number], &change);
    return change_set_append(&pull->changes, &change, err);
}

static enum outcome receive_rows(struct pull *pull, struct primary_pipeline *pipeline,
                                 size_t number, struct primary_statement *statement,
                                 struct error *err)
{
    const struct followed_table *followed = pull->plans[number].followed;
    size_t fields = followed->table->column_count + 1;
    enum outcome outcome;

    if (primary_pipeline_next(pipeline, statement, err) == FAILED)
        return FAILED;
    while ((outcome = primary_pipeline_row(pipeline, statement, pull->fields,
                                           followed->wire_types, fields, err)) == OK)
        if (keep_row(pull, number, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome receive_count(struct pull *pull, struct primary_pipeline *pipeline,
                                  struct pull_plan *plan, struct error *err)
{
    static const uint32_t int8_oid[] = {20};
    struct primary_statement *statement = &plan->followed->count;
    struct value count = {0};

    if (primary_pipeline_next(pipeline, statement, err) == FAILED ||
        primary_pipeline_row(pipeline, statement, pull->fields, int8_oid, 1, err) != OK)
        return FAILED;
    if (type_codec_decode(CODEC_BIGINT, pull->fields[0].bytes,
                          (size_t)pull->fields[0].size, &pull->scratch, &count,
                          err) == FAILED)
        return FAILED;
    plan->primary_count = count.integer;
    return primary_pipeline_row(pipeline, statement, pull->fields, int8_oid, 1, err) ==
                   FAILED
               ? FAILED
               : OK;
}

/* Keys come in key order; they are decoded one by one as columns of their own. */
static enum outcome receive_keys(struct pull *pull, struct primary_pipeline *pipeline,
                                 size_t number, struct error *err)
{
    struct followed_table *followed = pull->plans[number].followed;
    struct primary_statement *statement = &followed->keys;
    const struct table *table = followed->table;
    uint32_t types[TABLE_KEY_LIMIT];
    struct change change = {.table = (uint32_t)number,
                            .operation = CHANGE_PRESENT,
                            .values = pull->values,
                            .value_count = table->key_count};
    enum outcome outcome;

    for (size_t i = 0; i < table->key_count; i++)
        types[i] = followed->wire_types[table->key[i] + 1];
    if (primary_pipeline_next(pipeline, statement, err) == FAILED)
        return FAILED;
    while ((outcome = primary_pipeline_row(pipeline, statement, pull->fields, types,
                                           table->key_count, err)) == OK)
        if (wire_row_decode_key(table, pull->fields, &pull->scratch, pull->values, err) ==
                FAILED ||
            change_set_append(&pull->changes, &change, err) == FAILED)
            return FAILED;
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome receive_table(struct pull *pull, struct primary_pipeline *pipeline,
                                  size_t number, struct error *err)
{
    struct pull_plan *plan = &pull->plans[number];
    struct followed_table *followed = plan->followed;

    if (plan->polls &&
        receive_rows(pull, pipeline, number,
                     plan->sweeps ? &followed->sweep : &followed->delta, err) == FAILED)
        return FAILED;
    pull->refetching = true;
    if ((plan->refetch_sent &&
         receive_rows(pull, pipeline, number, &followed->refetch, err) == FAILED) ||
        refetch_add_absent(pull, number, err) == FAILED)
        return FAILED;
    pull->refetching = false;
    if (plan->counts && receive_count(pull, pipeline, plan, err) == FAILED)
        return FAILED;
    if (plan->lists && receive_keys(pull, pipeline, number, err) == FAILED)
        return FAILED;
    return OK;
}

static enum outcome receive_tables(struct pull *pull, struct primary_pipeline *pipeline,
                                   struct error *err)
{
    for (size_t i = 0; i < pull->plan_count; i++)
        if (receive_table(pull, pipeline, i, err) == FAILED) {
            pull->culprit = pull->plans[i].followed;
            return FAILED;
        }
    return OK;
}

static enum outcome receive_prologue(struct pull *pull, struct primary_pipeline *pipeline,
                                     const char *expected_digest, struct error *err)
{
    int64_t replayed_us;

    if (receive_done(pipeline, &pull->begin, err) == FAILED ||
        receive_replayed(pull, pipeline, &replayed_us, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < pull->pin_count; i++)
        if (receive_done(pipeline, &pull->pins[i], err) == FAILED)
            return FAILED;
    if (receive_done(pipeline, &pull->lock, err) == FAILED ||
        receive_header(pull, pipeline, replayed_us, err) == FAILED)
        return FAILED;
    if (strcmp(pull->header.catalog_digest, expected_digest) != 0)
        return error_set(err, ERROR_SCHEMA, "the primary's schema has changed");
    return OK;
}

enum outcome pull_receive(struct pull *pull, bool may_join, const char *expected_digest,
                          struct error *err)
{
    OWNED(primary_pipeline_stop) struct primary_pipeline pipeline = {0};

    pull->culprit = NULL;
    pull->refetching = false;
    change_set_clear(&pull->changes);
    if (pull_plans_make(pull, may_join, err) == FAILED ||
        primary_pipeline_start(&pipeline, pull->primary, err) == FAILED ||
        send_all(pull, &pipeline, err) == FAILED ||
        receive_prologue(pull, &pipeline, expected_digest, err) == FAILED ||
        receive_tables(pull, &pipeline, err) == FAILED ||
        receive_done(&pipeline, &pull->commit, err) == FAILED ||
        primary_pipeline_finish(&pipeline, err) == FAILED)
        return FAILED;
    fault_point("pull.received");
    return OK;
}
