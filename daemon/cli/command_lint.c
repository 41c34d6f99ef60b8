#include "daemon/cli/command.h"
#include "daemon/cli/migration_screen.h"
#include "daemon/cli/report.h"
#include "daemon/migrate/lint.h"
#include "lib/base/cleanup.h"

#include <stdio.h>
#include <string.h>

static json_t *findings_list(const struct lint_findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < findings->count; i++) {
        const struct lint_finding *finding = &findings->items[i];

        if (json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:s}", "id", finding->rule->id, "place",
                                finding->place, "text", finding->rule->text, "cure",
                                finding->rule->cure)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool is_first_of_rule(const struct lint_findings *findings, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (findings->items[i].rule == findings->items[index].rule)
            return false;
    return true;
}

/* A rule is explained once, its places follow. */
static void print_rule(const struct lint_findings *findings, const struct lint_rule *rule)
{
    printf("%s  %s\n       -> %s\n", rule->id, rule->text, rule->cure);
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].rule == rule)
            printf("       %s\n", findings->items[i].place);
}

static void print_findings(const struct lint_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (is_first_of_rule(findings, i))
            print_rule(findings, findings->items[i].rule);
    if (findings->allowed)
        fprintf(stderr, "%zu allowed by a comment\n", findings->allowed);
    fprintf(stderr,
            findings->count ? "%zu to be looked at\n" : "nothing to complain of\n",
            findings->count);
}

enum exit_status command_lint(const struct invocation *invocation)
{
    OWNED(migration_screen_close) struct migration_screen screen = {0};
    OWNED(lint_findings_release) struct lint_findings findings = {0};
    enum exit_status status;
    struct error err;

    if (migration_screen_open(&screen, invocation, &err) == FAILED ||
        lint(&screen.config, config_list(invocation->config, PRIMARY_SCHEMA), &findings,
             &err) == FAILED)
        return report_error(invocation->json, &err);
    status = findings.count ? EXIT_NEEDS_PERSON : EXIT_DONE;
    if (!invocation->json) {
        print_findings(&findings);
        return status;
    }
    if (report_document(json_pack("{s:i, s:s, s:b, s:I, s:o}", "v", 1, "kind", "lint",
                                  "ok", findings.count == 0, "allowed",
                                  (json_int_t)findings.allowed, "findings",
                                  findings_list(&findings))) != EXIT_DONE)
        return EXIT_FAILED;
    return status;
}
