#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/store/staging_state.h"
#include "staging.sql.h"

#include <stdlib.h>

/* The next ordinal of each group, by number of the group. */
struct numbering {
    int64_t *next;
    size_t room;
};

static void numbering_release(struct numbering *numbering)
{
    free(numbering->next);
}

static enum outcome put_next(struct numbering *numbering, size_t group, int64_t ordinal,
                             struct error *err)
{
    if (group >= numbering->room) {
        size_t room = 2 * group + 8;
        int64_t *next = reallocarray(numbering->next, room, sizeof(*next));

        if (!next)
            return error_out_of_memory(err);
        numbering->next = next;
        numbering->room = room;
    }
    numbering->next[group] = ordinal;
    return OK;
}

static enum outcome bound_group(struct statement *bound, int64_t group, int64_t first,
                                int64_t last, struct error *err)
{
    statement_bind_int(bound, 1, first);
    statement_bind_int(bound, 2, last);
    statement_bind_int(bound, 3, group);
    return statement_run(bound, err);
}

/* Ordinals in the order of the groups: each has as many as it has rows. */
static enum outcome bound_groups(struct staging *staging, struct numbering *numbering,
                                 struct error *err)
{
    OWNED(statement_release) struct statement groups = {0};
    OWNED(statement_release) struct statement bound = {0};
    int64_t first = 1;
    enum outcome outcome;

    if (statement_prepare(&groups, staging->db, &staging_sql.groups, err) == FAILED ||
        statement_prepare(&bound, staging->db, &staging_sql.bound_group, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&groups, err)) == OK) {
        int64_t group = statement_column_int(&groups, 0);
        int64_t rows = statement_column_int(&groups, 1);

        if (put_next(numbering, (size_t)group, first, err) == FAILED ||
            bound_group(&bound, group, first, first + rows - 1, err) == FAILED)
            return FAILED;
        first += rows;
    }
    return outcome == FAILED ? FAILED : OK;
}

/* Within a group the first edit comes first. One number to sort by is what SQLite sorts
 * quickest. */
static enum outcome number_rows(struct staging *staging, struct numbering *numbering,
                                struct error *err)
{
    OWNED(statement_release) struct statement drafts = {0};
    OWNED(statement_release) struct statement number = {0};
    enum outcome outcome;

    if (statement_prepare(&drafts, staging->db, &staging_sql.drafts, err) == FAILED ||
        statement_prepare(&number, staging->db, &staging_sql.number_row, err) == FAILED)
        return FAILED;
    while ((outcome = statement_step(&drafts, err)) == OK) {
        int64_t group = statement_column_int(&drafts, 1);

        statement_bind_int(&number, 1, numbering->next[group]++);
        statement_bind_int(&number, 2, statement_column_int(&drafts, 0));
        statement_bind_int(&number, 3, group);
        if (statement_run(&number, err) == FAILED)
            return FAILED;
    }
    return outcome == FAILED ? FAILED : OK;
}

enum outcome staging_number(struct staging *staging, struct error *err)
{
    OWNED(numbering_release) struct numbering numbering = {0};

    if (bound_groups(staging, &numbering, err) == FAILED ||
        number_rows(staging, &numbering, err) == FAILED)
        return FAILED;
    return database_run_sql(staging->db, &staging_sql.number_members, err);
}
