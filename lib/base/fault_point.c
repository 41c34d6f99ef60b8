#include "lib/base/fault_point.h"

#ifdef TIDEMARK_FAULT_POINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fault_point(const char *name)
{
    static int passes; /* test builds only, worker thread only */
    const char *wanted = getenv("TIDEMARK_FAULT");
    size_t length = strlen(name);
    int at = 1;

    if (!wanted || strncmp(wanted, name, length) != 0)
        return;
    if (wanted[length] == ':')
        at = atoi(wanted + length + 1);
    else if (wanted[length] != '\0')
        return;
    if (++passes >= at)
        kill(getpid(), SIGKILL);
}

#else
typedef int fault_points_are_off; /* ISO C forbids an empty file */
#endif
