/*
 * Status document: the facts behind a status board, and the JSON made of them.
 *
 * Not thread-safe: the board's lock is around it.
 */
#ifndef DAEMON_SYNC_STATUS_DOCUMENT_H
#define DAEMON_SYNC_STATUS_DOCUMENT_H

#include "daemon/sync/status_board.h"

struct status_primary {
    char host[256];
    char port[16];
    char database[128];
    char user[128];
    bool connected;
    bool tls;
    bool pooler;
    bool standby;
    int server_version;
    int64_t round_trip_us;
};

struct status_table {
    char *name;
    char *schema;
    char *cursor;
    char *failure;
    enum table_state state;
    bool tracked;
    bool has_row_count;
    int64_t rows;
    int64_t mark_us; /* 0: none yet */
    int64_t swept_us;
    bool visible;
    bool has_delta; /* between sweeps: it has updated_at or deleted_at */
};

struct status_progress {
    bool active;
    char table[256];
    size_t tables_done;
    size_t tables;
    int64_t rows;
    int64_t rows_at_start; /* of this run: a resumed copy does not count what it found */
    int64_t rows_expected;
    int64_t bytes;
    int64_t started_us;       /* monotonic */
    int64_t table_started_us; /* monotonic */
};

struct status_facts {
    struct status_promises promises;
    enum sync_state state;
    int64_t since_us;
    bool has_reason;
    struct error reason;
    int64_t next_try_us;
    struct status_primary primary;
    struct status_table *tables;
    size_t table_count;
    bool tables_known; /* else none were looked at yet: there may be some */
    struct table_refusal *refusals;
    size_t refusal_count;
    struct status_progress progress;
    int64_t rounds;
    int64_t last_round_us;
    int64_t last_round_at_us;
    struct change_counts changes;
    struct status_push push;
    int64_t push_since_us;
    struct histogram write_lock;
};

void status_facts_release(struct status_facts *facts);
MUST_CHECK enum outcome status_facts_take_tables(struct status_facts *facts,
                                                 const struct followed_set *followed,
                                                 struct error *err);

/* Pieces of the document. */
json_t *status_time(int64_t time_us); /* null for 0 */
json_t *status_seconds(int64_t duration_us);
/* Text that may not be UTF-8, cut short in a character for example. */
json_t *status_text(const char *text);
json_t *status_reason(const struct error *reason); /* null for NULL */

/* The members "pending", "rejected", "conflicts", "push" and "write_lock"; NULL: out of
 * memory. */
json_t *status_changes_document(const struct status_facts *facts);

/* "cost.resident_bytes" is the daemon's memory: null where none is at work. */
json_t *status_facts_document(const struct status_facts *facts);

#endif
