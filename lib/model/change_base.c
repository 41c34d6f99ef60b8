#include "lib/model/change_base.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/model/json_text.h"

#include <stdlib.h>
#include <string.h>

static void item_release(struct change_base_item *item)
{
    free(item->column);
    free(item->quoted);
    *item = (struct change_base_item){0};
}

void change_base_release(struct change_base *base)
{
    for (size_t i = 0; i < base->count; i++)
        item_release(&base->items[i]);
    free(base->items);
    *base = (struct change_base){0};
}

static enum outcome append_item(struct change_base *base, struct change_base_item *item,
                                struct error *err)
{
    if (array_room(&base->items, base->count, err) == FAILED)
        return FAILED;
    base->items[base->count++] = TAKE(*item);
    return OK;
}

static enum outcome malformed(const char *json, size_t size, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "not the old values of a row: %.*s",
                     size > 100 ? 100 : (int)size, json);
}

/* One "column":"quoted value"; NOTHING: none stands there. */
static enum outcome read_item(struct json_text_reader *reader,
                              struct change_base_item *out_item, struct error *err)
{
    OWNED(buffer_release) struct buffer column = {0};
    OWNED(buffer_release) struct buffer quoted = {0};

    if (!json_text_read(reader, &column) || !json_text_take(reader, ':') ||
        !json_text_read(reader, &quoted))
        return NOTHING;
    out_item->quoted_size = quoted.length;
    out_item->quoted = buffer_take(&quoted);
    out_item->column = buffer_take(&column);
    return out_item->quoted && out_item->column ? OK : error_out_of_memory(err);
}

static enum outcome read_items(struct change_base *base, struct json_text_reader *reader,
                               struct error *err)
{
    do {
        OWNED(item_release) struct change_base_item item = {0};
        enum outcome outcome = read_item(reader, &item, err);

        if (outcome == OK && !change_base_find(base, item.column))
            outcome = append_item(base, &item, err);
        if (outcome != OK)
            return outcome;
    } while (json_text_take(reader, ','));
    return OK;
}

enum outcome change_base_parse(struct change_base *out_base, const char *json,
                               size_t size, struct error *err)
{
    OWNED(change_base_release) struct change_base base = {0};
    struct json_text_reader reader = {json, json ? json + size : NULL};
    enum outcome outcome = OK;

    if (!json) {
        *out_base = (struct change_base){0};
        return OK;
    }
    if (!json_text_take(&reader, '{'))
        return malformed(json, size, err);
    if (!json_text_take(&reader, '}')) {
        outcome = read_items(&base, &reader, err);
        if (outcome == OK && !json_text_take(&reader, '}'))
            outcome = NOTHING;
    }
    if (outcome == FAILED)
        return FAILED;
    if (outcome == NOTHING || !json_text_is_at_end(&reader))
        return malformed(json, size, err);
    *out_base = TAKE(base);
    return OK;
}

void change_base_append_json(struct buffer *json, const struct change_base *base)
{
    buffer_append(json, "{", 1);
    for (size_t i = 0; i < base->count; i++) {
        const struct change_base_item *item = &base->items[i];

        buffer_append(json, ",", i ? 1 : 0);
        json_text_append(json, item->column, strlen(item->column));
        buffer_append(json, ":", 1);
        json_text_append(json, item->quoted, item->quoted_size);
    }
    buffer_append(json, "}", 1);
}

static struct change_base_item *find_item(const struct change_base *base,
                                          const char *column)
{
    for (size_t i = 0; i < base->count; i++)
        if (strcmp(base->items[i].column, column) == 0)
            return &base->items[i];
    return NULL;
}

const struct change_base_item *change_base_find(const struct change_base *base,
                                                const char *column)
{
    return find_item(base, column);
}

enum outcome change_base_merge(struct change_base *base, struct change_base *later,
                               struct error *err)
{
    if (base->count == 0) {
        change_base_release(base);
        *base = TAKE(*later);
        return OK;
    }
    for (size_t i = 0; i < later->count; i++) {
        struct change_base_item *item = &later->items[i];

        if (!item->column || change_base_find(base, item->column))
            continue;
        if (append_item(base, item, err) == FAILED)
            return FAILED;
    }
    return OK;
}

enum outcome change_base_put(struct change_base *base, const char *column,
                             const char *quoted, struct error *err)
{
    struct change_base_item *item = find_item(base, column);
    char *copy = strdup(quoted);

    if (!copy)
        return error_out_of_memory(err);
    free(item->quoted);
    item->quoted = copy;
    item->quoted_size = strlen(copy);
    return OK;
}

void change_base_remove(struct change_base *base, const char *column)
{
    const struct change_base_item *item = change_base_find(base, column);
    size_t index;

    if (!item)
        return;
    index = (size_t)(item - base->items);
    item_release(&base->items[index]);
    base->count--;
    memmove(&base->items[index], &base->items[index + 1],
            (base->count - index) * sizeof(*base->items));
}
