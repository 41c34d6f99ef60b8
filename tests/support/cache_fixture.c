#include "tests/support/cache_fixture.h"

#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/catalog.h"
#include "cache_migrations.h"
#include "tests/support/cmocka_all.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cache_in_memory_setup(void **state)
{
    const struct database_options options = {0};
    struct database *db;
    struct error err = {0};

    if (database_new(&db, ":memory:", &options, &err) == FAILED)
        fail_msg("%s", err.message);
    for (const struct sql *migration = cache_migrations; migration->name; migration++)
        run_sql(db, migration->text);
    *state = db;
    return 0;
}

int cache_in_memory_teardown(void **state)
{
    database_free(*state);
    return 0;
}

int cache_folder_setup(void **state)
{
    struct cache_folder *folder = calloc(1, sizeof(*folder));

    assert_non_null(folder);
    mkdir("build", 0777);
    snprintf(folder->path, sizeof(folder->path), "build/test-cache-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->file, sizeof(folder->file), "%s/cache.db", folder->path);
    *state = folder;
    return 0;
}

int cache_folder_teardown(void **state)
{
    struct cache_folder *folder = *state;
    DIR *entries = opendir(folder->path);
    struct dirent *entry;

    assert_non_null(entries);
    while ((entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(entries), entry->d_name, 0), 0);
    closedir(entries);
    assert_int_equal(rmdir(folder->path), 0);
    free(folder);
    return 0;
}

int cache_fixture_setup(void **state)
{
    struct cache_fixture *fixture = calloc(1, sizeof(*fixture));
    struct error err = {0};
    void *folder;

    assert_non_null(fixture);
    cache_folder_setup(&folder);
    fixture->folder = folder;
    if (cache_open(&fixture->cache,
                   &(struct cache_config){.path = fixture->folder->file, .mode = 0600},
                   &err) == FAILED)
        fail_msg("%s", err.message);
    fixture->db = fixture->cache.db;
    *state = fixture;
    return 0;
}

int cache_fixture_teardown(void **state)
{
    struct cache_fixture *fixture = *state;
    void *folder = fixture->folder;

    cache_release(&fixture->cache);
    free(fixture);
    return cache_folder_teardown(&folder);
}

int cache_apply_setup(void **state)
{
    struct cache_fixture *fixture;
    struct error err = {0};

    cache_fixture_setup(state);
    fixture = *state;
    if (database_begin(fixture->db, &err) == FAILED ||
        catalog_open_gate(fixture->db, &err) == FAILED)
        fail_msg("%s", err.message);
    /* a test's triggers come on this connection, after the gate was opened */
    database_set_triggers(fixture->db, true);
    return 0;
}

void run_sql(struct database *db, const char *text)
{
    struct error err = {0};

    if (database_run(db, "test", text, &err) == FAILED)
        fail_msg("%s: %s", err.message, text);
}

void assert_sql_refused(struct database *db, const char *text, const char *part)
{
    struct error err = {0};

    if (database_run(db, "test", text, &err) != FAILED)
        fail_msg("not refused: %s", text);
    if (!strstr(err.message, part))
        fail_msg("refused, but for another reason: %s", err.message);
}

int64_t number_of(struct database *db, const char *query)
{
    struct error err = {0};
    int64_t number = -1;

    if (database_query_int(db, "test", query, &number, &err) == FAILED)
        fail_msg("%s: %s", err.message, query);
    return number;
}

void assert_text_of(struct database *db, const char *query, const char *expected)
{
    OWNED(statement_release) struct statement statement = {0};
    struct error err = {0};
    const char *text = "(none)";
    enum outcome outcome = statement_prepare_text(&statement, db, "test", query, &err);

    if (outcome == OK)
        outcome = statement_step(&statement, &err);
    if (outcome == FAILED)
        fail_msg("%s: %s", err.message, query);
    if (outcome == OK)
        text = statement_column_text(&statement, 0);
    assert_string_equal(text ? text : "(null)", expected);
}

int open_statement_count(struct database *db)
{
    int count = 0;

    for (sqlite3_stmt *statement = NULL;
         (statement = sqlite3_next_stmt(db->handle, statement));)
        count += statement != db->undo;
    return count;
}

int open_descriptor_count(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}
