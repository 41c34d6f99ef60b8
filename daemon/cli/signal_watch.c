#include "daemon/cli/signal_watch.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum outcome signal_watch_open(int *out_fd, struct error *err)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGWINCH};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(&set, watched[i]);
    *out_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*out_fd < 0)
        return error_set_errno(err, "watch for signals");
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return OK;
}

void signal_watch_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

int signal_watch_read(int fd)
{
    struct signalfd_siginfo information;

    if (read(fd, &information, sizeof(information)) != sizeof(information))
        return 0;
    return (int)information.ssi_signo;
}

bool signal_watch_is_end(int signal)
{
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}
