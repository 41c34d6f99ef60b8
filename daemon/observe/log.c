#include "daemon/observe/log.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 2048

struct log_sink {
    atomic_int level;
    atomic_bool journal;
};

static struct log_sink sink = {.level = LOG_LEVEL_INFO};

static const struct {
    const char *name;
    int priority; /* syslog's number, as sd-daemon(3) wants it */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

static enum log_level level_from_environment(void)
{
    const char *wanted = getenv("TIDEMARK_LOG");

    for (enum log_level level = LOG_LEVEL_ERROR; wanted && level <= LOG_LEVEL_DEBUG;
         level++) {
        if (strcmp(wanted, levels[level].name) == 0)
            return level;
    }
    return LOG_LEVEL_INFO;
}

/* The variable is inherited, so it only counts while stderr is still that very stream. */
static bool stderr_is_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat file;

    if (!stream || fstat(STDERR_FILENO, &file) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    return strcmp(stream, own) == 0;
}

void log_start(void)
{
    atomic_store(&sink.level, (int)level_from_environment());
    atomic_store(&sink.journal, stderr_is_the_journal());
}

static size_t write_prefix(char *line, size_t size, enum log_level level)
{
    char now[CLOCK_TEXT_SIZE];
    int length;

    if (atomic_load(&sink.journal)) {
        length = snprintf(line, size, "<%d>", levels[level].priority);
        return (size_t)length;
    }
    clock_format_utc(clock_now_us(), now);
    length = snprintf(line, size, "%.19sZ %-7s ", now, levels[level].name);
    return (size_t)length;
}

/* What arrives from outside must not be able to forge a second line. */
static void blank_control_characters(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

static void write_line(const char *line, size_t length)
{
    while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
        ;
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    size_t prefix;
    size_t length;
    int saved_errno = errno;
    va_list arguments;

    if ((int)level > atomic_load(&sink.level))
        return;
    prefix = write_prefix(line, sizeof line, level);
    va_start(arguments, format);
    vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
    va_end(arguments);
    blank_control_characters(line + prefix);
    length = strlen(line);
    line[length++] = '\n';
    write_line(line, length);
    errno = saved_errno;
}

static enum log_level level_of(enum error_kind kind)
{
    switch (kind) {
    case ERROR_TRANSIENT:
    case ERROR_CONFLICT:
        return LOG_LEVEL_WARNING;
    case ERROR_INTERRUPTED:
        return LOG_LEVEL_INFO;
    default:
        return LOG_LEVEL_ERROR;
    }
}

void log_outcome(const struct error *err, const char *what_next)
{
    log_write(level_of(err->kind), "%s%s%s%s%s%s%s%s", err->message,
              err->origin[0] ? " (" : "", err->origin, err->origin[0] ? ")" : "",
              what_next ? ", " : "", what_next ? what_next : "", err->hint[0] ? "; " : "",
              err->hint);
}
