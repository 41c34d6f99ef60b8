#include "daemon/cli/discard.h"

#include "daemon/cli/question.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/json_writer.h"
#include "lib/store/cache.h"
#include "lib/store/change_report.h"
#include "lib/store/resolution.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum outcome ask(size_t count, struct error *err)
{
    char what[100];

    snprintf(what, sizeof(what),
             "Discard %zu local %s for good, after a copy was written to a file", count,
             count == 1 ? "change" : "changes");
    return question_ask(what, err);
}

static enum outcome collect(struct database *db, const int64_t *ids, size_t count,
                            json_t **out_document, struct error *err)
{
    OWNED(json_decrefp) json_t *changes = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct change_filter filter = {.id = ids[i]};
        OWNED(json_decrefp) json_t *rows = NULL;

        if (change_report_rejected_rows(db, &filter, &rows, err) == FAILED)
            return FAILED;
        if (json_array_extend(changes, rows) != 0)
            return error_out_of_memory(err);
    }
    *out_document = json_pack("{s:i, s:s, s:I, s:O}", "v", 1, "kind", "discarded",
                              "count", (json_int_t)count, "changes", changes);
    return *out_document ? OK : error_out_of_memory(err);
}

/* A full disk may take a part first. */
static bool write_text(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t written = write(fd, text, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        left -= (size_t)written;
    }
    return fsync(fd) == 0;
}

/* <cache>-discarded-2026-11-22T12:40:31.000000Z.json, readable as the cache's owner only.
 */
static enum outcome write_copy(const struct cache *cache, const json_t *document,
                               char **out_file, struct error *err)
{
    OWNED(buffer_release) struct buffer path = {0};
    OWNED(text_free) char *text = json_writer_text(document, JSON_FORM_INDENTED);
    char now[CLOCK_TEXT_SIZE];
    int fd;

    clock_format_utc(clock_now_us(), now);
    buffer_append_format(&path, "%s-discarded-%s.json", cache->path, now);
    if (!text || buffer_check(&path, err) == FAILED)
        return error_out_of_memory(err);
    fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, "write %s", path.data);
    if (!write_text(fd, text)) {
        error_set_errno(err, "write %s", path.data);
        close(fd);
        unlink(path.data);
        return FAILED;
    }
    close(fd);
    *out_file = buffer_take(&path);
    return OK;
}

enum outcome discard(struct cache *cache, int64_t id, bool yes, char **out_file,
                     struct error *err)
{
    OWNED(json_decrefp) json_t *document = NULL;
    OWNED(text_free) char *file = NULL;
    OWNED(resolution_ids_free) int64_t *ids = NULL;
    size_t count = 0;
    enum outcome outcome = OK;

    if (resolution_group(cache->db, id, &ids, &count, err) == FAILED)
        return FAILED;
    if (!count)
        return NOTHING;
    if (!yes)
        outcome = ask(count, err);
    if (outcome != OK)
        return outcome;
    if (collect(cache->db, ids, count, &document, err) == FAILED ||
        write_copy(cache, document, &file, err) == FAILED)
        return FAILED;
    if (resolution_discard(cache->db, ids, count, err) == FAILED) {
        unlink(file);
        return FAILED;
    }
    *out_file = TAKE(file);
    return OK;
}
