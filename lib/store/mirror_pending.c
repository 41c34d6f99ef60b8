#include "lib/store/mirror_pending.h"

#include "lib/base/cleanup.h"
#include "lib/model/row_key.h"
#include "lib/store/mirror_merge.h"
#include "lib/store/mirror_row.h"
#include "lib/store/presence.h"

#include <string.h>

struct visit {
    struct row_list *list;
    int64_t surplus;
    int64_t rows;
};

typedef enum outcome visit_row(struct mirror *mirror, const struct value *key,
                               const struct pending_change *change, struct visit *visit,
                               struct error *err);

static enum outcome visit_one(struct mirror *mirror, const char *text,
                              const struct pending_change *change, visit_row *look,
                              struct visit *visit, struct error *err)
{
    OWNED(buffer_release) struct buffer bytes = {0};
    struct value key[TABLE_KEY_LIMIT];

    if (row_key_values(mirror->table, text, &bytes, key, err) == FAILED ||
        mirror_row_respell(mirror, key, err) == FAILED)
        return FAILED;
    return look(mirror, key, change, visit, err);
}

static enum outcome visit_pending(struct mirror *mirror, visit_row *look,
                                  struct visit *visit, struct error *err)
{
    int64_t position = 0;

    if (mirror_merge_prepare(mirror, err) == FAILED)
        return FAILED;
    for (;;) {
        OWNED(pending_change_release) struct pending_change change = {0};
        OWNED(text_free) char *text = NULL;
        enum outcome outcome =
            pending_next(mirror->pending, mirror->table, &position, &text, &change, err);

        if (outcome != OK)
            return outcome == FAILED ? FAILED : OK;
        outcome = visit_one(mirror, text, &change, look, visit, err);
        mirror_merge_forget_local(mirror);
        if (outcome == FAILED)
            return FAILED;
    }
}

static enum outcome keep(struct mirror *mirror, const struct value *key,
                         const struct pending_change *change, struct visit *visit,
                         struct error *err)
{
    (void)mirror;
    (void)change;
    return row_list_put(visit->list, key, err);
}

enum outcome mirror_pending_keep(struct mirror *mirror, struct row_list *list,
                                 struct error *err)
{
    struct visit visit = {.list = list};

    return visit_pending(mirror, keep, &visit, err);
}

static enum outcome keep_and_doubt(struct mirror *mirror, const struct value *key,
                                   const struct pending_change *change,
                                   struct visit *visit, struct error *err)
{
    if (change->kind != PENDING_INSERT &&
        row_list_put(&mirror->merge->doubted, key, err) == FAILED)
        return FAILED;
    return row_list_put(visit->list, key, err);
}

enum outcome mirror_pending_truncate(struct mirror *mirror, struct mirror_counts *counts,
                                     struct error *err)
{
    OWNED(row_list_release) struct row_list kept = {0};
    struct visit visit = {.list = &kept};
    int64_t deleted = 0;

    if (mirror_merge_make_lists(mirror, err) == FAILED ||
        row_list_make(&kept, mirror->db, mirror->table, "kept", ROW_LIST_KEYS, err) ==
            FAILED ||
        visit_pending(mirror, keep_and_doubt, &visit, err) == FAILED ||
        presence_delete_all(mirror->db, mirror->table, mirror->physical_name, &kept,
                            &deleted, err) == FAILED)
        return FAILED;
    counts->deleted += deleted;
    return row_list_drop(&kept, err);
}

static bool was_live(const struct table *table, const struct pending_change *change)
{
    const struct change_base_item *before;

    if (table->deleted_at == TABLE_NO_COLUMN)
        return true;
    before = change_base_find(&change->base, table->columns[table->deleted_at].name);
    return !before || strcmp(before->quoted, "NULL") == 0;
}

/* Tombstones are not listed, and what is one on one side only is none of the list's
 * business. */
static enum outcome is_live_on_both_sides(struct mirror *mirror, const struct value *key,
                                          const struct pending_change *change,
                                          struct error *err)
{
    const struct table *table = mirror->table;
    struct mirror_merge *merge = mirror->merge;
    bool parked;
    enum outcome outcome = mirror_merge_find_local(mirror, key, &parked, err);

    if (outcome != OK || table->deleted_at == TABLE_NO_COLUMN)
        return outcome;
    pending_dirty_columns(change, table, merge->local, merge->dirty);
    return merge->dirty[table->deleted_at] ||
                   merge->local[table->deleted_at].type != VALUE_NULL
               ? NOTHING
               : OK;
}

static enum outcome doubt_absent(struct mirror *mirror, const struct value *key,
                                 const struct pending_change *change, struct visit *visit,
                                 struct error *err)
{
    enum outcome listed = row_list_find(visit->list, key, NULL, err);
    enum outcome live = NOTHING;

    if (listed == NOTHING && change->kind == PENDING_DELETE)
        live = was_live(mirror->table, change) ? OK : NOTHING;
    else if (listed == NOTHING && change->kind == PENDING_UPDATE)
        live = is_live_on_both_sides(mirror, key, change, err);
    if (listed == FAILED || live == FAILED)
        return FAILED;
    if (live == OK && row_list_put(&mirror->merge->doubted, key, err) == FAILED)
        return FAILED;
    return row_list_put(visit->list, key, err);
}

enum outcome mirror_pending_absent(struct mirror *mirror, struct row_list *list,
                                   struct error *err)
{
    struct visit visit = {.list = list};

    if (mirror_merge_make_lists(mirror, err) == FAILED)
        return FAILED;
    return visit_pending(mirror, doubt_absent, &visit, err);
}

static enum outcome count_difference(struct mirror *mirror, const struct value *key,
                                     const struct pending_change *change,
                                     struct visit *visit, struct error *err)
{
    int column = mirror->table->deleted_at;
    bool parked;
    bool live;
    enum outcome outcome = mirror_merge_find_local(mirror, key, &parked, err);

    if (outcome == FAILED)
        return FAILED;
    visit->rows++;
    live = outcome == OK &&
           (column == TABLE_NO_COLUMN || mirror->merge->local[column].type == VALUE_NULL);
    if (change->kind == PENDING_INSERT)
        visit->surplus += live;
    else if (change->kind == PENDING_DELETE)
        visit->surplus -= was_live(mirror->table, change);
    else if (column != TABLE_NO_COLUMN &&
             change_base_find(&change->base, mirror->table->columns[column].name))
        visit->surplus += live - was_live(mirror->table, change);
    return OK;
}

enum outcome mirror_pending_count(struct mirror *mirror, int64_t *out_surplus,
                                  int64_t *out_rows, struct error *err)
{
    struct visit visit = {0};

    if (visit_pending(mirror, count_difference, &visit, err) == FAILED)
        return FAILED;
    *out_surplus = visit.surplus;
    *out_rows = visit.rows;
    return OK;
}
