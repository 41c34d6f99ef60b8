#include "daemon/sync/push_verdict.h"

#include "daemon/primary/field_bytes.h"
#include "lib/base/cleanup.h"
#include "lib/model/conflict_rule.h"
#include "lib/model/sqlstate.h"

#include <stdlib.h>
#include <string.h>

int64_t push_verdict_ordinal(const struct wire_field *fields)
{
    return (int64_t)load_uint64(fields[0].bytes);
}

static size_t comparison_count(const struct staged_group *group)
{
    return group->phase == STAGED_UPDATE ? 2 * group->column_count : group->column_count;
}

enum outcome push_verdict_read(struct push_verdict *verdict,
                               const struct wire_field *fields, struct error *err)
{
    if (fields[0].size != 8 || fields[1].size < 0 ||
        (size_t)fields[1].size != comparison_count(verdict->group))
        return error_set(err, ERROR_CORRUPT, "%s: the primary compared %d columns",
                         verdict->group->table->name, fields[1].size);
    verdict->comparisons = fields[1].bytes;
    verdict->has_changed_us = fields[2].size == 8;
    if (verdict->has_changed_us)
        verdict->changed_us = (int64_t)load_uint64(fields[2].bytes);
    return OK;
}

/* ---- one row's conflict ---- */

struct finding {
    struct conflict_value *values;
    size_t count;
    char *written; /* '1' for each of the group's columns that is to be written */
    bool any_written;
};

static void finding_release(struct finding *finding)
{
    free(finding->values);
    free(finding->written);
}

static enum outcome finding_init(struct finding *finding,
                                 const struct push_verdict *verdict, struct error *err)
{
    size_t room = verdict->group->table->column_count + 1;

    finding->values = calloc(room, sizeof(*finding->values));
    finding->written = calloc(verdict->group->column_count + 1, 1);
    if (!finding->values || !finding->written)
        return error_out_of_memory(err);
    memset(finding->written, '0', verdict->group->column_count);
    return OK;
}

static void add_value(struct finding *finding, const struct push_verdict *verdict,
                      size_t number)
{
    size_t column = verdict->group->columns[number];
    struct conflict_value *value = &finding->values[finding->count++];

    value->column = verdict->group->table->columns[column].name;
    value->base = verdict->row->values[number].base;
    value->local = verdict->row->values[number].local;
    if (verdict->remote)
        value->remote = verdict->remote[column];
}

static enum outcome take_down(struct push_context *context,
                              const struct push_verdict *verdict,
                              const struct finding *finding, struct conflict *conflict,
                              struct error *err)
{
    const struct staged_row *row = verdict->row;

    if (!finding->count)
        return push_outcomes_add_refetch(context->outcomes, row->ordinal,
                                         verdict->group->table->name, row->row_key, err);
    conflict->table = verdict->group->table->name;
    conflict->row_key = row->row_key;
    conflict->changed_us = row->changed_us;
    conflict->values = finding->values;
    conflict->value_count = finding->count;
    return push_outcomes_add_conflict(context->outcomes, row->ordinal, conflict, err);
}

/* ---- a row that is there ---- */

/* The primary's own, or what the row is known by. */
static bool is_compared(const struct staged_group *group, size_t column)
{
    const struct table *table = group->table;

    if (table->columns[column].generated || (int)column == table->updated_at)
        return false;
    return group->phase == STAGED_UPDATE || !table_is_key(table, column);
}

static bool is_null(const struct value *value)
{
    return value->type == VALUE_NULL;
}

static struct conflict_column look_at_column(const struct push_verdict *verdict,
                                             size_t number)
{
    const struct staged_group *group = verdict->group;
    const struct staged_value *value = &verdict->row->values[number];
    size_t column = group->columns[number];
    struct conflict_column seen = {.is_local = verdict->comparisons[number] == '1'};

    if (group->phase != STAGED_UPDATE)
        return seen;
    seen.has_base = true;
    seen.is_base = verdict->comparisons[group->column_count + number] == '1';
    seen.tombstones = (int)column == group->table->deleted_at && is_null(&value->base) &&
                      !is_null(&value->local) && !is_null(&verdict->remote[column]);
    return seen;
}

static bool local_wins(const struct push_context *context,
                       const struct push_verdict *verdict)
{
    struct conflict_times times = {
        .has_remote = verdict->has_changed_us,
        .remote_us = verdict->changed_us,
        .local_us = verdict->row->changed_us,
        .clock_offset_us = context->clock_offset_us,
    };

    return conflict_rule_local_wins(verdict->group->table->conflict_policy, &times);
}

static void write_column(struct finding *finding, size_t number)
{
    finding->written[number] = '1';
    finding->any_written = true;
}

static enum outcome judge_columns(struct push_context *context,
                                  const struct push_verdict *verdict,
                                  struct push_settles *settles, struct error *err)
{
    OWNED(finding_release) struct finding finding = {0};
    enum conflict_policy policy = verdict->group->table->conflict_policy;
    struct conflict conflict = {.rule = conflict_rule_names[policy],
                                .local_wins = local_wins(context, verdict),
                                .open = conflict_rule_asks(policy)};

    if (finding_init(&finding, verdict, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < verdict->group->column_count; i++) {
        struct conflict_column seen = look_at_column(verdict, i);
        enum conflict_verdict column = conflict_rule_column(&seen);

        if (!is_compared(verdict->group, verdict->group->columns[i]))
            continue;
        if (column == CONFLICT_FOUND)
            add_value(&finding, verdict, i);
        if (column == CONFLICT_MERGED ||
            (column == CONFLICT_FOUND && conflict.local_wins))
            write_column(&finding, i);
    }
    if (take_down(context, verdict, &finding, &conflict, err) == FAILED)
        return FAILED;
    if (!finding.any_written)
        return OK;
    return push_settles_add(settles, verdict->row->ordinal, SETTLE_UPDATE,
                            finding.written, err);
}

/* The delete stands; what the other side changed meanwhile is kept. */
static enum outcome judge_delete(struct push_context *context,
                                 const struct push_verdict *verdict,
                                 struct push_settles *settles, struct error *err)
{
    OWNED(finding_release) struct finding finding = {0};
    struct conflict conflict = {.rule = CONFLICT_DELETED_HERE, .local_wins = true};

    if (finding_init(&finding, verdict, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < verdict->group->column_count; i++)
        if (is_compared(verdict->group, verdict->group->columns[i]) &&
            verdict->comparisons[i] == '0')
            add_value(&finding, verdict, i);
    if (take_down(context, verdict, &finding, &conflict, err) == FAILED)
        return FAILED;
    return push_settles_add(settles, verdict->row->ordinal, SETTLE_DELETE, NULL, err);
}

enum outcome push_verdict_on_row(struct push_context *context,
                                 const struct push_verdict *verdict,
                                 struct push_settles *settles, struct error *err)
{
    if (verdict->group->phase == STAGED_DELETE)
        return judge_delete(context, verdict, settles, err);
    return judge_columns(context, verdict, settles, err);
}

/* ---- a row that is not ---- */

static bool makes_tombstone(const struct push_verdict *verdict, size_t number)
{
    return (int)verdict->group->columns[number] == verdict->group->table->deleted_at &&
           !is_null(&verdict->row->values[number].local);
}

static enum outcome judge_gone_update(struct push_context *context,
                                      const struct push_verdict *verdict,
                                      struct push_settles *settles, struct error *err)
{
    OWNED(finding_release) struct finding finding = {0};
    enum conflict_policy policy = verdict->group->table->conflict_policy;
    struct conflict conflict = {.rule = CONFLICT_DELETED_THERE,
                                .open = conflict_rule_asks(policy)};
    enum gone_verdict gone;
    bool deletes = false;
    bool edits = false;

    if (finding_init(&finding, verdict, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < verdict->group->column_count; i++) {
        bool tombstone = makes_tombstone(verdict, i);

        deletes = deletes || tombstone;
        edits = edits || !tombstone;
    }
    gone = conflict_rule_gone(policy, deletes, edits);
    for (size_t i = 0; gone != GONE_AGREED && i < verdict->group->column_count; i++)
        add_value(&finding, verdict, i);
    if (gone == GONE_FILED && conflict.open && verdict->row->whole)
        finding.count = conflict_values_complete(
            finding.values, finding.count, verdict->group->table, verdict->row->whole);
    conflict.local_wins = gone == GONE_INSERTED;
    if (take_down(context, verdict, &finding, &conflict, err) == FAILED)
        return FAILED;
    if (gone != GONE_INSERTED || !verdict->row->whole)
        return OK;
    return push_settles_add(settles, verdict->row->ordinal, SETTLE_INSERT, NULL, err);
}

enum outcome push_verdict_on_gone(struct push_context *context,
                                  const struct push_verdict *verdict,
                                  struct push_settles *settles, struct error *err)
{
    const struct staged_row *row = verdict->row;
    static const char message[] = "the primary took the row and does not have it: a "
                                  "trigger passed it over, or it may not be seen";
    struct push_refusal refusal = {.ordinal = row->ordinal,
                                   .sqlstate = SQLSTATE_TRIGGERED_ACTION,
                                   .message = (char *)message,
                                   .may_be_there = true};

    if (verdict->group->phase == STAGED_UPDATE)
        return judge_gone_update(context, verdict, settles, err);
    if (verdict->group->phase == STAGED_INSERT)
        return push_refuse(context, &refusal, err);
    return push_outcomes_add_refetch(context->outcomes, row->ordinal,
                                     verdict->group->table->name, row->row_key, err);
}
