/*
 * Notify: tells systemd how the daemon is doing (sd_notify(3)).
 *
 * Without $NOTIFY_SOCKET every call does nothing. "ready" and "reloading" wait for room
 * in systemd's queue, half a second at most; what cannot be delivered is dropped: there
 * is nothing the daemon could do about it. Main thread.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* ends with notify_ready() */
void notify_stopping(void);
void notify_watchdog(void);

/* One line for `systemctl status`. */
void notify_status(const char *text);

/* How often systemd wants a watchdog message at least; 0: it does not watch. */
int64_t notify_watchdog_interval_us(void);

#endif
