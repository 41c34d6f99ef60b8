#include "daemon/sync/table_state.h"

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[TABLE_STATE_COUNT] = {
    [TABLE_ABSENT] = {"absent",
                      TO(TABLE_SNAPSHOT) | TO(TABLE_CATCHING_UP) | TO(TABLE_FAILED)},
    [TABLE_SNAPSHOT] = {"snapshot",
                        TO(TABLE_CATCHING_UP) | TO(TABLE_FAILED) | TO(TABLE_ABSENT)},
    [TABLE_CATCHING_UP] = {"catching up", TO(TABLE_LIVE) | TO(TABLE_SNAPSHOT) |
                                              TO(TABLE_FAILED) | TO(TABLE_ABSENT)},
    [TABLE_LIVE] = {"live",
                    TO(TABLE_CATCHING_UP) | TO(TABLE_SNAPSHOT) | TO(TABLE_FAILED)},
    [TABLE_FAILED] = {"failed", TO(TABLE_ABSENT) | TO(TABLE_SNAPSHOT) | TO(TABLE_LIVE) |
                                    TO(TABLE_CATCHING_UP)},
};

const char *table_state_name(enum table_state state)
{
    return states[state].name;
}

bool table_state_may_become(enum table_state from, enum table_state to)
{
    return from == to || (states[from].next & TO(to)) != 0;
}
