#include "daemon/primary/table_draft.h"

#include "daemon/primary/primary_query.h"
#include "lib/base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void facts_release(struct column_facts *facts)
{
    free(facts->quoted_name);
    free(facts->default_expression);
    *facts = (struct column_facts){0};
}

static void free_facts(struct table_draft *draft)
{
    for (size_t i = 0; draft->facts && i < draft->table.column_count; i++)
        facts_release(&draft->facts[i]);
    free(draft->facts);
    draft->facts = NULL;
}

struct table table_draft_take_table(struct table_draft *draft)
{
    free_facts(draft); /* they are as many as the table has columns */
    return TAKE(draft->table);
}

void table_draft_release(struct table_draft *draft)
{
    free_facts(draft);
    table_release(&draft->table);
    free(draft->quoted_name);
    free(draft->key_attributes);
    free(draft->reason);
    free(draft->remedy);
    *draft = (struct table_draft){0};
}

void table_drafts_release(struct table_drafts *drafts)
{
    for (size_t i = 0; i < drafts->count; i++)
        table_draft_release(&drafts->items[i]);
    free(drafts->items);
    *drafts = (struct table_drafts){0};
}

void table_draft_refuse(struct table_draft *draft, const char *reason, ...)
{
    va_list args;

    if (draft->reason)
        return;
    va_start(args, reason);
    if (vasprintf(&draft->reason, reason, args) < 0) {
        draft->reason = NULL;
        draft->out_of_memory = true;
    }
    va_end(args);
}

void table_draft_remedy(struct table_draft *draft, const char *remedy, ...)
{
    va_list args;

    if (draft->remedy)
        return;
    va_start(args, remedy);
    if (vasprintf(&draft->remedy, remedy, args) < 0) {
        draft->remedy = NULL;
        draft->out_of_memory = true;
    }
    va_end(args);
}

struct table_draft *table_drafts_find(const struct table_drafts *drafts, uint32_t oid)
{
    for (size_t i = 0; i < drafts->count; i++)
        if (drafts->items[i].table.oid == oid)
            return &drafts->items[i];
    return NULL;
}

int table_draft_column(const struct table_draft *draft, int attribute)
{
    for (size_t i = 0; i < draft->table.column_count; i++)
        if (draft->facts[i].attribute == attribute)
            return (int)i;
    return TABLE_NO_COLUMN;
}

void table_draft_remove_column(struct table_draft *draft, size_t column)
{
    struct table *table = &draft->table;
    size_t after = table->column_count - column - 1;

    table_column_release(&table->columns[column]);
    facts_release(&draft->facts[column]);
    memmove(&table->columns[column], &table->columns[column + 1],
            after * sizeof(table->columns[0]));
    memmove(&draft->facts[column], &draft->facts[column + 1],
            after * sizeof(draft->facts[0]));
    table->column_count--;
}

void table_drafts_oids(struct buffer *text, const struct table_drafts *drafts)
{
    bool first = true;

    buffer_append_text(text, "{");
    for (size_t i = 0; i < drafts->count; i++) {
        if (drafts->items[i].reason)
            continue;
        buffer_append_format(text, "%s%u", first ? "" : ",", drafts->items[i].table.oid);
        first = false;
    }
    buffer_append_text(text, "}");
}

size_t table_draft_group_end(const struct primary_result *result, size_t row)
{
    size_t end = row + 1;

    while (end < primary_result_rows(result) &&
           strcmp(primary_result_text(result, row, 0),
                  primary_result_text(result, end, 0)) == 0)
        end++;
    return end;
}

enum outcome table_draft_numbers(const char *text, int **out_numbers, size_t *out_count,
                                 struct error *err)
{
    int *numbers = calloc(strlen(text) / 2 + 1, sizeof(*numbers));
    size_t count = 0;
    char *end;

    if (!numbers)
        return error_out_of_memory(err);
    for (long number = strtol(text, &end, 10); end != text;
         number = strtol(text, &end, 10)) {
        numbers[count++] = (int)number;
        text = end;
    }
    *out_numbers = numbers;
    *out_count = count;
    return OK;
}
