/* The engine's half that follows the primary's schema and identity. */
#include "daemon/sync/engine_state.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "lib/db/database.h"
#include "lib/store/carry_over.h"
#include "lib/store/mirror_layout.h"
#include "lib/store/pending.h"
#include "lib/store/push_record.h"
#include "round_header.sql.h"

#include <stdlib.h>
#include <string.h>

/* Of a round. An application that waits for the lock of the cache waits for so much. */
#define SLICE_BYTES ((int64_t)fault_limit(512, 4) << 20)

/* ---- identity of the cluster ---- */

/* What is in memory must not accuse the new cluster again. */
static void forget_cursors(struct followed_set *followed)
{
    for (size_t i = 0; i < followed->count; i++) {
        struct followed_table *table = &followed->tables[i];

        if (table->cursor.exact)
            table->cursor.exact[0] = '\0';
        if (table->has_copy && table->copy.cursor.exact)
            table->copy.cursor.exact[0] = '\0';
    }
}

/* The whole mirror is in doubt: every table is copied anew and merged; readers keep what
 * is there. */
static enum outcome doubt_everything(struct engine *engine,
                                     const struct round_header *header, struct error *err)
{
    struct catalog_cluster cluster = {header->system_identifier, header->timeline,
                                      header->next_xid};
    struct database *db = engine->cache.db;

    if (database_begin(db, err) == FAILED || catalog_forget_cursors(db, err) == FAILED ||
        catalog_put_cluster(db, &cluster, err) == FAILED ||
        push_record_primary_changed(db, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    forget_cursors(&engine->followed);
    engine->schema_known = false;
    return OK;
}

static bool goes_backwards(const struct followed_set *followed, int64_t seen_xid,
                           int64_t next_xid)
{
    if (seen_xid > next_xid)
        return true;
    for (size_t i = 0; i < followed->count; i++) {
        const struct followed_table *table = &followed->tables[i];

        if (table->cursor.exact && round_header_next_xid(table->cursor.exact) > next_xid)
            return true;
        if (table->has_copy && round_header_next_xid(table->copy.cursor.exact) > next_xid)
            return true;
    }
    return false;
}

static enum outcome accept_first_cluster(struct engine *engine,
                                         const struct round_header *header,
                                         struct error *err)
{
    struct catalog_cluster cluster = {header->system_identifier, header->timeline,
                                      header->next_xid};
    struct database *db = engine->cache.db;

    if (database_begin(db, err) == FAILED ||
        catalog_put_cluster(db, &cluster, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return OK;
}

/* A link made to a standby does not listen, and may take no changes. */
static enum outcome check_promotion(struct engine *engine,
                                    const struct round_header *header, struct error *err)
{
    struct primary_info info;

    primary_describe(engine->primary, &info);
    engine->push.in_recovery = header->in_recovery;
    if (info.in_recovery == header->in_recovery)
        return OK;
    primary_close(engine->primary);
    return error_set(err, ERROR_SCHEMA, "the standby was promoted: connecting anew");
}

/* NOTHING: no cluster yet. */
static enum outcome read_cluster(struct engine *engine, struct error *err)
{
    enum outcome outcome = database_look(engine->cache.db, &engine->cluster_from, err);

    if (outcome == OK) {
        catalog_cluster_release(&engine->cluster);
        outcome = catalog_cluster(engine->cache.db, &engine->cluster, err);
        if (outcome == FAILED)
            engine->cluster_from = (struct database_version){0};
    }
    if (outcome == FAILED)
        return FAILED;
    return engine->cluster.system_identifier ? OK : NOTHING;
}

enum outcome engine_check_cluster(struct engine *engine,
                                  const struct round_header *header, struct error *err)
{
    const struct catalog_cluster *known = &engine->cluster;
    enum outcome outcome;

    if (check_promotion(engine, header, err) == FAILED)
        return FAILED;
    outcome = read_cluster(engine, err);
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING)
        return accept_first_cluster(engine, header, err);
    if (strcmp(known->system_identifier, header->system_identifier) == 0 &&
        known->timeline == header->timeline) {
        if (!goes_backwards(&engine->followed, known->next_xid, header->next_xid))
            return OK;
        if (header->in_recovery)
            return error_set(err, ERROR_TRANSIENT,
                             "the standby is behind what this cache already has");
    }
    log_warning(
        "the primary is another cluster or was restored or promoted (system %s timeline "
        "%lld, before %s timeline %lld): every table is compared anew",
        header->system_identifier, (long long)header->timeline, known->system_identifier,
        (long long)known->timeline);
    if (doubt_everything(engine, header, err) == FAILED)
        return FAILED;
    return error_set(err, ERROR_SCHEMA, "the primary is another one than before");
}

/* ---- tables that are gone ---- */

static bool is_refused(const struct table_set *schema, const char *schema_name,
                       const char *name)
{
    for (size_t i = 0; i < schema->refusal_count; i++)
        if (strcmp(schema->refusals[i].schema, schema_name) == 0 &&
            strcmp(schema->refusals[i].name, name) == 0)
            return true;
    return false;
}

/* A table that is refused for now keeps its rows; one that does not exist any more goes.
 */
static bool is_gone(const struct table_set *schema, const struct catalog_table *stored)
{
    const struct table *table = table_set_find(schema, stored->name);

    if (table && strcmp(table->schema, stored->schema) == 0)
        return false;
    return !is_refused(schema, stored->schema, stored->name);
}

/* What is pending for it cannot go anywhere any more. */
static enum outcome drop_gone_table(struct engine *engine, const char *name,
                                    struct error *err)
{
    struct database *db = engine->cache.db;

    log_info("%s: not mirrored any more, dropped from the cache", name);
    if (carry_over_reject_all(db, engine->pending, name,
                              "the table is not mirrored any more", err) == FAILED ||
        mirror_layout_drop(db, name, err) == FAILED)
        return FAILED;
    return catalog_remove_table(db, name, err);
}

static enum outcome drop_gone_tables(struct engine *engine,
                                     const struct table_set *schema, struct error *err)
{
    struct database *db = engine->cache.db;
    struct catalog_table *stored = NULL;
    size_t count = 0;
    enum outcome outcome = catalog_tables(db, &stored, &count, err);

    for (size_t i = 0; i < count; i++) {
        if (outcome == OK && is_gone(schema, &stored[i]))
            outcome = drop_gone_table(engine, stored[i].name, err);
        catalog_table_release(&stored[i]);
    }
    free(stored);
    return outcome;
}

static bool is_usable_copy(const struct table_set *schema,
                           const struct catalog_copy *copy)
{
    const struct table *table = table_set_find(schema, copy->name);

    return table && strcmp(table->schema, copy->schema) == 0 &&
           strcmp(table->fingerprint, copy->fingerprint) == 0;
}

static enum outcome drop_stale_copies(struct database *db, const struct table_set *schema,
                                      struct error *err)
{
    struct catalog_copy *stored = NULL;
    size_t count = 0;
    enum outcome outcome = catalog_copies(db, &stored, &count, err);

    for (size_t i = 0; i < count; i++) {
        if (outcome == OK && !is_usable_copy(schema, &stored[i])) {
            outcome = mirror_layout_drop_copy(db, stored[i].copy_name, err);
            if (outcome == OK)
                outcome = catalog_remove_copy(db, stored[i].name, err);
        }
        catalog_copy_release(&stored[i]);
    }
    free(stored);
    return outcome;
}

static enum outcome drop_leftovers(struct engine *engine, const struct table_set *schema,
                                   struct error *err)
{
    struct database *db = engine->cache.db;

    if (database_begin(db, err) == FAILED || catalog_open_gate(db, err) == FAILED ||
        drop_gone_tables(engine, schema, err) == FAILED ||
        drop_stale_copies(db, schema, err) == FAILED ||
        catalog_close_gate(db, err) == FAILED || database_commit(db, err) == FAILED) {
        database_roll_back(db);
        pending_reset(engine->pending);
        return FAILED;
    }
    return OK;
}

/* ---- reading ---- */

/* Schema and digest come from one snapshot, so the digest stands for this very schema. */
static enum outcome read_both(struct engine *engine, struct table_set *out_schema,
                              struct round_header *out_header, struct error *err)
{
    OWNED(round_header_params_release) struct round_header_params params = {0};
    const struct introspect_config *selection = &engine->config.selection;

    if (introspect(engine->primary, selection, out_schema, err) == FAILED ||
        round_header_params_init(&params, out_schema, selection->schemas, err) == FAILED)
        return FAILED;
    return round_header_query(engine->primary, &params, 0, out_header, err);
}

static enum outcome require_tables(const struct engine *engine,
                                   const struct table_set *schema, struct error *err)
{
    if (schema->table_count || schema->refusal_count)
        return OK;
    error_set(err, ERROR_INVALID, "there is no table to mirror in schema %s",
              engine->config.selection.schemas[0]);
    return error_hint(
        err, "check [primary] schema and [sync] tables, and that the role may see "
             "the schema; what is in the cache stays");
}

static void append_refusals(struct buffer *text, const struct table_set *schema)
{
    for (size_t i = 0; i < schema->refusal_count; i++)
        buffer_append_format(text, "%s.%s is not mirrored: %s\n",
                             schema->refusals[i].schema, schema->refusals[i].name,
                             schema->refusals[i].reason);
}

/* Only when they are others than before: the schema is read again and again. */
static void log_refusals(struct engine *engine, const struct table_set *schema)
{
    OWNED(buffer_release) struct buffer text = {0};

    append_refusals(&text, schema);
    if (text.failed || !text.data)
        return;
    if (engine->refusals && strcmp(engine->refusals, text.data) == 0)
        return;
    for (size_t i = 0; i < schema->refusal_count; i++)
        log_warning("%s.%s is not mirrored: %s", schema->refusals[i].schema,
                    schema->refusals[i].name, schema->refusals[i].reason);
    free(engine->refusals);
    engine->refusals = buffer_take(&text);
}

/* What somebody asked for outlives a lost connection and a new schema. */
static void keep_resyncs(const struct followed_set *last, struct followed_set *next)
{
    for (size_t i = 0; i < last->count; i++) {
        const struct followed_table *asked = &last->tables[i];
        struct followed_table *followed = followed_set_find(next, asked->table->name);

        if (followed && asked->resync_wanted)
            followed->resync_wanted = true;
    }
}

/* The last schema's would stay in the server's memory for as long as the connection
 * lives.
 */
static enum outcome forget_statements(struct engine *engine, struct error *err)
{
    struct primary_info info;

    primary_describe(engine->primary, &info);
    if (info.transaction_pooler)
        return OK;
    return primary_run_text(engine->primary, round_header_sql.forget_statements.name,
                            round_header_sql.forget_statements.text, err);
}

enum outcome engine_make_pull(struct engine *engine, struct error *err)
{
    const struct pull_settings settings = {
        .overlap_us = engine->config.overlap_us,
        .sweep_interval_us = engine->config.sweep_interval_us,
        .memory_limit_bytes = (size_t)8 << 20,
        .slice_bytes = SLICE_BYTES,
        .pending = engine->pending,
        .schema_names = engine->config.selection.schemas,
        .number = ++engine->numbering,
    };

    pull_release(&engine->pull);
    return pull_init(&engine->pull, engine->primary, &engine->cache, &engine->followed,
                     &settings, err);
}

static enum outcome adopt(struct engine *engine, struct followed_set *followed,
                          struct round_header *header, struct error *err)
{
    if (forget_statements(engine, err) == FAILED)
        return FAILED;
    keep_resyncs(&engine->followed, followed);
    pull_release(&engine->pull);
    pending_reset(engine->pending); /* it knows the tables by their address */
    followed_set_release(&engine->followed);
    engine->followed = TAKE(*followed);
    free(engine->catalog_digest);
    engine->catalog_digest = TAKE(header->catalog_digest);
    if (followed_set_number(&engine->followed, engine->cache.db, err) == FAILED)
        return FAILED;
    return engine_make_pull(engine, err);
}

/* A push in flight is settled before anything that it holds can go. */
static enum outcome take_over(struct engine *engine, struct table_set *schema,
                              struct round_header *header, struct error *err)
{
    OWNED(followed_set_release) struct followed_set followed = {0};

    if (followed_set_build(&followed, schema, engine->cache.db, header->in_recovery,
                           &engine->numbering, err) == FAILED)
        return FAILED;
    engine->push.checked_sequence = 0;
    if (engine_settle_push(engine, &followed, err) == FAILED ||
        drop_leftovers(engine, &followed.schema, err) == FAILED)
        return FAILED;
    log_refusals(engine, &followed.schema);
    return adopt(engine, &followed, header, err);
}

enum outcome engine_read_schema(struct engine *engine, struct error *err)
{
    OWNED(table_set_release) struct table_set schema = {0};
    OWNED(round_header_release) struct round_header header = {0};
    enum outcome outcome = primary_begin_reading(engine->primary, err);

    if (outcome == OK)
        outcome = read_both(engine, &schema, &header, err);
    primary_end_reading(engine->primary);
    if (outcome == FAILED)
        return error_wrap(err, "read the primary's schema");
    if (require_tables(engine, &schema, err) == FAILED ||
        engine_check_cluster(engine, &header, err) == FAILED ||
        take_over(engine, &schema, &header, err) == FAILED)
        return FAILED;
    engine->schema_known = true;
    engine->schema_read_at_us = clock_monotonic_us();
    engine_publish_tables(engine);
    return OK;
}
