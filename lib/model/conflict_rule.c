#include "lib/model/conflict_rule.h"

const char *const conflict_rule_names[] = {
    [CONFLICT_LAST_WRITE_WINS] = "last_write_wins",
    [CONFLICT_SERVER_WINS] = "server_wins",
    [CONFLICT_CLIENT_WINS] = "client_wins",
    [CONFLICT_MANUAL] = "manual",
    NULL,
};

bool conflict_rule_asks(enum conflict_policy policy)
{
    return policy == CONFLICT_MANUAL;
}

bool conflict_rule_wants_whole_row(enum conflict_policy policy)
{
    return policy == CONFLICT_CLIENT_WINS || policy == CONFLICT_MANUAL;
}

bool conflict_rule_local_wins(enum conflict_policy policy,
                              const struct conflict_times *times)
{
    if (policy == CONFLICT_CLIENT_WINS)
        return true;
    if (policy != CONFLICT_LAST_WRITE_WINS || !times->has_remote)
        return false;
    return times->local_us + times->clock_offset_us > times->remote_us;
}

enum conflict_verdict conflict_rule_column(const struct conflict_column *column)
{
    if (column->is_local || column->tombstones)
        return CONFLICT_AGREED;
    if (column->has_base && column->is_base)
        return CONFLICT_MERGED;
    return CONFLICT_FOUND;
}

enum gone_verdict conflict_rule_gone(enum conflict_policy policy, bool deletes,
                                     bool edits)
{
    if (!edits)
        return GONE_AGREED;
    if (policy == CONFLICT_CLIENT_WINS && !deletes)
        return GONE_INSERTED;
    return GONE_FILED;
}
