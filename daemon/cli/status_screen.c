#include "daemon/cli/status_screen.h"

#include "daemon/cli/human_text.h"
#include "daemon/cli/progress_block.h"
#include "daemon/cli/screen_text.h"
#include "daemon/cli/document_reader.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS ((size_t)32)

struct screen {
    struct buffer *out;
    const json_t *document;
    const struct terminal *terminal;
    int64_t now_us;
    size_t margin; /* of the head: its state may be a long word */
};

static double age_s(const struct screen *screen, int64_t time_us)
{
    int64_t age_us = screen->now_us - time_us;

    return age_us < 0 ? 0 : (double)age_us / (double)US_PER_SECOND;
}

/* " (TLS, pooler, 24 ms)" of a link that stands. */
static void append_link(struct buffer *text, const json_t *document, bool local)
{
    const char *security = local ? "socket" : "no TLS";

    buffer_append_format(text, " (%s",
                         document_flag(document, "primary.tls") ? "TLS" : security);
    if (document_flag(document, "primary.pooler"))
        buffer_append_text(text, ", pooler");
    if (document_flag(document, "primary.standby"))
        buffer_append_text(text, ", standby");
    if (document_member(document, "primary.round_trip_ms"))
        buffer_append_format(text, ", %.3g ms",
                             document_real(document, "primary.round_trip_ms"));
    buffer_append_text(text, ")");
}

/* "db.example.net/shop (TLS, 24 ms)"; "" when no primary is known. */
static void describe_primary(const json_t *document, char *out_text, size_t size)
{
    const char *host = document_text(document, "primary.host");
    const char *port = document_text(document, "primary.port");
    const char *database = document_text(document, "primary.database");
    bool local = host[0] == '/' || host[0] == '\0';
    OWNED(buffer_release) struct buffer text = {0};

    out_text[0] = '\0';
    if (!host[0] && !database[0])
        return;
    buffer_append_text(&text, local ? "this machine" : host);
    if (port[0] && strcmp(port, "5432") != 0)
        buffer_append_format(&text, ":%s", port);
    buffer_append_format(&text, "/%s", database);
    if (document_flag(document, "primary.connected"))
        append_link(&text, document, local);
    if (!text.failed)
        snprintf(out_text, size, "%s", text.data);
}

static bool is_first_sync(const struct screen *screen)
{
    return strcmp(document_text(screen->document, "state"), "first sync") == 0;
}

/* live      ~/app.db  <-  db.example.net/shop (TLS, 24 ms) */
static void append_head(struct screen *screen)
{
    const char *arrow = screen->terminal->unicode ? "↔" : "<->";
    size_t columns = screen->terminal->columns;
    char primary[256];
    char shown[256];
    char path[512];
    size_t used;

    describe_primary(screen->document, primary, sizeof(primary));
    human_fit(primary, 100, screen->terminal->unicode, shown, sizeof(shown));
    screen->margin = screen_margin(screen->out, document_text(screen->document, "state"),
                                   screen->terminal);
    used = screen->margin + 8 + human_width(shown);
    human_fit(document_text(screen->document, "cache"),
              columns > used + 20 ? columns - used : 20, screen->terminal->unicode, path,
              sizeof(path));
    buffer_append_text(screen->out, path);
    if (shown[0])
        buffer_append_format(screen->out, "  %s  %s", arrow, shown);
    buffer_append_text(screen->out, "\n");
}

static void append_next_try(const struct screen *screen, struct buffer *text)
{
    const char *state = document_text(screen->document, "state");
    int64_t next_us;

    if (strcmp(state, "paused") == 0) {
        buffer_append_text(text, " `tidemark resume` goes on.");
        return;
    }
    if (!document_time(screen->document, "next_try", &next_us))
        return;
    if (next_us > screen->now_us)
        buffer_append_format(
            text, " Next try in %s; `tidemark sync` tries now.",
            human_duration((double)(next_us - screen->now_us) / (double)US_PER_SECOND)
                .text);
    else
        buffer_append_text(text, " Trying now.");
}

/* since 09:12 (3 h 28 min): no route to host. Next try in 41 s; … */
static void append_reason(const struct screen *screen)
{
    const char *reason = document_text(screen->document, "reason.text");
    const char *sqlstate = document_text(screen->document, "reason.sqlstate");
    const char *hint = document_text(screen->document, "reason.hint");
    bool paused = strcmp(document_text(screen->document, "state"), "paused") == 0;
    OWNED(buffer_release) struct buffer text = {0};
    int64_t since_us;

    if (!reason[0] && !paused)
        return;
    if (document_time(screen->document, "since", &since_us))
        buffer_append_format(&text, "since %s (%s)",
                             human_moment(since_us, screen->now_us).text,
                             human_duration(age_s(screen, since_us)).text);
    if (reason[0])
        buffer_append_format(&text, "%s%s", text.length ? ": " : "", reason);
    if (sqlstate[0])
        buffer_append_format(&text, " (%s)", sqlstate);
    if (text.length && !strchr(".?!", text.data[text.length - 1]))
        buffer_append_text(&text, ".");
    append_next_try(screen, &text);
    if (hint[0])
        buffer_append_format(&text, "\n-> %s", hint);
    screen_pad(screen->out, (long)screen->margin);
    if (text.data)
        screen_wrap(screen->out, text.data, screen->margin, screen->terminal);
}

/* Writes wait: 14 pending, oldest 3 h 20 min. deadlock detected (40P01). Next try in 2 s.
 */
static void append_writes(const struct screen *screen, struct buffer *text)
{
    const char *state = document_text(screen->document, "push.state");
    const char *reason = document_text(screen->document, "push.reason.text");
    int64_t pending = document_int(screen->document, "pending.count");
    bool stand_still = strcmp(state, "blocked") == 0;
    int64_t next_us;

    if (!pending && !stand_still)
        return;
    buffer_append_format(text, " Writes %s: %s pending",
                         stand_still ? "are kept" : "work", human_count(pending).text);
    if (pending)
        buffer_append_format(
            text, ", oldest %s",
            human_duration(document_real(screen->document, "pending.oldest_s")).text);
    buffer_append_text(text, ".");
    if (reason[0])
        buffer_append_format(text, " Not sent yet: %s.", reason);
    if (document_time(screen->document, "push.next_try", &next_us) &&
        next_us > screen->now_us)
        buffer_append_format(
            text, " Next try in %s.",
            human_duration((double)(next_us - screen->now_us) / (double)US_PER_SECOND)
                .text);
}

/* The daemon has not come so far: what is in the cache is there all the same. */
static bool tables_are_unknown(const struct screen *screen)
{
    return json_is_false(document_member(screen->document, "tables_known"));
}

static void append_freshness(const struct screen *screen)
{
    OWNED(buffer_release) struct buffer text = {0};
    int64_t mark_us;

    if (document_time(screen->document, "mark", &mark_us))
        buffer_append_format(&text, "Reads work: complete up to %s, %s ago.",
                             human_moment(mark_us, screen->now_us).text,
                             human_duration(age_s(screen, mark_us)).text);
    else if (is_first_sync(screen))
        buffer_append_text(&text, "Nothing to read yet: the tables appear together when "
                                  "the first copy is complete.");
    else if (!tables_are_unknown(screen))
        buffer_append_text(&text, "Not every table is complete yet.");
    append_writes(screen, &text);
    if (!text.length)
        return;
    screen_pad(screen->out, (long)screen->margin);
    screen_wrap(screen->out, text.data, screen->margin, screen->terminal);
}

static const char *note_of(const json_t *table, char *scratch, size_t size)
{
    const char *state = document_text(table, "state");
    const char *reason = document_text(table, "reason");

    if (reason[0]) {
        snprintf(scratch, size, "%s: %s", state, reason);
        return scratch;
    }
    if (strcmp(state, "live") != 0)
        return state;
    return strcmp(document_text(table, "mode"), "tracked") == 0 ? "" : "untracked";
}

/* What "untracked" means for how fresh a table is; the same for all of them. */
static void append_promise(const struct screen *screen)
{
    const json_t *tables = document_member(screen->document, "tables");

    for (size_t i = 0; i < json_array_size(tables); i++) {
        const json_t *table = json_array_get(tables, i);
        const char *promise = document_text(table, "promise");
        OWNED(buffer_release) struct buffer text = {0};

        if (strcmp(document_text(table, "mode"), "untracked") != 0 || !promise[0])
            continue;
        buffer_append_format(&text, "untracked: %s", promise);
        if (text.data)
            screen_wrap(screen->out, text.data, 0, screen->terminal);
        return;
    }
}

struct table_columns {
    size_t name;
    size_t rows;
    size_t pending; /* a width too */
};

/* "-" for none. */
static struct human pending_of(const json_t *table)
{
    int64_t pending = document_int(table, "pending");
    struct human none = {"-"};

    return pending ? human_count(pending) : none;
}

static struct table_columns measure(const json_t *tables)
{
    struct table_columns columns = {
        .name = strlen("table"), .rows = strlen("rows"), .pending = strlen("pending")};

    for (size_t i = 0; i < json_array_size(tables); i++) {
        const json_t *table = json_array_get(tables, i);
        size_t name = human_width(document_text(table, "name"));
        size_t rows = strlen(human_count(document_int(table, "rows")).text);

        columns.name = name > columns.name ? name : columns.name;
        size_t pending = strlen(pending_of(table).text);

        columns.rows = rows > columns.rows ? rows : columns.rows;
        columns.pending = pending > columns.pending ? pending : columns.pending;
    }
    if (columns.name > NAME_COLUMNS)
        columns.name = NAME_COLUMNS;
    return columns;
}

static void append_table(const struct screen *screen, const json_t *table,
                         const struct table_columns *columns)
{
    bool marked;
    int64_t mark_us;
    size_t indent =
        columns->name + 3 + columns->rows + 3 + 18 + 3 + 12 + 1 + columns->pending + 3;
    char name[256];
    char note[640];
    const char *words = note_of(table, note, sizeof(note));

    human_fit(document_text(table, "name"), columns->name, screen->terminal->unicode,
              name, sizeof(name));
    buffer_append_text(screen->out, name);
    screen_pad(screen->out, (long)columns->name - (long)human_width(name));
    marked = document_time(table, "mark", &mark_us);
    buffer_append_format(screen->out, "   %*s   %-18s   ", (int)columns->rows,
                         document_member(table, "rows")
                             ? human_count(document_int(table, "rows")).text
                             : "-",
                         marked ? human_moment(mark_us, screen->now_us).text : "-");
    buffer_append_format(screen->out, "%-12s %*s",
                         document_member(table, "behind_s")
                             ? human_duration(document_real(table, "behind_s")).text
                             : "-",
                         (int)columns->pending, pending_of(table).text);
    if (words[0])
        buffer_append_text(screen->out, "   ");
    if (words[0])
        screen_wrap(screen->out, words, indent, screen->terminal);
    else
        buffer_append_text(screen->out, "\n");
}

/* Under the column "pending": 14 pending, 1 rejected, 2 conflicts (1 open) */
static void append_totals(const struct screen *screen, size_t indent)
{
    int64_t conflicts = document_int(screen->document, "conflicts.count");
    int64_t open = document_int(screen->document, "conflicts.open");

    screen_pad(screen->out, (long)indent);
    buffer_append_format(
        screen->out, "%s pending, %s rejected, %s conflict%s",
        human_count(document_int(screen->document, "pending.count")).text,
        human_count(document_int(screen->document, "rejected.count")).text,
        human_count(conflicts).text, conflicts == 1 ? "" : "s");
    if (open)
        buffer_append_format(screen->out, " (%s open)", human_count(open).text);
    buffer_append_text(screen->out, "\n");
}

static void append_tables(const struct screen *screen)
{
    const json_t *tables = document_member(screen->document, "tables");
    struct table_columns columns = measure(tables);

    buffer_append_text(screen->out, "\n");
    if (!json_array_size(tables)) {
        screen_wrap(screen->out,
                    tables_are_unknown(screen)
                        ? "The daemon has not come to the tables yet. What is in the "
                          "cache stays there."
                        : "No table is mirrored yet.",
                    0, screen->terminal);
        return;
    }
    buffer_append_format(screen->out, "%-*s   %*s   %-18s   %-12s %*s   note\n",
                         (int)columns.name, "table", (int)columns.rows, "rows", "mark",
                         "behind", (int)columns.pending, "pending");
    for (size_t i = 0; i < json_array_size(tables); i++)
        append_table(screen, json_array_get(tables, i), &columns);
    append_totals(screen, columns.name + 3 + columns.rows + 3 + 18 + 3 + 12 + 1);
    append_promise(screen);
}

static void append_refused(const struct screen *screen)
{
    const json_t *refused = document_member(screen->document, "refused");

    for (size_t i = 0; i < json_array_size(refused); i++) {
        const json_t *table = json_array_get(refused, i);
        const char *remedy = document_text(table, "remedy");
        OWNED(buffer_release) struct buffer text = {0};

        buffer_append_format(&text, "%s.%s %s", document_text(table, "schema"),
                             document_text(table, "name"),
                             document_text(table, "reason"));
        if (text.failed)
            return;
        if (i == 0) {
            buffer_append_text(screen->out, "\n");
            screen_margin(screen->out, "refused", screen->terminal);
        } else {
            screen_pad(screen->out, (long)SCREEN_MARGIN);
        }
        screen_wrap(screen->out, text.data, SCREEN_MARGIN, screen->terminal);
        if (remedy[0]) {
            screen_pad(screen->out, (long)SCREEN_MARGIN + 2);
            buffer_append_text(screen->out, "-> ");
            screen_wrap(screen->out, remedy, SCREEN_MARGIN + 5, screen->terminal);
        }
    }
}

/* ["7c1e90"] as 7c1e90, ["1","b"] as 1, b */
static void append_key(struct buffer *text, const char *row_key,
                       const struct screen *screen)
{
    json_t *key = json_loads(row_key, 0, NULL);
    OWNED(buffer_release) struct buffer words = {0};
    char shown[64];

    for (size_t i = 0; i < json_array_size(key); i++) {
        const char *part = json_string_value(json_array_get(key, i));

        buffer_append_format(&words, "%s%s", i ? ", " : "", part ? part : "?");
    }
    json_decref(key);
    human_fit(words.length ? words.data : row_key, 40, screen->terminal->unicode, shown,
              sizeof(shown));
    buffer_append_text(text, shown);
}

/* orders 7c1e90.. update 23514 total must be >= 0 */
static void append_first_rejected(const struct screen *screen, const json_t *first)
{
    OWNED(buffer_release) struct buffer text = {0};

    buffer_append_format(&text, "%s ", document_text(first, "table"));
    append_key(&text, document_text(first, "key"), screen);
    buffer_append_format(&text, " %s %s %s", document_text(first, "op"),
                         document_text(first, "sqlstate"), document_text(first, "text"));
    screen_pad(screen->out, (long)SCREEN_MARGIN);
    if (text.data)
        screen_wrap(screen->out, text.data, SCREEN_MARGIN + 2, screen->terminal);
}

static void append_rejected(const struct screen *screen)
{
    int64_t count = document_int(screen->document, "rejected.count");
    const json_t *first = document_member(screen->document, "rejected.first");

    if (!count)
        return;
    buffer_append_text(screen->out, "\n");
    screen_margin(screen->out, "rejected", screen->terminal);
    buffer_append_format(screen->out, "%s %s you\n", human_count(count).text,
                         count == 1 ? "change needs" : "changes need");
    if (first)
        append_first_rejected(screen, first);
    screen_pad(screen->out, (long)SCREEN_MARGIN);
    buffer_append_text(screen->out, "Others are not held up. -> tidemark rejected");
    if (first && count == 1)
        buffer_append_format(screen->out, " show %lld",
                             (long long)document_int(first, "id"));
    buffer_append_text(screen->out, "\n");
}

static void append_cost(const struct screen *screen)
{
    const json_t *document = screen->document;

    if (!document_member(document, "cost.file_bytes"))
        return;
    buffer_append_text(screen->out, "\n");
    screen_margin(screen->out, "cost", screen->terminal);
    buffer_append_format(screen->out, "file %s, WAL %s, disk %s free",
                         human_size(document_int(document, "cost.file_bytes")).text,
                         human_size(document_int(document, "cost.wal_bytes")).text,
                         human_size(document_int(document, "cost.disk_free_bytes")).text);
    if (document_int(document, "cost.resident_bytes"))
        buffer_append_format(
            screen->out, ", memory %s",
            human_size(document_int(document, "cost.resident_bytes")).text);
    buffer_append_text(screen->out, "\n");
}

static void append_hints(const struct screen *screen)
{
    const json_t *hints = document_member(screen->document, "hints");
    bool first = true;

    for (size_t i = 0; i < json_array_size(hints); i++) {
        const json_t *hint = json_array_get(hints, i);
        const char *command = document_text(hint, "command");
        OWNED(buffer_release) struct buffer text = {0};

        /* stands in a block of its own */
        if (strncmp(command, "tidemark rejected", strlen("tidemark rejected")) == 0)
            continue;
        buffer_append_text(&text, document_text(hint, "text"));
        if (command[0])
            buffer_append_format(&text, ": %s", command);
        if (!text.data)
            return;
        buffer_append_text(screen->out, first ? "\n-> " : "   ");
        first = false;
        screen_wrap(screen->out, text.data, 3, screen->terminal);
    }
}

void status_screen_append(struct buffer *out, const json_t *document,
                          const struct terminal *terminal, int64_t now_us)
{
    struct screen screen = {out, document, terminal, now_us, SCREEN_MARGIN};
    bool progress = document_member(document, "progress") != NULL;

    append_head(&screen);
    append_reason(&screen);
    append_freshness(&screen);
    if (progress) {
        buffer_append_text(out, "\n");
        progress_block_append(out, document, terminal);
    }
    if (!progress || !is_first_sync(&screen))
        append_tables(&screen);
    append_refused(&screen);
    append_rejected(&screen);
    append_cost(&screen);
    append_hints(&screen);
}

void status_line_append(struct buffer *out, const json_t *document)
{
    const char *state = document_text(document, "state");

    /* one word: what reads this splits at blanks */
    for (; *state; state++)
        buffer_append(out, *state == ' ' ? "-" : state, 1);
    buffer_append_format(out, " %lld pending %lld rejected ",
                         (long long)document_int(document, "pending.count"),
                         (long long)document_int(document, "rejected.count"));
    if (document_member(document, "behind_s"))
        buffer_append_format(out, "behind=%.0fs\n", document_real(document, "behind_s"));
    else
        buffer_append_text(out, "behind=-\n");
}
