/*
 * Mirror SQL, rare: what a capture trigger has to do only now and then, outside of it.
 * Part of mirror_sql; nobody else includes it.
 *
 * SQLite sets up the whole program of a trigger, with every register of its body, each
 * time it fires, also where WHEN then says no. A large body that one statement in ten
 * thousand wants would be paid by all of them. So it is the body of an INSTEAD OF trigger
 * of a view, tide_capture_<table>, which has the table's columns and one more: the step.
 * The capture trigger itself only inserts its row there. The conflict policy of the
 * application's statement holds in there too. Whoever inserts there has every step
 * compiled into the statement: few, and only for statements that may want them all.
 */
#ifndef LIB_STORE_MIRROR_SQL_RARE_H
#define LIB_STORE_MIRROR_SQL_RARE_H

#include "lib/store/mirror_sql_trigger.h"

/* CREATE VIEW; before any of the following. */
void rare_create_view(const struct trigger *trigger);

/* The whole body of a capture trigger: takes the step with the row NEW. */
void rare_take(const struct trigger *trigger, const char *step);

/* CREATE TRIGGER up to BEGIN: what the step does. The row that was given is NEW. */
void rare_begin(const struct trigger *trigger, const char *step);

#endif
