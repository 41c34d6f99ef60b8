#include "daemon/cli/change_screen.h"

#include "daemon/cli/document_reader.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/screen_text.h"
#include "lib/base/cleanup.h"
#include "lib/base/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 20
#define KEY_COLUMNS ((size_t)36)
#define VALUE_COLUMNS ((size_t)60)

/* ---- pieces ---- */

static void append_fitted(const struct change_view *view, const char *text,
                          size_t columns)
{
    char shown[512];

    human_fit(text, columns, view->terminal->unicode, shown, sizeof(shown));
    buffer_append_text(view->out, shown);
}

/* The parts of a key, or names of columns, with commas. */
static void append_list(struct buffer *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        buffer_append_format(out, "%s%s", i ? ", " : "", text ? text : "?");
    }
}

static void append_key(const struct change_view *view, const json_t *item, size_t columns)
{
    OWNED(buffer_release) struct buffer key = {0};

    append_list(&key, document_member(item, "key"));
    append_fitted(view, key.data ? key.data : "", columns);
}

static void append_moment(const struct change_view *view, const json_t *item,
                          const char *member)
{
    int64_t at_us;

    if (document_time(item, member, &at_us))
        buffer_append_text(view->out, human_moment(at_us, view->now_us).text);
    else
        buffer_append_text(view->out, "some time");
}

static void append_value(const struct change_view *view, const json_t *value)
{
    OWNED(text_free)
    char *written = value ? json_writer_text(value, JSON_FORM_COMPACT) : NULL;

    append_fitted(view, written ? written : "null", VALUE_COLUMNS);
}

static void append_count(const struct change_view *view, int64_t count, const char *one,
                         const char *many)
{
    buffer_append_format(view->out, "%s %s", human_count(count).text,
                         count == 1 ? one : many);
}

static void append_rest(const struct change_view *view, size_t count)
{
    if (count > ROWS_SHOWN)
        buffer_append_format(view->out, "  and %s more; --json lists all\n",
                             human_count((int64_t)(count - ROWS_SHOWN)).text);
}

static size_t shown_of(const json_t *items)
{
    size_t count = json_array_size(items);

    return count < ROWS_SHOWN ? count : ROWS_SHOWN;
}

/* ---- outbox ---- */

static void append_waiting(const struct change_view *view, const json_t *change)
{
    buffer_append_text(view->out, "  ");
    append_fitted(view, document_text(change, "table"), KEY_COLUMNS);
    buffer_append_text(view->out, "  ");
    append_key(view, change, KEY_COLUMNS);
    buffer_append_format(view->out, "  %s", document_text(change, "operation"));
    if (json_array_size(document_member(change, "columns"))) {
        OWNED(buffer_release) struct buffer names = {0};

        append_list(&names, document_member(change, "columns"));
        buffer_append_text(view->out, " of ");
        append_fitted(view, names.data ? names.data : "", VALUE_COLUMNS);
    }
    buffer_append_text(view->out, "  ");
    append_moment(view, change, "last_changed_at");
    buffer_append_text(view->out, "\n");
}

void change_screen_outbox(const struct change_view *view, const json_t *document)
{
    const json_t *changes = document_member(document, "changes");
    int64_t oldest_us;

    if (!json_array_size(changes)) {
        buffer_append_text(view->out,
                           "nothing waits: the primary has every local change\n");
        return;
    }
    append_count(view, document_int(document, "count"), "row waits", "rows wait");
    buffer_append_text(view->out, " for the primary");
    if (document_time(document, "oldest", &oldest_us))
        buffer_append_format(
            view->out, ", the oldest for %s",
            human_duration((double)(view->now_us - oldest_us) / 1e6).text);
    buffer_append_text(view->out, "\n");
    for (size_t i = 0; i < shown_of(changes); i++)
        append_waiting(view, json_array_get(changes, i));
    append_rest(view, json_array_size(changes));
}

/* ---- rejected ---- */

static void append_refusal(const struct change_view *view, const json_t *change)
{
    screen_pad(view->out, 8);
    buffer_append_format(view->out, "%s  ", document_text(change, "sqlstate"));
    screen_wrap(view->out, document_text(change, "message"), 15, view->terminal);
}

void change_screen_rejected(const struct change_view *view, const json_t *document)
{
    const json_t *changes = document_member(document, "changes");

    if (!json_array_size(changes)) {
        buffer_append_text(view->out, "nothing was refused\n");
        return;
    }
    append_count(view, document_int(document, "count"), "change needs you",
                 "changes need you");
    buffer_append_text(view->out, "; others are not held up\n");
    for (size_t i = 0; i < shown_of(changes); i++) {
        const json_t *change = json_array_get(changes, i);

        buffer_append_format(view->out, "%6lld  ", (long long)document_int(change, "id"));
        append_fitted(view, document_text(change, "table"), KEY_COLUMNS);
        buffer_append_text(view->out, "  ");
        append_key(view, change, KEY_COLUMNS);
        buffer_append_format(view->out, "  %s  ", document_text(change, "operation"));
        append_moment(view, change, "changed_at");
        buffer_append_text(view->out, "\n");
        append_refusal(view, change);
    }
    append_rest(view, json_array_size(changes));
    buffer_append_format(view->out, "        -> tidemark rejected show %lld\n",
                         (long long)document_int(json_array_get(changes, 0), "id"));
}

static void append_rejected_columns(const struct change_view *view, const json_t *change)
{
    const json_t *columns = document_member(change, "columns");
    bool update = strcmp(document_text(change, "operation"), "update") == 0;

    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);

        buffer_append_text(view->out, "   ");
        append_fitted(view, document_text(column, "name"), KEY_COLUMNS);
        buffer_append_text(view->out, "  ");
        if (update) {
            append_value(view, json_object_get(column, "base"));
            buffer_append_text(view->out, " -> ");
        }
        append_value(
            view, json_object_get(column, update ? "value"
                                          : json_is_null(json_object_get(column, "value"))
                                              ? "base"
                                              : "value"));
        buffer_append_text(view->out, "\n");
    }
}

void change_screen_rejected_one(const struct change_view *view, const json_t *change)
{
    long long id = (long long)document_int(change, "id");

    append_fitted(view, document_text(change, "table"), KEY_COLUMNS);
    buffer_append_text(view->out, " ");
    append_key(view, change, VALUE_COLUMNS);
    buffer_append_format(view->out, "   %s   made ", document_text(change, "operation"));
    append_moment(view, change, "changed_at");
    buffer_append_text(view->out, ", refused ");
    append_moment(view, change, "rejected_at");
    buffer_append_text(view->out, "\n");
    append_rejected_columns(view, change);
    buffer_append_format(view->out, "   refused with %s:\n   ",
                         document_text(change, "sqlstate"));
    screen_wrap(view->out, document_text(change, "message"), 3, view->terminal);
    if (document_int(change, "cause"))
        buffer_append_format(view->out, "   it depends on rejected change %lld\n",
                             (long long)document_int(change, "cause"));
    if (document_int(change, "unit"))
        buffer_append_text(view->out,
                           "   it is part of a unit of work, which stands or falls "
                           "together\n");
    buffer_append_format(
        view->out,
        " cure: change the row in the cache: that is tried by itself; or mend the cause "
        "and\n"
        "       tidemark rejected retry %lld | discard %lld   (discard keeps a copy in a "
        "file)\n",
        id, id);
}

/* ---- conflicts ---- */

void change_screen_conflicts(const struct change_view *view, const json_t *document)
{
    const json_t *conflicts = document_member(document, "conflicts");

    if (!json_array_size(conflicts)) {
        buffer_append_text(view->out, "nothing was changed on both sides\n");
        return;
    }
    append_count(view, document_int(document, "count"), "row was", "rows were");
    buffer_append_format(view->out, " changed on both sides, %s waiting for you\n",
                         human_count(document_int(document, "open")).text);
    for (size_t i = 0; i < shown_of(conflicts); i++) {
        const json_t *conflict = json_array_get(conflicts, i);

        buffer_append_format(view->out, "%6lld  ",
                             (long long)document_int(conflict, "id"));
        append_fitted(view, document_text(conflict, "table"), KEY_COLUMNS);
        buffer_append_text(view->out, "  ");
        append_key(view, conflict, KEY_COLUMNS);
        buffer_append_format(view->out, "  %s: %s  ", document_text(conflict, "rule"),
                             document_flag(conflict, "open") ? "waits for you"
                             : strcmp(document_text(conflict, "winner"), "local") == 0
                                 ? "the local value won"
                                 : "the primary's value won");
        append_moment(view, conflict, "found_at");
        buffer_append_text(view->out, "\n");
    }
    append_rest(view, json_array_size(conflicts));
    buffer_append_format(view->out, "        -> tidemark conflicts show %lld\n",
                         (long long)document_int(json_array_get(conflicts, 0), "id"));
}

void change_screen_conflict_one(const struct change_view *view, const json_t *conflict)
{
    const json_t *columns = document_member(conflict, "columns");
    long long id = (long long)document_int(conflict, "id");
    bool local = strcmp(document_text(conflict, "winner"), "local") == 0;

    append_fitted(view, document_text(conflict, "table"), KEY_COLUMNS);
    buffer_append_text(view->out, " ");
    append_key(view, conflict, VALUE_COLUMNS);
    buffer_append_format(view->out, "   %s, found ", document_text(conflict, "rule"));
    append_moment(view, conflict, "found_at");
    buffer_append_text(view->out, "\n");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        static const char *const members[] = {"base", "local", "remote"};
        static const char *const labels[] = {"was", "here", "there"};
        const json_t *column = json_array_get(columns, i);

        buffer_append_text(view->out, "   ");
        append_fitted(view, document_text(column, "name"), KEY_COLUMNS);
        for (size_t side = 0; side < 3; side++) {
            buffer_append_format(view->out, "   %s ", labels[side]);
            append_value(view, json_object_get(column, members[side]));
        }
        buffer_append_text(view->out, "\n");
    }
    buffer_append_format(view->out, "   %s\n",
                         local ? "the values of here won" : "the values of there stand");
    if (document_flag(conflict, "open"))
        buffer_append_format(view->out,
                             " -> tidemark conflicts mine %lld | theirs %lld\n", id, id);
    else if (!local)
        buffer_append_format(view->out, " -> tidemark conflicts mine %lld\n", id);
}

/* ---- the story of one row ---- */

static void append_line(const struct change_view *view, const json_t *item,
                        const char *member, const char *text)
{
    append_moment(view, item, member);
    buffer_append_format(view->out, "   %s", text);
}

static void append_pending(const struct change_view *view, const json_t *entry,
                           const json_t *row)
{
    const json_t *columns = document_member(entry, "columns");
    const char *operation = document_text(entry, "operation");
    json_t *base;
    const char *name;

    append_line(view, entry, "changed_at", "changed here   ");
    buffer_append_text(view->out, operation);
    if (strcmp(operation, "update") == 0)
        json_object_foreach((json_t *)(uintptr_t)columns, name, base)
        {
            const json_t *now = json_object_get(row, name);

            buffer_append_text(view->out, "   ");
            append_fitted(view, name, KEY_COLUMNS);
            buffer_append_text(view->out, " was ");
            append_fitted(view, json_string_value(base) ? json_string_value(base) : "?",
                          VALUE_COLUMNS);
            buffer_append_text(view->out, ", is ");
            append_value(view, now);
        }
    buffer_append_text(view->out, "   waits for the primary\n");
}

static void append_row(const struct change_view *view, const json_t *row)
{
    const char *name;
    json_t *value;

    if (!json_is_object(row)) {
        buffer_append_text(view->out, "now        not in the cache\n");
        return;
    }
    buffer_append_text(view->out, "now\n");
    json_object_foreach((json_t *)(uintptr_t)row, name, value)
    {
        buffer_append_text(view->out, "   ");
        append_fitted(view, name, KEY_COLUMNS);
        buffer_append_text(view->out, "  ");
        append_value(view, value);
        buffer_append_text(view->out, "\n");
    }
}

void change_screen_story(const struct change_view *view, const json_t *document)
{
    const json_t *row = document_member(document, "row");
    const json_t *items = document_member(document, "conflicts");

    append_fitted(view, document_text(document, "table"), KEY_COLUMNS);
    buffer_append_text(view->out, " ");
    append_key(view, document, VALUE_COLUMNS);
    buffer_append_text(view->out, "\n");
    append_line(view, document, "complete_up_to", "the last pull: complete up to here\n");
    for (size_t i = 0; i < json_array_size(items); i++) {
        append_line(view, json_array_get(items, i), "found_at",
                    "changed on both sides   ");
        change_screen_conflict_one(view, json_array_get(items, i));
    }
    items = document_member(document, "rejected");
    for (size_t i = 0; i < json_array_size(items); i++) {
        append_line(view, json_array_get(items, i), "rejected_at",
                    "refused by the primary   ");
        change_screen_rejected_one(view, json_array_get(items, i));
    }
    items = document_member(document, "pending");
    for (size_t i = 0; i < json_array_size(items); i++)
        append_pending(view, json_array_get(items, i), row);
    if (document_flag(document, "refetch"))
        buffer_append_text(view->out,
                           "next       the primary's row is read again in the next "
                           "round\n");
    append_row(view, row);
}
