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

static void entries_release(struct pending_entries *entries)
{
    change_base_release(&entries->before);
    change_base_release(&entries->since);
    change_base_release(&entries->removed);
    *entries = (struct pending_entries){0};
}

void pending_change_release(struct pending_change *change)
{
    entries_release(&change->entries);
    entries_release(&change->later_entries);
    change_base_release(&change->base);
    change_base_release(&change->later);
    *change = (struct pending_change){0};
}

/* ---- one entry after another ---- */

static enum outcome merge_and_release(struct change_base *base, struct change_base *next,
                                      struct error *err)
{
    enum outcome outcome = change_base_merge(base, next, err);

    change_base_release(next);
    return outcome;
}

/* remained: the row that the last entry removed had come again before that entry. What it
 * removed was older than the row that came. */
static enum outcome join(struct pending_entries *entries, bool remained,
                         struct error *err)
{
    struct change_base *parts[] = {&entries->since, &entries->removed};

    entries->was_inserted = false;
    if (merge_and_release(&entries->before, parts[remained], err) == FAILED)
        return FAILED;
    return merge_and_release(&entries->before, parts[!remained], err);
}

static enum outcome add(struct pending_entries *entries, struct outbox_entry *entry,
                        struct error *err)
{
    enum outcome outcome = OK;

    if (entries->last == OUTBOX_DELETE)
        outcome = join(entries, entry->operation == OUTBOX_UPDATE, err);
    entries->last = entry->operation;
    if (outcome == FAILED)
        return FAILED;
    if (entry->operation == OUTBOX_UPDATE)
        return change_base_merge(entries->was_inserted ? &entries->since
                                                       : &entries->before,
                                 &entry->base, err);
    if (entry->operation == OUTBOX_DELETE) {
        entries->created--;
        entries->removed = TAKE(entry->base);
        return OK;
    }
    entries->created++;
    entries->was_inserted = true;
    return OK;
}

enum outcome pending_change_add(struct pending_change *change, struct outbox_entry *entry,
                                struct error *err)
{
    if (change->entries.last == OUTBOX_NONE)
        change->first_sequence = entry->sequence;
    change->last_sequence = entry->sequence;
    change->changed_us = entry->changed_us;
    return add(&change->entries, entry, err);
}

enum outcome pending_change_add_later(struct pending_change *change,
                                      struct outbox_entry *entry, struct error *err)
{
    return add(&change->later_entries, entry, err);
}

/* ---- what they come to ---- */

bool pending_change_is_empty(const struct pending_change *change)
{
    return change->entries.last == OUTBOX_NONE;
}

bool pending_change_expects_row(const struct pending_change *change)
{
    enum outbox_operation last = change->later_entries.last != OUTBOX_NONE
                                     ? change->later_entries.last
                                     : change->entries.last;

    return last != OUTBOX_DELETE;
}

/* Whether there was a row before the entries, by whether there is one after them. Rows
 * that came or went unseen are made good by what can be seen. */
static bool was_there(const struct pending_entries *entries, bool has_row)
{
    return has_row - entries->created > 0;
}

static enum pending_kind kind_of(bool had_row, bool has_row)
{
    static const enum pending_kind kinds[2][2] = {{PENDING_NOTHING, PENDING_INSERT},
                                                  {PENDING_DELETE, PENDING_UPDATE}};

    return kinds[had_row][has_row];
}

static enum outcome settle(struct pending_entries *entries, bool has_row,
                           struct change_base *out_base, struct error *err)
{
    if (join(entries, has_row && entries->last == OUTBOX_DELETE, err) == FAILED)
        return FAILED;
    *out_base = TAKE(entries->before);
    return OK;
}

enum outcome pending_change_settle(struct pending_change *change, bool has_row,
                                   struct error *err)
{
    bool had_row = was_there(&change->later_entries, has_row);

    if (settle(&change->later_entries, has_row, &change->later, err) == FAILED ||
        settle(&change->entries, had_row, &change->base, err) == FAILED)
        return FAILED;
    change->kind = kind_of(was_there(&change->entries, had_row), had_row);
    if (change->kind == PENDING_INSERT || change->kind == PENDING_NOTHING)
        change_base_release(&change->base);
    return OK;
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
