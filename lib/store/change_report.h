/*
 * Change report: what waits for the primary, what it refused and what lost, as the JSON
 * documents that `tidemark outbox`, `rejected` and `conflicts` print. Read from the file
 * alone.
 *
 * Every document has "v":1 and "kind". Blobs show as "\x…", values that are no UTF-8 with
 * replacement characters.
 */
#ifndef LIB_STORE_CHANGE_REPORT_H
#define LIB_STORE_CHANGE_REPORT_H

#include "lib/base/error.h"

#include <jansson.h>
#include <stdint.h>

struct database;

/*
 * {"kind":"outbox","count":14,"entries":20,"oldest":"…Z",
 *  "changes":[{"table","key":["…"],"operation","columns":["…"],"entries","first_changed_at",
 *              "last_changed_at"}]}        in order of their first entry
 * operation and columns: what will be sent (change_forecast.h).
 */
MUST_CHECK enum outcome change_report_outbox(struct database *db, json_t **out_document,
                                             struct error *err);

/* Which of them: by id (0: any), by table and canonical key (NULL: any). */
struct change_filter {
    int64_t id;
    const char *table;
    const char *row_key;
};

/*
 * {"kind":"rejected","count":1,"changes":[{"id","table","key","operation","sqlstate","message",
 *  "constraint","cause","unit","changed_at","rejected_at",
 *  "columns":[{"name","base","value"}]}]}
 * id 0: all. ERROR_INVALID: there is no such one.
 */
MUST_CHECK enum outcome change_report_rejected(struct database *db, int64_t id,
                                               json_t **out_document, struct error *err);

/*
 * {"kind":"conflicts","count":1,"open":0,"conflicts":[{"id","table","key","rule","winner","open",
 *  "changed_at","found_at","columns":[{"name","base","local","remote"}]}]}
 */
MUST_CHECK enum outcome change_report_conflicts(struct database *db, int64_t id,
                                                json_t **out_document, struct error *err);

/* The arrays inside those two. */
MUST_CHECK enum outcome change_report_rejected_rows(struct database *db,
                                                    const struct change_filter *filter,
                                                    json_t **out_rows, struct error *err);
MUST_CHECK enum outcome change_report_conflict_rows(struct database *db,
                                                    const struct change_filter *filter,
                                                    json_t **out_rows, struct error *err);

#endif
