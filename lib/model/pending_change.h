/*
 * Pending change: all outbox entries of one row, folded.
 *
 *   first entry   later                      folded
 *   insert                                   PENDING_INSERT
 *                 delete                     PENDING_NOTHING (until inserted again)
 *   update                                   PENDING_UPDATE
 *                 insert                     PENDING_INSERT, unless a delete came before
 *                 delete                     PENDING_DELETE, its old values fill the base
 *   delete                                   PENDING_DELETE
 *                 insert                     PENDING_UPDATE
 *
 * The first base of a column wins. Entries behind a cut are not folded in: they tell what
 * the row looked like at the cut. Pure; owns its bases.
 */
#ifndef LIB_MODEL_PENDING_CHANGE_H
#define LIB_MODEL_PENDING_CHANGE_H

#include "lib/model/change_base.h"
#include "lib/model/table.h"
#include "lib/model/value.h"

#include <stdint.h>

enum outbox_operation {
    OUTBOX_NONE = 0,
    OUTBOX_INSERT,
    OUTBOX_UPDATE,
    OUTBOX_DELETE,
    OUTBOX_UNIT_BEGIN,
    OUTBOX_UNIT_END,
};

/* "insert" …; OUTBOX_NONE for any other text. */
enum outbox_operation outbox_operation_read(const char *text);
const char *outbox_operation_name(enum outbox_operation operation);

enum pending_kind {
    PENDING_NOTHING,
    PENDING_INSERT,
    PENDING_UPDATE,
    PENDING_DELETE,
};

/* What the folded entries come to; OUTBOX_UPDATE for nothing at all. */
enum outbox_operation pending_kind_operation(enum pending_kind kind);

struct pending_change {
    enum pending_kind kind;
    enum outbox_operation first; /* OUTBOX_NONE: no entry was folded yet */
    bool was_deleted;            /* by one of the entries */
    struct change_base base;     /* empty for PENDING_INSERT */
    int64_t first_sequence;
    int64_t last_sequence;
    int64_t changed_us; /* of the last entry, by the device's clock */
    /* behind the cut */
    enum outbox_operation later_first; /* OUTBOX_NONE: nothing lies behind it */
    struct change_base later;          /* values at the cut of what changed since */
};

struct outbox_entry {
    int64_t sequence;
    int64_t table_id;
    char *row_key; /* canonical (row_key.h) once its table is known; NULL for marks */
    enum outbox_operation operation;
    struct change_base base;
    int64_t changed_us;
};
void outbox_entry_release(struct outbox_entry *entry); /* a zeroed one is fine */

/* Folds the row's next entry in; takes its base. */
MUST_CHECK enum outcome pending_change_add(struct pending_change *change,
                                           struct outbox_entry *entry, struct error *err);
/* The same for an entry behind the cut. */
MUST_CHECK enum outcome pending_change_add_later(struct pending_change *change,
                                                 struct outbox_entry *entry,
                                                 struct error *err);
void pending_change_release(struct pending_change *change); /* a zeroed one is fine */

/*
 * Whether the row's value of a column differs from its first base. False for columns that
 * are not in the base, for generated ones and for the table's updated_at. Only for
 * PENDING_UPDATE.
 */
bool pending_change_is_dirty(const struct pending_change *change,
                             const struct table *table, size_t column,
                             const struct value *now);

#endif
