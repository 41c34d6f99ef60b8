#include "daemon/cli/command.h"
#include "daemon/cli/report.h"
#include "daemon/migrate/revision_file.h"
#include "lib/base/cleanup.h"

#include <stdio.h>

static enum outcome create(const struct invocation *invocation, char **out_path,
                           struct error *err)
{
    if (!invocation->message) {
        error_set(err, ERROR_INVALID, "what does the migration do?");
        return error_hint(err, "tidemark revision -m \"add user preferences table\"");
    }
    return revision_file_create(config_text(invocation->config, MIGRATIONS_DIRECTORY),
                                invocation->message, NULL, out_path, err);
}

enum exit_status command_revision(const struct invocation *invocation)
{
    OWNED(text_free) char *path = NULL;
    struct error err;

    if (create(invocation, &path, &err) == FAILED)
        return report_error(invocation->json, &err);
    if (invocation->json)
        return report_document(json_pack("{s:i, s:s, s:b, s:s}", "v", 1, "kind", "result",
                                         "ok", 1, "file", path));
    printf("%s\n", path);
    fprintf(stderr, "write both of its sections, then: tidemark migrate\n");
    return EXIT_DONE;
}
