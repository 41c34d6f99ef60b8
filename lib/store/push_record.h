/*
 * Push record: who this cache is for the primary's ledger, and the push in flight.
 *
 * A push is exactly once because its id stands in both places: the ledger moves from
 * last_push to the new id in the primary's transaction; before COMMIT is sent the cache
 * holds a record of it with every outcome that is not plain success. After a crash or a
 * lost answer the ledger tells which of finish and forget is right.
 *
 * Functions that write make a transaction of their own. Belongs to the thread of the
 * database.
 */
#ifndef LIB_STORE_PUSH_RECORD_H
#define LIB_STORE_PUSH_RECORD_H

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct database;
struct outbox_tables;

#define PUSH_ID_SIZE 37 /* a UUID and its NUL */

struct push_device {
    char device_id[PUSH_ID_SIZE];
    bool registered;              /* the ledger has our row, or had it */
    char last_push[PUSH_ID_SIZE]; /* "": none yet */
    int64_t failures;             /* push_record_put_failures() */
    bool primary_changed; /* it was restored, promoted or exchanged since the ledger was
                             last seen to agree */
};

/* Makes the device on the first call. */
MUST_CHECK enum outcome push_record_device(struct database *db,
                                           struct push_device *out_device,
                                           struct error *err);
/* Whether the primary has a ledger, with our row in it. */
MUST_CHECK enum outcome push_record_registered(struct database *db, bool registered,
                                               struct error *err);
/* For the caller's transaction: a row that the ledger does not have is no accident now.
 * Until a push has arrived. */
MUST_CHECK enum outcome push_record_primary_changed(struct database *db,
                                                    struct error *err);

/* How many attempts in a row have failed that might have passed: for the next process
 * too. No more of them than something follows from. */
MUST_CHECK enum outcome push_record_put_failures(struct database *db, int64_t failures,
                                                 struct error *err);

/* Another device from now on, that no ledger knows: for a copied cache. */
MUST_CHECK enum outcome push_record_new_device(struct database *db, struct error *err);

/* A random (version 4) UUID. */
MUST_CHECK enum outcome push_record_new_id(char out_id[static PUSH_ID_SIZE],
                                           struct error *err);

/* Whether a push of that id was ours once. */
MUST_CHECK enum outcome push_record_knows(struct database *db, const char *push_id,
                                          bool *out_knows, struct error *err);

struct push_in_flight {
    char push_id[PUSH_ID_SIZE];
    int64_t through; /* last sequence of the outbox that it holds */
};

/* NOTHING: none. */
MUST_CHECK enum outcome push_record_in_flight(struct database *db,
                                              struct push_in_flight *out_push,
                                              struct error *err);

/*
 * Makes the record durable (synchronous=FULL, and with it every commit before): the
 * caller has begun a transaction and added outcomes with this push's id; this adds the
 * record, commits, and has the disk write it all down. Rows to be read again go to
 * tide_push_refetch before. FAILED: the transaction may be open, to be rolled back, or
 * the record may be there: the primary's COMMIT must not be sent, push_record_in_flight()
 * says what is there.
 */
MUST_CHECK enum outcome push_record_put(struct database *db,
                                        const struct push_in_flight *push,
                                        struct error *err);
MUST_CHECK enum outcome push_record_add_refetch(struct database *db, const char *table,
                                                const char *row_key, struct error *err);

/*
 * The push arrived: entries through its sequence go, entries of rejected rows go
 * altogether, outcomes are filed, rows to be read again are on tide_refetch, last_push
 * has moved. One transaction.
 */
MUST_CHECK enum outcome push_record_finish(struct database *db,
                                           const struct outbox_tables *tables,
                                           const struct push_in_flight *push,
                                           struct error *err);

/* The push did not arrive: its outcomes go. keep_local_wins: conflicts that the local
 * side won are filed all the same (a primary without a ledger cannot tell). */
MUST_CHECK enum outcome push_record_forget(struct database *db,
                                           const struct push_in_flight *push,
                                           bool keep_local_wins, struct error *err);

#endif
