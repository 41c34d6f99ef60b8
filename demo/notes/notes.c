/*
 * Notes on a terminal: what an application over a tidemark cache looks like. Works
 * offline; deletes softly and can undo; draws the list again when the daemon brings
 * something new.
 *
 *   tidemark models --out models
 *   cc -Imodels notes.c models/note.c -ltidemark -ljansson -o notes
 *   notes CACHE [CONTROL_SOCKET [OWNER]]
 */
#include "note.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 1000
#define WAIT_MS 10000

/* The last change, turned round. */
struct undo {
    enum { UNDO_NOTHING, UNDO_ADD, UNDO_DELETE, UNDO_WRITE } kind;
    json_t *id;
    struct Note before;
};

struct program {
    struct tide_cache *cache;
    struct tide_repository *notes;
    struct tide_watch *watch; /* NULL: no daemon to watch */
    const char *owner;
    json_t *listed; /* the rows as they were shown, numbered from 1 */
    struct undo undo;
    struct tide_receipt receipt; /* of the last change */
};

static void complain(const struct tide_error *err)
{
    printf("! %s\n", err->message);
    if (err->hint[0])
        printf("  %s\n", err->hint);
}

/* ---- looking ---- */

static void print_note(size_t number, const json_t *row)
{
    struct tide_error err;
    struct Note note;

    if (note_from_row(&note, row, &err) == TIDE_FAILED) {
        complain(&err);
        return;
    }
    printf("%zu%s %s", number, note.pinned ? "*" : " ", note.title);
    if (note.has_body)
        printf(": %s", note.body);
    printf("\n");
    note_release(&note);
}

static void list(struct program *program, enum tide_scope scope)
{
    static const struct tide_order order[] = {
        {"pinned", true}, {"title", false}, {NULL, false}};
    const struct tide_query query = {.order = order, .scope = scope};
    struct tide_error err;
    json_t *rows;
    json_t *row;
    size_t i;

    if (tide_repository_find(program->notes, &query, &rows, &err) == TIDE_FAILED) {
        complain(&err);
        return;
    }
    json_decref(program->listed);
    program->listed = rows;
    json_array_foreach(rows, i, row)
    {
        print_note(i + 1, row);
    }
    if (json_array_size(rows) == 0)
        printf("no notes\n");
}

/* The row with that number in the last list; NULL, and a word about it. */
static const json_t *chosen(const struct program *program, const char *number)
{
    size_t index = (size_t)strtoul(number, NULL, 10) - 1;
    const json_t *row = json_array_get(program->listed, index);

    if (!row)
        printf("! there is no note %s; `list` numbers them\n", number);
    return row;
}

/* ---- changing ---- */

static void forget_undo(struct program *program)
{
    json_decref(program->undo.id);
    note_release(&program->undo.before);
    memset(&program->undo, 0, sizeof(program->undo));
}

/* A change that the unit of work is ended with, one way or the other. */
static int finish(struct program *program, struct tide_unit_of_work *unit,
                  enum tide_result result, struct tide_error *err)
{
    if (result == TIDE_OK)
        result = tide_unit_of_work_commit(unit, &program->receipt, err);
    else
        tide_unit_of_work_roll_back(unit);
    if (result == TIDE_FAILED)
        complain(err);
    else if (result == TIDE_NOT_FOUND)
        printf("! that note is gone\n");
    return result == TIDE_OK;
}

static struct tide_unit_of_work *begin(struct program *program, struct tide_error *err)
{
    struct tide_unit_of_work *unit = NULL;

    if (tide_unit_of_work_begin(&unit, program->cache, program->owner, err) ==
        TIDE_FAILED)
        complain(err);
    return unit;
}

static void add(struct program *program, char *title)
{
    struct tide_error err;
    struct Note note = {.title = title};
    struct tide_unit_of_work *unit = begin(program, &err);
    enum tide_result result;
    json_t *values = NULL;
    json_t *row = NULL;

    if (!unit)
        return;
    result = note_to_values(&note, &values, &err);
    if (result == TIDE_OK)
        result = tide_repository_insert(program->notes, unit, values, &row, &err);
    if (finish(program, unit, result, &err)) {
        forget_undo(program);
        program->undo.kind = UNDO_ADD;
        program->undo.id = json_incref(json_object_get(row, "id"));
        printf("added: %s\n", title);
    }
    json_decref(values);
    json_decref(row);
}

static int set_deleted(struct program *program, const json_t *id, bool deleted)
{
    struct tide_error err;
    struct tide_unit_of_work *unit = begin(program, &err);
    enum tide_result result;

    if (!unit)
        return 0;
    if (deleted)
        result = tide_repository_soft_delete_by_id(program->notes, unit, id, &err);
    else
        result = tide_repository_restore_by_id(program->notes, unit, id, &err);
    return finish(program, unit, result, &err);
}

static void erase(struct program *program, const char *number)
{
    const json_t *row = chosen(program, number);
    json_t *id = row ? json_incref(json_object_get(row, "id")) : NULL;

    if (id && set_deleted(program, id, true)) {
        forget_undo(program);
        program->undo.kind = UNDO_DELETE;
        program->undo.id = json_incref(id);
        printf("deleted; `undo` brings it back\n");
    }
    json_decref(id);
}

static int save(struct program *program, const json_t *id, const struct Note *note)
{
    struct tide_error err;
    struct tide_unit_of_work *unit = begin(program, &err);
    enum tide_result result;
    json_t *values = NULL;

    if (!unit)
        return 0;
    result = note_to_values(note, &values, &err);
    if (result == TIDE_OK)
        result =
            tide_repository_update_by_id(program->notes, unit, id, values, NULL, &err);
    if (result == TIDE_UNCHANGED)
        result = TIDE_OK;
    json_decref(values);
    return finish(program, unit, result, &err);
}

static void write_body(struct program *program, const char *number, char *body)
{
    const json_t *row = chosen(program, number);
    struct tide_error err;
    struct Note note;
    struct Note changed;

    if (!row)
        return;
    if (note_from_row(&note, row, &err) == TIDE_FAILED) {
        complain(&err);
        return;
    }
    changed = note;
    changed.has_body = true;
    changed.body = body;
    if (save(program, json_object_get(row, "id"), &changed)) {
        forget_undo(program);
        program->undo.kind = UNDO_WRITE;
        program->undo.id = json_incref(json_object_get(row, "id"));
        program->undo.before = note;
        printf("written\n");
    } else {
        note_release(&note);
    }
}

static void undo(struct program *program)
{
    int done = 0;

    switch (program->undo.kind) {
    case UNDO_NOTHING:
        printf("nothing to undo\n");
        return;
    case UNDO_ADD:
        done = set_deleted(program, program->undo.id, true);
        break;
    case UNDO_DELETE:
        done = set_deleted(program, program->undo.id, false);
        break;
    case UNDO_WRITE:
        done = save(program, program->undo.id, &program->undo.before);
        break;
    }
    if (done)
        printf("undone\n");
    forget_undo(program);
}

/* ---- the daemon ---- */

static void wait_for_primary(struct program *program)
{
    struct tide_error err;

    switch (tide_client_wait(program->cache, &program->receipt, WAIT_MS, &err)) {
    case TIDE_OK:
        printf("the primary has it\n");
        break;
    case TIDE_REJECTED:
        printf("the primary refused it; see `tidemark rejected`\n");
        break;
    case TIDE_TIMED_OUT:
        printf("not yet; it stays in the file until then\n");
        break;
    default:
        complain(&err);
    }
}

static void print_status(struct program *program)
{
    struct tide_error err;
    json_t *status;
    json_t *pending;

    if (tide_client_status(program->cache, &status, &err) == TIDE_FAILED) {
        complain(&err);
        return;
    }
    pending = json_object_get(json_object_get(status, "pending"), "count");
    printf("%s, %lld waiting\n", json_string_value(json_object_get(status, "state")),
           (long long)json_integer_value(pending));
    json_decref(status);
}

static bool concerns_notes(const json_t *change_set)
{
    json_t *table;
    size_t i;

    json_array_foreach(json_object_get(change_set, "tables"), i, table)
    {
        if (strcmp(json_string_value(json_object_get(table, "name")), "note") == 0)
            return true;
    }
    return false;
}

/* Everything that has come; the list is drawn again at most once. */
static void take_changes(struct program *program)
{
    struct tide_error err;
    enum tide_result result = TIDE_OK;
    bool changed = false;

    while (program->watch && result == TIDE_OK) {
        json_t *change_set;

        result = tide_watch_next(program->watch, 0, &change_set, &err);
        if (result == TIDE_OK) {
            changed = changed || concerns_notes(change_set);
            json_decref(change_set);
        }
    }
    if (result == TIDE_FAILED) {
        printf("~ the daemon has gone; the notes stay\n");
        tide_watch_free(program->watch);
        program->watch = NULL;
    }
    if (changed) {
        printf("~ something new:\n");
        list(program, TIDE_LIVE);
    }
}

/* ---- the conversation ---- */

static const char help[] = "list  trash  add TITLE  write N TEXT  delete N  undo  wait  "
                           "status  quit\n";

/* False: the person wants to leave. */
static bool obey(struct program *program, char *line)
{
    char *verb = strtok(line, " ");
    char *rest = strtok(NULL, "");

    if (!verb)
        return true;
    if (strcmp(verb, "quit") == 0)
        return false;
    if (strcmp(verb, "list") == 0)
        list(program, TIDE_LIVE);
    else if (strcmp(verb, "trash") == 0)
        list(program, TIDE_ONLY_DELETED);
    else if (strcmp(verb, "add") == 0 && rest)
        add(program, rest);
    else if (strcmp(verb, "delete") == 0 && rest)
        erase(program, rest);
    else if (strcmp(verb, "write") == 0 && rest && strchr(rest, ' '))
        write_body(program, rest, strchr(rest, ' ') + 1);
    else if (strcmp(verb, "undo") == 0)
        undo(program);
    else if (strcmp(verb, "wait") == 0)
        wait_for_primary(program);
    else if (strcmp(verb, "status") == 0)
        print_status(program);
    else
        printf("%s", help);
    return true;
}

/* Waits for the person and for the daemon at once; so stdin is read without stdio. */
static void talk(struct program *program)
{
    char line[LINE_SIZE];
    size_t length = 0;
    bool goes_on = true;

    while (goes_on) {
        struct pollfd sources[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                    {.fd = -1, .events = POLLIN}};
        char *newline;
        ssize_t size;

        fflush(stdout);
        if (program->watch)
            sources[1].fd = tide_watch_descriptor(program->watch);
        poll(sources, 2, -1);
        if (sources[1].revents)
            take_changes(program);
        if (!sources[0].revents)
            continue;
        size = read(STDIN_FILENO, line + length, sizeof(line) - length - 1);
        if (size <= 0)
            return;
        length += (size_t)size;
        line[length] = '\0';
        while (goes_on && (newline = strchr(line, '\n'))) {
            *newline = '\0';
            goes_on = obey(program, line);
            length -= (size_t)(newline + 1 - line);
            memmove(line, newline + 1, length + 1);
        }
        if (length == sizeof(line) - 1)
            length = 0;
    }
}

static int fail(const struct tide_error *err)
{
    complain(err);
    return 1;
}

int main(int argc, char **argv)
{
    const struct tide_cache_options options = {.control_socket =
                                                   argc > 2 ? argv[2] : NULL};
    struct program program = {.owner = argc > 3 ? argv[3] : NULL};
    struct tide_error err;

    if (argc < 2) {
        fprintf(stderr, "usage: notes CACHE [CONTROL_SOCKET [OWNER]]\n");
        return 2;
    }
    if (tide_cache_open(&program.cache, argv[1], &options, &err) == TIDE_FAILED)
        return fail(&err);
    if (note_repository(&program.notes, program.cache, &err) == TIDE_FAILED) {
        tide_cache_close(program.cache);
        return fail(&err);
    }
    if (options.control_socket &&
        tide_client_watch(&program.watch, program.cache, &err) == TIDE_FAILED)
        printf("~ offline: %s\n", err.message);
    list(&program, TIDE_LIVE);
    talk(&program);
    forget_undo(&program);
    json_decref(program.listed);
    tide_watch_free(program.watch);
    tide_repository_free(program.notes);
    tide_cache_close(program.cache);
    return 0;
}
