#include "daemon/sync/push_frame.h"

#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "daemon/sync/push_statement.h"
#include "lib/base/cleanup.h"
#include "push_frame.sql.h"

enum outcome push_frame_begin(struct primary *primary, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};

    buffer_append_text(&sql, push_frame_sql.begin.text);
    primary_append_transaction_pins(primary, &sql);
    buffer_append_text(&sql, push_frame_sql.defer.text);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    if (primary_run_text(primary, push_frame_sql.begin.name, sql.data, err) == OK)
        return OK;
    primary_end_reading(primary);
    return FAILED;
}

#define FRAME_STATEMENTS 2

static void statements_of(enum push_frame frame, const struct sql **out_statements)
{
    static const struct {
        const struct sql *statements[FRAME_STATEMENTS];
    } frames[] = {
        [PUSH_FRAME_NEW] = {{&push_frame_sql.open_push, &push_frame_sql.open_part}},
        [PUSH_FRAME_AGAIN] = {{&push_frame_sql.reopen_push, &push_frame_sql.open_part}},
        [PUSH_FRAME_KEPT] = {{&push_frame_sql.close_part, &push_frame_sql.open_part}},
        [PUSH_FRAME_REFUSED] = {{&push_frame_sql.undo_part, &push_frame_sql.defer}},
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
        statement = &push_frame_sql.undo_part;
    else if (*frame == PUSH_FRAME_AGAIN)
        statement = &push_frame_sql.reopen_push;
    if (!statement)
        return OK;
    *frame = PUSH_FRAME_KEPT;
    return primary_run(primary, statement, NULL, 0, err);
}

enum outcome push_frame_send_check(struct primary_pipeline *pipeline, struct error *err)
{
    if (push_statement_send_text(pipeline, &push_frame_sql.check, err) == FAILED)
        return FAILED;
    return push_statement_send_text(pipeline, &push_frame_sql.defer, err);
}

enum outcome push_frame_read_check(struct primary_pipeline *pipeline, struct error *err)
{
    if (push_statement_read_done(pipeline, &push_frame_sql.check, err) == FAILED)
        return FAILED;
    return push_statement_read_done(pipeline, &push_frame_sql.defer, err);
}
