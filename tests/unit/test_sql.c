/* Every query for the cache, in any module, must prepare against a freshly migrated one.
 */
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#define NAME_MARK "-- name: "
#define CREATE_TABLES NAME_MARK "create_tables\n"

static void read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, size - 1, file);
    assert_true(length > 0 && length < size - 1);
    text[length] = '\0';
    fclose(file);
}

static void prepare(struct database *db, const char *path, const char *query)
{
    OWNED(statement_release) struct statement statement = {0};
    struct error err = {0};

    if (statement_prepare_text(&statement, db, path, query, &err) == FAILED)
        fail_msg("%s: %s: %s", path, err.message, query);
}

/* The number of its queries. */
static int prepare_all(struct database *db, const char *path)
{
    static char text[65536];
    int count = 0;
    char *query;

    read_file(path, text, sizeof(text));
    query = strstr(text, NAME_MARK);
    while (query) {
        char *next = strstr(query + 1, NAME_MARK);

        if (next)
            next[-1] = '\0';
        /* TEMP tables that the module's other queries are about */
        if (strncmp(query, CREATE_TABLES, strlen(CREATE_TABLES)) == 0)
            run_sql(db, query);
        prepare(db, path, query);
        query = next;
        count++;
    }
    return count;
}

static void every_query_prepares(void **state)
{
    glob_t files;

    assert_int_equal(glob("lib/*/*.sql", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        assert_true(prepare_all(*state, files.gl_pathv[i]) > 0);
    globfree(&files);
}

static void the_view_of_the_state_can_be_read(void **state)
{
    assert_text_of(*state, "select state || ' ' || tables from tide_status", "absent 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_query_prepares, cache_in_memory_setup,
                                        cache_in_memory_teardown),
        cmocka_unit_test_setup_teardown(the_view_of_the_state_can_be_read,
                                        cache_in_memory_setup, cache_in_memory_teardown),
    };

    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
