#include "daemon/cli/command.h"
#include "daemon/cli/report.h"
#include "lib/base/parent_folder.h"
#include "daemon/primary/primary_password.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] = "# The configuration of tidemark. What begins with '#' is a "
                             "comment; a setting that is\n"
                             "# commented out shows its default, or an example. "
                             "`tidemark config` prints what is in\n"
                             "# force and where it comes from; every key can also be "
                             "given in the environment, as\n"
                             "# TIDEMARK_<SECTION>_<KEY>.\n";

static const char table_header[] =
    "\n# One table can be told more, in a section of its own:\n#[table orders]\n";

static void append_help(struct buffer *text, const char *help)
{
    while (*help) {
        size_t length = strcspn(help, "\n");

        buffer_append_format(text, "# %.*s\n", (int)length, help);
        help += length + (help[length] == '\n');
    }
}

/* What was given on the command line stands as it is, the rest as a comment. */
static void append_setting(struct buffer *text, const struct setting *setting,
                           const char *given, const char *fallback)
{
    const char *shown = setting->fallback  ? setting->fallback
                        : setting->example ? setting->example
                                           : fallback;

    append_help(text, setting->help);
    if (given)
        buffer_append_format(text, "%s = %s\n", setting->key, given);
    else
        buffer_append_format(text, "#%s = %s\n", setting->key, shown ? shown : "");
}

/* defaults: a configuration without any file, for the values found at run time. */
static void append_file(struct buffer *text, const struct invocation *invocation,
                        const struct config *defaults, const char *cache)
{
    const char *section = "";

    buffer_append_text(text, header);
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = &setting_table[id];
        const char *given = id == PRIMARY_CONNINFO ? invocation->conninfo
                            : id == CACHE_PATH     ? cache
                                                   : NULL;

        if (strcmp(section, setting->section) != 0)
            buffer_append_format(text, "\n[%s]\n", setting->section);
        else
            buffer_append_text(text, "\n");
        section = setting->section;
        append_setting(text, setting, given, config_text(defaults, (enum setting_id)id));
    }
    buffer_append_text(text, table_header);
    for (size_t id = 0; id < TABLE_SETTING_COUNT; id++)
        append_setting(text, &table_setting_table[id], NULL, NULL);
}

static void config_drop(struct config **config)
{
    config_free(*config);
}

/* The defaults that this file will have: of an empty one in its place. */
static enum outcome load_defaults(const struct invocation *invocation, const char *path,
                                  struct config **out_config, struct error *err)
{
    OWNED(text_free) char *home = NULL;
    OWNED(text_free) char *data = NULL;
    OWNED(text_free) char *runtime = NULL;
    char *environment[4] = {NULL};
    size_t count = 0;
    const struct config_request request = {
        .path = "/dev/null",
        .environment = environment,
        .is_root = invocation->request.is_root || strncmp(path, "/etc/", 5) == 0,
    };
    const struct {
        const char *name;
        char **text;
    } kept[] = {{"HOME", &home}, {"XDG_DATA_HOME", &data}, {"XDG_RUNTIME_DIR", &runtime}};

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const char *value = getenv(kept[i].name);

        if (value && asprintf(kept[i].text, "%s=%s", kept[i].name, value) < 0)
            return error_out_of_memory(err);
        if (value)
            environment[count++] = *kept[i].text;
    }
    return config_load(out_config, &request, err);
}

static enum outcome write_file(const char *path, const struct buffer *text,
                               struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t written;

    if (fd < 0 && errno == EEXIST) {
        error_set(err, ERROR_INVALID, "%s is there already; it stays as it is", path);
        return error_hint(err, "name another file with -c, or move this one away");
    }
    if (fd < 0)
        return error_set_errno(err, "write %s", path);
    written = write(fd, text->data, text->length);
    if (written == (ssize_t)text->length && close(fd) == 0)
        return OK;
    error_set_errno(err, "write %s", path);
    unlink(path);
    return FAILED;
}

/* Reads the file back, so that a conninfo that it cannot hold is noticed here. */
static enum outcome check_file(const struct invocation *invocation, const char *path,
                               struct error *err)
{
    OWNED(config_drop) struct config *config = NULL;
    char home[] = "HOME=/";
    char *environment[2] = {home, NULL};
    const struct config_request request = {.path = path, .environment = environment};
    const char *conninfo = invocation->conninfo;
    const char *kept;

    if (config_load(&config, &request, err) == FAILED)
        return FAILED;
    kept = config_text(config, PRIMARY_CONNINFO);
    if (conninfo && *conninfo && (!kept || strcmp(kept, conninfo) != 0))
        return error_set(
            err, ERROR_INVALID,
            "a configuration file cannot hold this conninfo: \" ;\" begins a "
            "comment, and a value ends with its line");
    return OK;
}

/* Relative to where we are now; a daemon is somewhere else. */
static enum outcome absolute_path(const char *path, char **out_path, struct error *err)
{
    OWNED(text_free) char *folder = NULL;

    if (!path)
        return OK;
    if (path[0] == '/' || strncmp(path, "~/", 2) == 0) {
        *out_path = strdup(path);
        return *out_path ? OK : error_out_of_memory(err);
    }
    folder = getcwd(NULL, 0);
    if (!folder)
        return error_set_errno(err, "find the current folder");
    if (asprintf(out_path, "%s/%s", folder, path) < 0) {
        *out_path = NULL;
        return error_out_of_memory(err);
    }
    return OK;
}

static enum outcome make_file(const struct invocation *invocation, const char *path,
                              struct error *err)
{
    OWNED(config_drop) struct config *defaults = NULL;
    OWNED(buffer_release) struct buffer text = {0};
    OWNED(text_free) char *cache = NULL;

    if (load_defaults(invocation, path, &defaults, err) == FAILED ||
        absolute_path(invocation->cache, &cache, err) == FAILED)
        return FAILED;
    append_file(&text, invocation, defaults, cache);
    if (buffer_check(&text, err) == FAILED ||
        parent_folder_make(path, invocation->request.is_root ? 0755 : 0700, err) ==
            FAILED ||
        write_file(path, &text, err) == FAILED)
        return FAILED;
    if (check_file(invocation, path, err) == FAILED) {
        unlink(path);
        return FAILED;
    }
    return OK;
}

static void print_step(const char *program, const char *option, const char *path,
                       const char *command, const char *why)
{
    OWNED(buffer_release) struct buffer line = {0};

    buffer_append_format(&line, "%s%s%s%s%s", program, option, path, *command ? " " : "",
                         command);
    if (!line.failed)
        printf("          %-44s  %s\n", line.data, why);
}

static void print_next(const struct invocation *invocation, const char *path)
{
    bool named = invocation->request.path != NULL;
    const char *option = named ? " -c " : "";
    const char *file = named ? path : "";

    printf("wrote     %s\n\n", path);
    printf("next      %s\n",
           invocation->conninfo
               ? "if the primary wants a password: put it into a file, name that in "
                 "password_file"
               : "name the primary in it: conninfo, and password_file if it wants one");
    print_step("tidemark", option, file, "doctor", "checks all of it");
    print_step("tidemark", option, file, "migrate",
               "optional: lets tables be exact at every round");
    print_step("tidemark", option, file, "sync", "makes the first copy");
    if (named)
        print_step("tidemarkd", option, file, "", "keeps it in step");
    else
        print_step("systemctl", invocation->request.is_root ? "" : " --user", "",
                   "enable --now tidemarkd", "keeps it in step");
}

/* Before a file is written that would be refused. */
static enum outcome check_conninfo(const char *conninfo, struct error *err)
{
    const struct primary_config primary = {.section = "primary", .conninfo = conninfo};

    if (!conninfo || primary_check_conninfo(&primary, err) == OK)
        return OK;
    return error_wrap(err, "--conninfo");
}

enum exit_status command_init(const struct invocation *invocation)
{
    const char *named =
        invocation->request.path ? invocation->request.path : getenv("TIDEMARK_CONFIG");
    OWNED(text_free)
    char *path =
        named && *named ? strdup(named) : config_default_path(&invocation->request);
    struct error err;

    if (!path) {
        error_set(&err, ERROR_INVALID, "no place for the file: $HOME is not set");
        error_hint(&err, "name the file with -c");
        return report_error(invocation->json, &err);
    }
    if (check_conninfo(invocation->conninfo, &err) == FAILED ||
        make_file(invocation, path, &err) == FAILED)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:s}", "v", 1, "kind", "result",
                                         "ok", 1, "file", path));
    print_next(invocation, path);
    return EXIT_DONE;
}
