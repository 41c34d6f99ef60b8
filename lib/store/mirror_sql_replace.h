/*
 * Mirror SQL, replace: how the capture triggers learn what a statement with the conflict
 * policy REPLACE takes away. Part of mirror_sql; nobody else includes it.
 *
 * REPLACE removes rows without firing their delete triggers (with recursive_triggers on
 * it does fire them). So a BEFORE trigger keeps every row that the new one meets in
 * tide_replaced, under the new row's key, and the AFTER trigger of that new row writes
 * down which of them are gone.
 *
 * An INSERT that meets a row may as well be an UPSERT or an INSERT OR IGNORE, and then
 * nothing should be written. The policy of a statement holds for its triggers too, so an
 * INSERT OR IGNORE into tide_probe tells which it is. An UPDATE rarely meets another row,
 * so there what it meets is kept in any case: the probe's message would take the place of
 * the statement's own.
 */
#ifndef LIB_STORE_MIRROR_SQL_REPLACE_H
#define LIB_STORE_MIRROR_SQL_REPLACE_H

#include "lib/store/mirror_sql_trigger.h"

/* EXISTS (…): rows kept for this table, which there are nearly never; the one with that
 * key. */
void replaced_exist(const struct trigger *trigger);
void replaced_exists_key(const struct trigger *trigger, const char *row);

/* Sets tide_probe.replaces to whether the policy is REPLACE. The last statement is left
 * open for a WHERE and its semicolon. */
void replaced_probe(const struct trigger *trigger);

/* The columns whose change can make a row meet another one. */
bool replaced_is_decided_by(const struct trigger *trigger, size_t column);

/* The rest of a BEFORE trigger's condition: NEW meets a row, or something is kept in
 * vain;
 */
void replaced_when_met(const struct trigger *trigger, bool inserts);
/* The rare step for that: what may go is kept. With the number of a changed row it is not
 * that row, and the policy may be any. */
void replaced_keep(const struct trigger *trigger);

/* The rare step of an AFTER trigger: entries for the rows that are gone, and for NEW,
 * which took the place of a row with its own key or has come in addition; with the number
 * of a changed row it was there before. Nothing is kept any longer. */
void replaced_capture(const struct trigger *trigger);

#endif
