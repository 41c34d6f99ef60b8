#include "daemon/notify.h"

#include "lib/base/clock.h"

#include <systemd/sd-daemon.h>

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_us());
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

void notify_status(const char *text)
{
    sd_notifyf(0, "STATUS=%s", text);
}

int64_t notify_watchdog_interval_us(void)
{
    uint64_t interval_us = 0;

    return sd_watchdog_enabled(0, &interval_us) > 0 ? (int64_t)interval_us : 0;
}
