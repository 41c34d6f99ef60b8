/*
 * Change screen: outbox, rejected changes, conflicts and the story of a row as a person
 * reads them, made of the documents of lib/store/change_report.h and row_story.h. Pure.
 */
#ifndef DAEMON_CLI_CHANGE_SCREEN_H
#define DAEMON_CLI_CHANGE_SCREEN_H

#include "daemon/cli/terminal.h"
#include "lib/base/buffer.h"

#include <jansson.h>
#include <stdint.h>

struct change_view {
    struct buffer *out;
    const struct terminal *terminal;
    int64_t now_us;
};

void change_screen_outbox(const struct change_view *view, const json_t *document);
void change_screen_rejected(const struct change_view *view, const json_t *document);
void change_screen_conflicts(const struct change_view *view, const json_t *document);

/* One change or conflict with all it held: an element of those documents. */
void change_screen_rejected_one(const struct change_view *view, const json_t *change);
void change_screen_conflict_one(const struct change_view *view, const json_t *conflict);

void change_screen_story(const struct change_view *view, const json_t *document);

#endif
