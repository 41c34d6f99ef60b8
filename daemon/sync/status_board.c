#include "daemon/sync/status_board.h"

#include "daemon/sync/status_document.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct status_board {
    pthread_mutex_t lock;
    struct status_facts facts;
};

const char *sync_state_name(enum sync_state state)
{
    static const char *const names[] = {
        [SYNC_STOPPED] = "stopped",         [SYNC_FIRST] = "first sync",
        [SYNC_CATCHING_UP] = "catching up", [SYNC_LIVE] = "live",
        [SYNC_OFFLINE] = "offline",         [SYNC_PAUSED] = "paused",
        [SYNC_BLOCKED] = "blocked",
    };

    return names[state];
}

enum outcome status_board_new(struct status_board **out_board,
                              const struct status_promises *promises, struct error *err)
{
    struct status_board *board = calloc(1, sizeof(*board));

    if (!board)
        return error_out_of_memory(err);
    pthread_mutex_init(&board->lock, NULL);
    board->facts.promises = *promises;
    board->facts.since_us = board->facts.push_since_us = clock_now_us();
    *out_board = board;
    return OK;
}

void status_board_free(struct status_board *board)
{
    if (!board)
        return;
    status_facts_release(&board->facts);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

/* Until the end of the block. */
#define LOCKED(board)                                                                    \
    OWNED(unlock) pthread_mutex_t *held_ = &(board)->lock;                               \
    pthread_mutex_lock(held_)

void status_board_set_promises(struct status_board *board,
                               const struct status_promises *promises)
{
    LOCKED(board);
    board->facts.promises = *promises;
}

bool status_board_set_state(struct status_board *board, enum sync_state state,
                            const struct error *reason, int64_t next_try_us)
{
    struct status_facts *facts = &board->facts;
    bool has_reason = reason != NULL;
    bool changed;

    LOCKED(board);
    changed = state != facts->state || has_reason != facts->has_reason ||
              (reason && strcmp(reason->message, facts->reason.message) != 0);
    if (state != facts->state)
        facts->since_us = clock_now_us();
    facts->state = state;
    facts->has_reason = has_reason;
    if (reason)
        facts->reason = *reason;
    facts->next_try_us = next_try_us;
    return changed;
}

enum sync_state status_board_state(struct status_board *board, int64_t *out_since_us)
{
    LOCKED(board);
    *out_since_us = board->facts.since_us;
    return board->facts.state;
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

void status_board_set_primary(struct status_board *board, const struct primary_info *info)
{
    struct status_primary *primary = &board->facts.primary;

    LOCKED(board);
    primary->connected = info != NULL;
    if (!info)
        return;
    copy_text(primary->host, sizeof(primary->host), info->host);
    copy_text(primary->port, sizeof(primary->port), info->port);
    copy_text(primary->database, sizeof(primary->database), info->database);
    copy_text(primary->user, sizeof(primary->user), info->user);
    primary->tls = info->tls;
    primary->pooler = info->transaction_pooler;
    primary->standby = info->in_recovery;
    primary->server_version = info->server_version;
    primary->round_trip_us = info->round_trip_us;
}

enum outcome status_board_set_tables(struct status_board *board,
                                     const struct followed_set *followed,
                                     struct error *err)
{
    LOCKED(board);
    return status_facts_take_tables(&board->facts, followed, err);
}

enum outcome status_board_knows_table(struct status_board *board, const char *name,
                                      struct error *err)
{
    const struct status_facts *facts = &board->facts;

    LOCKED(board);
    for (size_t i = 0; i < facts->table_count; i++)
        if (strcasecmp(facts->tables[i].name, name) == 0)
            return OK;
    if (facts->table_count == 0)
        return OK;
    error_set(err, ERROR_INVALID, "%s is not a mirrored table", name);
    return error_hint(err, "`tidemark status` lists the mirrored tables");
}

static void start_progress(struct status_progress *progress, const char *table)
{
    if (!progress->active)
        progress->started_us = clock_monotonic_us();
    copy_text(progress->table, sizeof(progress->table), table);
    progress->table_started_us = clock_monotonic_us();
    progress->rows_at_start = -1;
    progress->active = true;
}

void status_board_set_progress(struct status_board *board,
                               const struct followed_table *followed, size_t tables_done,
                               size_t tables)
{
    struct status_progress *progress = &board->facts.progress;

    LOCKED(board);
    if (!followed) {
        *progress = (struct status_progress){0};
        return;
    }
    if (!progress->active || strcmp(progress->table, followed->table->name) != 0)
        start_progress(progress, followed->table->name);
    if (progress->rows_at_start < 0)
        progress->rows_at_start = followed->copy.row_count;
    progress->tables_done = tables_done;
    progress->tables = tables;
    progress->rows = followed->copy.row_count;
    progress->bytes = followed->copy.byte_count;
    progress->rows_expected = followed->table->estimated_rows;
}

void status_board_set_changes(struct status_board *board, struct change_counts *counts)
{
    LOCKED(board);
    change_counts_release(&board->facts.changes);
    board->facts.changes = TAKE(*counts);
}

void status_board_set_push(struct status_board *board, const struct status_push *push)
{
    struct status_facts *facts = &board->facts;

    LOCKED(board);
    if (push->state != facts->push.state)
        facts->push_since_us = clock_now_us();
    facts->push = *push;
}

void status_board_set_write_lock(struct status_board *board,
                                 const struct histogram *write_lock)
{
    LOCKED(board);
    board->facts.write_lock = *write_lock;
}

void status_board_count_round(struct status_board *board, int64_t duration_us)
{
    LOCKED(board);
    board->facts.rounds++;
    board->facts.last_round_us = duration_us;
    board->facts.last_round_at_us = clock_now_us();
}

json_t *status_board_document(struct status_board *board)
{
    LOCKED(board);
    return status_facts_document(&board->facts);
}
