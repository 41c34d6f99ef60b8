#include "lib/model/pending_change.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdio.h>
#include <string.h>

/* One letter for each entry: i, u and d; their bases are the old value of column n, which
 * counts up from 0, and d has that of m too. */
static void add_entries(struct pending_change *change, const char *letters, bool later)
{
    struct error err = {0};

    for (int i = 0; letters[i]; i++) {
        OWNED(outbox_entry_release)
        struct outbox_entry entry = {.sequence = 10 + i, .changed_us = 100 + i};
        char json[64];

        entry.operation = letters[i] == 'i'   ? OUTBOX_INSERT
                          : letters[i] == 'u' ? OUTBOX_UPDATE
                                              : OUTBOX_DELETE;
        snprintf(json, sizeof(json), "{\"n\":\"%d\"%s}", i,
                 letters[i] == 'd' ? ",\"m\":\"7\"" : "");
        assert_int_equal(change_base_parse(&entry.base, letters[i] == 'i' ? NULL : json,
                                           strlen(json), &err),
                         OK);
        assert_int_equal(later ? pending_change_add_later(change, &entry, &err)
                               : pending_change_add(change, &entry, &err),
                         OK);
    }
}

struct fold {
    const char *entries;
    enum pending_kind kind;
    const char *base; /* of n, or "" */
    size_t base_count;
};

static void entries_of_a_row_fold(void **state)
{
    static const struct fold folds[] = {
        {"i", PENDING_INSERT, "", 0},     {"iuu", PENDING_INSERT, "", 0},
        {"id", PENDING_NOTHING, "", 0},   {"iudi", PENDING_INSERT, "", 0},
        {"iudiu", PENDING_INSERT, "", 0}, {"u", PENDING_UPDATE, "0", 1},
        {"uuu", PENDING_UPDATE, "0", 1},  {"uud", PENDING_DELETE, "0", 2},
        {"udi", PENDING_UPDATE, "0", 2},  {"udiu", PENDING_UPDATE, "0", 2},
        {"d", PENDING_DELETE, "0", 2},    {"di", PENDING_UPDATE, "0", 2},
        {"diud", PENDING_DELETE, "0", 2}, {"ui", PENDING_INSERT, "", 0},
        {"uiu", PENDING_INSERT, "", 0},   {"uid", PENDING_NOTHING, "", 0},
        {"uidui", PENDING_INSERT, "", 0}, {"udui", PENDING_UPDATE, "0", 2},
        {"dui", PENDING_UPDATE, "0", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
        OWNED(pending_change_release) struct pending_change change = {0};
        const struct change_base_item *base;

        add_entries(&change, folds[i].entries, false);
        base = change_base_find(&change.base, "n");
        if (change.kind != folds[i].kind || change.base.count != folds[i].base_count ||
            strcmp(base ? base->quoted : "", folds[i].base) != 0)
            fail_msg("%s", folds[i].entries);
        assert_int_equal(change.first_sequence, 10);
        assert_int_equal(change.last_sequence, 9 + strlen(folds[i].entries));
        assert_int_equal(change.changed_us, 99 + strlen(folds[i].entries));
    }
}

static void entries_behind_the_cut_only_tell_what_was_there(void **state)
{
    OWNED(pending_change_release) struct pending_change change = {0};

    (void)state;
    add_entries(&change, "i", false);
    add_entries(&change, "ud", true);
    assert_int_equal(change.kind, PENDING_INSERT);
    assert_int_equal(change.last_sequence, 10);
    assert_int_equal(change.later_first, OUTBOX_UPDATE);
    assert_string_equal(change_base_find(&change.later, "n")->quoted, "0");
    assert_string_equal(change_base_find(&change.later, "m")->quoted, "7");
}

static bool is_dirty(const struct table *table, const char *base, size_t column,
                     const struct value *now)
{
    OWNED(pending_change_release) struct pending_change change = {.kind = PENDING_UPDATE};
    struct error err = {0};

    assert_int_equal(change_base_parse(&change.base, base, strlen(base), &err), OK);
    return pending_change_is_dirty(&change, table, column, now);
}

static void a_column_is_dirty_when_it_differs_from_its_base(void **state)
{
    OWNED(table_release) struct table table = table_named("orders");
    const struct value null = {0};
    const struct value one = {.type = VALUE_INTEGER, .integer = 1};
    const struct value real = {.type = VALUE_REAL, .real = 1.0};
    const struct value zero = {.type = VALUE_REAL, .real = -0.0};
    const struct value text = {.type = VALUE_TEXT, .bytes = "a", .size = 1};

    (void)state;
    table_with_column(&table, "n", CODEC_BIGINT);
    table_with_column(&table, "total", CODEC_BIGINT)->generated = true;
    table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ);
    table.updated_at = 2;
    assert_false(is_dirty(&table, "{\"n\":\"1\"}", 0, &one));
    assert_true(is_dirty(&table, "{\"n\":\"2\"}", 0, &one));
    assert_true(is_dirty(&table, "{\"n\":\"1\"}", 0, &real));
    assert_true(is_dirty(&table, "{\"n\":\"1\"}", 0, &null));
    assert_false(is_dirty(&table, "{\"n\":\"NULL\"}", 0, &null));
    assert_false(is_dirty(&table, "{\"n\":\"0.0\"}", 0, &zero));
    assert_false(is_dirty(&table, "{\"n\":\"'a'\"}", 0, &text));
    assert_true(is_dirty(&table, "{\"n\":\"'A'\"}", 0, &text));
    assert_true(is_dirty(&table, "{\"n\":\"X'61'\"}", 0, &text));
    assert_true(is_dirty(&table, "{\"n\":\"?\"}", 0, &text));
    assert_false(is_dirty(&table, "{\"other\":\"2\"}", 0, &one));
    assert_false(is_dirty(&table, "{\"total\":\"2\"}", 1, &one));
    assert_false(is_dirty(&table, "{\"updated_at\":\"2\"}", 2, &one));
}

static void operations_are_named(void **state)
{
    (void)state;
    for (int i = OUTBOX_INSERT; i <= OUTBOX_UNIT_END; i++)
        assert_int_equal(
            outbox_operation_read(outbox_operation_name((enum outbox_operation)i)), i);
    assert_int_equal(outbox_operation_read("upsert"), OUTBOX_NONE);
    assert_int_equal(outbox_operation_read(""), OUTBOX_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_a_row_fold),
        cmocka_unit_test(entries_behind_the_cut_only_tell_what_was_there),
        cmocka_unit_test(a_column_is_dirty_when_it_differs_from_its_base),
        cmocka_unit_test(operations_are_named),
    };

    return cmocka_run_group_tests_name("pending_change", tests, NULL, NULL);
}
