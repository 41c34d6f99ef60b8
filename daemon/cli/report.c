#include "daemon/cli/report.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum exit_status report_error(bool json, const struct error *err)
{
    json_t *document = json ? control_error_document(err) : NULL;
    OWNED(text_free) char *line = document ? control_line_render(document) : NULL;

    json_decref(document);
    if (line) {
        fputs(line, stderr);
        return control_exit_status(err);
    }
    fprintf(stderr, "tidemark: %s\n", err->message);
    if (err->hint[0])
        fprintf(stderr, "-> %s\n", err->hint);
    return control_exit_status(err);
}

enum exit_status report_document(json_t *document)
{
    OWNED(text_free) char *line = document ? control_line_render(document) : NULL;

    json_decref(document);
    if (!line) {
        fputs("tidemark: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    fputs(line, stdout);
    return EXIT_DONE;
}

enum exit_status report_close(bool json, enum exit_status status)
{
    bool failed = ferror(stdout) != 0;
    struct error err;

    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return status;
    if (errno == EPIPE)
        return status;
    if (errno)
        error_set_errno(&err, "write the output");
    else /* an earlier line; why is not known any more */
        error_set(&err, ERROR_SYSTEM,
                  "write the output: a part of it found no place, look where it goes to");
    report_error(json, &err);
    return EXIT_FAILED;
}
