/*
 * Mirror SQL, trigger: one row as the capture triggers spell it, in pieces of SQL. Part
 * of mirror_sql; nobody else includes it.
 *
 * `row` is OLD, NEW or tide_row: the table is always read under that alias, since it may
 * itself be called new or old.
 */
#ifndef LIB_STORE_MIRROR_SQL_TRIGGER_H
#define LIB_STORE_MIRROR_SQL_TRIGGER_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trigger {
    struct buffer *sql; /* what is appended to */
    const struct table *table;
    int64_t table_id;
    const char *row_number; /* name of the rowid; NULL: columns took all its names */
    int updated_at;         /* column that is stamped, or TABLE_NO_COLUMN */
};

/* Both are borrowed. */
void trigger_init(struct trigger *out_trigger, struct buffer *sql,
                  const struct table *table, int64_t table_id);

/* No column of the table is called so, in any case. */
bool trigger_name_is_free(const struct table *table, const char *name);

void trigger_text(const struct trigger *trigger, const char *part);

/* "column"; row."column" */
void trigger_column(const struct trigger *trigger, size_t column);
void trigger_value(const struct trigger *trigger, const char *row, size_t column);
/* row.rowid; the key as trigger_key() spells it where row_number is NULL. */
void trigger_row_number(const struct trigger *trigger, const char *row);

/* The row's key as the outbox has it: a JSON array of texts, the same for keys that the
 * cache takes for the same. */
void trigger_key(const struct trigger *trigger, const char *row);
/* As the key's own index compares: a change of case alone is none under NOCASE. */
void trigger_same_key(const struct trigger *trigger, const char *left, const char *right);

/* (row.a, row.b) of the columns for which wanted() holds, compared byte for byte. */
void trigger_row_value(const struct trigger *trigger, const char *row,
                       bool (*wanted)(const struct trigger *, size_t));
bool trigger_is_not_stamp(const struct trigger *trigger, size_t column);

/* The base of an entry: all that is pushed of the row; or only what differs from NEW,
 * which has the same key. */
void trigger_base(const struct trigger *trigger, const char *row, bool changes_only);

/* The present moment in the spelling of the column's type. */
void trigger_moment(const struct trigger *trigger, int column);

/* CREATE TRIGGER "prefix<table>" event ON table WHEN the gate is closed; a further
 * condition and the body are the caller's. */
void trigger_begin(const struct trigger *trigger, const char *prefix, const char *event);
/* The same for `when` (BEFORE, AFTER) UPDATE OF the columns for which wanted() holds. */
void trigger_begin_update_of(const struct trigger *trigger, const char *prefix,
                             const char *when,
                             bool (*wanted)(const struct trigger *, size_t));

/* FROM table AS tide_row WHERE */
void trigger_from_rows(const struct trigger *trigger);
/* INSERT INTO tide_outbox (table_id, row_key, op, base) */
void trigger_start_entry(const struct trigger *trigger);

#endif
