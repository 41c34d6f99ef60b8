#include "daemon/cli/progress_block.h"

#include "daemon/cli/human_text.h"
#include "daemon/cli/document_reader.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_COLUMNS ((size_t)100)
#define BAR_COLUMNS ((size_t)26)
#define FIGURES_COLUMNS ((size_t)60) /* what stands behind the bar */
#define FOOTER "stopping is safe: it goes on from the last chunk"

struct block {
    struct buffer *out;
    const json_t *document;
    const struct terminal *terminal;
    size_t columns;
    size_t name_columns;
    size_t lines;
};

/* Adds a line, cut at the width: a wrapped one would break the redrawing. */
static void add_line(struct block *block, const struct buffer *line)
{
    size_t width = 0;

    for (size_t i = 0; i < line->length; i++) {
        width += ((unsigned char)line->data[i] & 0xc0) != 0x80;
        if (width > block->columns)
            break;
        buffer_append(block->out, line->data + i, 1);
    }
    buffer_append(block->out, "\n", 1);
    block->lines++;
}

/* Of the table under way, 0 to 1; more rows than expected are not more than all. */
static double fraction(const json_t *document)
{
    double expected = document_real(document, "progress.rows_expected");
    double rows = document_real(document, "progress.rows");

    if (expected <= 0)
        return 0;
    return rows < expected ? rows / expected : 0.99;
}

double progress_percent(const json_t *document)
{
    double tables = document_real(document, "progress.tables");
    double done = document_real(document, "progress.tables_done");

    if (tables <= 0)
        return 0;
    if (done >= tables)
        return 100;
    return 100 * (done + fraction(document)) / tables;
}

static const char *job_of(const json_t *document)
{
    const char *state = document_text(document, "state");

    return state[0] ? state : "sync";
}

static void add_head(struct block *block)
{
    const json_t *document = block->document;
    OWNED(buffer_release) struct buffer line = {0};
    OWNED(buffer_release) struct buffer times = {0};

    buffer_append_format(&line, "%s  %lld of %lld tables done", job_of(document),
                         (long long)document_int(document, "progress.tables_done"),
                         (long long)document_int(document, "progress.tables"));
    buffer_append_format(
        &times, "elapsed %s",
        human_stopwatch(document_real(document, "progress.elapsed_s")).text);
    if (document_real(document, "progress.eta_s") >= 1)
        buffer_append_format(
            &times, ", about %s left",
            human_stopwatch(document_real(document, "progress.eta_s")).text);
    do
        buffer_append_text(&line, " ");
    while (!line.failed && line.length + times.length < block->columns);
    buffer_append(&line, times.data, times.length);
    if (!line.failed)
        add_line(block, &line);
}

static void append_name(const struct block *block, struct buffer *line, const char *text)
{
    char name[256];

    human_fit(text, block->name_columns, block->terminal->unicode, name, sizeof(name));
    buffer_append_format(line, "  %s", name);
    for (size_t width = human_width(name); width < block->name_columns + 2; width++)
        buffer_append_text(line, " ");
}

static void append_bar(const struct block *block, struct buffer *line, double part)
{
    bool unicode = block->terminal->unicode;
    size_t taken = 2 + block->name_columns + 2 + FIGURES_COLUMNS;
    size_t room = block->columns > taken + 8 ? block->columns - taken : 8;
    size_t columns = room < BAR_COLUMNS ? room : BAR_COLUMNS;
    size_t full = (size_t)(part * (double)columns);

    buffer_append_text(line, unicode ? "" : "[");
    for (size_t i = 0; i < columns; i++)
        buffer_append_text(line,
                           i < full ? (unicode ? "█" : "#") : (unicode ? "░" : "."));
    buffer_append_text(line, unicode ? "" : "]");
}

/* What fits on the line, the most telling first. */
static void append_if_fits(const struct block *block, struct buffer *line,
                           const char *text)
{
    if (line->data && human_width(line->data) + human_width(text) <= block->columns)
        buffer_append_text(line, text);
}

static void add_current(struct block *block)
{
    const json_t *document = block->document;
    int64_t expected = document_int(document, "progress.rows_expected");
    int64_t rate = document_int(document, "progress.rows_per_s");
    OWNED(buffer_release) struct buffer line = {0};
    char part[160];

    append_name(block, &line, document_text(document, "progress.table"));
    if (expected > 0) {
        append_bar(block, &line, fraction(document));
        snprintf(part, sizeof(part), "  %2.0f %%", 100 * fraction(document));
        append_if_fits(block, &line, part);
    }
    snprintf(part, sizeof(part), "   %s%s%s",
             human_count(document_int(document, "progress.rows")).text,
             expected > 0 ? " / ~" : " rows",
             expected > 0 ? human_count(expected).text : "");
    append_if_fits(block, &line, expected > 0 ? part : part + 3);
    if (rate > 0) {
        snprintf(part, sizeof(part), "   %s rows/s", human_count(rate).text);
        append_if_fits(block, &line, part);
    }
    snprintf(part, sizeof(part), "   %s",
             human_size(document_int(document, "progress.bytes")).text);
    append_if_fits(block, &line, part);
    if (!line.failed)
        add_line(block, &line);
}

static bool is_current(const json_t *document, const json_t *table)
{
    return strcmp(document_text(document, "progress.table"),
                  document_text(table, "name")) == 0;
}

static bool is_waiting(const json_t *table)
{
    const char *state = document_text(table, "state");

    return strcmp(state, "absent") == 0 || strcmp(state, "snapshot") == 0;
}

static void add_table(struct block *block, const json_t *table, int rows_columns)
{
    OWNED(buffer_release) struct buffer line = {0};

    if (is_current(block->document, table)) {
        add_current(block);
        return;
    }
    append_name(block, &line, document_text(table, "name"));
    if (is_waiting(table))
        buffer_append_text(&line, "pending");
    else
        buffer_append_format(&line, "%*s rows   done", rows_columns,
                             human_count(document_int(table, "rows")).text);
    if (!line.failed)
        add_line(block, &line);
}

/* The first table to show when not all fit: one that is done stays above the current. */
static size_t first_shown(const struct block *block, const json_t *tables, size_t room)
{
    size_t count = json_array_size(tables);
    size_t current = 0;

    if (count <= room)
        return 0;
    while (current < count &&
           !is_current(block->document, json_array_get(tables, current)))
        current++;
    current = current < count && current ? current - 1 : 0;
    return current + room > count ? count - room : current;
}

static void add_tables(struct block *block)
{
    const json_t *tables = document_member(block->document, "tables");
    size_t room = block->terminal->rows > 8 ? block->terminal->rows - 5 : 3;
    size_t first = first_shown(block, tables, room);
    int rows_columns = 1;

    for (size_t i = 0; i < json_array_size(tables); i++) {
        const json_t *table = json_array_get(tables, i);
        size_t width = human_width(document_text(table, "name"));
        int rows = (int)strlen(human_count(document_int(table, "rows")).text);

        block->name_columns = width > block->name_columns ? width : block->name_columns;
        rows_columns = rows > rows_columns ? rows : rows_columns;
    }
    if (block->name_columns > block->columns / 4)
        block->name_columns = block->columns / 4;
    for (size_t i = first; i < json_array_size(tables) && i < first + room; i++)
        add_table(block, json_array_get(tables, i), rows_columns);
}

size_t progress_block_append(struct buffer *out, const json_t *document,
                             const struct terminal *terminal)
{
    struct block block = {.out = out, .document = document, .terminal = terminal};
    OWNED(buffer_release) struct buffer footer = {0};

    /* the last column stays free: some terminals wrap when it is written */
    block.columns =
        terminal->columns > BLOCK_COLUMNS ? BLOCK_COLUMNS : terminal->columns - 1;
    add_head(&block);
    add_tables(&block);
    buffer_append_text(&footer, "  " FOOTER);
    if (!footer.failed)
        add_line(&block, &footer);
    return block.lines;
}

void progress_line_append(struct buffer *out, const json_t *document)
{
    int64_t expected = document_int(document, "progress.rows_expected");
    int64_t rate = document_int(document, "progress.rows_per_s");
    char table[200];

    buffer_append_text(out, job_of(document));
    if (!document_member(document, "progress"))
        return;
    human_fit(document_text(document, "progress.table"), 64, false, table, sizeof(table));
    if (table[0])
        buffer_append_format(out, ": %s %s", table,
                             human_count(document_int(document, "progress.rows")).text);
    if (table[0] && expected > 0)
        buffer_append_format(out, " of ~%s", human_count(expected).text);
    if (table[0])
        buffer_append_text(out, " rows");
    if (table[0] && expected > 0)
        buffer_append_format(out, " (%.0f %%)", 100 * fraction(document));
    buffer_append_format(out, "%s %lld of %lld tables done", table[0] ? "," : ":",
                         (long long)document_int(document, "progress.tables_done"),
                         (long long)document_int(document, "progress.tables"));
    if (rate > 0)
        buffer_append_format(out, ", %s rows/s", human_count(rate).text);
    if (document_real(document, "progress.eta_s") >= 1)
        buffer_append_format(
            out, ", about %s left",
            human_stopwatch(document_real(document, "progress.eta_s")).text);
}
