#include "daemon/cli/command.h"
#include "daemon/cli/human_text.h"
#include "daemon/cli/report.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define SECRET "sslpassword"

static size_t value_length(const char *text)
{
    size_t length = 0;

    if (*text != '\'')
        return strcspn(text, " \t&");
    for (length = 1; text[length] && text[length] != '\''; length++)
        length += text[length] == '\\' && text[length + 1];
    return length + (text[length] == '\'');
}

/* A password of the primary never gets into a configuration, but the one of a client's
 * key may stand in a conninfo. */
static void append_shown(struct buffer *out, const char *text)
{
    for (const char *secret; (secret = strstr(text, SECRET));) {
        const char *value = secret + strlen(SECRET);

        value += strspn(value, " \t=");
        buffer_append(out, text, (size_t)(value - text));
        buffer_append_text(out, "***");
        text = value + value_length(value);
    }
    buffer_append_text(out, text);
}

static enum exit_status print_json(const struct config *config)
{
    static const char *const origins[] = {
        [ORIGIN_DEFAULT] = "default",
        [ORIGIN_FILE] = "file",
        [ORIGIN_ENVIRONMENT] = "environment",
    };
    json_t *settings = json_array();

    for (size_t i = 0; i < config_entry_count(config); i++) {
        struct config_entry_view entry = config_entry(config, i);
        OWNED(buffer_release) struct buffer shown = {0};

        if (entry.text)
            append_shown(&shown, entry.text);
        json_array_append_new(
            settings, json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:s}", "section",
                                entry.setting->section, "table", entry.table, "key",
                                entry.setting->key, "value", shown.data, "origin",
                                origins[entry.origin], "where", entry.where));
    }
    return report_document(json_pack("{s:i, s:s, s:s?, s:o}", "v", 1, "kind", "config",
                                     "file", config_file(config), "settings", settings));
}

static void print_section(const struct config_entry_view *entry,
                          const struct config_entry_view *before)
{
    bool same = before->setting &&
                strcmp(before->setting->section, entry->setting->section) == 0 &&
                before->table == entry->table;

    if (same)
        return;
    printf("%s[%s%s%s]\n", before->setting ? "\n" : "", entry->setting->section,
           entry->table ? " " : "", entry->table ? entry->table : "");
}

enum exit_status command_config(const struct invocation *invocation)
{
    const struct config *config = invocation->config;
    struct config_entry_view before = {0};

    if (invocation->json)
        return print_json(config);
    printf("# file: %s\n\n", config_file(config) ? config_file(config) : "none");
    for (size_t i = 0; i < config_entry_count(config); i++) {
        struct config_entry_view entry = config_entry(config, i);
        OWNED(buffer_release) struct buffer line = {0};

        print_section(&entry, &before);
        buffer_append_format(&line, "%-20s = ", entry.setting->key);
        append_shown(&line, entry.text ? entry.text : "");
        while (!line.failed && human_width(line.data) < 52)
            buffer_append_text(&line, " ");
        printf("%s  ; %s\n", line.failed ? "" : line.data, entry.where);
        before = entry;
    }
    return EXIT_DONE;
}
