/* The part of lib/tidemark.h that is about the daemon. */
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/control/control_client.h"
#include "lib/control/control_protocol.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/repository/library_status.h"
#include "lib/repository/library_cache.h"
#include "lib/repository/library_error.h"
#include "client.sql.h"

#include <string.h>
#include <time.h>

#define ANSWER_TIMEOUT_US (10 * US_PER_SECOND)
#define LOOK_INTERVAL_MS 10

struct tide_watch {
    struct control_client *client;
};

static void drop_client(struct control_client **client)
{
    control_client_free(*client);
}

/* A daemon that cannot be talked to is not there for the caller. */
static enum tide_result offline(const struct error *why, struct tide_error *err)
{
    library_failed(why, err);
    if (err && why->kind == ERROR_TRANSIENT)
        err->kind = TIDE_ERROR_OFFLINE;
    return TIDE_FAILED;
}

/* NOTHING: nobody listens there. */
static enum outcome ask(const struct tide_cache *cache, const char *command,
                        struct control_client **out_client, struct error *err)
{
    OWNED(drop_client) struct control_client *client = NULL;
    OWNED(json_decrefp)
    json_t *request =
        json_pack("{s:s, s:s}", "command", command, "cache", cache->file.path);
    enum outcome outcome;

    if (!request)
        return error_out_of_memory(err);
    if (!cache->control_socket)
        return NOTHING;
    outcome = control_client_new(&client, cache->control_socket, err);
    if (outcome == OK)
        outcome = control_client_send(client, request, err);
    if (outcome == OK)
        *out_client = TAKE(client);
    return outcome;
}

static enum outcome require(const struct tide_cache *cache, const char *command,
                            struct control_client **out_client, struct error *err)
{
    enum outcome outcome = ask(cache, command, out_client, err);

    if (outcome != NOTHING)
        return outcome;
    if (!cache->control_socket) {
        error_set(err, ERROR_INVALID, "the cache was opened without a control socket");
        return error_hint(err, "name it in struct tide_cache_options");
    }
    error_set(err, ERROR_TRANSIENT, "the daemon is not running (nobody listens at %s)",
              cache->control_socket);
    return error_hint(err, "start tidemarkd; what is written waits in the file");
}

/* NOTHING: no answer in time. */
static enum outcome receive(struct control_client *client, int64_t timeout_us,
                            json_t **out_document, struct error *err)
{
    OWNED(json_decrefp) json_t *document = NULL;
    enum outcome outcome = control_client_receive(client, timeout_us, &document, err);
    const char *kind;

    if (outcome != OK)
        return outcome;
    kind = json_string_value(json_object_get(document, "kind"));
    if (kind && strcmp(kind, "error") == 0)
        return control_error_read(document, err);
    *out_document = TAKE(document);
    return OK;
}

static enum outcome answer(struct control_client *client, json_t **out_document,
                           struct error *err)
{
    enum outcome outcome = receive(client, ANSWER_TIMEOUT_US, out_document, err);

    if (outcome == NOTHING)
        return error_set(err, ERROR_TRANSIENT, "the daemon does not answer");
    return outcome;
}

/* ---- status, sync ---- */

enum tide_result tide_client_status(struct tide_cache *cache, json_t **out_status,
                                    struct tide_error *err)
{
    OWNED(drop_client) struct control_client *client = NULL;
    struct error why = {0};
    enum outcome outcome = ask(cache, "status", &client, &why);

    if (outcome == OK)
        outcome = answer(client, out_status, &why);
    else if (outcome == NOTHING)
        outcome =
            library_status_of_file(cache->file.db, cache->file.path, out_status, &why);
    return outcome == FAILED ? offline(&why, err) : TIDE_OK;
}

enum tide_result tide_client_sync_now(struct tide_cache *cache, struct tide_error *err)
{
    OWNED(drop_client) struct control_client *client = NULL;
    OWNED(json_decrefp) json_t *first = NULL;
    struct error why = {0};

    if (require(cache, "sync", &client, &why) == FAILED ||
        answer(client, &first, &why) == FAILED)
        return offline(&why, err);
    return TIDE_OK;
}

/* ---- waiting for a receipt ---- */

struct waiting {
    struct database *db;
    struct tide_receipt receipt;
    struct buffer rows; /* JSON: [["orders", "[\"o1\"]"], …] */
    int64_t newest_rejected;
};

static void release_waiting(struct waiting *waiting)
{
    buffer_release(&waiting->rows);
}

static enum outcome look_at_rows(struct waiting *waiting, struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, waiting->db, &client_sql.rows_of_unit, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, waiting->receipt.unit);
    statement_bind_int(&query, 2, waiting->receipt.sequence);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    buffer_append(&waiting->rows, statement_column_bytes(&query, 0),
                  statement_column_size(&query, 0));
    waiting->newest_rejected = statement_column_int(&query, 1);
    return buffer_check(&waiting->rows, err);
}

static enum outcome is_waiting(const struct waiting *waiting, bool *out_waits,
                               struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, waiting->db, &client_sql.is_waiting, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, waiting->receipt.unit);
    statement_bind_int(&query, 2, waiting->receipt.sequence);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_waits = statement_column_int(&query, 0) != 0;
    return OK;
}

static enum outcome is_rejected(const struct waiting *waiting, bool *out_rejected,
                                struct error *err)
{
    OWNED(statement_release) struct statement query = {0};

    if (statement_prepare(&query, waiting->db, &client_sql.is_rejected, err) == FAILED)
        return FAILED;
    statement_bind_int(&query, 1, waiting->receipt.unit);
    statement_bind_int(&query, 2, waiting->newest_rejected);
    statement_bind_bytes(&query, 3, waiting->rows.data ? waiting->rows.data : "[]",
                         waiting->rows.data ? waiting->rows.length : 2);
    if (statement_step(&query, err) == FAILED)
        return FAILED;
    *out_rejected = statement_column_int(&query, 0) != 0;
    return OK;
}

static void rest(void)
{
    const struct timespec interval = {.tv_nsec = LOOK_INTERVAL_MS * 1000000L};

    nanosleep(&interval, NULL);
}

static enum tide_result settle(const struct waiting *waiting, int64_t deadline_us,
                               struct error *err)
{
    bool waits = true;
    bool rejected = false;

    for (;;) {
        if (is_waiting(waiting, &waits, err) == FAILED)
            return TIDE_FAILED;
        if (!waits)
            break;
        if (deadline_us >= 0 && clock_monotonic_us() >= deadline_us)
            return TIDE_TIMED_OUT;
        rest();
    }
    if (is_rejected(waiting, &rejected, err) == FAILED)
        return TIDE_FAILED;
    return rejected ? TIDE_REJECTED : TIDE_OK;
}

enum tide_result tide_client_wait(struct tide_cache *cache,
                                  const struct tide_receipt *receipt, int timeout_ms,
                                  struct tide_error *err)
{
    OWNED(release_waiting)
    struct waiting waiting = {.db = cache->file.db, .receipt = *receipt};
    int64_t deadline_us =
        timeout_ms < 0 ? -1 : clock_monotonic_us() + timeout_ms * US_PER_MS;
    struct error why = {0};
    enum tide_result result;

    if (!receipt->sequence)
        return TIDE_OK;
    if (cache->open_unit) {
        error_set(&why, ERROR_INVALID, "a unit of work is open: it would wait for ever");
        return library_failed(&why, err);
    }
    if (look_at_rows(&waiting, &why) == FAILED)
        return library_failed(&why, err);
    result = settle(&waiting, deadline_us, &why);
    return result == TIDE_FAILED ? library_failed(&why, err) : result;
}

/* ---- watching ---- */

enum tide_result tide_client_watch(struct tide_watch **out_watch,
                                   struct tide_cache *cache, struct tide_error *err)
{
    struct tide_watch *watch = calloc(1, sizeof(*watch));
    struct error why = {0};

    if (!watch) {
        error_out_of_memory(&why);
        return library_failed(&why, err);
    }
    if (require(cache, "watch", &watch->client, &why) == FAILED) {
        tide_watch_free(watch);
        return offline(&why, err);
    }
    *out_watch = watch;
    return TIDE_OK;
}

int tide_watch_descriptor(const struct tide_watch *watch)
{
    return control_client_descriptor(watch->client);
}

enum tide_result tide_watch_next(struct tide_watch *watch, int timeout_ms,
                                 json_t **out_change_set, struct tide_error *err)
{
    int64_t timeout_us = timeout_ms < 0 ? -1 : timeout_ms * US_PER_MS;
    struct error why = {0};
    enum outcome outcome = receive(watch->client, timeout_us, out_change_set, &why);

    if (outcome == FAILED)
        return offline(&why, err);
    return outcome == OK ? TIDE_OK : TIDE_TIMED_OUT;
}

void tide_watch_free(struct tide_watch *watch)
{
    if (!watch)
        return;
    control_client_free(watch->client);
    free(watch);
}
