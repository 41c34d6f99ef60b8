/* Every embedded query for the cache must prepare against a freshly migrated one. */
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "catalog.sql.h"
#include "tests/support/cache_fixture.h"
#include "tests/support/cmocka_all.h"

#include <glob.h>
#include <string.h>

static void prepare_all(struct database *db, const struct sql *queries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        OWNED(statement_release) struct statement statement = {0};
        struct error err = {0};

        if (statement_prepare(&statement, db, &queries[i], &err) == FAILED)
            fail_msg("%s: %s", queries[i].name, err.message);
    }
}

#define PREPARE_ALL(db, module)                                                          \
    prepare_all(db, (const struct sql *)&(module), sizeof(module) / sizeof(struct sql))

static void every_query_prepares(void **state)
{
    PREPARE_ALL(*state, catalog_sql);
}

/* A new .sql file wants a line above. */
static void every_module_is_covered(void **state)
{
    glob_t files;

    (void)state;
    assert_int_equal(glob("lib/*/*.sql", 0, NULL, &files), 0);
    assert_int_equal(files.gl_pathc, 1);
    assert_string_equal(files.gl_pathv[0], "lib/store/catalog.sql");
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
        cmocka_unit_test(every_module_is_covered),
        cmocka_unit_test_setup_teardown(the_view_of_the_state_can_be_read,
                                        cache_in_memory_setup, cache_in_memory_teardown),
    };

    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
