/*
 * Pending change: all outbox entries of one row, folded.
 *
 * Each insert makes a row more and each delete one less, so whether there is a row now
 * tells whether there was one before the first entry:
 *
 *   before    now
 *   none      none    PENDING_NOTHING
 *   none      a row   PENDING_INSERT
 *   a row     a row   PENDING_UPDATE
 *   a row     none    PENDING_DELETE
 *
 * The order of the entries does not tell: where triggers of the application write the row
 * too, an update stands before the insert that it follows, and the insert of a row anew
 * before the delete that caused it.
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

/* Entries on one side of the cut, as they come. */
struct pending_entries {
    enum outbox_operation last; /* OUTBOX_NONE: no entry yet */
    int64_t created;            /* inserts less deletes */
    bool was_inserted;          /* the updates since are of the row that came */
    struct change_base before;  /* old values of the row that was there first, */
    struct change_base since;   /* of the one that came, */
    struct change_base removed; /* and of the one that the last entry removed */
};

struct pending_change {
    int64_t first_sequence;
    int64_t last_sequence;
    int64_t changed_us; /* of the last entry, by the device's clock */
    struct pending_entries entries;
    struct pending_entries later_entries; /* behind the cut */
    /* by pending_change_settle() */
    enum pending_kind kind;
    struct change_base base;  /* empty for PENDING_INSERT and PENDING_NOTHING */
    struct change_base later; /* values at the cut of what changed since */
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

/* Takes the base of the row's next entry. */
MUST_CHECK enum outcome pending_change_add(struct pending_change *change,
                                           struct outbox_entry *entry, struct error *err);
/* The same for an entry behind the cut. */
MUST_CHECK enum outcome pending_change_add_later(struct pending_change *change,
                                                 struct outbox_entry *entry,
                                                 struct error *err);
/* No entry on this side of the cut. */
bool pending_change_is_empty(const struct pending_change *change);

/* Whether there should be a row now, by the order of the entries alone. */
bool pending_change_expects_row(const struct pending_change *change);

/* After the last entry, once. has_row: there is a row of that key in the cache now. */
MUST_CHECK enum outcome pending_change_settle(struct pending_change *change, bool has_row,
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
