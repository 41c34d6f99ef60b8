#include "lib/model/conflict_rule.h"

const char *conflict_rule_name(enum conflict_policy policy)
{
    switch (policy) {
    case CONFLICT_SERVER_WINS:
        return "server_wins";
    case CONFLICT_CLIENT_WINS:
        return "client_wins";
    case CONFLICT_MANUAL:
        return "manual";
    case CONFLICT_LAST_WRITE_WINS:
        break;
    }
    return "last_write_wins";
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
