#include "daemon/arguments.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

static const char help[] =
    "tidemarkd keeps an SQLite file in step with a PostgreSQL database.\n"
    "\n"
    "  tidemarkd [-c FILE]\n"
    "\n"
    "  -c, --config FILE  the configuration; else $TIDEMARK_CONFIG,\n"
    "                     ~/.config/tidemark/tidemark.conf or\n"
    "                     /etc/tidemark/tidemark.conf\n"
    "      --version      print the version\n"
    "      --help         print this\n"
    "\n"
    "It stays in the foreground and logs to stderr; TIDEMARK_LOG=error, warning, info\n"
    "or debug says how much. SIGHUP reads the configuration again, SIGUSR1 logs the\n"
    "status. `tidemark init` writes a first configuration, `tidemark status` asks the\n"
    "daemon how it is.\n";

enum option_value { OPTION_CONFIG = 'c', OPTION_HELP = 256, OPTION_VERSION };

static enum outcome refuse(const char *argument)
{
    if (argument)
        fprintf(stderr, "tidemarkd: unexpected argument \"%s\"\n", argument);
    fputs("  tidemarkd [-c FILE]; more with tidemarkd --help\n", stderr);
    return FAILED;
}

enum outcome arguments_read(struct arguments *out_arguments, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    struct arguments arguments = {0};
    int option;

    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (option) {
        case OPTION_CONFIG:
            arguments.config_path = optarg;
            break;
        case OPTION_HELP:
            fputs(help, stdout);
            return NOTHING;
        case OPTION_VERSION:
            puts("tidemarkd " TIDEMARK_VERSION);
            return NOTHING;
        default:
            return refuse(NULL);
        }
    }
    if (optind < argc)
        return refuse(argv[optind]);
    *out_arguments = arguments;
    return OK;
}
