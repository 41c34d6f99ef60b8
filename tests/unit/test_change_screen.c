#include "daemon/cli/change_screen.h"

#include "daemon/cli/human_text.h"
#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/quoted_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct terminal plain = {.columns = 100, .rows = 25};

static void draw(struct buffer *screen,
                 void (*append)(const struct change_view *, const json_t *),
                 const char *document_text)
{
    struct change_view view = {.out = screen, .terminal = &plain};
    json_t *document = quoted_json(document_text);

    assert_true(human_parse_utc("2026-11-22T12:40:32Z", &view.now_us));
    append(&view, document);
    json_decref(document);
}

static void assert_screen(void (*append)(const struct change_view *, const json_t *),
                          const char *document_text, const char *expected)
{
    OWNED(buffer_release) struct buffer screen = {0};

    draw(&screen, append, document_text);
    assert_string_equal(screen.data, expected);
}

static void an_empty_outbox_is_a_sentence(void **state)
{
    (void)state;
    assert_screen(change_screen_outbox, "{'count':0,'changes':[]}",
                  "nothing waits: the primary has every local change\n");
}

static void the_outbox_says_what_waits_and_for_how_long(void **state)
{
    (void)state;
    assert_screen(
        change_screen_outbox,
        "{'count':2,'entries':3,'oldest':'2026-11-22T12:00:32.000Z','changes':["
        "{'table':'orders','key':['7c1e'],'operation':'update','columns':['total','note']"
        ","
        "'last_changed_at':'2026-11-22T12:02:11.000Z'},"
        "{'table':'order_lines','key':['7c1e','2'],'operation':'insert','columns':[],"
        "'last_changed_at':'2026-11-22T12:03:11.000Z'}]}",
        "2 rows wait for the primary, the oldest for 40 min\n"
        "  orders  7c1e  update of total, note  12:02:11 today\n"
        "  order_lines  7c1e, 2  insert  12:03:11 today\n");
}

static const char refused[] =
    "{'id':418,'table':'orders','key':['7c1e'],'operation':'update','sqlstate':'23514',"
    "'message':'total must be >= 0','changed_at':'2026-11-22T12:02:11.000Z',"
    "'rejected_at':'2026-11-22T12:02:14.000Z','cause':null,'unit':null,"
    "'columns':[{'name':'total','base':120,'value':-5}]}";

static void a_refused_change_shows_both_values_the_reason_and_the_cure(void **state)
{
    (void)state;
    assert_screen(
        change_screen_rejected_one, refused,
        "orders 7c1e   update   made 12:02:11 today, refused 12:02:14 today\n"
        "   total  120 -> -5\n"
        "   refused with 23514:\n"
        "   total must be >= 0\n"
        " cure: change the row in the cache: that is tried by itself; or mend the cause "
        "and\n"
        "       tidemark rejected retry 418 | discard 418   (discard keeps a copy in a "
        "file)\n");
}

static void a_number_is_as_short_as_it_was_written(void **state)
{
    OWNED(buffer_release) struct buffer text = {0};

    (void)state;
    draw(&text, change_screen_rejected_one,
         "{'id':1,'table':'orders','key':['1'],'operation':'update','sqlstate':'23514',"
         "'message':'no','columns':[{'name':'price','base':9.99,'value':1e300},"
         "{'name':'rate','base':0.1234567890123456,'value':-0.5}]}");
    assert_non_null(strstr(text.data, "price  9.99 -> 1e300\n"));
    assert_non_null(strstr(text.data, "rate  0.1234567890123456 -> -0.5\n"));
}

static void the_list_of_refusals_leads_to_the_first(void **state)
{
    OWNED(buffer_release) struct buffer text = {0};

    (void)state;
    buffer_append_format(&text, "{'count':1,'changes':[%s]}", refused);
    assert_screen(change_screen_rejected, text.data,
                  "1 change needs you; others are not held up\n"
                  "   418  orders  7c1e  update  12:02:11 today\n"
                  "        23514  total must be >= 0\n"
                  "        -> tidemark rejected show 418\n");
}

static void an_open_conflict_offers_both_sides(void **state)
{
    (void)state;
    assert_screen(change_screen_conflict_one,
                  "{'id':7,'table':'note','key':['a'],'rule':'manual','winner':'remote',"
                  "'open':true,'found_at':'2026-11-22T12:02:14.000Z','columns':"
                  "[{'name':'body','base':'x','local':'mine','remote':'theirs'}]}",
                  "note a   manual, found 12:02:14 today\n"
                  "   body   was \"x\"   here \"mine\"   there \"theirs\"\n"
                  "   the values of there stand\n"
                  " -> tidemark conflicts mine 7 | theirs 7\n");
}

static void text_cannot_steer_the_terminal(void **state)
{
    (void)state;
    assert_screen(change_screen_outbox,
                  "{'count':1,'changes':[{'table':'a\\u001b[31m','key':['b'],"
                  "'operation':'insert','last_changed_at':'2026-11-22T12:03:11.000Z'}]}",
                  "1 row waits for the primary\n  a?[31m  b  insert  12:03:11 today\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_outbox_is_a_sentence),
        cmocka_unit_test(the_outbox_says_what_waits_and_for_how_long),
        cmocka_unit_test(a_refused_change_shows_both_values_the_reason_and_the_cure),
        cmocka_unit_test(a_number_is_as_short_as_it_was_written),
        cmocka_unit_test(the_list_of_refusals_leads_to_the_first),
        cmocka_unit_test(an_open_conflict_offers_both_sides),
        cmocka_unit_test(text_cannot_steer_the_terminal),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests_name("change_screen", tests, NULL, NULL);
}
