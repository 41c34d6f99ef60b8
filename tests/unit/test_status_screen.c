#include "daemon/cli/status_screen.h"

#include "daemon/cli/document_reader.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/progress_block.h"
#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/quoted_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct terminal plain = {.columns = 100, .rows = 25};

static void assert_screen(const char *document_text, const struct terminal *terminal,
                          const char *expected)
{
    OWNED(buffer_release) struct buffer screen = {0};
    json_t *document = quoted_json(document_text);
    int64_t now_us;

    assert_true(human_parse_utc("2026-11-22T12:40:32Z", &now_us));
    status_screen_append(&screen, document, terminal, now_us);
    json_decref(document);
    assert_string_equal(screen.data, expected);
}

static const char live[] =
    "{'state':'live','cache':'/data/app.db','since':'2026-11-22T09:00:00Z',"
    "'mark':'2026-11-22T12:40:31Z','behind_s':1.0,'primary':{'host':'db.example.net',"
    "'port':'5432','database':'shop','tls':true,'round_trip_ms':24.04,'connected':true},"
    "'tables':[{'name':'orders','state':'live','mode':'tracked','rows':41220,"
    "'mark':'2026-11-22T12:40:31Z','behind_s':1.0,'promise':'exact at every round'},"
    "{'name':'price_list','state':'live','mode':'untracked','rows':880,"
    "'mark':'2026-11-22T12:40:31Z','behind_s':1.0,'promise':'exact at every sweep'}],"
    "'cost':{'file_bytes':39845888,'wal_bytes':0,'disk_free_bytes':44023414784}}";

static void a_healthy_cache_says_how_fresh_it_is(void **state)
{
    (void)state;
    assert_screen(live, &plain,
                  "live      /data/app.db  <->  db.example.net/shop (TLS, 24 ms)\n"
                  "          Reads work: complete up to 12:40:31 today, 1 s ago.\n"
                  "\n"
                  "table          rows   mark                 behind       pending   "
                  "note\n"
                  "orders       41 220   12:40:31 today       1 s                -\n"
                  "price_list      880   12:40:31 today       1 s                -   "
                  "untracked\n"
                  "                                                        0 pending, 0 "
                  "rejected, 0 conflicts\n"
                  "untracked: exact at every sweep\n"
                  "\n"
                  "cost      file 38 MiB, WAL 0 B, disk 41 GiB free\n");
}

static void an_offline_cache_says_why_and_what_next(void **state)
{
    (void)state;
    assert_screen(
        "{'state':'offline','cache':'/data/app.db','since':'2026-11-22T09:12:32Z',"
        "'reason':{'name':'transient','text':'no route to "
        "host','sqlstate':null,'hint':''},"
        "'next_try':'2026-11-22T12:41:13Z','mark':'2026-11-22T09:11:58Z',"
        "'primary':{'host':'db.example.net','port':'6432','database':'shop',"
        "'connected':false},'tables':[]}",
        &plain,
        "offline   /data/app.db  <->  db.example.net:6432/shop\n"
        "          since 09:12:32 today (3 h 28 min): no route to host. Next try in 41 "
        "s; "
        "`tidemark sync`\n"
        "          tries now.\n"
        "          Reads work: complete up to 09:11:58 today, 3 h 28 min ago.\n"
        "\n"
        "No table is mirrored yet.\n");
}

static void tables_that_nobody_has_looked_at_are_not_called_missing(void **state)
{
    (void)state;
    assert_screen("{'state':'catching up','cache':'/data/app.db','since':'2026-11-22T12:"
                  "40:31Z','reason':{'name':'transient','text':'/data/app.db: open: "
                  "database is locked','sqlstate':null,'hint':''},'tables':[],"
                  "'tables_known':false}",
                  &plain,
                  "catching up  /data/app.db\n"
                  "             since 12:40:31 today (1 s): /data/app.db: open: database "
                  "is locked.\n"
                  "\n"
                  "The daemon has not come to the tables yet. What is in the cache stays "
                  "there.\n");
}

static void changes_say_whether_they_are_safe(void **state)
{
    (void)state;
    assert_screen(
        "{'state':'catching up','cache':'/data/app.db','mark':'2026-11-22T12:40:31Z',"
        "'tables':[{'name':'orders','state':'live','mode':'tracked','rows':3,"
        "'mark':'2026-11-22T12:40:31Z','behind_s':1.0,'pending':13,'rejected':1}],"
        "'pending':{'count':13,'oldest_s':12000},"
        "'push':{'state':'waiting','next_try':'2026-11-22T12:40:35Z',"
        "'reason':{'text':'deadlock detected'}},"
        "'rejected':{'count':1,'first':{'id':418,'table':'orders','key':'[\\\"7c1e\\\","
        "\\\"b\\\"]',"
        "'op':'update','sqlstate':'23514','text':'total must be >= 0'}},"
        "'conflicts':{'count':2,'open':1},"
        "'hints':[{'text':'x','command':'tidemark rejected show 418'},"
        "{'text':'a conflict waits for a decision','command':'tidemark conflicts'}]}",
        &plain,
        "catching up  /data/app.db\n"
        "             Reads work: complete up to 12:40:31 today, 1 s ago. Writes work: "
        "13 "
        "pending, oldest 3 h\n"
        "             20 min. Not sent yet: deadlock detected. Next try in 3 s.\n"
        "\n"
        "table    rows   mark                 behind       pending   note\n"
        "orders      3   12:40:31 today       1 s               13\n"
        "                                                  13 pending, 1 rejected, 2 "
        "conflicts (1 open)\n"
        "\n"
        "rejected  1 change needs you\n"
        "          orders 7c1e, b update 23514 total must be >= 0\n"
        "          Others are not held up. -> tidemark rejected show 418\n"
        "\n"
        "-> a conflict waits for a decision: tidemark conflicts\n");
}

static void what_is_refused_has_a_reason_and_a_remedy(void **state)
{
    OWNED(buffer_release) struct buffer screen = {0};
    json_t *document =
        quoted_json("{'state':'live','refused':[{'schema':'public','name':'log',"
                    "'reason':'has no primary key','remedy':'alter table …'}]}");

    (void)state;
    status_screen_append(&screen, document, &plain, 0);
    json_decref(document);
    assert_non_null(strstr(screen.data, "refused   public.log has no primary key\n"
                                        "            -> alter table …\n"));
}

static void a_strange_document_is_shown_as_far_as_understood(void **state)
{
    OWNED(buffer_release) struct buffer screen = {0};
    json_t *document =
        quoted_json("{'state':7,'tables':{'a':1},'primary':[],'mark':'x',"
                    "'reason':'y','progress':[],'refused':[1],'hints':[null]}");

    (void)state;
    status_screen_append(&screen, document, &plain, 0);
    json_decref(document);
    assert_false(screen.failed);
}

static void only_the_state_word_is_coloured(void **state)
{
    struct terminal colour = plain;
    OWNED(buffer_release) struct buffer screen = {0};
    json_t *document = quoted_json(live);

    (void)state;
    colour.colour = true;
    status_screen_append(&screen, document, &colour, 0);
    json_decref(document);
    assert_memory_equal(screen.data, "\033[32mlive\033[0m      /data", 24);
    assert_null(strchr(screen.data + 10, '\033'));
}

static void one_line_is_for_scripts(void **state)
{
    OWNED(buffer_release) struct buffer line = {0};
    json_t *document = quoted_json("{'state':'offline','pending':{'count':14},"
                                   "'rejected':{'count':1},'behind_s':12480.3}");

    (void)state;
    status_line_append(&line, document);
    json_decref(document);
    document = quoted_json("{'state':'first sync','behind_s':null}");
    status_line_append(&line, document);
    json_decref(document);
    assert_string_equal(line.data, "offline 14 pending 1 rejected behind=12480s\n"
                                   "first-sync 0 pending 0 rejected behind=-\n");
}

static const char first_sync[] =
    "{'state':'first sync','tables':[{'name':'customers','state':'catching "
    "up','rows':3017},"
    "{'name':'orders','state':'snapshot','rows':0},"
    "{'name':'order_lines','state':'absent','rows':0}],"
    "'progress':{'tables_done':1,'tables':3,'table':'orders','rows':1120000,"
    "'rows_expected':2070000,'bytes':126877696,'rows_per_s':38400,'eta_s':160,"
    "'elapsed_s':72.0}}";

static void a_long_job_shows_a_bar(void **state)
{
    OWNED(buffer_release) struct buffer block = {0};
    json_t *document = quoted_json(first_sync);

    (void)state;
    assert_int_equal(progress_block_append(&block, document, &plain), 5);
    json_decref(document);
    assert_string_equal(block.data,
                        "first sync  1 of 3 tables done                                  "
                        "      elapsed 1:12, "
                        "about 2:40 left\n"
                        "  customers    3 017 rows   done\n"
                        "  orders       [############............]  54 %   1 120 000 / "
                        "~2 070 000   38 400 "
                        "rows/s   121 MiB\n"
                        "  order_lines  pending\n"
                        "  stopping is safe: it goes on from the last chunk\n");
}

static void a_block_never_leaves_its_terminal(void **state)
{
    json_t *document = quoted_json(first_sync);

    (void)state;
    for (size_t columns = 40; columns <= 120; columns++) {
        const struct terminal terminal = {.columns = columns, .rows = 6, .unicode = true};
        OWNED(buffer_release) struct buffer block = {0};
        size_t lines = progress_block_append(&block, document, &terminal);

        assert_true(lines < 6);
        for (char *line = strtok(block.data, "\n"); line; line = strtok(NULL, "\n"))
            assert_true(human_width(line) < columns);
    }
    json_decref(document);
}

static void a_job_fits_on_one_line_too(void **state)
{
    OWNED(buffer_release) struct buffer line = {0};
    json_t *document = quoted_json(first_sync);

    (void)state;
    progress_line_append(&line, document);
    assert_string_equal(line.data,
                        "first sync: orders 1 120 000 of ~2 070 000 rows (54 %), 1 of 3 "
                        "tables done, 38 400 rows/s, about 2:40 left");
    assert_int_equal(progress_percent(document), 51);
    json_decref(document);
}

static bool needs_person(const char *text, const char *const *named)
{
    json_t *document = quoted_json(text);
    bool needs = document_needs_person(document, named);

    json_decref(document);
    return needs;
}

static void being_offline_needs_nobody(void **state)
{
    (void)state;
    assert_false(needs_person(live, NULL));
    assert_false(needs_person("{'state':'offline','reason':{'text':'x'}}", NULL));
    assert_false(needs_person("{'state':'stopped'}", NULL));
    assert_true(needs_person("{'state':'blocked'}", NULL));
    assert_true(needs_person("{'state':'live','rejected':{'count':1}}", NULL));
    assert_true(needs_person("{'state':'live','conflicts':{'count':1,'open':1}}", NULL));
    assert_false(needs_person("{'state':'live','conflicts':{'count':1,'open':0}}", NULL));
    assert_true(needs_person("{'state':'live','tables':[{'state':'failed'}]}", NULL));
}

static void a_table_asked_for_by_name_must_not_be_refused(void **state)
{
    static const char *const all[] = {"*", NULL};
    static const char *const named[] = {"orders", "log", NULL};
    static const char *const qualified[] = {"public.log", NULL};
    const char *text = "{'state':'live','refused':[{'schema':'public','name':'log'}]}";

    (void)state;
    assert_false(needs_person(text, all));
    assert_true(needs_person(text, named));
    assert_true(needs_person(text, qualified));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_cache_says_how_fresh_it_is),
        cmocka_unit_test(an_offline_cache_says_why_and_what_next),
        cmocka_unit_test(tables_that_nobody_has_looked_at_are_not_called_missing),
        cmocka_unit_test(changes_say_whether_they_are_safe),
        cmocka_unit_test(what_is_refused_has_a_reason_and_a_remedy),
        cmocka_unit_test(a_strange_document_is_shown_as_far_as_understood),
        cmocka_unit_test(only_the_state_word_is_coloured),
        cmocka_unit_test(one_line_is_for_scripts),
        cmocka_unit_test(a_long_job_shows_a_bar),
        cmocka_unit_test(a_block_never_leaves_its_terminal),
        cmocka_unit_test(a_job_fits_on_one_line_too),
        cmocka_unit_test(being_offline_needs_nobody),
        cmocka_unit_test(a_table_asked_for_by_name_must_not_be_refused),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests_name("status_screen", tests, NULL, NULL);
}
