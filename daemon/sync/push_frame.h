/*
 * Push frame: what stands around the parts of a push in its one transaction: savepoints,
 * and the check of constraints at a part's end.
 */
#ifndef DAEMON_SYNC_PUSH_FRAME_H
#define DAEMON_SYNC_PUSH_FRAME_H

#include "lib/base/error.h"

struct primary;
struct primary_pipeline;

/* Opens the transaction. FAILED leaves none open, even if it came as far as BEGIN. */
MUST_CHECK enum outcome push_frame_begin(struct primary *primary, struct error *err);

/* What must be said before the next part. */
enum push_frame {
    PUSH_FRAME_NEW,     /* nothing was sent yet */
    PUSH_FRAME_AGAIN,   /* everything is to be undone but the ledger's move */
    PUSH_FRAME_KEPT,    /* the last part stays */
    PUSH_FRAME_REFUSED, /* the last part is to be undone */
};

/* Queues the savepoint of the next part, and reads what came of that. */
MUST_CHECK enum outcome push_frame_send(enum push_frame frame,
                                        struct primary_pipeline *pipeline,
                                        struct error *err);
MUST_CHECK enum outcome push_frame_read(enum push_frame frame,
                                        struct primary_pipeline *pipeline,
                                        struct error *err);
/* After the last part: so that the transaction can be committed. */
MUST_CHECK enum outcome push_frame_end(enum push_frame *frame, struct primary *primary,
                                       struct error *err);

/* Queues the check of all constraints that were put off until now, and reads what came of
 * it. FAILED with the complaint of the one that is broken. */
MUST_CHECK enum outcome push_frame_send_check(struct primary_pipeline *pipeline,
                                              struct error *err);
MUST_CHECK enum outcome push_frame_read_check(struct primary_pipeline *pipeline,
                                              struct error *err);

#endif
