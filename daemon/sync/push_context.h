/*
 * Push context: what the files of one push share, and the rows that the primary refused
 * in it.
 */
#ifndef DAEMON_SYNC_PUSH_CONTEXT_H
#define DAEMON_SYNC_PUSH_CONTEXT_H

#include "daemon/primary/primary_pipeline.h"
#include "daemon/primary/primary_query.h"
#include "lib/store/push_outcomes.h"
#include "lib/store/staging.h"

/* A row that was refused, and why. */
struct push_refusal {
    int64_t ordinal;
    char sqlstate[6];
    char *message;
    char *constraint;  /* NULL: none */
    bool may_be_there; /* it was sent and may have had an effect */
};

struct push_refusals {
    struct push_refusal *items;
    size_t count;
};

struct push_context {
    struct primary *primary;
    struct staging *staging;
    struct push_outcomes *outcomes;
    int64_t clock_offset_us;
    bool
        schema_is_settled; /* reading it again has not helped: its errors are the rows' */
    bool isolates;         /* failures that should pass are the rows' too, for a while */
    const struct table *lacking; /* that the role may not write; NULL: none is known */
    struct push_refusals refusals;
};

/* Refuses one row, in our own words. */
MUST_CHECK enum outcome push_refuse_row(struct push_context *context, int64_t ordinal,
                                        const char *sqlstate, const char *message,
                                        struct error *err);
/* A text with a NUL byte: the primary has no such texts. */
MUST_CHECK enum outcome push_refuse_unsendable(struct push_context *context,
                                               int64_t ordinal, struct error *err);
/* Messages are copied. */
MUST_CHECK enum outcome push_refuse(struct push_context *context,
                                    const struct push_refusal *refusal,
                                    struct error *err);
/* Keeps the first `count`. */
void push_refusals_cut(struct push_refusals *refusals, size_t count);
void push_refusals_release(struct push_refusals *refusals); /* a zeroed one is fine */

/* Whether it is of a kind that passes by itself and that a row may cause all the same,
 * for ever: a trigger that raises it. */
bool push_may_be_stubborn(const char *sqlstate);

/* The failure's, or "". */
const char *push_sqlstate(const struct error *err);

/* Whether a failure is about rows, and not about the network, the server or us. */
bool push_is_refusal(const struct push_context *context, const struct error *err);

/*
 * Ends a pipeline in which something failed. When a row is to blame the transaction is
 * kept, to go on from a savepoint; else it is rolled back. Returns FAILED.
 */
enum outcome push_break_off(struct push_context *context,
                            struct primary_pipeline *pipeline, struct error *err);

/* Reads one row that was staged, which is valid until the reader is freed. */
MUST_CHECK enum outcome push_read_row(struct push_context *context,
                                      const struct staged_group *group, int64_t ordinal,
                                      struct staging_reader **out_reader,
                                      struct staged_row *out_row, struct error *err);
void push_reader_free(struct staging_reader **reader); /* for OWNED() */

#endif
