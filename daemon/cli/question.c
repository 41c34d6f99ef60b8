#include "daemon/cli/question.h"

#include <stdio.h>
#include <unistd.h>

enum outcome question_ask(const char *what, struct error *err)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO)) {
        error_set(err, ERROR_INVALID, "%s? There is nobody to ask", what);
        return error_hint(err, "say --yes to do so");
    }
    fprintf(stderr, "%s? [y/N] ", what);
    if (!fgets(answer, sizeof(answer), stdin))
        return NOTHING;
    return answer[0] == 'y' || answer[0] == 'Y' ? OK : NOTHING;
}
