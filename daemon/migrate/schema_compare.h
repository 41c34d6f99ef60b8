/*
 * Schema compare: how two schemas differ, in lines for people and in the SQL that turns
 * one into the other.
 *
 * The statements are ordered by what depends on what: what goes, goes before what it
 * stands on; what comes, comes after. What depends on something that must be made anew
 * (a view on a column whose type changes) is dropped and made again with it. Names are
 * never guessed to be renamed: to this module a renamed table is one that went and one
 * that came.
 *
 * Pure but for the cast callback.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_COMPARE_H
#define DAEMON_MIGRATE_SCHEMA_COMPARE_H

#include "daemon/migrate/schema_catalog.h"
#include "lib/base/buffer.h"

struct schema_compare_config {
    /* Is there a cast from one type to the other? NULL: always. Else the value goes
     * through text. */
    bool (*can_cast)(void *context, const char *from_type, const char *to_type);
    void *context;
    bool replace_enums; /* make enums anew rather than add values to them */
};

/*
 * Appends one line for each difference, "+ column public.orders.channel text",
 * "- index public.ix_a", "~ view public.v"; what goes or comes with its table has no line
 * of its own. NOTHING: there is no difference.
 */
MUST_CHECK enum outcome schema_compare_lines(const struct schema *from,
                                             const struct schema *to,
                                             struct buffer *lines, struct error *err);

/*
 * Appends statements, each with its semicolon and a line end, that turn `from` into `to`;
 * above those that can lose data, fail on existing rows or hold locks for long a comment
 * "-- hazard DATA_LOSS: …". NOTHING: there is no difference.
 */
MUST_CHECK enum outcome schema_compare_script(const struct schema *from,
                                              const struct schema *to,
                                              const struct schema_compare_config *config,
                                              struct buffer *script, struct error *err);

#endif
