/* Commands that look at local changes and decide about them; they need the file only. */
#include "daemon/cli/change_screen.h"
#include "daemon/cli/command.h"
#include "daemon/cli/discard.h"
#include "daemon/cli/document_reader.h"
#include "daemon/cli/report.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/store/cache.h"
#include "lib/store/change_report.h"
#include "lib/store/resolution.h"
#include "lib/store/row_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the file ---- */

static enum outcome open_cache(const struct invocation *invocation, bool writing,
                               struct cache *out_cache, struct error *err)
{
    const char *path = config_text(invocation->config, CACHE_PATH);
    enum outcome outcome = writing ? cache_open_beside(out_cache, path, err)
                                   : cache_open_read_only(out_cache, path, err);

    if (outcome != NOTHING)
        return outcome;
    error_set(err, ERROR_INVALID, "there is no cache at %s yet", path);
    return error_hint(err, "`tidemark sync` makes the first copy");
}

/* ---- printing ---- */

static void print(const json_t *document,
                  void (*append)(const struct change_view *, const json_t *))
{
    struct terminal terminal = terminal_of(STDOUT_FILENO);
    OWNED(buffer_release) struct buffer screen = {0};
    const struct change_view view = {&screen, &terminal, clock_now_us()};

    append(&view, document);
    if (!screen.failed && screen.data)
        fwrite(screen.data, 1, screen.length, stdout);
}

/* Takes the document. */
static void show(const struct invocation *invocation, json_t *document,
                 void (*append)(const struct change_view *, const json_t *))
{
    if (invocation->json) {
        report_document(document);
        return;
    }
    print(document, append);
    json_decref(document);
}

static enum exit_status say(const struct invocation *invocation, const char *text)
{
    if (invocation->json)
        return report_document(control_result_document());
    printf("%s\n", text);
    return EXIT_DONE;
}

/* ---- outbox ---- */

enum exit_status command_outbox(const struct invocation *invocation)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    json_t *document = NULL;
    struct error err;

    if (open_cache(invocation, false, &cache, &err) == FAILED ||
        change_report_outbox(cache.db, &document, &err) == FAILED)
        return report_error(invocation->json, &err);
    show(invocation, document, change_screen_outbox);
    return EXIT_DONE;
}

/* ---- verbs ---- */

/* NOTHING: the ID is missing and --all stands in its place. */
static enum outcome read_id(const struct invocation *invocation, int64_t *out_id,
                            struct error *err)
{
    char *end = NULL;

    *out_id = 0;
    if (!invocation->second && invocation->all)
        return NOTHING;
    if (!invocation->second) {
        error_set(err, ERROR_INVALID, "'%s %s' needs an ID", invocation->command->name,
                  invocation->operand);
        return error_hint(err, "`tidemark %s` lists them", invocation->command->name);
    }
    *out_id = strtoll(invocation->second, &end, 10);
    if (*out_id > 0 && !*end)
        return OK;
    error_set(err, ERROR_INVALID, "'%s' is no ID", invocation->second);
    return error_hint(err, "`tidemark %s` lists them", invocation->command->name);
}

static enum exit_status unknown_verb(const struct invocation *invocation,
                                     const char *verbs)
{
    struct error err;

    error_set(&err, ERROR_INVALID, "'%s' takes no '%s'", invocation->command->name,
              invocation->operand);
    error_hint(&err, "tidemark %s [%s]", invocation->command->name, verbs);
    return report_error(invocation->json, &err);
}

/* ---- lists ---- */

/* What the two lists of things for a person have in common. */
struct person_list {
    enum outcome (*report)(struct database *db, int64_t id, json_t **out_document,
                           struct error *err);
    void (*append)(const struct change_view *view, const json_t *document);
    void (*append_one)(const struct change_view *view, const json_t *item);
    const char *items;   /* member that holds them */
    const char *waiting; /* member that counts those that need a person */
};

static const struct person_list rejected_list = {
    change_report_rejected, change_screen_rejected, change_screen_rejected_one, "changes",
    "count"};
static const struct person_list conflict_list = {
    change_report_conflicts, change_screen_conflicts, change_screen_conflict_one,
    "conflicts", "open"};

static enum exit_status list_all(const struct invocation *invocation,
                                 const struct person_list *list)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    json_t *document = NULL;
    bool any;
    struct error err;

    if (open_cache(invocation, false, &cache, &err) == FAILED ||
        list->report(cache.db, 0, &document, &err) == FAILED)
        return report_error(invocation->json, &err);
    any = document_int(document, list->waiting) > 0;
    show(invocation, document, list->append);
    return any ? EXIT_NEEDS_PERSON : EXIT_DONE;
}

static enum exit_status show_one(const struct invocation *invocation,
                                 const struct person_list *list)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    json_t *document = NULL;
    int64_t id;
    struct error err;

    if (read_id(invocation, &id, &err) == FAILED ||
        open_cache(invocation, false, &cache, &err) == FAILED ||
        list->report(cache.db, id, &document, &err) == FAILED)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(document);
    for (size_t i = 0; i < json_array_size(json_object_get(document, list->items)); i++)
        print(json_array_get(json_object_get(document, list->items), i),
              list->append_one);
    json_decref(document);
    return EXIT_DONE;
}

/* ---- rejected ---- */

/* Of several groups that did not fit, the first one's reason. */
static enum outcome say_what_is_left(int64_t left, int64_t retried,
                                     const struct error *reason, struct error *err)
{
    if (!left)
        return OK;
    *err = *reason;
    return error_wrap(err, "%lld of %lld changes are in the outbox again; of the others",
                      (long long)retried, (long long)(retried + left));
}

/* Each group for itself: one that still does not fit does not keep the others. */
static enum outcome retry_all(struct database *db, int64_t *out_count, struct error *err)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    struct error reason = {0};
    size_t count = 0;
    int64_t left = 0;

    if (resolution_group(db, 0, &ids, &count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        OWNED(resolution_ids_free) int64_t *group = NULL;
        size_t size = 0;
        struct error gone;

        /* it went with the group of an earlier one */
        if (resolution_group(db, ids[i], &group, &size, &gone) == FAILED)
            continue;
        if (resolution_retry(db, group, size, err) == OK) {
            *out_count += (int64_t)size;
            continue;
        }
        if (err->kind != ERROR_REJECTED)
            return FAILED;
        if (!left)
            reason = *err;
        left += group[0] == ids[i] ? (int64_t)size : 0;
    }
    return say_what_is_left(left, *out_count, &reason, err);
}

static enum outcome retry_one(struct database *db, int64_t id, int64_t *out_count,
                              struct error *err)
{
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    size_t count = 0;

    if (resolution_group(db, id, &ids, &count, err) == FAILED)
        return FAILED;
    *out_count = (int64_t)count;
    return resolution_retry(db, ids, count, err);
}

static enum exit_status retry_rejected(const struct invocation *invocation)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    char text[120];
    int64_t count = 0;
    int64_t id;
    struct error err;

    if (read_id(invocation, &id, &err) == FAILED ||
        open_cache(invocation, true, &cache, &err) == FAILED ||
        (id ? retry_one(cache.db, id, &count, &err)
            : retry_all(cache.db, &count, &err)) == FAILED)
        return report_error(invocation->json, &err);
    snprintf(text, sizeof(text), "%lld %s again in the outbox", (long long)count,
             count == 1 ? "change is" : "changes are");
    return say(invocation, text);
}

static enum exit_status discard_rejected(const struct invocation *invocation)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    OWNED(text_free) char *file = NULL;
    char text[4300];
    int64_t id;
    struct error err;
    enum outcome outcome = OK;

    if (read_id(invocation, &id, &err) == FAILED ||
        open_cache(invocation, true, &cache, &err) == FAILED ||
        (outcome = discard(&cache, id, invocation->yes, &file, &err)) == FAILED)
        return report_error(invocation->json, &err);
    if (outcome == NOTHING)
        return say(invocation, "nothing was discarded");
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:s}", "v", 1, "kind", "result",
                                         "ok", 1, "file", file));
    snprintf(text, sizeof(text), "discarded; what it held is in %s", file);
    return say(invocation, text);
}

enum exit_status command_rejected(const struct invocation *invocation)
{
    const char *verb = invocation->operand;

    if (!verb)
        return list_all(invocation, &rejected_list);
    if (strcmp(verb, "show") == 0)
        return show_one(invocation, &rejected_list);
    if (strcmp(verb, "retry") == 0)
        return retry_rejected(invocation);
    if (strcmp(verb, "discard") == 0)
        return discard_rejected(invocation);
    return unknown_verb(invocation, "show|retry|discard ID");
}

/* ---- conflicts ---- */

static enum exit_status settle_conflict(const struct invocation *invocation, bool mine)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    int64_t id;
    struct error err;

    if (read_id(invocation, &id, &err) == FAILED ||
        open_cache(invocation, true, &cache, &err) == FAILED ||
        (mine ? resolution_keep_mine(cache.db, id, &err)
              : resolution_keep_theirs(cache.db, id, &err)) == FAILED)
        return report_error(invocation->json, &err);
    return say(invocation, mine ? "the local values are a new change in the outbox"
                                : "settled: the primary's values stand");
}

enum exit_status command_conflicts(const struct invocation *invocation)
{
    const char *verb = invocation->operand;

    if (!verb)
        return list_all(invocation, &conflict_list);
    if (strcmp(verb, "show") == 0)
        return show_one(invocation, &conflict_list);
    if (strcmp(verb, "mine") == 0 || strcmp(verb, "theirs") == 0)
        return settle_conflict(invocation, verb[0] == 'm');
    return unknown_verb(invocation, "show|mine|theirs ID");
}

/* ---- explain ---- */

enum exit_status command_explain(const struct invocation *invocation)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    json_t *document = NULL;
    struct error err;

    if (open_cache(invocation, false, &cache, &err) == FAILED ||
        row_story(cache.db, invocation->operand, invocation->second, &document, &err) ==
            FAILED)
        return report_error(invocation->json, &err);
    show(invocation, document, change_screen_story);
    return EXIT_DONE;
}
