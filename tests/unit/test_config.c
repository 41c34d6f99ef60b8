#include "daemon/config.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with one file in it, and an environment of its own. */
struct world {
    char folder[64];
    char file[96];
    char *environment[9];
    size_t count;
    struct config *config;
    struct error err;
};

static void set_variable(struct world *world, const char *name, const char *value)
{
    char **variable = &world->environment[world->count++];

    assert_true(asprintf(variable, "%s=%s", name, value) > 0);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    strcpy(world->folder, "/tmp/tidemark-config-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->file, sizeof(world->file), "%s/t.conf", world->folder);
    set_variable(world, "HOME", world->folder);
    *state = world;
    return 0;
}

static int drop_world(void **state)
{
    struct world *world = *state;

    config_free(world->config);
    for (size_t i = 0; i < world->count; i++)
        free(world->environment[i]);
    unlink(world->file);
    rmdir(world->folder);
    free(world);
    return 0;
}

static enum outcome load(struct world *world)
{
    struct config_request request = {.path =
                                         access(world->file, F_OK) ? NULL : world->file,
                                     .environment = world->environment};

    config_free(world->config);
    world->config = NULL;
    return config_load(&world->config, &request, &world->err);
}

static enum outcome load_text(struct world *world, const char *text)
{
    FILE *file = fopen(world->file, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return load(world);
}

/* The message without the folder in front of the file's name. */
static void assert_refused(struct world *world, const char *text, const char *message)
{
    const char *name;

    assert_int_equal(load_text(world, text), FAILED);
    assert_int_equal(world->err.kind, ERROR_INVALID);
    name = strstr(world->err.message, "t.conf");
    assert_non_null(name);
    assert_string_equal(name, message);
}

static void the_file_is_read(void **state)
{
    struct world *world = *state;

    assert_int_equal(load_text(world, "# ours\n"
                                      "[primary]\n"
                                      "  conninfo = host=/run/pg dbname=app ; local\n"
                                      "schema=public, sales\n"
                                      "\n"
                                      "[sync]\n"
                                      "poll_interval: 500ms\n"),
                     OK);
    assert_string_equal(config_text(world->config, PRIMARY_CONNINFO),
                        "host=/run/pg dbname=app");
    assert_string_equal(config_list(world->config, PRIMARY_SCHEMA)[1], "sales");
    assert_int_equal(config_duration_us(world->config, SYNC_POLL_INTERVAL),
                     500 * US_PER_MS);
    assert_int_equal(config_duration_us(world->config, SYNC_OVERLAP), 60 * US_PER_SECOND);
}

static void every_value_knows_where_it_came_from(void **state)
{
    struct world *world = *state;
    struct config_entry_view entry;

    set_variable(world, "TIDEMARK_CACHE_MODE", "0600");
    assert_int_equal(load_text(world, "[sync]\noverlap = 5s\n"), OK);

    entry = config_entry(world->config, SYNC_OVERLAP);
    assert_string_equal(entry.text, "5s");
    assert_string_equal(strstr(entry.where, "t.conf"), "t.conf:2");
    entry = config_entry(world->config, CACHE_MODE);
    assert_string_equal(entry.where, "TIDEMARK_CACHE_MODE");
    assert_int_equal(config_mode(world->config, CACHE_MODE), 0600);
    entry = config_entry(world->config, SYNC_TABLES);
    assert_string_equal(entry.where, "default");
}

static void the_environment_alone_is_enough(void **state)
{
    struct world *world = *state;

    set_variable(world, "TIDEMARK_PRIMARY_CONNINFO", "dbname=app host=/tmp");
    set_variable(world, "TIDEMARK_TABLE_PRICE_LIST_AS_REAL", "price");
    set_variable(world, "TIDEMARK_UNRELATED", "fine");
    assert_int_equal(load(world), OK);
    assert_int_equal(config_check_primary(world->config, &world->err), OK);
    assert_string_equal(config_entry(world->config, SETTING_COUNT).table, "price_list");
}

static void the_environment_wins_over_the_file(void **state)
{
    struct world *world = *state;

    set_variable(world, "TIDEMARK_SYNC_OVERLAP", "7s");
    assert_int_equal(load_text(world, "[sync]\noverlap = 5s\n"), OK);
    assert_int_equal(config_duration_us(world->config, SYNC_OVERLAP), 7 * US_PER_SECOND);
}

static void a_mistyped_variable_is_refused(void **state)
{
    struct world *world = *state;

    set_variable(world, "TIDEMARK_SYNC_POLL_INTERVALL", "7s");
    assert_int_equal(load(world), FAILED);
    assert_string_equal(
        world->err.message,
        "unknown setting TIDEMARK_SYNC_POLL_INTERVALL in the environment; "
        "did you mean TIDEMARK_SYNC_POLL_INTERVAL?");
}

static void tables_have_sections_of_their_own(void **state)
{
    struct world *world = *state;
    struct engine_config engine;

    assert_int_equal(load_text(world, "[table orders]\n"
                                      "scope = region = 'north'\n"
                                      "columns = !embedding\n"
                                      "[table Odd name]\n"
                                      "as_real = price\n"),
                     OK);
    config_engine(world->config, &engine);
    assert_int_equal(engine.selection.rule_count, 2);
    assert_string_equal(engine.selection.rules[0].scope, "region = 'north'");
    assert_string_equal(engine.selection.rules[0].columns[0], "!embedding");
    assert_null(engine.selection.rules[0].columns[1]);
    assert_string_equal(engine.selection.rules[1].table, "Odd name");
}

static void a_table_name_may_be_long(void **state)
{
    static const char name[] =
        "a23456789b23456789c23456789d23456789e23456789f23456789g23456789h";
    struct world *world = *state;
    char text[256];

    snprintf(text, sizeof(text), "[table %s]\ncolumns = a\n", name);
    assert_int_equal(load_text(world, text), OK);
    assert_string_equal(config_entry(world->config, SETTING_COUNT).table, name);
}

static void mistakes_name_file_line_and_the_nearest_key(void **state)
{
    struct world *world = *state;

    assert_refused(world, "[sync]\npol_interval = 2s\n",
                   "t.conf:2: unknown key 'pol_interval' in [sync]; did you mean "
                   "'poll_interval'?");
    assert_refused(world, "[snyc]\n",
                   "t.conf:1: unknown section [snyc]; did you mean 'sync'?");
    assert_refused(
        world, "[cache]\nsocket = /x\n",
        "t.conf:2: unknown key 'socket' in [cache]; it belongs into [control]");
    assert_refused(world, "[table a]\nscop = x\n",
                   "t.conf:2: unknown key 'scop' in [table a]; did you mean 'scope'?");
    assert_refused(
        world, "\n[sync]\noverlap = 5 parsec\n",
        "t.conf:3: [sync] overlap: '5 parsec' is not a duration such as 500ms, "
        "10s, 2min or 1h 30min");
    assert_refused(world, "path = x\n",
                   "t.conf:1: 'path' stands before the first [section]");
    assert_refused(world, "[sync]\nnonsense\n",
                   "t.conf:2: neither [section] nor key = value");
    assert_refused(world, "[sync\n", "t.conf:1: a section ends with ']'");
}

static void what_comes_later_is_not_called_unknown(void **state)
{
    struct world *world = *state;

    assert_refused(world, "[sync]\nverify_interval = 24h\n",
                   "t.conf:2: 'verify_interval' in [sync] belongs to a later version of "
                   "tidemark");
    assert_refused(world, "[identity]\n",
                   "t.conf:1: [identity] belongs to a later version of tidemark");
}

static void nothing_stands_twice(void **state)
{
    struct world *world = *state;

    assert_refused(world, "[sync]\n[cache]\n[sync]\n",
                   "t.conf:3: [sync] stands here twice (first in line 1)");
    assert_refused(world, "[table a]\n[table A]\n",
                   "t.conf:2: [table A] stands here twice (first in line 1)");
    assert_int_equal(load_text(world, "[sync]\noverlap = 1s\noverlap = 1s\n"), FAILED);
    assert_non_null(strstr(world->err.message, "'overlap' stands twice in [sync]"));
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    struct world *world = *state;
    char text[CONFIG_LINE_LIMIT + 64];

    strcpy(text, "[primary]\nconninfo = dbname=");
    memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
    text[sizeof(text) - 1] = '\0';
    assert_refused(world, text, "t.conf:2: this line is longer than 4000 bytes");
}

static void a_long_conninfo_is_read_whole(void **state)
{
    struct world *world = *state;
    char text[2000] = "[primary]\nconninfo = host=/tmp options='";

    memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
    strcpy(text + sizeof(text) - 2, "'");
    assert_int_equal(load_text(world, text), OK);
    assert_int_equal(strlen(config_text(world->config, PRIMARY_CONNINFO)),
                     sizeof(text) - 1 - strlen("[primary]\nconninfo = "));
}

static void a_password_in_conninfo_is_refused(void **state)
{
    struct world *world = *state;

    assert_refused(world, "[primary]\nconninfo = host=/tmp password=geheim\n",
                   "t.conf:2: [primary] conninfo holds a password");
    assert_null(strstr(world->err.message, "geheim"));
}

static void a_password_file_for_everybody_is_refused(void **state)
{
    struct world *world = *state;
    char text[256];

    snprintf(text, sizeof(text), "[primary]\npassword_file = %s\n", world->file);
    assert_int_equal(load_text(world, text), FAILED); /* the file itself, 0644 */
    assert_non_null(strstr(world->err.message, "everybody may read"));
    assert_int_equal(chmod(world->file, 0600), 0);
    assert_int_equal(load(world), OK);
}

static void the_credentials_folder_is_filled_in(void **state)
{
    struct world *world = *state;
    const char *text = "[primary]\nconninfo = host=/tmp\npassword_file = %d/secret\n";

    assert_int_equal(load_text(world, text), OK);
    assert_int_equal(config_check_primary(world->config, &world->err), FAILED);
    set_variable(world, "CREDENTIALS_DIRECTORY", "/run/credentials/t");
    assert_int_equal(load_text(world, text), OK);
    assert_int_equal(config_check_primary(world->config, &world->err), OK);
    assert_string_equal(config_text(world->config, PRIMARY_PASSWORD_FILE),
                        "/run/credentials/t/secret");
}

static void a_user_has_places_of_their_own(void **state)
{
    struct world *world = *state;
    char expected[128];

    assert_int_equal(load(world), OK);
    snprintf(expected, sizeof(expected), "%s/.local/share/tidemark/cache.db",
             world->folder);
    assert_string_equal(config_text(world->config, CACHE_PATH), expected);
    snprintf(expected, sizeof(expected), "%s/.local/share/tidemark/control.sock",
             world->folder);
    assert_string_equal(config_text(world->config, CONTROL_SOCKET), expected);

    set_variable(world, "XDG_RUNTIME_DIR", "/run/user/7");
    set_variable(world, "XDG_DATA_HOME", "/data");
    assert_int_equal(load(world), OK);
    assert_string_equal(config_text(world->config, CACHE_PATH),
                        "/data/tidemark/cache.db");
    assert_string_equal(config_text(world->config, CONTROL_SOCKET),
                        "/run/user/7/tidemark/control.sock");
}

static void root_has_the_places_of_the_system(void **state)
{
    struct world *world = *state;
    struct config_request request = {.environment = world->environment, .is_root = true};

    assert_int_equal(config_load(&world->config, &request, &world->err), OK);
    assert_string_equal(config_text(world->config, CACHE_PATH),
                        "/var/lib/tidemark/cache.db");
    assert_string_equal(config_text(world->config, CONTROL_SOCKET),
                        "/run/tidemark/control.sock");
}

static void a_file_that_was_named_must_exist(void **state)
{
    struct world *world = *state;

    set_variable(world, "TIDEMARK_CONFIG", "/nowhere/t.conf");
    assert_int_equal(load(world), FAILED);
    assert_non_null(strstr(world->err.message, "/nowhere/t.conf"));
}

static void tables_may_settle_conflicts_otherwise(void **state)
{
    struct world *world = *state;
    struct engine_config engine;

    assert_int_equal(load_text(world,
                               "[sync]\nconflict = server_wins\npush_batch = 7\n"
                               "[table a]\nconflict = manual\n[table b]\nscope = x\n"),
                     OK);
    config_engine(world->config, &engine);
    assert_int_equal(engine.push_batch_rows, 7);
    assert_int_equal(engine.selection.conflict, CONFLICT_SERVER_WINS);
    assert_int_equal(*engine.selection.rules[0].conflict, CONFLICT_MANUAL);
    assert_null(engine.selection.rules[1].conflict);
}

static void what_needs_a_restart_is_named(void **state)
{
    struct world *world = *state;
    struct config_request request = {.path = world->file,
                                     .environment = world->environment};
    struct config *before;
    char names[64];

    assert_int_equal(load_text(world, "[sync]\noverlap = 1s\n"), OK);
    assert_int_equal(config_load(&before, &request, &world->err), OK);
    assert_int_equal(load_text(world, "[sync]\noverlap = 2s\n"), OK);
    assert_int_equal(
        config_differences_needing_restart(before, world->config, names, sizeof(names)),
        0);
    assert_int_equal(load_text(world, "[cache]\npath = /x\nmode = 0600\n"), OK);
    assert_int_equal(
        config_differences_needing_restart(before, world->config, names, sizeof(names)),
        3);
    assert_string_equal(names, "cache.path, cache.mode, control.socket");
    config_free(before);
}

static void the_owner_of_the_tables_may_connect_otherwise(void **state)
{
    struct world *world = *state;
    struct primary_config primary;

    assert_int_equal(load_text(world, "[primary]\nconninfo = host=/tmp\nrole = r\n"), OK);
    config_migrations_primary(world->config, &primary);
    assert_string_equal(primary.conninfo, "host=/tmp");
    assert_string_equal(primary.role, "r");
    assert_int_equal(load_text(world, "[primary]\nconninfo = host=/tmp\nrole = r\n"
                                      "[migrations]\nconninfo = host=/tmp user=owner\n"),
                     OK);
    config_migrations_primary(world->config, &primary);
    assert_string_equal(primary.conninfo, "host=/tmp user=owner");
    assert_string_equal(primary.section, "migrations");
    assert_null(primary.role);
}

static void the_owner_has_a_password_of_their_own(void **state)
{
    struct world *world = *state;
    const char *text = "[primary]\nconninfo = host=/tmp\npassword_file = /p\n"
                       "[migrations]\nconninfo = host=/tmp user=owner\n";
    struct primary_config primary;

    assert_int_equal(load_text(world, text), OK);
    config_migrations_primary(world->config, &primary);
    assert_null(primary.password_file);
    set_variable(world, "TIDEMARK_MIGRATIONS_PASSWORD_FILE", "%d/owner");
    assert_int_equal(load_text(world, text), OK);
    assert_int_equal(config_check_migrations(world->config, &world->err), FAILED);
    assert_non_null(strstr(world->err.message, "[migrations] password_file"));
    assert_int_equal(config_check_primary(world->config, &world->err), OK);
    set_variable(world, "CREDENTIALS_DIRECTORY", "/run/credentials/t");
    assert_int_equal(load_text(world, text), OK);
    assert_int_equal(config_check_migrations(world->config, &world->err), OK);
    config_migrations_primary(world->config, &primary);
    assert_string_equal(primary.password_file, "/run/credentials/t/owner");
    config_primary(world->config, &primary);
    assert_string_equal(primary.password_file, "/p");
}

static void what_is_wrong_with_the_owners_connection_names_its_section(void **state)
{
    struct world *world = *state;

    assert_refused(world, "[migrations]\nconninfo = host=/tmp password=geheim\n",
                   "t.conf:2: [migrations] conninfo holds a password");
    assert_non_null(strstr(world->err.hint, "[migrations] password_file"));
    assert_refused(world, "[migrations]\nconninfo = no sense\n",
                   "t.conf:2: [migrations] conninfo: missing \"=\" after \"no\" in "
                   "connection info string");
    assert_int_equal(load_text(world, "[migrations]\nconninfo = host=db.example.com\n"),
                     FAILED);
    assert_non_null(strstr(world->err.hint, "[migrations] conninfo"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_world, drop_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_file_is_read),
        CASE(every_value_knows_where_it_came_from),
        CASE(the_environment_alone_is_enough),
        CASE(the_environment_wins_over_the_file),
        CASE(a_mistyped_variable_is_refused),
        CASE(tables_have_sections_of_their_own),
        CASE(a_table_name_may_be_long),
        CASE(mistakes_name_file_line_and_the_nearest_key),
        CASE(what_comes_later_is_not_called_unknown),
        CASE(nothing_stands_twice),
        CASE(a_line_that_is_too_long_is_refused),
        CASE(a_long_conninfo_is_read_whole),
        CASE(a_password_in_conninfo_is_refused),
        CASE(a_password_file_for_everybody_is_refused),
        CASE(the_credentials_folder_is_filled_in),
        CASE(a_user_has_places_of_their_own),
        CASE(root_has_the_places_of_the_system),
        CASE(a_file_that_was_named_must_exist),
        CASE(tables_may_settle_conflicts_otherwise),
        CASE(what_needs_a_restart_is_named),
        CASE(the_owner_of_the_tables_may_connect_otherwise),
        CASE(the_owner_has_a_password_of_their_own),
        CASE(what_is_wrong_with_the_owners_connection_names_its_section),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
