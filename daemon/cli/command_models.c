/* `tidemark models`: typed models for applications, out of the cache's file. */
#include "daemon/cli/command.h"
#include "daemon/cli/model_names.h"
#include "daemon/cli/model_writer.h"
#include "daemon/cli/report.h"
#include "lib/base/cleanup.h"
#include "lib/base/parent_folder.h"
#include "lib/store/cache.h"
#include "lib/store/catalog.h"
#include "lib/store/local_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    const char *folder;
    struct model_names entities;
    json_t *models; /* for --json: table, struct, header, source */
};

static void release_run(struct run *run)
{
    model_names_release(&run->entities);
    json_decref(run->models);
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* ---- files ---- */

/* NOTHING: there is none. */
static enum outcome read_file(const char *path, struct buffer *text, struct error *err)
{
    OWNED(close_file) FILE *file = fopen(path, "re");
    size_t size;

    if (!file)
        return errno == ENOENT ? NOTHING : error_set_errno(err, "read %s", path);
    do {
        char *room = buffer_reserve(text, BUFSIZ);

        if (!room)
            return error_out_of_memory(err);
        size = fread(room, 1, BUFSIZ, file);
        text->length += size;
    } while (size);
    return ferror(file) ? error_set_errno(err, "read %s", path) : OK;
}

static enum outcome replace_file(const char *path, const struct buffer *text,
                                 struct error *err)
{
    OWNED(text_free) char *draft = NULL;
    FILE *file;
    bool is_written;

    if (asprintf(&draft, "%s.new", path) < 0) {
        draft = NULL;
        return error_out_of_memory(err);
    }
    file = fopen(draft, "we");
    if (!file)
        return error_set_errno(err, "write %s", draft);
    is_written = fwrite(text->data, 1, text->length, file) == text->length;
    is_written = fclose(file) == 0 && is_written;
    if (is_written && rename(draft, path) == 0)
        return OK;
    error_set_errno(err, "write %s", path);
    unlink(draft);
    return FAILED;
}

/* A file that is what it should be keeps its time: nothing is compiled anew. */
static enum outcome write_file(const char *path, const struct buffer *text,
                               struct error *err)
{
    OWNED(buffer_release) struct buffer now = {0};
    size_t mark = strlen(MODEL_FIRST_LINE);
    enum outcome outcome = read_file(path, &now, err);

    if (outcome == FAILED)
        return FAILED;
    if (outcome == OK && now.length == text->length &&
        memcmp(now.data, text->data, text->length) == 0)
        return OK;
    if (outcome == OK &&
        (now.length < mark || memcmp(now.data, MODEL_FIRST_LINE, mark) != 0)) {
        error_set(err, ERROR_INVALID, "%s is no generated file; it stays as it is", path);
        return error_hint(err, "name another folder with --out");
    }
    return replace_file(path, text, err);
}

static enum outcome
write_one(const struct run *run, const struct model *model, const char *ending,
          enum outcome (*append)(struct buffer *text, const struct model *model,
                                 struct error *err),
          struct error *err)
{
    OWNED(buffer_release) struct buffer path = {0};
    OWNED(buffer_release) struct buffer text = {0};

    buffer_append_format(&path, "%s/%s%s", run->folder, model->entity, ending);
    if (buffer_check(&path, err) == FAILED || append(&text, model, err) == FAILED ||
        parent_folder_make(path.data, 0777, err) == FAILED)
        return FAILED;
    return write_file(path.data, &text, err);
}

/* ---- tables ---- */

static enum outcome note(struct run *run, const struct model *model, struct error *err)
{
    json_t *line = json_pack("{s:s, s:s, s:s}", "table", model->table->name, "entity",
                             model->entity, "struct", model->struct_name);

    return json_array_append_new(run->models, line) ? error_out_of_memory(err) : OK;
}

static bool is_struct(const struct run *run, const char *name)
{
    const json_t *model;
    size_t i;

    json_array_foreach(run->models, i, model)
    {
        if (strcmp(json_string_value(json_object_get(model, "struct")), name) == 0)
            return true;
    }
    return false;
}

/* order_2 and order2 are both called Order2. */
static enum outcome name_struct(const struct run *run, const char *entity,
                                char **out_name, struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(text_free) char *pascal = model_names_pascal(entity);

    buffer_append_text(&text, pascal ? pascal : "");
    while (pascal && !text.failed && is_struct(run, text.data))
        buffer_append_text(&text, "_");
    *out_name = pascal ? buffer_take(&text) : NULL;
    return *out_name ? OK : error_out_of_memory(err);
}

static enum outcome write_model(struct run *run, const struct table *table,
                                struct error *err)
{
    struct model model = {.table = table};
    OWNED(text_free) char *pascal = NULL;

    if (model_names_give(&run->entities, "", table->name, "", &model.entity, err) ==
        FAILED)
        return FAILED;
    if (name_struct(run, model.entity, &pascal, err) == FAILED)
        return FAILED;
    model.struct_name = pascal;
    if (write_one(run, &model, ".h", model_write_header, err) == FAILED ||
        write_one(run, &model, ".c", model_write_source, err) == FAILED)
        return FAILED;
    return note(run, &model, err);
}

static enum outcome write_all(struct run *run, struct database *db, struct error *err)
{
    struct catalog_table *tables = NULL;
    size_t count = 0;
    enum outcome outcome;

    if (catalog_tables(db, &tables, &count, err) == FAILED)
        return FAILED;
    outcome = count ? OK : error_set(err, ERROR_INVALID, "the cache has no tables yet");
    for (size_t i = 0; i < count; i++) {
        OWNED(table_release) struct table table = {0};

        if (outcome == OK)
            outcome = local_table_read(db, tables[i].name, &table, err);
        if (outcome == OK)
            outcome = write_model(run, &table, err);
        catalog_table_release(&tables[i]);
    }
    free(tables);
    return outcome;
}

static enum outcome open_cache(const struct invocation *invocation, struct cache *cache,
                               struct error *err)
{
    const char *path = config_text(invocation->config, CACHE_PATH);
    enum outcome outcome = cache_open_read_only(cache, path, err);

    if (outcome != NOTHING)
        return outcome;
    error_set(err, ERROR_INVALID, "there is no cache at %s yet", path);
    return error_hint(err, "`tidemark sync` makes the first copy");
}

static void print_models(const struct run *run)
{
    const json_t *model;
    size_t i;

    json_array_foreach(run->models, i, model)
    {
        printf("wrote     %s/%s.{h,c}  struct %s\n", run->folder,
               json_string_value(json_object_get(model, "entity")),
               json_string_value(json_object_get(model, "struct")));
    }
}

enum exit_status command_models(const struct invocation *invocation)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    OWNED(release_run)
    struct run run = {.folder = invocation->out ? invocation->out : "models",
                      .models = json_array()};
    struct error err;

    if (!run.models) {
        error_out_of_memory(&err);
        return report_error(invocation->json, &err);
    }
    if (open_cache(invocation, &cache, &err) == FAILED ||
        write_all(&run, cache.db, &err) == FAILED)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:s, s:O}", "v", 1, "kind", "models",
                                         "folder", run.folder, "models", run.models));
    print_models(&run);
    return EXIT_DONE;
}
