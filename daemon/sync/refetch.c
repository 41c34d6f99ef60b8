#include "daemon/sync/refetch.h"

#include "daemon/primary/array_text.h"
#include "lib/base/cleanup.h"
#include "lib/model/row_key.h"

#include <stdlib.h>
#include <string.h>

#define REFETCH_LIMIT 1000

/* ---- which keys ---- */

static bool can_be_sent(const struct pull_plan *plan, const char *key)
{
    size_t count = plan->followed->table->key_count;
    char **texts = NULL;
    struct error ignored;

    if (plan->followed->refetch_unreadable ||
        row_key_parse(key, count, &texts, &ignored) == FAILED)
        return false;
    row_key_free(texts, count);
    return true;
}

/* Those that can be sent come first. */
static void part(struct pull_plan *plan)
{
    plan->refetch_sent = 0;
    for (size_t i = 0; i < plan->refetch_count; i++) {
        char *key = plan->refetch_keys[i];

        if (!can_be_sent(plan, key))
            continue;
        plan->refetch_keys[i] = plan->refetch_keys[plan->refetch_sent];
        plan->refetch_keys[plan->refetch_sent++] = key;
    }
}

static enum outcome spell(struct pull_plan *plan, struct error *err)
{
    plan->refetch_asked = calloc(plan->refetch_count + 1, sizeof(*plan->refetch_asked));
    if (!plan->refetch_asked)
        return error_out_of_memory(err);
    for (size_t i = 0; i < plan->refetch_count; i++)
        if (row_key_canonical(plan->followed->table, plan->refetch_keys[i],
                              &plan->refetch_asked[i], err) == FAILED)
            return FAILED;
    return OK;
}

static size_t limit_of(const struct followed_table *followed)
{
    return followed->refetch_limit ? followed->refetch_limit : REFETCH_LIMIT;
}

enum outcome refetch_take(struct pull *pull, struct pull_plan *plan, struct error *err)
{
    if (!plan->followed->refetch_waits || plan->joins)
        return OK;
    if (catalog_refetches(pull->cache->db, plan->followed->table->name,
                          limit_of(plan->followed), &plan->refetch_keys,
                          &plan->refetch_count, err) == FAILED)
        return FAILED;
    part(plan);
    return spell(plan, err);
}

bool refetch_narrow(struct pull *pull, const struct error *err)
{
    struct followed_table *followed = pull->culprit;
    size_t limit;

    if (!followed || !pull->refetching || strncmp(err->origin, "SQLSTATE 22", 11) != 0)
        return false;
    limit = limit_of(followed);
    followed->refetch_unreadable = limit == 1;
    followed->refetch_limit = limit > 1 ? limit / 2 : 1;
    return true;
}

void refetch_widen(struct followed_table *followed)
{
    size_t limit = 2 * limit_of(followed);

    followed->refetch_unreadable = false;
    followed->refetch_limit = limit < REFETCH_LIMIT ? limit : REFETCH_LIMIT;
}

/* ---- sending ---- */

/* One column of the keys, as a text[]. */
static enum outcome column_param(char ***keys, size_t count, size_t column,
                                 char **out_text, struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    const char **items = calloc(count, sizeof(*items));

    if (!items)
        return error_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        items[i] = keys[i][column];
    array_text_append(&text, items, count);
    free(items);
    *out_text = buffer_take(&text);
    return *out_text ? OK : error_out_of_memory(err);
}

enum outcome refetch_params(const struct pull_plan *plan, char **out_texts,
                            struct error *err)
{
    size_t key_count = plan->followed->table->key_count;
    char ***keys = calloc(plan->refetch_sent, sizeof(*keys));
    enum outcome outcome = keys ? OK : error_out_of_memory(err);

    for (size_t i = 0; outcome == OK && i < plan->refetch_sent; i++)
        outcome = row_key_parse(plan->refetch_keys[i], key_count, &keys[i], err);
    for (size_t column = 0; outcome == OK && column < key_count; column++)
        outcome = column_param(keys, plan->refetch_sent, column, &out_texts[column], err);
    for (size_t i = 0; keys && i < plan->refetch_sent; i++)
        row_key_free(keys[i], key_count);
    free(keys);
    return outcome;
}

/* ---- what is not there ---- */

/* Takes out the key that is answered. Answers mostly come in the order of asking. */
static void take_out(struct pull_plan *plan, const char *key)
{
    for (size_t i = 0; i < plan->refetch_sent; i++) {
        if (!plan->refetch_asked[i] || strcmp(plan->refetch_asked[i], key) != 0)
            continue;
        free(plan->refetch_asked[i]);
        plan->refetch_asked[i] = NULL;
        return;
    }
}

void refetch_note(struct pull_plan *plan, const struct change *change)
{
    OWNED(buffer_release) struct buffer key = {0};
    const struct table *table = plan->followed->table;
    struct value values[TABLE_KEY_LIMIT];

    if (change->operation == CHANGE_UPSERT)
        row_key_pick(table, change->values, values);
    else
        memcpy(values, change->values, table->key_count * sizeof(values[0]));
    row_key_append_canonical(&key, table, values);
    if (!key.failed)
        take_out(plan, key.data);
}

static enum outcome add_absent(struct pull *pull, size_t plan_number, const char *key,
                               struct error *err)
{
    const struct table *table = pull->plans[plan_number].followed->table;
    OWNED(buffer_release) struct buffer bytes = {0};
    struct change change = {.table = (uint32_t)plan_number,
                            .operation = CHANGE_UNKNOWN,
                            .values = pull->values,
                            .value_count = table->key_count};

    if (row_key_values(table, key, &bytes, pull->values, err) == FAILED)
        return FAILED;
    return change_set_append(&pull->changes, &change, err);
}

enum outcome refetch_add_absent(struct pull *pull, size_t plan_number, struct error *err)
{
    const struct pull_plan *plan = &pull->plans[plan_number];

    for (size_t i = 0; i < plan->refetch_count; i++)
        if (plan->refetch_asked[i] &&
            add_absent(pull, plan_number, plan->refetch_keys[i], err) == FAILED)
            return FAILED;
    return OK;
}
