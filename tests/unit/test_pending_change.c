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

static void settle(struct pending_change *change, bool has_row)
{
    struct error err = {0};

    assert_int_equal(pending_change_settle(change, has_row, &err), OK);
}

struct fold {
    const char *entries;
    enum pending_kind kind;
    const char *base; /* of n, or "" */
    size_t base_count;
};

static void assert_folds(const struct fold *folds, size_t count, bool has_row)
{
    for (size_t i = 0; i < count; i++) {
        OWNED(pending_change_release) struct pending_change change = {0};
        const struct change_base_item *base;

        add_entries(&change, folds[i].entries, false);
        settle(&change, has_row);
        base = change_base_find(&change.base, "n");
        if (change.kind != folds[i].kind || change.base.count != folds[i].base_count ||
            strcmp(base ? base->quoted : "", folds[i].base) != 0)
            fail_msg("%s: %d %s", folds[i].entries, change.kind,
                     base ? base->quoted : "");
    }
}

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
        settle(&change, pending_change_expects_row(&change));
        base = change_base_find(&change.base, "n");
        if (change.kind != folds[i].kind || change.base.count != folds[i].base_count ||
            strcmp(base ? base->quoted : "", folds[i].base) != 0)
            fail_msg("%s", folds[i].entries);
        assert_int_equal(change.first_sequence, 10);
        assert_int_equal(change.last_sequence, 9 + strlen(folds[i].entries));
        assert_int_equal(change.changed_us, 99 + strlen(folds[i].entries));
    }
}

/* Whatever the entries say: a row that is there is sent, one that is not there is not. */
static void no_row_is_lost_and_none_is_made_up(void **state)
{
    static const char operations[] = "iud";

    (void)state;
    for (int number = 0; number < 3 * 3 * 3 * 3; number++)
        for (int length = 1; length <= 4; length++)
            for (int has_row = 0; has_row < 2; has_row++) {
                OWNED(pending_change_release) struct pending_change change = {0};
                char entries[5] = "";
                bool is_there;

                for (int i = 0, rest = number; i < length; i++, rest /= 3)
                    entries[i] = operations[rest % 3];
                add_entries(&change, entries, false);
                settle(&change, has_row);
                is_there = change.kind == PENDING_INSERT || change.kind == PENDING_UPDATE;
                if (is_there != has_row)
                    fail_msg("%s, %d", entries, has_row);
            }
}

/* Entries whose order is not that of what happened: a trigger of the application has
 * written the row before ours came to it. */
static void the_row_tells_what_the_order_does_not(void **state)
{
    static const struct fold with_a_row[] = {
        {"id", PENDING_UPDATE, "1", 2},  {"iud", PENDING_UPDATE, "2", 2},
        {"uid", PENDING_UPDATE, "0", 2}, {"iid", PENDING_INSERT, "", 0},
        {"iuid", PENDING_INSERT, "", 0}, {"idid", PENDING_UPDATE, "1", 2},
        {"idu", PENDING_UPDATE, "1", 2}, {"iudu", PENDING_UPDATE, "2", 2},
        {"d", PENDING_UPDATE, "0", 2},   {"ud", PENDING_UPDATE, "0", 2},
        {"dd", PENDING_UPDATE, "0", 2},  {"i", PENDING_INSERT, "", 0},
        {"ii", PENDING_INSERT, "", 0},   {"did", PENDING_UPDATE, "0", 2},
    };
    static const struct fold without[] = {
        {"i", PENDING_NOTHING, "", 0},    {"u", PENDING_NOTHING, "", 0},
        {"di", PENDING_NOTHING, "", 0},   {"ui", PENDING_NOTHING, "", 0},
        {"idd", PENDING_DELETE, "1", 2},  {"did", PENDING_DELETE, "0", 2},
        {"diud", PENDING_DELETE, "0", 2},
    };

    (void)state;
    assert_folds(with_a_row, sizeof(with_a_row) / sizeof(with_a_row[0]), true);
    assert_folds(without, sizeof(without) / sizeof(without[0]), false);
}

static void the_cut_tells_whether_there_was_a_row(void **state)
{
    static const struct {
        const char *entries;
        const char *later;
        bool has_row;
        enum pending_kind kind;
    } cuts[] = {
        {"i", "d", false, PENDING_INSERT},    {"i", "u", true, PENDING_INSERT},
        {"id", "i", true, PENDING_NOTHING},   {"d", "i", true, PENDING_DELETE},
        {"u", "d", false, PENDING_UPDATE},    {"u", "di", true, PENDING_UPDATE},
        {"u", "id", true, PENDING_UPDATE},    {"d", "id", false, PENDING_DELETE},
        {"id", "id", false, PENDING_NOTHING}, {"id", "u", true, PENDING_UPDATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        OWNED(pending_change_release) struct pending_change change = {0};

        add_entries(&change, cuts[i].entries, false);
        add_entries(&change, cuts[i].later, true);
        settle(&change, cuts[i].has_row);
        if (change.kind != cuts[i].kind)
            fail_msg("%s | %s", cuts[i].entries, cuts[i].later);
    }
}

static void entries_behind_the_cut_only_tell_what_was_there(void **state)
{
    OWNED(pending_change_release) struct pending_change change = {0};

    (void)state;
    add_entries(&change, "i", false);
    add_entries(&change, "ud", true);
    settle(&change, false);
    assert_int_equal(change.kind, PENDING_INSERT);
    assert_int_equal(change.last_sequence, 10);
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
        cmocka_unit_test(no_row_is_lost_and_none_is_made_up),
        cmocka_unit_test(the_row_tells_what_the_order_does_not),
        cmocka_unit_test(the_cut_tells_whether_there_was_a_row),
        cmocka_unit_test(entries_behind_the_cut_only_tell_what_was_there),
        cmocka_unit_test(a_column_is_dirty_when_it_differs_from_its_base),
        cmocka_unit_test(operations_are_named),
    };

    return cmocka_run_group_tests_name("pending_change", tests, NULL, NULL);
}
