/* The part of lib/tidemark.h that writes rows of one table. */
#include "lib/repository/repository.h"

#include "lib/base/cleanup.h"
#include "lib/repository/library_error.h"
#include "lib/repository/row_change.h"
#include "lib/store/mirror_sql.h"
#include "lib/store/value_binding.h"

/* One row that is to be written, as it is now. */
struct subject {
    struct repository_key key;
    struct row_lookup lookup;
};

static void subject_release(struct subject *subject)
{
    row_lookup_release(&subject->lookup);
    repository_key_release(&subject->key);
}

static enum outcome start_write(struct tide_repository *repository,
                                struct tide_unit_of_work *unit, struct error *err)
{
    if (unit_of_work_require(unit, repository->cache, err) == FAILED)
        return FAILED;
    return repository_check(repository, err);
}

/* NOTHING: there is no such row. */
static enum outcome find_subject(struct tide_repository *repository,
                                 struct tide_unit_of_work *unit, const json_t *id,
                                 struct subject *subject, struct error *err)
{
    if (start_write(repository, unit, err) == FAILED ||
        repository_key_read(repository, id, &subject->key, err) == FAILED ||
        row_lookup_init(&subject->lookup, repository->cache->file.db, &repository->table,
                        err) == FAILED)
        return FAILED;
    return row_lookup_find(&subject->lookup, subject->key.values, err);
}

static enum outcome read_back(const struct tide_repository *repository,
                              const struct value *key, json_t **out_row,
                              struct error *err)
{
    OWNED(row_lookup_release) struct row_lookup lookup = {0};
    enum outcome outcome;

    if (!out_row)
        return OK;
    if (row_lookup_init(&lookup, repository->cache->file.db, &repository->table, err) ==
        FAILED)
        return FAILED;
    outcome = row_lookup_find(&lookup, key, err);
    if (outcome == NOTHING)
        return error_set(err, ERROR_CONFLICT,
                         "a trigger of the cache took the row of %s away again",
                         repository->table.name);
    return outcome == OK ? repository_row(repository, lookup.row, out_row, err) : FAILED;
}

/* ---- insert ---- */

static enum outcome insert(struct tide_repository *repository,
                           struct tide_unit_of_work *unit, const json_t *values,
                           json_t **out_row, struct error *err)
{
    OWNED(row_change_release) struct row_change change = {0};
    OWNED(repository_key_release) struct repository_key key = {0};

    if (start_write(repository, unit, err) == FAILED ||
        row_change_init(&change, repository, values, err) == FAILED ||
        row_change_set_owner(&change, unit->owner_id, err) == FAILED ||
        unit_of_work_mark(unit, err) == FAILED ||
        row_change_insert(&change, &key, err) == FAILED)
        return FAILED;
    return read_back(repository, key.values, out_row, err);
}

enum tide_result tide_repository_insert(struct tide_repository *repository,
                                        struct tide_unit_of_work *unit,
                                        const json_t *values, json_t **out_row,
                                        struct tide_error *err)
{
    struct error why = {0};

    return library_result(insert(repository, unit, values, out_row, &why), &why, err);
}

/* ---- update ---- */

static enum outcome refuse_deleted(const struct tide_repository *repository,
                                   const struct subject *subject, struct error *err)
{
    const struct value *deleted_at = &subject->lookup.row[repository->table.deleted_at];
    OWNED(buffer_release) struct buffer name = {0};
    OWNED(buffer_release) struct buffer when = {0};

    repository_append_name(&name, &repository->table, subject->key.values);
    value_append_text(&when, deleted_at);
    if (buffer_check(&name, err) == FAILED || buffer_check(&when, err) == FAILED)
        return FAILED;
    error_set(err, ERROR_CONFLICT, "%.300s was deleted at %.60s", name.data, when.data);
    return error_hint(err, "tide_repository_restore_by_id() brings it back");
}

/* A change of the key itself moves the row. */
static void follow_key(const struct row_change *change, struct value *key)
{
    const struct table *table = &change->repository->table;

    for (size_t i = 0; i < change->count; i++)
        for (size_t k = 0; k < table->key_count; k++)
            if ((size_t)table->key[k] == change->columns[i])
                key[k] = change->cells[i].value;
}

static enum outcome write_change(struct tide_unit_of_work *unit, struct subject *subject,
                                 const struct row_change *change, struct error *err)
{
    if (unit_of_work_mark(unit, err) == FAILED ||
        row_change_update(change, subject->key.values, subject->lookup.row, err) ==
            FAILED)
        return FAILED;
    row_lookup_reset(&subject->lookup);
    return OK;
}

static enum tide_result update(struct tide_repository *repository,
                               struct tide_unit_of_work *unit, struct subject *subject,
                               const json_t *values, json_t **out_row, struct error *err)
{
    OWNED(row_change_release) struct row_change change = {0};

    if (repository_is_deleted(repository, subject->lookup.row)) {
        refuse_deleted(repository, subject, err);
        return TIDE_FAILED;
    }
    if (row_change_init(&change, repository, values, err) == FAILED ||
        row_change_keep_new(&change, subject->lookup.row, err) == FAILED)
        return TIDE_FAILED;
    if (change.count && write_change(unit, subject, &change, err) == FAILED)
        return TIDE_FAILED;
    follow_key(&change, subject->key.values);
    if (read_back(repository, subject->key.values, out_row, err) == FAILED)
        return TIDE_FAILED;
    return change.count ? TIDE_OK : TIDE_UNCHANGED;
}

enum tide_result tide_repository_update_by_id(struct tide_repository *repository,
                                              struct tide_unit_of_work *unit,
                                              const json_t *id, const json_t *values,
                                              json_t **out_row, struct tide_error *err)
{
    OWNED(subject_release) struct subject subject = {0};
    struct error why = {0};
    enum outcome outcome = find_subject(repository, unit, id, &subject, &why);
    enum tide_result result;

    if (outcome != OK)
        return library_result(outcome, &why, err);
    result = update(repository, unit, &subject, values, out_row, &why);
    return result == TIDE_FAILED ? library_failed(&why, err) : result;
}

/* ---- soft delete and restore ---- */

static enum outcome delete_for_good(const struct tide_repository *repository,
                                    struct tide_unit_of_work *unit,
                                    struct subject *subject, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};
    OWNED(buffer_release) struct buffer sql = {0};
    const struct table *table = &repository->table;

    row_lookup_reset(&subject->lookup);
    mirror_sql_delete(&sql, table, table->name);
    if (buffer_check(&sql, err) == FAILED || unit_of_work_mark(unit, err) == FAILED ||
        statement_prepare_text(&statement, repository->cache->file.db, table->name,
                               sql.data, err) == FAILED)
        return FAILED;
    value_bind_all(&statement, 1, subject->key.values, table->key_count);
    return statement_run(&statement, err);
}

/* NOTHING: it is so already. */
static enum outcome set_deleted(struct tide_repository *repository,
                                struct tide_unit_of_work *unit, struct subject *subject,
                                bool deleted, struct error *err)
{
    OWNED(row_change_release) struct row_change change = {0};

    if (repository_is_deleted(repository, subject->lookup.row) == deleted)
        return NOTHING;
    if (repository->table.deleted_at == TABLE_NO_COLUMN)
        return delete_for_good(repository, unit, subject, err);
    if (row_change_init(&change, repository, NULL, err) == FAILED ||
        row_change_set_deleted(&change, deleted, err) == FAILED)
        return FAILED;
    return write_change(unit, subject, &change, err);
}

static enum tide_result set_deleted_by_id(struct tide_repository *repository,
                                          struct tide_unit_of_work *unit,
                                          const json_t *id, bool deleted,
                                          struct tide_error *err)
{
    OWNED(subject_release) struct subject subject = {0};
    struct error why = {0};
    enum outcome outcome = find_subject(repository, unit, id, &subject, &why);

    if (outcome != OK)
        return library_result(outcome, &why, err);
    outcome = set_deleted(repository, unit, &subject, deleted, &why);
    return outcome == NOTHING ? TIDE_UNCHANGED : library_result(outcome, &why, err);
}

enum tide_result tide_repository_soft_delete_by_id(struct tide_repository *repository,
                                                   struct tide_unit_of_work *unit,
                                                   const json_t *id,
                                                   struct tide_error *err)
{
    return set_deleted_by_id(repository, unit, id, true, err);
}

enum tide_result tide_repository_restore_by_id(struct tide_repository *repository,
                                               struct tide_unit_of_work *unit,
                                               const json_t *id, struct tide_error *err)
{
    return set_deleted_by_id(repository, unit, id, false, err);
}
