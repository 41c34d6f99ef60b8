/*
 * Outbox: local changes that the primary has not acknowledged yet, oldest first.
 *
 * The capture triggers append to it inside the application's own transaction; this module
 * reads and removes. Belongs to the thread of the database.
 */
#ifndef LIB_STORE_OUTBOX_H
#define LIB_STORE_OUTBOX_H

#include "lib/db/statement.h"
#include "lib/model/pending_change.h"

struct database;

/* The mirrored tables by the number that the triggers write. Borrowed. */
struct outbox_table {
    int64_t table_id;
    const struct table *table;
};
struct outbox_tables {
    const struct outbox_table *items;
    size_t count;
};
/* NULL: no such table. */
const struct table *outbox_tables_named(const struct outbox_tables *tables,
                                        const char *name);
const struct table *outbox_tables_find(const struct outbox_tables *tables,
                                       int64_t table_id);
int64_t outbox_tables_id(const struct outbox_tables *tables, const struct table *table);

/* Of what is not held back (outbox_hold.h); NOTHING: there is none. */
MUST_CHECK enum outcome outbox_first_sequence(struct database *db, int64_t *out_sequence,
                                              struct error *err);

/* 0 for an empty one. Every value ever returned is a boundary between transactions. */
MUST_CHECK enum outcome outbox_last_sequence(struct database *db, int64_t *out_sequence,
                                             struct error *err);

/* Reads entries with sequence > after, in order. Entries of unknown tables keep the
 * trigger's spelling of their key. */
struct outbox_reader {
    struct statement query;
    const struct outbox_tables *tables;
};
MUST_CHECK enum outcome outbox_reader_init(struct outbox_reader *reader,
                                           struct database *db,
                                           const struct outbox_tables *tables,
                                           int64_t after, struct error *err);
/* out_entry is released first. NOTHING after the last. */
MUST_CHECK enum outcome outbox_reader_next(struct outbox_reader *reader,
                                           struct outbox_entry *out_entry,
                                           struct error *err);
void outbox_reader_release(struct outbox_reader *reader);

/* For queries of other modules: op, base and changed_at stand at `column` and the next
 * two. entry: as zeroed but for sequence, table_id and row_key. Errors name the
 * sequence. */
MUST_CHECK enum outcome outbox_entry_read(struct outbox_entry *entry,
                                          const struct statement *query, int column,
                                          struct error *err);

/* In the caller's transaction. */
MUST_CHECK enum outcome outbox_delete_through(struct database *db, int64_t sequence,
                                              struct error *err);

#endif
