/*
 * Mirror SQL, rare: what a capture trigger has to do only now and then, outside of it.
 * Part of mirror_sql; nobody else includes it.
 *
 * SQLite sets up the whole program of a trigger, with every register of its body, each
 * time it fires, also where WHEN then says no, and whoever opens the file keeps all
 * bodies in memory. A large body that one statement in ten thousand wants would be paid
 * by all of them, and one that several triggers want would be there several times. So it
 * is the body of an INSTEAD OF trigger of a view, tide_capture_<table>, which has the
 * table's columns and before them: the step, the key of the row as the outbox has it, and
 * the number of another row, which the statement changes, or null. The capture trigger
 * itself only inserts there. The conflict policy of the application's statement holds in
 * there too. Whoever inserts there has every step compiled into the statement: few, and
 * only for statements that may want them all.
 */
#ifndef LIB_STORE_MIRROR_SQL_RARE_H
#define LIB_STORE_MIRROR_SQL_RARE_H

#include "lib/store/mirror_sql_trigger.h"

/* CREATE VIEW; before any of the following. */
void rare_create_view(const struct trigger *trigger);

/* A statement of a capture trigger's body: takes the rare step with that row, and with
 * the number of another, which the statement changes; NULL: none. */
void rare_take(const struct trigger *trigger, const char *step, const char *row,
               const char *changed_row);

/* CREATE TRIGGER up to BEGIN: what the step does. The row that was given is NEW. */
void rare_begin(const struct trigger *trigger, const char *step);

/* Within a step: the row's key, and the number of the changed row or NULL. */
void rare_key(const struct trigger *trigger);
void rare_number(const struct trigger *trigger);

#endif
