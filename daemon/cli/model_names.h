/*
 * Model names: what a table and its columns are called in C. Pure.
 *
 * agent_chat_session becomes struct AgentChatSession in agent_chat_session.h; a column
 * becomes a member in snake_case. What C, C++ or their headers have taken gets a "_"
 * behind it, and names that would be the same a number.
 */
#ifndef DAEMON_CLI_MODEL_NAMES_H
#define DAEMON_CLI_MODEL_NAMES_H

#include "lib/base/error.h"
#include "lib/model/table.h"

/* Names that are given already: of the members of a struct, or of all models. */
struct model_names {
    char **items;
    size_t count;
};
void model_names_release(struct model_names *names); /* a zeroed one is fine */

/*
 * A name for it that is not given yet, after prefix and before suffix; gives it. It is
 * the names' own.
 */
MUST_CHECK enum outcome model_names_give(struct model_names *names, const char *prefix,
                                         const char *name, const char *suffix,
                                         const char **out_name, struct error *err);

/* agent_chat_session: AgentChatSession; free() it. NULL: out of memory. */
char *model_names_pascal(const char *snake);

#endif
