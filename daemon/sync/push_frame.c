/* The half of push_part.h that speaks of savepoints. */
#include "daemon/sync/push_part.h"

#include "daemon/sync/push_statement.h"
#include "lib/base/cleanup.h"
#include "push_ledger.sql.h"

#define FRAME_STATEMENTS 2

static void statements_of(enum push_frame frame, const struct sql **out_statements)
{
    static const struct {
        const struct sql *statements[FRAME_STATEMENTS];
    } frames[] = {
        [PUSH_FRAME_NEW] = {{&push_ledger_sql.open_push, &push_ledger_sql.open_part}},
        [PUSH_FRAME_AGAIN] = {{&push_ledger_sql.reopen_push, &push_ledger_sql.open_part}},
        [PUSH_FRAME_KEPT] = {{&push_ledger_sql.close_part, &push_ledger_sql.open_part}},
        [PUSH_FRAME_REFUSED] = {{&push_ledger_sql.undo_part, &push_ledger_sql.defer}},
    };

    for (size_t i = 0; i < FRAME_STATEMENTS; i++)
        out_statements[i] = frames[frame].statements[i];
}

enum outcome push_frame_send(enum push_frame frame, struct primary_pipeline *pipeline,
                             struct error *err)
{
    const struct sql *statements[FRAME_STATEMENTS];

    statements_of(frame, statements);
    for (size_t i = 0; i < FRAME_STATEMENTS; i++)
        if (push_statement_send_text(pipeline, statements[i], err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome push_frame_read(enum push_frame frame, struct primary_pipeline *pipeline,
                             struct error *err)
{
    const struct sql *statements[FRAME_STATEMENTS];

    statements_of(frame, statements);
    for (size_t i = 0; i < FRAME_STATEMENTS; i++)
        if (push_statement_read_done(pipeline, statements[i], err) == FAILED)
            return FAILED;
    return OK;
}

enum outcome push_frame_end(enum push_frame *frame, struct primary *primary,
                            struct error *err)
{
    const struct sql *statement = NULL;

    if (*frame == PUSH_FRAME_REFUSED)
        statement = &push_ledger_sql.undo_part;
    else if (*frame == PUSH_FRAME_AGAIN)
        statement = &push_ledger_sql.reopen_push;
    if (!statement)
        return OK;
    *frame = PUSH_FRAME_KEPT;
    return primary_run(primary, statement, NULL, 0, err);
}
