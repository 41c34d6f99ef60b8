/*
 * Staging: what one push brings to the primary, folded, ordered and ready to be sent, in
 * TEMP tables of the cache's write connection: flat memory for a push of any size, and no
 * lock on the cache.
 *
 * staging_fill() reads outbox and rows in one read transaction of its own. After it the
 * cache is not looked at until the outcomes are recorded. One staging at a time on a
 * connection. Belongs to the thread of the database.
 *
 * Order: inserts, updates, deletes; tables as in the request (deletes the other way
 * round); rows that carry the same columns; first edit first. Rows of one table that
 * refer to each other are in one group in the order they were made: within one statement
 * the primary checks its foreign keys at the end.
 *
 * A unit of work is what lies between its marks: SQLite has one writer, so all of that is
 * of one transaction. A begin without an end ends at the next begin, or at the cut.
 */
#ifndef LIB_STORE_STAGING_H
#define LIB_STORE_STAGING_H

#include "lib/store/outbox.h"

struct staging;

/* In this order they are sent. */
enum staged_phase { STAGED_INSERT, STAGED_UPDATE, STAGED_DELETE };

MUST_CHECK enum outcome staging_new(struct staging **out_staging, struct database *db,
                                    struct error *err);
void staging_free(struct staging *staging); /* NULL is fine */

struct staging_request {
    const struct outbox_tables *tables; /* parents before children; borrowed until the
                                           next fill */
    int64_t through;                    /* last sequence to take: a boundary */
    /* Rows of this table carry all their columns, for an insert in place of an update
     * that finds its row gone. */
    bool (*wants_whole_rows)(const struct table *table);
};

struct staging_summary {
    int64_t through;          /* last sequence that there is up to the request's */
    int64_t row_count;        /* to be sent; may be 0 */
    int64_t entry_count;      /* with marks and entries of unknown tables */
    int64_t unknown_table_id; /* an entry of a table that is not mirrored; 0: none */
};

/* Forgets what was staged before. NOTHING: the outbox holds nothing up to there. Rows
 * with nothing to send are not staged but noted as clean. */
MUST_CHECK enum outcome staging_fill(struct staging *staging,
                                     const struct staging_request *request,
                                     struct staging_summary *out_summary,
                                     struct error *err);

/* Rows that were captured, in part or whole, and have (also) nothing to send: they are to
 * be read again. *position is 0 at first; out_key is canonical, to be freed. */
MUST_CHECK enum outcome staging_next_clean(struct staging *staging, int64_t *position,
                                           const struct table **out_table, char **out_key,
                                           struct error *err);

/* Neighbours in the order of sending that share phase, table and columns. */
struct staged_group {
    enum staged_phase phase;
    const struct table *table;
    size_t *columns; /* column indexes of what each row carries: all that are not
                        generated (insert), the dirty ones (update; none: only updated_at
                        was written), the base's that are not generated (delete) */
    size_t column_count;
    int64_t first; /* ordinals of its rows: first … last, without gaps */
    int64_t last;
};
void staged_group_release(struct staged_group *group);

/* The group that holds the first row with ordinal >= from that is not set aside; NOTHING:
 * none up to and including `to`. The group is cut off at `to`. */
MUST_CHECK enum outcome staging_group_at(struct staging *staging, int64_t from,
                                         int64_t to, struct staged_group *out_group,
                                         struct error *err);

struct staged_value {
    struct value local; /* update, insert: as it is to be */
    struct value base; /* update, delete: what it was; unset (VALUE_NULL) for an insert */
};

struct staged_row {
    int64_t ordinal;
    const char *row_key; /* canonical */
    int64_t changed_us;  /* last edit, by the device's clock */
    int64_t first_sequence;
    const struct staged_value *values; /* one for each column of its group */
    const struct value *whole;         /* all columns, or NULL */
};

/*
 * Reads the group's rows with ordinal >= from that are not set aside, one call each; the
 * row is valid until the next call.
 */
struct staging_reader; /* opaque */
MUST_CHECK enum outcome staging_reader_new(struct staging_reader **out_reader,
                                           struct staging *staging,
                                           const struct staged_group *group, int64_t from,
                                           struct error *err);
MUST_CHECK enum outcome staging_reader_next(struct staging_reader *reader,
                                            struct staged_row *out_row,
                                            struct error *err);
void staging_reader_free(struct staging_reader *reader); /* NULL is fine */

/* ---- what is set aside ---- */

struct staged_refusal {
    const char *sqlstate;
    const char *message;
    const char *constraint; /* NULL: none */
};

/* The row is refused: it is not sent again in this push. One that is set aside already
 * keeps its first reason. */
MUST_CHECK enum outcome staging_refuse(struct staging *staging, int64_t ordinal,
                                       const struct staged_refusal *refusal,
                                       struct error *err);

/*
 * Sets aside with the refused rows what depends on them: rows whose foreign key (as far
 * as they write it) names a refused row that is an insert, all rows of the units of work
 * they are in, and so on until nothing is added. out_added: how many.
 */
MUST_CHECK enum outcome staging_close(struct staging *staging, int64_t *out_added,
                                      struct error *err);

/* Nothing is set aside any more: all rows are sent. */
MUST_CHECK enum outcome staging_take_back(struct staging *staging, struct error *err);

/*
 * All rows set aside, in order, valid until the next call: the refusal (of its own or of
 * its cause), the row, its columns, the ordinal of the row that it was set aside for (0:
 * refused for itself) and its unit (0: none; units that share a row carry one number,
 * that of the first that was set aside).
 */
struct staged_outcast {
    const struct table *table;
    enum staged_phase phase;
    struct staged_row row;
    const size_t *columns;
    size_t column_count;
    struct staged_refusal refusal;
    int64_t cause_ordinal;
    int64_t unit;
};
MUST_CHECK enum outcome staging_next_outcast(struct staging *staging, int64_t *position,
                                             struct staged_outcast *out_outcast,
                                             struct error *err);

#endif
