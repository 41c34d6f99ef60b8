#include "daemon/primary/table_rules.h"

#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/table_builder.h"

#include <stdlib.h>
#include <string.h>

static const struct introspect_config config = {
    .updated_at = "updated_at",
    .deleted_at = "deleted_at",
    .conflict = CONFLICT_SERVER_WINS,
};

/* A draft as the catalog leaves it: every column readable, the first one the key. */
static struct table_draft draft_of(struct table table)
{
    struct table_draft draft = {.table = table, .may_read_xmin = true};

    draft.quoted_name = strdup(table.name);
    draft.facts = calloc(table.column_count, sizeof(*draft.facts));
    draft.key_attributes = calloc(1, sizeof(*draft.key_attributes));
    assert_non_null(draft.facts);
    assert_non_null(draft.key_attributes);
    draft.key_attributes[0] = 1;
    draft.key_attribute_count = 1;
    for (size_t i = 0; i < table.column_count; i++)
        draft.facts[i] = (struct column_facts){
            .attribute = (int)i + 1,
            .quoted_name = strdup(table.columns[i].name),
            .is_timestamp = table.columns[i].codec == CODEC_TIMESTAMPTZ,
            .may_be_key = true,
            .is_visible = true,
            .may_read = true,
        };
    return draft;
}

static struct table_draft orders(const struct introspect_rule *rule)
{
    struct table table = table_named("orders");
    struct table_draft draft;

    table_with_column(&table, "id", CODEC_UUID);
    table_with_column(&table, "total", CODEC_NUMERIC);
    table_with_column(&table, "embedding", CODEC_SERVER_TEXT);
    table_with_column(&table, "updated_at", CODEC_TIMESTAMPTZ);
    table_with_column(&table, "deleted_at", CODEC_TIMESTAMPTZ);
    draft = draft_of(table);
    draft.rule = rule;
    return draft;
}

static void apply(struct table_draft *draft)
{
    struct error err = {0};

    if (table_rules_apply(draft, &config, "reader", &err) == FAILED)
        fail_msg("%s", err.message);
}

static void assert_refused(struct table_draft *draft, const char *part)
{
    apply(draft);
    assert_non_null(draft->reason);
    if (!strstr(draft->reason, part))
        fail_msg("%s", draft->reason);
    assert_non_null(draft->remedy);
}

static void without_a_rule_all_columns_are_mirrored(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    apply(&draft);
    assert_null(draft.reason);
    assert_int_equal(draft.table.column_count, 5);
    assert_int_equal(draft.table.key[0], 0);
    assert_int_equal(draft.table.updated_at, 3);
    assert_int_equal(draft.table.deleted_at, 4);
}

static void an_excluded_column_is_left_out(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .columns = NAMES("!emb*")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    apply(&draft);
    assert_int_equal(table_find_column(&draft.table, "embedding"), TABLE_NO_COLUMN);
    assert_int_equal(draft.table.deleted_at, 3);
    assert_int_equal(table_draft_column(&draft, 5), 3);
}

static void key_and_timestamps_stay_in_a_list_of_columns(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .columns = NAMES("total")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    apply(&draft);
    assert_null(draft.reason);
    assert_int_equal(draft.table.column_count, 4);
    assert_int_equal(table_find_column(&draft.table, "id"), 0);
    assert_int_equal(draft.table.deleted_at, 3);
}

static void a_key_cannot_be_excluded(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .columns = NAMES("!id")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    assert_refused(&draft, "excludes id");
}

static void a_misspelt_column_is_not_passed_over(void **state)
{
    const struct introspect_rule rule = {.table = "orders",
                                         .columns = NAMES("!embeding")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    assert_refused(&draft, "\"embeding\"");
}

static void a_ruled_tombstone_column_must_be_a_timestamp(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .deleted_at = "total"};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    assert_refused(&draft, "deleted_at names \"total\"");
}

static void an_empty_name_switches_tombstones_off(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .deleted_at = ""};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    apply(&draft);
    assert_null(draft.reason);
    assert_int_equal(draft.table.deleted_at, TABLE_NO_COLUMN);
}

static void a_column_of_another_type_is_no_tombstone(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    draft.facts[4].is_timestamp = false;
    apply(&draft);
    assert_null(draft.reason);
    assert_int_equal(draft.table.deleted_at, TABLE_NO_COLUMN);
}

static void a_table_may_settle_conflicts_otherwise(void **state)
{
    const enum conflict_policy policy = CONFLICT_MANUAL;
    const struct introspect_rule rule = {.table = "orders", .conflict = &policy};
    OWNED(table_draft_release) struct table_draft ruled = orders(&rule);
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    apply(&ruled);
    apply(&draft);
    assert_int_equal(ruled.table.conflict_policy, CONFLICT_MANUAL);
    assert_int_equal(draft.table.conflict_policy, CONFLICT_SERVER_WINS);
}

static void a_scope_with_an_identity_is_refused(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .scope = "owner_id = :sub"};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    assert_refused(&draft, "needs an identity");
}

static void a_cast_in_a_scope_is_no_identity(void **state)
{
    const struct introspect_rule rule = {.table = "orders",
                                         .scope = "a::sub = 'x' and b = ':subject'"};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    apply(&draft);
    assert_null(draft.reason);
    assert_string_equal(draft.table.scope, rule.scope);
}

static void numerics_become_reals_where_asked(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .as_real = NAMES("total")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    apply(&draft);
    assert_int_equal(draft.table.columns[1].codec, CODEC_NUMERIC_AS_REAL);
    assert_int_equal(draft.table.columns[0].codec, CODEC_UUID);
}

static void a_numeric_key_stays_exact(void **state)
{
    const struct introspect_rule rule = {.table = "orders", .as_real = NAMES("total")};
    OWNED(table_draft_release) struct table_draft draft = orders(&rule);

    (void)state;
    draft.key_attributes[0] = 2;
    apply(&draft);
    assert_int_equal(draft.table.columns[1].codec, CODEC_NUMERIC);
}

static void a_uuid_key_makes_itself(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    apply(&draft);
    assert_non_null(strstr(draft.table.columns[0].cache_default, "randomblob"));
    assert_null(draft.table.columns[1].cache_default);
    assert_non_null(strstr(draft.table.columns[3].cache_default, "'now'"));
    assert_null(draft.table.columns[4].cache_default);
}

static void columns_that_differ_only_in_case_are_refused(void **state)
{
    struct table table = table_named("t");
    OWNED(table_draft_release) struct table_draft draft = {0};

    (void)state;
    table_with_column(&table, "id", CODEC_BIGINT);
    table_with_column(&table, "name", CODEC_TEXT);
    table_with_column(&table, "Name", CODEC_TEXT);
    draft = draft_of(table);
    assert_refused(&draft, "differ only in case");
}

static void rights_are_needed_on_columns_that_are_mirrored(void **state)
{
    const struct introspect_rule rule = {.table = "orders",
                                         .columns = NAMES("!embedding")};
    OWNED(table_draft_release) struct table_draft refused = orders(NULL);
    OWNED(table_draft_release) struct table_draft without = orders(&rule);

    (void)state;
    refused.facts[2].may_read = false;
    without.facts[2].may_read = false;
    assert_refused(&refused, "no permission to read its column embedding");
    assert_non_null(
        strstr(refused.remedy, "grant select (embedding) on orders to reader"));
    apply(&without);
    assert_null(without.reason);
}

static void rights_are_needed_on_what_the_delta_reads(void **state)
{
    OWNED(table_draft_release) struct table_draft untracked = orders(NULL);
    OWNED(table_draft_release) struct table_draft tracked = orders(NULL);

    (void)state;
    untracked.may_read_xmin = false;
    tracked.table.mode = TABLE_TRACKED;
    assert_refused(&untracked, "xmin");
    assert_refused(&tracked, "tide_xid");
}

static void a_key_of_an_unsupported_type_is_refused(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    draft.facts[0].may_be_key = false;
    assert_refused(&draft, "key column id");
}

static void a_key_whose_operators_are_out_of_sight_is_refused(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);

    (void)state;
    draft.facts[0].is_visible = false;
    assert_refused(&draft, "search path");
}

static void a_catalog_that_changed_meanwhile_is_an_error(void **state)
{
    OWNED(table_draft_release) struct table_draft draft = orders(NULL);
    struct error err = {0};

    (void)state;
    draft.key_attributes[0] = 99;
    assert_int_equal(table_rules_apply(&draft, &config, "reader", &err), FAILED);
    assert_int_equal(err.kind, ERROR_SCHEMA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rule_all_columns_are_mirrored),
        cmocka_unit_test(an_excluded_column_is_left_out),
        cmocka_unit_test(key_and_timestamps_stay_in_a_list_of_columns),
        cmocka_unit_test(a_key_cannot_be_excluded),
        cmocka_unit_test(a_misspelt_column_is_not_passed_over),
        cmocka_unit_test(a_ruled_tombstone_column_must_be_a_timestamp),
        cmocka_unit_test(an_empty_name_switches_tombstones_off),
        cmocka_unit_test(a_column_of_another_type_is_no_tombstone),
        cmocka_unit_test(a_table_may_settle_conflicts_otherwise),
        cmocka_unit_test(a_scope_with_an_identity_is_refused),
        cmocka_unit_test(a_cast_in_a_scope_is_no_identity),
        cmocka_unit_test(numerics_become_reals_where_asked),
        cmocka_unit_test(a_numeric_key_stays_exact),
        cmocka_unit_test(a_uuid_key_makes_itself),
        cmocka_unit_test(columns_that_differ_only_in_case_are_refused),
        cmocka_unit_test(rights_are_needed_on_columns_that_are_mirrored),
        cmocka_unit_test(rights_are_needed_on_what_the_delta_reads),
        cmocka_unit_test(a_key_of_an_unsupported_type_is_refused),
        cmocka_unit_test(a_key_whose_operators_are_out_of_sight_is_refused),
        cmocka_unit_test(a_catalog_that_changed_meanwhile_is_an_error),
    };

    return cmocka_run_group_tests_name("table_rules", tests, NULL, NULL);
}
