#include "daemon/sync/snapshot.h"

#include "daemon/observe/log.h"
#include "daemon/primary/primary_copy.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/sync/round_header.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault_point.h"
#include "lib/db/database.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_layout.h"
#include "lib/store/mirror_sql.h"

#include <stdlib.h>
#include <string.h>

/* While one is committed the primary waits as soon as the link is full. */
#define CHUNK_BYTES ((size_t)1 << 20)
/* Rows that come in key order need no more, and an index is sorted faster in pieces that
 * the processor keeps at hand. */
#define COPY_PAGES_KIB 2000
#define WAL_LIMIT_BYTES ((int64_t)8 << 20)

/* Between so many inserted rows, rows that have arrived meanwhile are taken. */
#define ROWS_BETWEEN_LOOKS 32

/* Rows that are committed together. */
struct chunk {
    struct change_set rows;
    int64_t received_bytes; /* of the stream, with the last of these rows */
};

/* What one table's copy needs while it runs. */
struct copying {
    struct snapshot *snapshot;
    struct followed_table *followed;
    struct primary_copy stream;
    struct mirror mirror;
    struct buffer scratch;
    struct buffer last_key; /* JSON of the last row inserted */
    struct chunk chunk;     /* filled, then inserted */
    struct chunk next;      /* what arrives while `chunk` is inserted */
    struct wire_field *fields;
    struct value *values;
    int64_t bytes_before; /* copy.byte_count when this stream began */
};

static void copying_release(struct copying *copying)
{
    struct error ignored;

    if (database_set_cache_size(copying->snapshot->cache->db, CACHE_PAGES_KIB,
                                &ignored) == FAILED)
        log_debug("the page cache stays small: %s", ignored.message);
    primary_copy_stop(&copying->stream);
    mirror_release(&copying->mirror);
    buffer_release(&copying->scratch);
    buffer_release(&copying->last_key);
    change_set_release(&copying->chunk.rows);
    change_set_release(&copying->next.rows);
    free(copying->fields);
    free(copying->values);
    primary_end_reading(copying->snapshot->primary);
}

/* ---- the primary's side ---- */

static enum outcome lock_table(struct snapshot *snapshot, const struct table *table,
                               struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    if (!table->lockable)
        return OK;
    buffer_append_text(&sql, "lock table ");
    mirror_sql_primary_name(&sql, table);
    buffer_append_text(&sql, " in access share mode");
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return primary_run_text(snapshot->primary, "lock the table", sql.data, err);
}

/* Nothing may have changed since the schema was read, and nothing can while the lock is
 * held. */
static enum outcome begin_reading(struct snapshot *snapshot, const struct table *table,
                                  struct round_header *out_header, struct error *err)
{
    OWNED(round_header_params_release) struct round_header_params params = {0};
    int64_t replayed_us;

    if (round_header_params_init(&params, &snapshot->followed->schema,
                                 snapshot->schema_names, err) == FAILED ||
        round_header_begin(snapshot->primary, &replayed_us, err) == FAILED ||
        lock_table(snapshot, table, err) == FAILED ||
        round_header_query(snapshot->primary, &params, replayed_us, out_header, err) ==
            FAILED)
        return FAILED;
    if (strcmp(out_header->catalog_digest, snapshot->expected_digest) != 0)
        return error_set(err, ERROR_SCHEMA, "the primary's schema has changed");
    return OK;
}

static enum outcome start_stream(struct copying *copying, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    const struct table *table = copying->followed->table;
    char **after = NULL;

    if (copying->followed->copy.last_key &&
        row_key_parse(copying->followed->copy.last_key, table->key_count, &after, err) ==
            FAILED)
        return FAILED;
    mirror_sql_copy_query(&sql, table, (const char *const *)after);
    row_key_free(after, after ? table->key_count : 0);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    return primary_copy_start(&copying->stream, copying->snapshot->primary, sql.data,
                              err);
}

/* ---- the cache's side ---- */

static enum outcome create_copy(struct snapshot *snapshot,
                                struct followed_table *followed,
                                const struct round_header *header, struct error *err)
{
    OWNED(catalog_copy_release) struct catalog_copy copy = {0};
    struct catalog_cursor cursor = {.exact = header->exact,
                                    .basis = followed->table->tracking,
                                    .mark_us = header->mark_us,
                                    .swept_us = header->mark_us};
    struct database *db = snapshot->cache->db;

    copy.name = strdup(followed->table->name);
    copy.schema = strdup(followed->table->schema);
    copy.fingerprint = strdup(followed->table->fingerprint);
    if (!copy.name || !copy.schema || !copy.fingerprint)
        return error_out_of_memory(err);
    if (mirror_layout_copy_name(copy.name, &copy.copy_name, err) == FAILED ||
        catalog_cursor_copy(&copy.cursor, &cursor, err) == FAILED)
        return FAILED;
    if (database_begin(db, err) == FAILED ||
        mirror_layout_create_copy(db, followed->table, copy.copy_name, err) == FAILED ||
        catalog_remove_copy(db, copy.name, err) == FAILED ||
        catalog_put_copy(db, &copy, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    catalog_copy_release(&followed->copy);
    followed->copy = TAKE(copy);
    followed->has_copy = true;
    followed->resync_wanted = false;
    return OK;
}

static enum outcome note_last_key(struct copying *copying, const struct value *values,
                                  struct error *err)
{
    const struct table *table = copying->followed->table;
    struct value key[TABLE_KEY_LIMIT];

    row_key_pick(table, values, key);
    buffer_clear(&copying->last_key);
    row_key_append(&copying->last_key, key, table->key_count);
    return buffer_check(&copying->last_key, err);
}

static enum outcome keep_row(struct copying *copying, struct chunk *chunk,
                             struct error *err)
{
    const struct table *table = copying->followed->table;
    struct change change = {.operation = CHANGE_UPSERT,
                            .values = copying->values,
                            .value_count = table->column_count};

    if (wire_row_decode(table, copying->fields, &copying->scratch, copying->values,
                        err) == FAILED)
        return FAILED;
    chunk->received_bytes = copying->stream.received_bytes;
    return change_set_append(&chunk->rows, &change, err);
}

static bool is_full(const struct chunk *chunk)
{
    return chunk->rows.memory.length >= CHUNK_BYTES;
}

/* Lets the primary go on sending while a chunk is inserted, and waits for nothing: the
 * cache is locked. */
static enum outcome keep_rows_at_hand(struct copying *copying, struct error *err)
{
    size_t fields = copying->followed->table->column_count;
    enum outcome outcome = OK;

    while (outcome == OK && !is_full(&copying->next)) {
        outcome =
            primary_copy_row_at_hand(&copying->stream, copying->fields, fields, err);
        if (outcome == OK)
            outcome = keep_row(copying, &copying->next, err);
    }
    return outcome == FAILED ? FAILED : OK;
}

struct chunk_reader {
    struct copying *copying;
    struct change_reader reader;
    struct change change; /* the last row that was read */
    unsigned count;
};

static void chunk_reader_release(struct chunk_reader *chunk)
{
    change_reader_release(&chunk->reader);
}

static enum outcome next_of_chunk(void *context, const struct value **out_values,
                                  struct error *err)
{
    struct chunk_reader *chunk = context;
    enum outcome outcome = OK;

    if (++chunk->count % ROWS_BETWEEN_LOOKS == 0)
        outcome = keep_rows_at_hand(chunk->copying, err);
    if (outcome == OK)
        outcome = change_reader_next(&chunk->reader, &chunk->change, err);
    *out_values = chunk->change.values;
    return outcome;
}

static enum outcome insert_chunk(struct copying *copying, struct error *err)
{
    OWNED(chunk_reader_release) struct chunk_reader chunk = {.copying = copying};
    const struct mirror_rows rows = {next_of_chunk, &chunk};

    change_reader_init(&chunk.reader, &copying->chunk.rows);
    if (mirror_insert(&copying->mirror, &rows, err) == FAILED)
        return FAILED;
    return note_last_key(copying, chunk.change.values, err);
}

/* How far the copy has come, as it will be once the chunk is committed. */
static enum outcome save_progress(struct copying *copying, bool complete,
                                  struct error *err)
{
    const struct catalog_copy *copy = &copying->followed->copy;
    struct catalog_copy next = *copy;

    if (copying->last_key.length)
        next.last_key = copying->last_key.data;
    next.row_count += copying->chunk.rows.change_count;
    next.byte_count = copying->bytes_before + copying->chunk.received_bytes;
    next.complete = complete;
    return catalog_put_copy(copying->snapshot->cache->db, &next, err);
}

static enum outcome take_progress(struct copying *copying, bool complete,
                                  struct error *err)
{
    struct catalog_copy *copy = &copying->followed->copy;

    if (copying->last_key.length) {
        char *last_key = strdup(copying->last_key.data);

        if (!last_key)
            return error_out_of_memory(err);
        free(copy->last_key);
        copy->last_key = last_key;
    }
    copy->row_count += copying->chunk.rows.change_count;
    copy->byte_count = copying->bytes_before + copying->chunk.received_bytes;
    copy->complete = complete;
    return OK;
}

static void swap_chunks(struct copying *copying)
{
    struct chunk inserted = copying->chunk;

    if (!copying->next.rows.change_count)
        copying->next.received_bytes = inserted.received_bytes;
    change_set_clear(&inserted.rows);
    copying->chunk = copying->next;
    copying->next = inserted;
}

static enum outcome commit_chunk(struct copying *copying, struct error *err)
{
    struct database *db = copying->snapshot->cache->db;
    const struct snapshot_observer *observer = &copying->snapshot->observer;

    if (database_begin(db, err) == FAILED || insert_chunk(copying, err) == FAILED ||
        save_progress(copying, false, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    if (take_progress(copying, false, err) == FAILED)
        return FAILED;
    swap_chunks(copying);
    fault_point("snapshot.chunk_committed");
    if (cache_checkpoint(copying->snapshot->cache, WAL_LIMIT_BYTES, err) == FAILED)
        return FAILED;
    return observer->chunk_committed(observer->context, copying->followed, err);
}

static enum outcome copy_rows(struct copying *copying, struct error *err)
{
    size_t fields = copying->followed->table->column_count;
    enum outcome outcome;

    while ((outcome = primary_copy_row(&copying->stream, copying->fields, fields, err)) ==
           OK) {
        if (keep_row(copying, &copying->chunk, err) == FAILED)
            return FAILED;
        while (is_full(&copying->chunk))
            if (commit_chunk(copying, err) == FAILED)
                return FAILED;
    }
    if (outcome == FAILED)
        return FAILED;
    return copying->chunk.rows.change_count ? commit_chunk(copying, err) : OK;
}

/* ---- the end of a copy ---- */

/* One transaction each: the lock is held for one index at a time. */
static enum outcome create_indexes(struct copying *copying, bool unique,
                                   struct error *err)
{
    struct database *db = copying->snapshot->cache->db;
    enum outcome outcome;

    do {
        if (database_begin(db, err) == FAILED)
            return FAILED;
        outcome = mirror_layout_create_index(
            db, copying->followed->table, copying->followed->copy.copy_name, unique, err);
        if (outcome == OK && database_commit(db, err) == FAILED)
            outcome = FAILED;
        database_roll_back(db);
    } while (outcome == OK);
    return outcome == FAILED ? FAILED : OK;
}

static enum outcome complete_copy(struct copying *copying, struct error *err)
{
    struct database *db = copying->snapshot->cache->db;
    struct error unique_failure;

    fault_point("snapshot.before_index");
    if (create_indexes(copying, false, err) == FAILED)
        return FAILED;
    /* rows that moved between two places of the scan may look like twins until the first
     * delta */
    if (create_indexes(copying, true, &unique_failure) == FAILED &&
        unique_failure.kind != ERROR_REJECTED) {
        *err = unique_failure;
        return FAILED;
    }
    if (database_begin(db, err) == FAILED ||
        save_progress(copying, true, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    return take_progress(copying, true, err);
}

static enum outcome copying_init(struct copying *copying, struct snapshot *snapshot,
                                 struct followed_table *followed, struct error *err)
{
    *copying = (struct copying){
        .snapshot = snapshot,
        .followed = followed,
        .chunk.rows.file = -1,
        .next.rows.file = -1,
        .bytes_before = followed->copy.byte_count,
        .fields = calloc(WIRE_ROW_FIELD_LIMIT, sizeof(*copying->fields)),
        .values = calloc(WIRE_ROW_FIELD_LIMIT, sizeof(*copying->values)),
    };
    if (!copying->fields || !copying->values)
        return error_out_of_memory(err);
    /* a chunk never spills: it is committed at CHUNK_BYTES */
    if (change_set_init(&copying->chunk.rows, snapshot->cache->path, SIZE_MAX, err) ==
            FAILED ||
        change_set_init(&copying->next.rows, snapshot->cache->path, SIZE_MAX, err) ==
            FAILED)
        return FAILED;
    return mirror_init(&copying->mirror, snapshot->cache->db, followed->table,
                       followed->copy.copy_name, err);
}

static void announce(const struct followed_table *followed)
{
    if (followed->copy.last_key)
        log_info("%s: resuming the copy after %lld rows", followed->table->name,
                 (long long)followed->copy.row_count);
    else
        log_info("%s: copying", followed->table->name);
}

enum outcome snapshot_table(struct snapshot *snapshot, struct followed_table *followed,
                            struct error *err)
{
    OWNED(round_header_release) struct round_header header = {0};
    OWNED(copying_release)
    struct copying copying = {
        .snapshot = snapshot, .chunk.rows.file = -1, .next.rows.file = -1};

    if (database_set_cache_size(snapshot->cache->db, COPY_PAGES_KIB, err) == FAILED ||
        begin_reading(snapshot, followed->table, &header, err) == FAILED ||
        (!followed->has_copy &&
         create_copy(snapshot, followed, &header, err) == FAILED) ||
        copying_init(&copying, snapshot, followed, err) == FAILED)
        return FAILED;
    announce(followed);
    if (start_stream(&copying, err) == FAILED || copy_rows(&copying, err) == FAILED)
        return FAILED;
    primary_end_reading(snapshot->primary);
    return complete_copy(&copying, err);
}

enum outcome snapshot_forget(struct cache *cache, struct followed_table *followed,
                             struct error *err)
{
    struct database *db = cache->db;

    if (database_begin(db, err) == FAILED ||
        mirror_layout_drop_copy(db, followed->copy.copy_name, err) == FAILED ||
        catalog_remove_copy(db, followed->table->name, err) == FAILED ||
        database_commit(db, err) == FAILED) {
        database_roll_back(db);
        return FAILED;
    }
    catalog_copy_release(&followed->copy);
    followed->has_copy = false;
    return OK;
}
