#include "daemon/cli/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct terminal terminal_of(int fd)
{
    const char *type = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    struct winsize size = {0};
    struct terminal terminal = {.columns = 100, .rows = 25};

    terminal.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal.interactive = isatty(fd) && type && strcmp(type, "dumb") != 0;
    terminal.colour = terminal.interactive && !(no_colour && *no_colour);
    if (terminal.interactive && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col) {
        terminal.columns = size.ws_col < 40 ? 40 : size.ws_col;
        terminal.rows = size.ws_row ? size.ws_row : terminal.rows;
    }
    return terminal;
}
