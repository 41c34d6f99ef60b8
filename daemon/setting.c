#include "daemon/setting.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Three hundred years: what adds up to more is a slip. */
#define LONGEST_DURATION_US (300LL * 366 * 86400 * US_PER_SECOND)

struct unit {
    const char *name;
    int64_t us;
};

static const struct unit units[] = {
    {"us", 1},
    {"ms", US_PER_MS},
    {"s", US_PER_SECOND},
    {"sec", US_PER_SECOND},
    {"m", 60 * US_PER_SECOND},
    {"min", 60 * US_PER_SECOND},
    {"h", 3600 * US_PER_SECOND},
    {"d", 86400 * US_PER_SECOND},
};

static int64_t unit_us(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return units[i].us;
    return 0;
}

/* "1.5h": the number and its unit; moves *text behind them. False: not a duration. */
static bool read_part(const char **text, int64_t *total_us)
{
    size_t digits = strspn(*text, "0123456789");
    size_t decimals = 0;
    size_t letters;
    const char *unit;
    double part_us;

    if (!digits || digits > 15)
        return false;
    if ((*text)[digits] == '.')
        decimals = 1 + strspn(*text + digits + 1, "0123456789");
    if (decimals == 1 || decimals > 7)
        return false;
    unit = *text + digits + decimals;
    unit += strspn(unit, " ");
    letters = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
    part_us = strtod(*text, NULL) * (double)unit_us(unit, letters);
    if (!unit_us(unit, letters) || part_us > (double)LONGEST_DURATION_US)
        return false;
    *total_us += (int64_t)(part_us + 0.5);
    *text = unit + letters + strspn(unit + letters, " ");
    return *total_us <= LONGEST_DURATION_US;
}

enum outcome setting_parse_duration(const char *text, int64_t *out_us, struct error *err)
{
    const char *rest = text;
    int64_t total_us = 0;

    if (strcmp(text, "0") == 0) {
        *out_us = 0;
        return OK;
    }
    do {
        if (!read_part(&rest, &total_us))
            return error_set(
                err, ERROR_INVALID,
                "'%s' is not a duration such as 500ms, 10s, 2min or 1h 30min", text);
    } while (*rest);
    *out_us = total_us;
    return OK;
}

static enum outcome parse_duration(const struct setting *setting, const char *text,
                                   struct setting_value *value, struct error *err)
{
    int64_t us = 0;

    if (setting_parse_duration(text, &us, err) == FAILED)
        return FAILED;
    if (us < setting->minimum)
        return error_set(err, ERROR_INVALID, "'%s' is too short: at least %g s", text,
                         (double)setting->minimum / (double)US_PER_SECOND);
    if (setting->maximum && us > setting->maximum)
        return error_set(err, ERROR_INVALID, "'%s' is too long: at most %g s", text,
                         (double)setting->maximum / (double)US_PER_SECOND);
    value->duration_us = us;
    return OK;
}

static enum outcome parse_boolean(const char *text, struct setting_value *value,
                                  struct error *err)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            value->flag = i % 2 == 1;
            return OK;
        }
    }
    return error_set(err, ERROR_INVALID, "'%s' is neither yes nor no", text);
}

static enum outcome parse_mode(const char *text, struct setting_value *value,
                               struct error *err)
{
    size_t digits = strspn(text, "01234567");
    unsigned long mode = strtoul(text, NULL, 8);

    if (digits < 3 || text[digits] || mode > 0777)
        return error_set(err, ERROR_INVALID,
                         "'%s' is not a file mode in octal, such as 0660", text);
    if ((mode & 0600) != 0600)
        return error_set(err, ERROR_INVALID,
                         "'%s' would keep the owner from reading and writing", text);
    value->mode = (unsigned int)mode;
    return OK;
}

static enum outcome parse_number(const struct setting *setting, const char *text,
                                 struct setting_value *value, struct error *err)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number;

    if (!digits || digits > 15 || text[digits])
        return error_set(err, ERROR_INVALID, "'%s' is not a number", text);
    number = strtoll(text, NULL, 10);
    if (number < setting->minimum)
        return error_set(err, ERROR_INVALID, "'%s' is too small: at least %lld", text,
                         (long long)setting->minimum);
    if (setting->maximum && number > setting->maximum)
        return error_set(err, ERROR_INVALID, "'%s' is too large: at most %lld", text,
                         (long long)setting->maximum);
    value->number = number;
    return OK;
}

static enum outcome refuse_choice(const struct setting *setting, const char *text,
                                  struct error *err)
{
    OWNED(buffer_release) struct buffer words = {0};

    for (const char *const *word = setting->choices; *word; word++) {
        if (words.length)
            buffer_append_text(&words, word[1] ? ", " : " or ");
        buffer_append_text(&words, *word);
    }
    if (buffer_check(&words, err) == FAILED)
        return FAILED;
    return error_set(err, ERROR_INVALID, "'%s' is none of %s", text, words.data);
}

static enum outcome parse_choice(const struct setting *setting, const char *text,
                                 struct setting_value *value, struct error *err)
{
    for (size_t i = 0; setting->choices[i]; i++) {
        if (strcasecmp(text, setting->choices[i]) == 0) {
            value->choice = i;
            return OK;
        }
    }
    return refuse_choice(setting, text, err);
}

/* One name of a list: up to a comma outside quotes. Moves *text behind it. */
static void read_word(const char **text, struct buffer *word)
{
    bool quoted = false;

    *text += strspn(*text, " \t");
    for (; **text && (quoted || **text != ','); ++*text) {
        if (**text == '"' && quoted && (*text)[1] == '"')
            buffer_append(word, (*text)++, 1);
        else if (**text == '"')
            quoted = !quoted;
        else
            buffer_append(word, *text, 1);
    }
    while (word->length && (*text)[-1] != '"' &&
           isblank((unsigned char)word->data[word->length - 1]))
        word->data[--word->length] = '\0';
    *text += **text == ',';
}

static enum outcome append_word(char ***list, size_t count, struct buffer *word,
                                struct error *err)
{
    char **grown = realloc(*list, (count + 2) * sizeof(**list));

    if (!grown)
        return error_out_of_memory(err);
    *list = grown;
    grown[count + 1] = NULL;
    grown[count] = buffer_take(word);
    return grown[count] ? OK : error_out_of_memory(err);
}

static enum outcome parse_list(const char *text, struct setting_value *value,
                               struct error *err)
{
    OWNED(setting_value_release) struct setting_value parsed = {0};
    OWNED(buffer_release) struct buffer word = {0};
    const char *rest = text;
    size_t count = 0;

    while (*rest) {
        buffer_clear(&word);
        read_word(&rest, &word);
        if (!word.length)
            return error_set(err, ERROR_INVALID, "'%s' has an empty place between commas",
                             text);
        if (append_word(&parsed.list, count++, &word, err) == FAILED)
            return FAILED;
    }
    value->list = TAKE(parsed.list);
    return OK;
}

static enum outcome copy_text(const char *prefix, const char *text,
                              struct setting_value *value, struct error *err)
{
    if (asprintf(&value->text, "%s%s", prefix, text) < 0) {
        value->text = NULL;
        return error_out_of_memory(err);
    }
    return OK;
}

static enum outcome parse_text(const struct setting *setting, const char *text,
                               const char *home, struct setting_value *value,
                               struct error *err)
{
    if (setting->type == SETTING_PATH && strncmp(text, "~/", 2) == 0) {
        if (!home)
            return error_set(err, ERROR_INVALID, "'%s': there is no home folder ($HOME)",
                             text);
        return copy_text(home, text + 1, value, err);
    }
    return copy_text("", text, value, err);
}

enum outcome setting_parse(const struct setting *setting, const char *text,
                           const char *home, struct setting_value *out_value,
                           struct error *err)
{
    if (!*text) {
        *out_value = (struct setting_value){0};
        return setting->may_be_empty ? OK
                                     : error_set(err, ERROR_INVALID, "must not be empty");
    }
    switch (setting->type) {
    case SETTING_DURATION:
        return parse_duration(setting, text, out_value, err);
    case SETTING_BOOLEAN:
        return parse_boolean(text, out_value, err);
    case SETTING_LIST:
        return parse_list(text, out_value, err);
    case SETTING_MODE:
        return parse_mode(text, out_value, err);
    case SETTING_NUMBER:
        return parse_number(setting, text, out_value, err);
    case SETTING_CHOICE:
        return parse_choice(setting, text, out_value, err);
    case SETTING_TEXT:
    case SETTING_PATH:
        break;
    }
    return parse_text(setting, text, home, out_value, err);
}

void setting_value_release(struct setting_value *value)
{
    for (char **word = value->list; word && *word; word++)
        free(*word);
    free(value->list);
    free(value->text);
    *value = (struct setting_value){0};
}
