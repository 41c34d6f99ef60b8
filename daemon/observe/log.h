/*
 * Log: one line per event on stderr.
 *
 * Under journald a line starts with its priority ("<6>text"); elsewhere with the time and
 * the level ("2026-11-22T12:40:31Z info  text"). Each line is one write(2), so lines of
 * several threads never mix; control characters become spaces and a long line is cut.
 * Secrets and connection strings are never passed in.
 *
 * The level and the form are the process's only mutable global. [any thread]
 */
#ifndef DAEMON_OBSERVE_LOG_H
#define DAEMON_OBSERVE_LOG_H

#include "lib/base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Level from $TIDEMARK_LOG (error, warning, info, debug; else info), form from
 * $JOURNAL_STREAM. Without this call: info, with the time. */
void log_start(void);

PRINTF_LIKE(2, 3)
void log_write(enum log_level level, const char *format, ...);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "message (origin), what_next; hint", where what_next ("retrying in 4 s", "skipping")
 * says what the program does about it and may be NULL. A warning when trying again helps,
 * an error when a person must act. */
void log_outcome(const struct error *err, const char *what_next);

#endif
