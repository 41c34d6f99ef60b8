#include "tests/support/cmocka_all.h"

#include "daemon/migrate/migration_file.h"
#include "lib/base/sha256.h"

#include <stdio.h>
#include <string.h>

#define NAME "20261122_0001_schema_tidemark"

static void expect_refusal(const char *name, const char *text, const char *message)
{
    struct migration_file file;
    struct error err = {0};

    assert_int_equal(migration_file_parse(&file, name, text, &err), FAILED);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_string_equal(err.message, message);
}

static void sections_and_name_are_taken_apart(void **state)
{
    struct migration_file file;
    struct error err;

    (void)state;
    assert_int_equal(migration_file_parse(&file, NAME,
                                          "-- why\n\n-- upgrade\ncreate x;\n"
                                          "-- downgrade\ndrop x;\n",
                                          &err),
                     OK);
    assert_string_equal(file.revision, "20261122_0001");
    assert_string_equal(file.description, "schema_tidemark");
    assert_int_equal(file.upgrade.line, 4);
    assert_memory_equal(file.upgrade.at, "create x;\n", 10);
    assert_int_equal(file.upgrade.end - file.upgrade.at, 10);
    assert_int_equal(file.downgrade.line, 6);
    assert_string_equal(file.downgrade.at, "drop x;\n");
}

static void downgrade_may_be_empty(void **state)
{
    struct migration_file file;
    struct error err;

    (void)state;
    assert_int_equal(
        migration_file_parse(&file, NAME, "-- upgrade\nselect 1\n-- downgrade", &err),
        OK);
    assert_ptr_equal(file.downgrade.at, file.downgrade.end);
}

static void bad_names_are_refused(void **state)
{
    static const char *const names[] = {"",
                                        "1_x",
                                        "2026112_00001_x",
                                        "20261122-0001-x",
                                        "20261122_0001_",
                                        "20261122_001_xy",
                                        "2026112a_0001_x"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char message[100];

        snprintf(message, sizeof(message),
                 "%s: the name is not YYYYMMDD_####_description", names[i]);
        expect_refusal(names[i], "-- upgrade\nselect 1;\n-- downgrade\n", message);
    }
}

static void days_that_the_calendar_does_not_have_are_refused(void **state)
{
    static const char *const days[] = {"20260231", "20261301", "20260001", "20260100",
                                       "20260432", "20260229", "21000229", "00000101"};
    static const char text[] = "-- upgrade\nselect 1;\n-- downgrade\n";
    struct migration_file file;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
        char name[40];
        char message[100];

        snprintf(name, sizeof(name), "%s_0001_x", days[i]);
        snprintf(message, sizeof(message), "%s: the calendar has no day %.4s-%.2s-%.2s",
                 name, name, name + 4, name + 6);
        expect_refusal(name, text, message);
    }
    assert_int_equal(migration_file_parse(&file, "20280229_0001_x", text, &err), OK);
    assert_int_equal(migration_file_parse(&file, "20000229_0001_x", text, &err), OK);
    assert_int_equal(migration_file_parse(&file, "20261231_0001_x", text, &err), OK);
}

static void missing_sections_are_named(void **state)
{
    (void)state;
    expect_refusal(NAME, "", NAME ": no line \"-- upgrade\"");
    expect_refusal(NAME, "select 1;\n", NAME ": no line \"-- upgrade\"");
    expect_refusal(NAME, "-- upgrade\nselect 1;\n", NAME ": no line \"-- downgrade\"");
    expect_refusal(NAME, "-- downgrade\nselect 1;\n", NAME ": no line \"-- upgrade\"");
    expect_refusal(NAME, "-- upgrade now\n-- downgrade\n",
                   NAME ": no line \"-- upgrade\"");
}

static void a_marker_that_is_nearly_one_is_pointed_at(void **state)
{
    static const char *const texts[] = {
        "\n--upgrade\nselect 1;\n-- downgrade\n", "\n-- Upgrade \nselect 1;\n",
        "\n  -- upgrade\nselect 1;\n", "\n-- upgrade\nselect 1;\n\t--  DOWNGRADE\n"};
    static const int lines[] = {2, 2, 2, 4};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct migration_file file;
        struct error err = {0};
        char hint[100];

        snprintf(hint, sizeof(hint),
                 "line %d must be exactly that, from its first character on", lines[i]);
        assert_int_equal(migration_file_parse(&file, NAME, texts[i], &err), FAILED);
        assert_string_equal(err.hint, hint);
    }
}

static void a_remark_about_an_upgrade_is_no_marker(void **state)
{
    struct migration_file file;
    struct error err = {0};

    (void)state;
    assert_int_equal(migration_file_parse(
                         &file, NAME, "-- upgrades the price list\nselect 1;\n", &err),
                     FAILED);
    assert_string_equal(err.message, NAME ": no line \"-- upgrade\"");
    assert_string_equal(err.hint, "");
}

static void order_and_repetition_are_refused(void **state)
{
    (void)state;
    expect_refusal(NAME, "-- downgrade\n\n-- upgrade\nselect 1;\n",
                   NAME ", line 3: -- upgrade must come before -- downgrade");
    expect_refusal(NAME, "-- upgrade\n-- upgrade\n-- downgrade\n",
                   NAME ", line 2: a second section of that name");
    expect_refusal(NAME, "-- upgrade\n-- downgrade\n-- downgrade\n",
                   NAME ", line 3: a second section of that name");
}

static void markers_inside_of_something_are_its_text(void **state)
{
    static const char upgrade[] = "do $x$\n-- downgrade\n-- upgrade\n$x$;\n"
                                  "comment on table t is '\n-- downgrade\n';\n"
                                  "/*\n-- no-transaction\n-- downgrade\n*/\n"
                                  "create function f() returns int\nbegin atomic\n"
                                  "-- downgrade\nselect 1;\nend;\n"
                                  "select (1\n-- downgrade\n);\n";
    struct migration_file file;
    struct error err = {0};
    char text[500];

    (void)state;
    snprintf(text, sizeof(text),
             "/*\n-- upgrade\n*/\n-- upgrade\n%s-- downgrade\r\ndo $$\n-- "
             "downgrade\n$$",
             upgrade);
    assert_int_equal(migration_file_parse(&file, NAME, text, &err), OK);
    assert_int_equal(file.upgrade.line, 5);
    assert_int_equal(file.upgrade.end - file.upgrade.at, strlen(upgrade));
    assert_int_equal(file.upgrade_steps, 4);
    assert_string_equal(file.downgrade.at, "do $$\n-- downgrade\n$$");
    assert_false(file.no_transaction);
}

static void a_marker_behind_something_open_says_where_it_is(void **state)
{
    (void)state;
    expect_refusal(NAME, "-- upgrade\nselect 'a;\n-- downgrade\nselect 'b';\n'",
                   NAME ", line 3: \"-- downgrade\" stands inside of a quote, comment or "
                        "parenthesis");
    expect_refusal(NAME, "/*\n-- upgrade\n*/\n-- downgrade\n",
                   NAME ", line 2: \"-- upgrade\" stands inside of a quote, comment or "
                        "parenthesis");
}

static void an_upgrade_must_do_something(void **state)
{
    (void)state;
    expect_refusal(NAME, "-- upgrade\n-- nothing\n-- downgrade\n",
                   NAME ": nothing to upgrade");
    expect_refusal(NAME, "\nselect 1;\n-- upgrade\nselect 2;\n-- downgrade\n",
                   NAME ", line 2: a statement before -- upgrade");
}

static void what_never_ends_is_named(void **state)
{
    (void)state;
    expect_refusal(NAME, "-- upgrade\nselect 1;\nselect 'abc;\n-- downgrade\n",
                   NAME ": line 3: a quote or comment never ends");
    expect_refusal(NAME, "-- upgrade\ndo $x$ begin end $y$;\n-- downgrade\n",
                   NAME ": line 2: a quote or comment never ends");
}

static void no_transaction_is_a_line_of_the_header(void **state)
{
    struct migration_file file;
    struct error err;

    (void)state;
    assert_int_equal(migration_file_parse(&file, NAME,
                                          "-- why\n-- no-transaction\n-- upgrade\n"
                                          "vacuum;\nvacuum;\n-- downgrade\nvacuum;",
                                          &err),
                     OK);
    assert_true(file.no_transaction);
    assert_int_equal(file.upgrade_steps, 2);
    assert_int_equal(file.downgrade_steps, 1);
    assert_int_equal(
        migration_file_parse(&file, NAME, "-- upgrade\nselect 1;\n-- downgrade", &err),
        OK);
    assert_false(file.no_transaction);
    expect_refusal(NAME, "-- upgrade\n-- no-transaction\nvacuum;\n-- downgrade\n",
                   NAME ", line 2: -- no-transaction must come before -- upgrade");
}

static void what_the_runner_cannot_run_is_refused(void **state)
{
    static const char *const statements[][2] = {
        {"begin", "begins or ends a transaction, which is the runner's to do"},
        {"COMMIT work", "begins or ends a transaction, which is the runner's to do"},
        {"start transaction",
         "begins or ends a transaction, which is the runner's to do"},
        {"/* x */ rollback", "begins or ends a transaction, which is the runner's to do"},
        {"copy t from stdin", "COPY needs a client to send or take the rows"},
        {"\\i other.sql", "a command of psql, not SQL"},
        {"create index concurrently on t (x)",
         "an index that is built concurrently needs a name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
        char text[200];
        char message[200];

        snprintf(text, sizeof(text), "-- upgrade\nselect 1;\n%s;\n-- downgrade\n",
                 statements[i][0]);
        snprintf(message, sizeof(message), NAME ", line 3: %s", statements[i][1]);
        expect_refusal(NAME, text, message);
    }
}

static void what_only_looks_like_it_is_taken(void **state)
{
    struct migration_file file;
    struct error err = {0};

    (void)state;
    assert_int_equal(
        migration_file_parse(&file, NAME,
                             "-- upgrade\nsavepoint a; rollback to a; rollback work to "
                             "savepoint a;\ncopy t from '/x'; start_of_week(1);\n"
                             "do $$ begin commit; end $$; prepare p as select 1;\n"
                             "-- downgrade\n",
                             &err),
        OK);
    assert_int_equal(file.upgrade_steps, 7);
}

static void
without_a_transaction_what_ends_with_it_or_the_session_is_refused(void **state)
{
    static const struct {
        const char *statement;
        const char *said;
    } cases[] = {
        {"savepoint one", "is over before"},
        {"release one", "is over before"},
        {"rollback to one", "is over before"},
        {"lock table t", "is over before"},
        {"set local work_mem = 1", "is over before"},
        {"set constraints all deferred", "is over before"},
        {"set transaction read only", "is over before"},
        {"create temp table t (id int)", "ends with the session"},
        {"create temporary view v as select 1", "ends with the session"},
        {"create local temporary table t (id int)", "ends with the session"},
        {"create global temp table t (id int)", "ends with the session"},
        {"prepare p as select 1", "ends with the session"},
        {"declare c cursor with hold for select 1", "ends with the session"},
        {"listen news", "ends with the session"},
        {"load 'auto_explain'", "ends with the session"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct migration_file file;
        struct error err = {0};
        char text[200];

        snprintf(text, sizeof(text), "-- no-transaction\n-- upgrade\n%s;\n-- downgrade\n",
                 cases[i].statement);
        assert_int_equal(migration_file_parse(&file, NAME, text, &err), FAILED);
        assert_non_null(strstr(err.message, cases[i].said));
        assert_int_equal(
            migration_file_parse(&file, NAME, text + sizeof("-- no-transaction"), &err),
            OK);
    }
}

static void without_a_transaction_a_word_of_the_session_is_no_harm_elsewhere(void **state)
{
    struct migration_file file;
    struct error err = {0};

    (void)state;
    assert_int_equal(migration_file_parse(
                         &file, NAME,
                         "-- no-transaction\n-- upgrade\n"
                         "alter role ana set search_path = app;\n"
                         "create function f() returns int language sql set role = 'x' "
                         "as 'select 1';\nupdate t set role = 1;\n"
                         "select setting from pg_settings; settle(1);\n"
                         "create table temp (id int); discard plans;\n"
                         "do $$ begin set role x; end $$; execute_it();\n"
                         "-- downgrade\n",
                         &err),
                     OK);
    assert_int_equal(file.upgrade_steps, 9);
}

static void checksum_is_sha256_of_the_whole_text(void **state)
{
    static const char text[] = "-- upgrade\nselect 1;\n-- downgrade\n";
    struct migration_file file;
    struct error err;
    char expected[SHA256_TEXT_SIZE];

    (void)state;
    sha256_text(text, strlen(text), expected);
    assert_int_equal(migration_file_parse(&file, NAME, text, &err), OK);
    assert_string_equal(file.checksum, expected);
}

static void sha256_agrees_with_the_standard(void **state)
{
    static char million[1000000];
    char text[SHA256_TEXT_SIZE];

    (void)state;
    sha256_text("", 0, text);
    assert_string_equal(
        text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_text("abc", 3, text);
    assert_string_equal(
        text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, text);
    assert_string_equal(
        text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', sizeof(million));
    sha256_text(million, sizeof(million), text);
    assert_string_equal(
        text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* ---- statements ---- */

struct expected_statement {
    const char *text;
    int line;
};

static void expect_statements(const char *text, const struct expected_statement *expected)
{
    struct sql_script script = sql_script_of(text);
    struct sql_statement statement;
    struct error err = {0};

    for (; expected->text; expected++) {
        assert_int_equal(sql_script_next(&script, &statement, &err), OK);
        assert_int_equal(statement.length, strlen(expected->text));
        assert_memory_equal(statement.text, expected->text, statement.length);
        assert_int_equal(statement.line, expected->line);
    }
    assert_int_equal(sql_script_next(&script, &statement, &err), NOTHING);
}

static void statements_end_at_semicolons_only(void **state)
{
    static const struct expected_statement quotes[] = {
        {"select ';' || E'\\';' || \"a;\"\"b\"", 1},
        {"select /* ; /* ; */ ; */ 1 -- ;\n", 2},
        {"do $$ a; $x$ b; $$", 4},
        {"do $x$ $$; $x$", 4},
        {"create rule r as on insert to t do (select 1; select 2)", 5},
        {"select a$b$, $1", 6},
        {0}};

    (void)state;
    expect_statements("select ';' || E'\\';' || \"a;\"\"b\";\n"
                      "select /* ; /* ; */ ; */ 1 -- ;\n"
                      ";\n"
                      "do $$ a; $x$ b; $$; do $x$ $$; $x$;\n"
                      "create rule r as on insert to t do (select 1; select 2);\n"
                      "select a$b$, $1",
                      quotes);
}

static void atomic_bodies_stay_whole(void **state)
{
    static const struct expected_statement expected[] = {
        {"create function f() returns int\nBEGIN ATOMIC select 1; select case when true "
         "then 2 end; END",
         1},
        {"begin", 3},
        {"end", 3},
        {0}};

    (void)state;
    expect_statements("create function f() returns int\nBEGIN ATOMIC select 1; select "
                      "case when true then 2 end; END;\nbegin; end;",
                      expected);
}

static void positions_become_lines(void **state)
{
    static const char text[] = "select\n 'é',\n x";
    struct sql_statement statement = {
        .text = text, .length = sizeof(text) - 1, .line = 10};

    (void)state;
    assert_int_equal(sql_statement_line(&statement, 0), 10);
    assert_int_equal(sql_statement_line(&statement, 1), 10);
    assert_int_equal(sql_statement_line(&statement, 11), 11);
    assert_int_equal(sql_statement_line(&statement, 15), 12); /* x */
    assert_int_equal(sql_statement_line(&statement, 99), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_name_are_taken_apart),
        cmocka_unit_test(downgrade_may_be_empty),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(days_that_the_calendar_does_not_have_are_refused),
        cmocka_unit_test(missing_sections_are_named),
        cmocka_unit_test(a_marker_that_is_nearly_one_is_pointed_at),
        cmocka_unit_test(a_remark_about_an_upgrade_is_no_marker),
        cmocka_unit_test(order_and_repetition_are_refused),
        cmocka_unit_test(markers_inside_of_something_are_its_text),
        cmocka_unit_test(a_marker_behind_something_open_says_where_it_is),
        cmocka_unit_test(an_upgrade_must_do_something),
        cmocka_unit_test(what_never_ends_is_named),
        cmocka_unit_test(no_transaction_is_a_line_of_the_header),
        cmocka_unit_test(what_the_runner_cannot_run_is_refused),
        cmocka_unit_test(what_only_looks_like_it_is_taken),
        cmocka_unit_test(
            without_a_transaction_what_ends_with_it_or_the_session_is_refused),
        cmocka_unit_test(
            without_a_transaction_a_word_of_the_session_is_no_harm_elsewhere),
        cmocka_unit_test(checksum_is_sha256_of_the_whole_text),
        cmocka_unit_test(sha256_agrees_with_the_standard),
        cmocka_unit_test(statements_end_at_semicolons_only),
        cmocka_unit_test(atomic_bodies_stay_whole),
        cmocka_unit_test(positions_become_lines),
    };

    return cmocka_run_group_tests_name("migration_file", tests, NULL, NULL);
}
