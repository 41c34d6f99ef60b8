#include "lib/model/table_fingerprint.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdlib.h>
#include <string.h>

static struct table orders(void)
{
    struct table table = table_named("orders");

    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "code", CODEC_TEXT);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    column_with_labels(&table.columns[1], NAMES("a", "b"));
    table_with_key(&table, NAMES("id"));
    table_with_index(&table, "by_code", true, NAMES("code"));
    table_with_foreign_key(&table, NAMES("id"), "parent", NAMES("id"));
    table.deleted_at = 2;
    return table;
}

static void assert_fingerprints_differ(const struct table *a, const struct table *b)
{
    char *one = fingerprint_of(a);
    char *other = fingerprint_of(b);

    assert_string_not_equal(one, other);
    free(one);
    free(other);
}

static void neither_estimates_nor_the_mode_change_it(void **state)
{
    OWNED(table_release) struct table one = orders();
    OWNED(table_release) struct table other = orders();
    char *text = fingerprint_of(&one);
    char *again;

    (void)state;
    other.estimated_rows = 1000;
    other.mode = TABLE_TRACKED;
    again = fingerprint_of(&other);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

static void is_readable(void **state)
{
    OWNED(table_release) struct table table = orders();
    char *text = fingerprint_of(&table);

    (void)state;
    assert_string_equal(text, "table 16384 \"public\" \"orders\"\n"
                              "column \"id\" \"text\" bigint not null\n"
                              "column \"code\" \"text\" text labels \"a\" \"b\"\n"
                              "column \"deleted_at\" \"text\" timestamptz\n"
                              "key \"id\"\n"
                              "updated_at -\n"
                              "deleted_at \"deleted_at\"\n"
                              "unique \"by_code\" on \"code\"\n"
                              "foreign key \"id\" to \"public\" \"parent\" \"id\"\n");
    free(text);
}

static void set_oid(struct table *table)
{
    table->oid++;
}

static void set_codec(struct table *table)
{
    table->columns[1].codec = CODEC_CASELESS_TEXT;
}

static void set_type(struct table *table)
{
    column_with_type(&table->columns[1], "varchar(3)");
}

static void set_not_null(struct table *table)
{
    table->columns[1].not_null = true;
}

static void set_default(struct table *table)
{
    column_with_default(&table->columns[1], "'a'");
}

static void set_generated(struct table *table)
{
    table->columns[1].generated = true;
}

static void set_label(struct table *table)
{
    table->columns[1].labels[1][0] = 'c';
}

static void set_tombstone(struct table *table)
{
    table->deleted_at = TABLE_NO_COLUMN;
}

static void set_index_order(struct table *table)
{
    table->indexes[0].descending[0] = true;
}

static void set_index_predicate(struct table *table)
{
    table->indexes[0].predicate = strdup("\"deleted_at\" IS NULL");
}

static void set_scope(struct table *table)
{
    table->scope = strdup("owner_id = 1");
}

static void set_partitions(struct table *table)
{
    table->partitions = strdup("16400 16401");
}

static void add_column(struct table *table)
{
    table_with_column(table, "more", CODEC_TEXT);
}

static void whatever_shapes_the_cache_changes_it(void **state)
{
    static void (*const changes[])(struct table * table) = {
        set_oid,        set_codec,     set_type,        set_not_null,        set_default,
        set_label,      set_tombstone, set_index_order, set_index_predicate, set_scope,
        set_partitions, add_column,    set_generated,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        OWNED(table_release) struct table before = orders();
        OWNED(table_release) struct table after = orders();

        changes[i](&after);
        assert_fingerprints_differ(&before, &after);
    }
}

static void another_scope_changes_it(void **state)
{
    OWNED(table_release) struct table one = orders();
    OWNED(table_release) struct table other = orders();

    (void)state;
    one.scope = strdup("owner_id = 1");
    other.scope = strdup("owner_id = 2");
    assert_fingerprints_differ(&one, &other);
}

static void quotes_in_names_cannot_be_mistaken(void **state)
{
    OWNED(table_release) struct table one = table_named("t");
    OWNED(table_release) struct table other = table_named("t");

    (void)state;
    table_with_column(&one, "a\" \"b", CODEC_TEXT);
    column_with_type(&one.columns[0], "c");
    table_with_column(&other, "a", CODEC_TEXT);
    column_with_type(&other.columns[0], "b\" \"c");
    assert_fingerprints_differ(&one, &other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_estimates_nor_the_mode_change_it),
        cmocka_unit_test(is_readable),
        cmocka_unit_test(whatever_shapes_the_cache_changes_it),
        cmocka_unit_test(another_scope_changes_it),
        cmocka_unit_test(quotes_in_names_cannot_be_mistaken),
    };

    return cmocka_run_group_tests_name("table_fingerprint", tests, NULL, NULL);
}
