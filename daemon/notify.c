#include "daemon/notify.h"

#include "lib/base/clock.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define DELIVERY_LIMIT_MS 500
#define MESSAGE_SIZE 512

/* Not sd_notify(): it waits without limit while systemd's queue is full, and then not
 * even a SIGTERM would be heard. */
static int connect_to_systemd(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    socklen_t size;
    int fd;

    if (length < 2 || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name: its length counts */
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address, size) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What systemd acts on is worth a short wait; the rest is sent again soon. */
static void send_message(const char *text, bool important)
{
    int fd = connect_to_systemd();
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    if (fd < 0)
        return;
    if (important)
        (void)poll(&room, 1, DELIVERY_LIMIT_MS);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    close(fd);
}

void notify_ready(void)
{
    send_message("READY=1", true);
}

void notify_reloading(void)
{
    char message[MESSAGE_SIZE];

    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)clock_monotonic_us());
    send_message(message, true);
}

void notify_stopping(void)
{
    send_message("STOPPING=1", false);
}

void notify_watchdog(void)
{
    send_message("WATCHDOG=1", false);
}

void notify_status(const char *text)
{
    char message[MESSAGE_SIZE];

    snprintf(message, sizeof message, "STATUS=%s", text);
    send_message(message, false);
}

int64_t notify_watchdog_interval_us(void)
{
    uint64_t interval_us = 0;

    return sd_watchdog_enabled(0, &interval_us) > 0 ? (int64_t)interval_us : 0;
}
