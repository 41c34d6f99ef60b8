/* Arguments: the command line of tidemarkd. */
#ifndef DAEMON_ARGUMENTS_H
#define DAEMON_ARGUMENTS_H

#include "lib/base/error.h"

struct arguments {
    const char *config_path; /* -c; NULL: look for it. Borrowed from argv. */
};

/* NOTHING: --help or --version was printed, nothing is left to do. FAILED: it was said on
 * stderr what is wrong. */
MUST_CHECK enum outcome arguments_read(struct arguments *out_arguments, int argc,
                                       char **argv);

#endif
