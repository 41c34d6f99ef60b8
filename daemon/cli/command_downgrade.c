#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/question.h"
#include "daemon/migrate/downgrade_primary.h"
#include "lib/base/cleanup.h"

#include <stdio.h>

static enum outcome confirm(void *context, const char *const *names, size_t count,
                            struct error *err)
{
    const struct invocation *invocation = context;
    char what[160];

    if (invocation->yes)
        return OK;
    snprintf(what, sizeof(what), "Take back %zu %s, %s%.64s%s", count,
             count == 1 ? "migration" : "migrations", count == 1 ? "" : "as far as ",
             names[count - 1], ", with the data in what it made");
    return question_ask(what, err);
}

enum exit_status command_downgrade(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    const struct downgrade_request request = {
        .target = invocation->operand,
        .built_in = invocation->built_in,
        .confirm = confirm,
        .confirm_context = (void *)invocation,
    };
    struct error err;
    enum outcome outcome = migration_screen_open(&screen, invocation, &err);

    if (outcome == OK)
        outcome = downgrade_primary(&screen.config, &request, &screen.observer, &err);
    return migration_screen_conclude(&screen, outcome, "nothing was taken back", &err);
}
