/*
 * Row change: the values that an application gives for columns of one row, checked and
 * typed, and the statements that write them as applications do.
 */
#ifndef LIB_REPOSITORY_ROW_CHANGE_H
#define LIB_REPOSITORY_ROW_CHANGE_H

#include "lib/repository/repository.h"

struct row_change {
    struct tide_repository *repository; /* borrowed */
    size_t *columns;
    struct row_json_cell *cells; /* one for each of them */
    size_t count;
};

/*
 * ERROR_INVALID: values is no object, names a column that is not there or that is not an
 * application's to write, or holds what the column cannot.
 */
MUST_CHECK enum outcome row_change_init(struct row_change *change,
                                        struct tide_repository *repository,
                                        const json_t *values, struct error *err);
void row_change_release(struct row_change *change); /* a zeroed one is fine */

/* Puts the column owner_id to it; nothing when the table has none, or owner_id is NULL.
 */
MUST_CHECK enum outcome row_change_set_owner(struct row_change *change,
                                             const char *owner_id, struct error *err);

/* Puts deleted_at to now, or takes it back. */
MUST_CHECK enum outcome row_change_set_deleted(struct row_change *change, bool deleted,
                                               struct error *err);

/* Drops the columns that the row holds already. */
MUST_CHECK enum outcome row_change_keep_new(struct row_change *change,
                                            const struct value *row, struct error *err);

/* Writes a new row; its key is read into *key. ERROR_CONFLICT names the row that is in
 * the way. */
MUST_CHECK enum outcome row_change_insert(const struct row_change *change,
                                          struct repository_key *key, struct error *err);

/* Writes to the row with the key; row: its values now. ERROR_CONFLICT as above. */
MUST_CHECK enum outcome row_change_update(const struct row_change *change,
                                          const struct value *key,
                                          const struct value *row, struct error *err);

#endif
