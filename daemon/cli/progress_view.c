#include "daemon/cli/progress_view.h"

#include "daemon/cli/progress_block.h"
#include "daemon/cli/report.h"
#include "daemon/cli/document_reader.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_EVERY_US (30 * US_PER_SECOND)
#define LINE_EVERY_PERCENT 10.0

void progress_view_init(struct progress_view *view, bool json)
{
    *view = (struct progress_view){.json = json, .terminal = terminal_of(STDERR_FILENO)};
}

static void append_erase(struct buffer *out, size_t lines)
{
    if (lines)
        buffer_append_format(out, "\r\033[%zuA\033[J", lines);
}

/* One write, so that nothing flickers and nobody's line comes in between. */
static void put(const struct buffer *text)
{
    if (!text->failed && text->length)
        fwrite(text->data, 1, text->length, stderr);
    fflush(stderr);
}

void progress_view_release(struct progress_view *view)
{
    OWNED(buffer_release) struct buffer text = {0};

    append_erase(&text, view->lines);
    put(&text);
    view->lines = 0;
    json_decref(view->document);
    view->document = NULL;
}

static void redraw(struct progress_view *view)
{
    OWNED(buffer_release) struct buffer text = {0};

    append_erase(&text, view->lines);
    view->lines = 0;
    if (document_member(view->document, "progress"))
        view->lines = progress_block_append(&text, view->document, &view->terminal);
    put(&text);
}

static void print_line(struct progress_view *view)
{
    OWNED(buffer_release) struct buffer text = {0};

    view->shown_us = clock_monotonic_us();
    view->shown_percent = progress_percent(view->document);
    if (view->json) {
        report_document(json_incref(view->document));
        fflush(stdout);
        return;
    }
    progress_line_append(&text, view->document);
    buffer_append_text(&text, "\n");
    put(&text);
}

static bool line_is_due(const struct progress_view *view)
{
    if (!document_member(view->document, "progress"))
        return false;
    if (!view->begun)
        return true;
    return clock_monotonic_us() - view->shown_us >= LINE_EVERY_US &&
           progress_percent(view->document) >= view->shown_percent + LINE_EVERY_PERCENT;
}

void progress_view_update(struct progress_view *view, json_t *document)
{
    json_t *before = view->document;

    view->document = json_incref(document);
    json_decref(before);
    if (!view->json && view->terminal.interactive) {
        redraw(view);
    } else if (line_is_due(view)) {
        view->begun = true;
        print_line(view);
    }
}

void progress_view_now(struct progress_view *view)
{
    if (view->document && (view->json || !view->terminal.interactive))
        print_line(view);
}

void progress_view_resize(struct progress_view *view)
{
    view->terminal = terminal_of(STDERR_FILENO);
}
