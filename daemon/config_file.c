#include "daemon/config_values.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/text_distance.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_PREFIX "table"

/*
 * libinih (Debian's build) cuts long lines and section names of 50 bytes, merges repeated
 * sections and takes an indented line for the continuation of the one before. So our
 * reader hands it the lines, watches their length, and keeps the section itself.
 */
struct file_reader {
    FILE *stream;
    struct config *config;
    char *text; /* the line, of getline() */
    size_t capacity;
    int line;
    char section[256];          /* "sync", "table orders"; "" before the first */
    int seen_at[SETTING_COUNT]; /* line of each section, at its first setting's id */
    bool failed;
    struct error *err;
};

static void reader_release(struct file_reader *reader)
{
    if (reader->stream)
        fclose(reader->stream);
    free(reader->text);
}

PRINTF_LIKE(2, 3)
static void refuse(struct file_reader *reader, const char *format, ...)
{
    char message[sizeof(reader->err->message)];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    error_set(reader->err, ERROR_INVALID, "%s:%d: %s", reader->config->file, reader->line,
              message);
    reader->failed = true;
}

static void suggest(struct file_reader *reader, const char *message,
                    const char *const *words, size_t count, const char *word)
{
    const char *nearest = text_nearest(word, words, count);
    OWNED(buffer_release) struct buffer known = {0};

    if (nearest) {
        refuse(reader, "%s; did you mean '%s'?", message, nearest);
        return;
    }
    refuse(reader, "%s", message);
    for (size_t i = 0; i < count; i++)
        if (words[i])
            buffer_append_format(&known, "%s%s", known.length ? ", " : "", words[i]);
    if (known.data)
        error_hint(reader->err, "known here: %s", known.data);
}

static bool is_reserved(const char *section, const char *key)
{
    for (size_t i = 0; i < setting_reserved_count; i++) {
        const struct setting_reserved *reserved = &setting_reserved_table[i];

        if (strcmp(reserved->section, section) == 0 &&
            (!reserved->key || (key && strcmp(reserved->key, key) == 0)))
            return true;
    }
    return false;
}

/* The id of a section's first setting stands for the section; SETTING_COUNT: unknown. */
static size_t section_id(const char *section)
{
    size_t id = 0;

    while (id < SETTING_COUNT && strcmp(setting_table[id].section, section) != 0)
        id++;
    return id;
}

static void refuse_section(struct file_reader *reader, const char *section)
{
    const char *words[SETTING_COUNT + 1] = {[SETTING_COUNT] = "table NAME"};
    char message[320];

    if (is_reserved(section, NULL)) {
        refuse(reader, "[%s] belongs to a later version of tidemark", section);
        error_hint(reader->err, "leave it out");
        return;
    }
    for (size_t id = 0; id < SETTING_COUNT; id++)
        if (section_id(setting_table[id].section) == id)
            words[id] = setting_table[id].section;
    snprintf(message, sizeof(message), "unknown section [%s]", section);
    suggest(reader, message, words, SETTING_COUNT + 1, section);
}

/* NULL: not a table's section. */
static const char *table_of(const char *section)
{
    size_t prefix = strlen(TABLE_PREFIX);

    if (strncmp(section, TABLE_PREFIX, prefix) != 0 ||
        !isblank((unsigned char)section[prefix]))
        return NULL;
    return section + prefix + strspn(section + prefix, " \t");
}

static void open_table(struct file_reader *reader, const char *name)
{
    const struct config_table *known = config_find_table(reader->config, name);
    struct config_table *table;

    if (known)
        refuse(reader, "[table %s] stands here twice (first in line %d)", name,
               known->line);
    else if (config_add_table(reader->config, name, reader->line, &table, reader->err) ==
             FAILED)
        reader->failed = true;
}

static void open_section(struct file_reader *reader, const char *section)
{
    size_t id = section_id(section);

    if (table_of(section)) {
        open_table(reader, table_of(section));
    } else if (id == SETTING_COUNT) {
        refuse_section(reader, section);
    } else if (reader->seen_at[id]) {
        refuse(reader, "[%s] stands here twice (first in line %d)", section,
               reader->seen_at[id]);
    } else {
        reader->seen_at[id] = reader->line;
    }
}

static void take_section(struct file_reader *reader, const char *line)
{
    const char *name = line + 1 + strspn(line + 1, " \t");
    size_t length = strcspn(name, "]");

    if (!name[length]) {
        refuse(reader, "a section ends with ']'");
        return;
    }
    while (length && isblank((unsigned char)name[length - 1]))
        length--;
    if (length >= sizeof(reader->section)) {
        refuse(reader, "this section's name is too long");
        return;
    }
    snprintf(reader->section, sizeof(reader->section), "%.*s", (int)length, name);
    open_section(reader, reader->section);
}

/* For libinih: one line into buffer, as fgets() would; NULL at the end or on failure. */
static char *next_line(char *buffer, int size, void *context)
{
    struct file_reader *reader = context;
    ssize_t length =
        reader->failed ? -1 : getline(&reader->text, &reader->capacity, reader->stream);
    const char *line = reader->text;

    if (length < 0)
        return NULL;
    reader->line++;
    if (memchr(line, '\0', (size_t)length)) {
        refuse(reader, "a NUL byte: this is not a text file");
        return NULL;
    }
    line += strspn(line, " \t");
    if (strlen(line) + 1 > (size_t)size || strlen(line) > CONFIG_LINE_LIMIT) {
        refuse(reader, "this line is longer than %d bytes", CONFIG_LINE_LIMIT);
        return NULL;
    }
    if (*line == '[')
        take_section(reader, line);
    if (reader->failed)
        return NULL;
    memcpy(buffer, line, strlen(line) + 1);
    return buffer;
}

static void refuse_key(struct file_reader *reader, const char *key)
{
    bool in_table = table_of(reader->section) != NULL;
    const char *words[SETTING_COUNT + TABLE_SETTING_COUNT] = {0};
    const char *other = NULL;
    char message[320];

    if (is_reserved(in_table ? TABLE_PREFIX : reader->section, key)) {
        refuse(reader, "'%s' in [%s] belongs to a later version of tidemark", key,
               reader->section);
        error_hint(reader->err, "leave it out");
        return;
    }
    for (size_t id = 0; id < SETTING_COUNT; id++) {
        if (!in_table && strcmp(setting_table[id].section, reader->section) == 0)
            words[id] = setting_table[id].key;
        else if (strcmp(setting_table[id].key, key) == 0)
            other = setting_table[id].section;
    }
    for (size_t id = 0; in_table && id < TABLE_SETTING_COUNT; id++)
        words[SETTING_COUNT + id] = table_setting_table[id].key;
    snprintf(message, sizeof(message), "unknown key '%.64s' in [%.128s]", key,
             reader->section);
    if (other)
        refuse(reader, "%s; it belongs into [%s]", message, other);
    else
        suggest(reader, message, words, sizeof(words) / sizeof(words[0]), key);
}

static struct config_value *find_slot(struct file_reader *reader, const char *key,
                                      const struct setting **out_setting)
{
    const char *table = table_of(reader->section);

    *out_setting = table ? table_setting_find(key) : setting_find(reader->section, key);
    if (!*out_setting)
        return NULL;
    if (table)
        return &config_find_table(reader->config, table)
                    ->values[*out_setting - table_setting_table];
    return &reader->config->values[*out_setting - setting_table];
}

/* For libinih: one setting. */
static int take_setting(void *context, const char *section, const char *key,
                        const char *text)
{
    struct file_reader *reader = context;
    OWNED(buffer_release) struct buffer where = {0};
    const struct setting *setting;
    struct config_value *slot;

    (void)section; /* cut at 49 bytes */
    if (!reader->section[0]) {
        refuse(reader, "'%s' stands before the first [section]", key);
        return 0;
    }
    slot = find_slot(reader, key, &setting);
    if (!slot) {
        refuse_key(reader, key);
        return 0;
    }
    if (slot->origin == ORIGIN_FILE) {
        refuse(reader, "'%s' stands twice in [%s] (first at %s)", key, reader->section,
               slot->where);
        return 0;
    }
    buffer_append_format(&where, "%s:%d", reader->config->file, reader->line);
    if (where.failed)
        error_out_of_memory(reader->err);
    reader->failed =
        where.failed || config_value_set(slot, setting, text, reader->config->home,
                                         &(struct config_source){ORIGIN_FILE, where.data},
                                         reader->err) == FAILED;
    return !reader->failed;
}

enum outcome config_read_file(struct config *config, struct error *err)
{
    OWNED(reader_release)
    struct file_reader reader = {.config = config, .err = err};
    int bad_line;

    reader.stream = fopen(config->file, "re");
    if (!reader.stream) {
        error_set_errno(err, "read the configuration %s", config->file);
        err->kind = ERROR_INVALID; /* to be mended by who named it: exit status 2 */
        return error_hint(err,
                          "`tidemark -c %s init` writes one; this user must be able "
                          "to read it",
                          config->file);
    }
    ini_max_line = CONFIG_LINE_LIMIT + 3; /* 200 else */
    bad_line = ini_parse_stream(next_line, &reader, take_setting, &reader);
    if (reader.failed)
        return FAILED;
    if (ferror(reader.stream)) {
        error_set_errno(err, "read the configuration %s", config->file);
        err->kind = ERROR_INVALID;
        return error_hint(err, "name the file itself");
    }
    if (bad_line > 0)
        return error_set(err, ERROR_INVALID, "%s:%d: neither [section] nor key = value",
                         config->file, bad_line);
    if (bad_line < 0)
        return error_out_of_memory(err);
    return OK;
}
