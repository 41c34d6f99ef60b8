#include "lib/model/pending_change.h"

#include "lib/base/cleanup.h"
#include "lib/model/quoted_value.h"

#include <stdlib.h>
#include <string.h>

static const char *const operation_names[] = {
    [OUTBOX_NONE] = "",         [OUTBOX_INSERT] = "insert",    [OUTBOX_UPDATE] = "update",
    [OUTBOX_DELETE] = "delete", [OUTBOX_UNIT_BEGIN] = "begin", [OUTBOX_UNIT_END] = "end",
};

enum outbox_operation outbox_operation_read(const char *text)
{
    for (int i = OUTBOX_INSERT; i <= OUTBOX_UNIT_END; i++)
        if (strcmp(text, operation_names[i]) == 0)
            return (enum outbox_operation)i;
    return OUTBOX_NONE;
}

const char *outbox_operation_name(enum outbox_operation operation)
{
    return operation_names[operation];
}

enum outbox_operation pending_kind_operation(enum pending_kind kind)
{
    if (kind == PENDING_INSERT)
        return OUTBOX_INSERT;
    return kind == PENDING_DELETE ? OUTBOX_DELETE : OUTBOX_UPDATE;
}

void outbox_entry_release(struct outbox_entry *entry)
{
    free(entry->row_key);
    change_base_release(&entry->base);
    *entry = (struct outbox_entry){0};
}

void pending_change_release(struct pending_change *change)
{
    change_base_release(&change->base);
    change_base_release(&change->later);
    *change = (struct pending_change){0};
}

/* first: the row's first operation; kind: what the entries before this one came to. */
static enum pending_kind kind_after(enum outbox_operation first, enum pending_kind kind,
                                    enum outbox_operation operation)
{
    if (first == OUTBOX_INSERT && operation == OUTBOX_DELETE)
        return PENDING_NOTHING;
    if (first == OUTBOX_INSERT)
        return operation == OUTBOX_INSERT ? PENDING_INSERT : kind;
    return operation == OUTBOX_DELETE ? PENDING_DELETE : PENDING_UPDATE;
}

/* A row that was there comes only after it went. Otherwise a trigger of the application,
 * fired by the insert, has written to the new row before ours took it down. */
static bool was_new_already(const struct pending_change *change,
                            const struct outbox_entry *entry)
{
    return entry->operation == OUTBOX_INSERT && change->first == OUTBOX_UPDATE &&
           !change->was_deleted;
}

enum outcome pending_change_add(struct pending_change *change, struct outbox_entry *entry,
                                struct error *err)
{
    if (was_new_already(change, entry)) {
        change->first = OUTBOX_INSERT;
        change_base_release(&change->base);
    }
    change->was_deleted |= entry->operation == OUTBOX_DELETE;
    if (change->first == OUTBOX_NONE) {
        change->first = entry->operation;
        change->first_sequence = entry->sequence;
    }
    change->kind = kind_after(change->first, change->kind, entry->operation);
    change->last_sequence = entry->sequence;
    change->changed_us = entry->changed_us;
    if (change->first == OUTBOX_INSERT)
        return OK;
    return change_base_merge(&change->base, &entry->base, err);
}

enum outcome pending_change_add_later(struct pending_change *change,
                                      struct outbox_entry *entry, struct error *err)
{
    if (change->later_first == OUTBOX_NONE)
        change->later_first = entry->operation;
    return change_base_merge(&change->later, &entry->base, err);
}

/* quote() drops the sign of a zero. */
static bool is_same(const struct value *base, const struct value *now)
{
    if (base->type == VALUE_REAL && now->type == VALUE_REAL)
        return base->real == now->real;
    return value_is_identical(base, now);
}

bool pending_change_is_dirty(const struct pending_change *change,
                             const struct table *table, size_t column,
                             const struct value *now)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    const struct change_base_item *item;
    struct value base;
    struct error ignored;

    if (table->columns[column].generated || (int)column == table->updated_at)
        return false;
    item = change_base_find(&change->base, table->columns[column].name);
    if (!item)
        return false;
    /* a base that cannot be read cannot tell that nothing changed */
    return quoted_value_parse(item->quoted, item->quoted_size, &bytes, &base, &ignored) ==
               FAILED ||
           !is_same(&base, now);
}
