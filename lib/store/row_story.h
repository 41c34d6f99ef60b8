/*
 * Row story: where the values of one row came from: the last pull, changes that wait,
 * changes that were refused, conflicts. Read from the file alone.
 */
#ifndef LIB_STORE_ROW_STORY_H
#define LIB_STORE_ROW_STORY_H

#include "lib/base/error.h"

#include <jansson.h>

struct database;

/*
 * {"v":1,"kind":"explain","table","key":["…"],"row":{column: value}|null,
 *  "complete_up_to":"…Z","refetch":false,
 *  "pending":[{"operation","columns":{column: value before, quoted},"changed_at"}],
 *  "rejected":[as in change_report.h],"conflicts":[as there]}
 *
 * key: one text for a key of one column, a JSON array for more. ERROR_INVALID: no such
 * table, or not such a key.
 */
MUST_CHECK enum outcome row_story(struct database *db, const char *table, const char *key,
                                  json_t **out_document, struct error *err);

#endif
