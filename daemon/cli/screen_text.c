#include "daemon/cli/screen_text.h"

#include "daemon/cli/human_text.h"

#include <stdlib.h>
#include <string.h>

struct state_colour {
    const char *state;
    const char *escape;
};

static const struct state_colour colours[] = {
    {"live", "\033[32m"},      {"first sync", "\033[36m"}, {"catching up", "\033[36m"},
    {"offline", "\033[33m"},   {"paused", "\033[33m"},     {"blocked", "\033[31m"},
    {"stopped", "\033[33m"},   {"refused", "\033[33m"},    {"failed", "\033[31m"},
    {"caught up", "\033[32m"},
};

static const char *colour_of(const char *word, const struct terminal *terminal)
{
    for (size_t i = 0; terminal->colour && i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(colours[i].state, word) == 0)
            return colours[i].escape;
    return NULL;
}

void screen_pad(struct buffer *out, long count)
{
    for (; count > 0; count--)
        buffer_append(out, " ", 1);
}

size_t screen_margin(struct buffer *out, const char *word,
                     const struct terminal *terminal)
{
    const char *colour = colour_of(word, terminal);
    size_t width = human_width(word);
    size_t margin = width + 2 > SCREEN_MARGIN ? width + 2 : SCREEN_MARGIN;

    if (colour)
        buffer_append_format(out, "%s%s\033[0m", colour, word);
    else
        buffer_append_text(out, word);
    screen_pad(out, (long)(margin - width));
    return margin;
}

static void break_line(struct buffer *out, size_t indent)
{
    buffer_append(out, "\n", 1);
    screen_pad(out, (long)indent);
}

void screen_wrap(struct buffer *out, const char *text, size_t indent,
                 const struct terminal *terminal)
{
    size_t room = terminal->columns > indent + 20 ? terminal->columns - indent : 20;
    size_t used = 0;
    bool forced = false;
    char word[512];
    char clean[512];

    while (*text) {
        size_t length = strcspn(text, " \n");

        if (length >= sizeof(word))
            length = sizeof(word) - 1;
        memcpy(word, text, length);
        word[length] = '\0';
        human_fit(word, sizeof(word), terminal->unicode, clean, sizeof(clean));
        if (used && (forced || used + 1 + human_width(clean) > room)) {
            break_line(out, indent);
            used = 0;
        }
        buffer_append_format(out, "%s%s", used ? " " : "", clean);
        used += (used ? 1 : 0) + human_width(clean);
        text += length;
        length = strspn(text, " \n");
        forced = memchr(text, '\n', length) != NULL;
        text += length;
    }
    buffer_append(out, "\n", 1);
}
