/*
 * Mirror SQL: the one place that builds SQL text from the names of mirrored
 * tables and columns, for the cache (SQLite) and for the primary (PostgreSQL).
 * Every identifier is quoted here and nowhere else.
 *
 * All functions append to a buffer, whose `failed` tells about memory. Statements
 * have no trailing semicolon unless they are several.
 */
#ifndef LIB_STORE_MIRROR_SQL_H
#define LIB_STORE_MIRROR_SQL_H

#include "lib/base/buffer.h"
#include "lib/model/table.h"

#include <stdbool.h>
#include <stdint.h>

/* "name" with " doubled: valid on both sides. */
void mirror_sql_identifier(struct buffer *sql, const char *name);
/* "prefix<name>" as one identifier. */
void mirror_sql_prefixed(struct buffer *sql, const char *prefix, const char *name);
/* 'text' with ' doubled. For the primary, standard_conforming_strings is on. */
void mirror_sql_literal(struct buffer *sql, const char *text);

/* ---- the cache ---- */

/* CREATE TABLE physical_name (…): types, keys, NOT NULL, defaults, CHECKs; foreign keys
 * too. */
void mirror_sql_create_table(struct buffer *sql, const struct table *table,
                             const char *physical_name);
/* Whether the key is one whole number, and so SQLite's own rowid: no second index, keys
 * in order. */
bool mirror_sql_has_rowid_key(const struct table *table);
/* One CREATE INDEX on physical_name under index_name. */
void mirror_sql_create_index(struct buffer *sql, const struct table *table,
                             const struct table_index *index, const char *index_name,
                             const char *physical_name);
/* CREATE VIEW live_<table>; appends nothing for a table without deleted_at. */
void mirror_sql_create_live_view(struct buffer *sql, const struct table *table);
/* A view of this name and the table's is made with the capture triggers, for the triggers
 * of its own that they use. */
#define MIRROR_SQL_RARE_PREFIX "tide_capture_"
/*
 * The capture triggers: they append what applications write to tide_outbox, while
 * tide_gate is closed; several statements. Plain SQL: any SQLite fires them. table_id is
 * the table's number in tide_table.
 */
void mirror_sql_create_capture(struct buffer *sql, const struct table *table,
                               int64_t table_id);
/* DROP of both views, the capture triggers and the guards of older versions, IF
 * EXISTS; several statements. */
void mirror_sql_drop_helpers(struct buffer *sql, const struct table *table);

/* TEMP triggers that pass over rows of a table that no statement expects (own_write.h),
 * and the end of one of them; several statements. */
void mirror_sql_create_guard(struct buffer *sql, const char *table_name);
void mirror_sql_drop_guard(struct buffer *sql, const char *trigger_name);

/* INSERT INTO physical_name (all columns) SELECT … FROM tide_rows(?1): row_source.h. */
void mirror_sql_insert_rows(struct buffer *sql, const struct table *table,
                            const char *physical_name);
/*
 * INSERT INTO physical_name (all columns) VALUES (?1, ?2, …) with ON CONFLICT (key) DO
 * UPDATE of every other column (and of the key, whose
 * spelling may differ under NOCASE), WHERE anything differs byte for byte: an unchanged
 * row is not written.
 */
void mirror_sql_upsert(struct buffer *sql, const struct table *table,
                       const char *physical_name);
/*
 * The same in two, for when each may touch a row in one way only: an UPDATE of the row
 * with that key, WHERE anything differs (empty when nothing but its key can), and an
 * INSERT with ON CONFLICT (key) DO NOTHING.
 */
void mirror_sql_change(struct buffer *sql, const struct table *table,
                       const char *physical_name);
void mirror_sql_add(struct buffer *sql, const struct table *table,
                    const char *physical_name);
/*
 * A row whose key holds text where bytes belong: all columns of the one with the bytes of
 * the key ?1, ?2, … in key order; and the UPDATE that makes it these bytes, unless there
 * is a row that has them.
 */
void mirror_sql_select_text_key(struct buffer *sql, const struct table *table,
                                const char *physical_name);
void mirror_sql_respell_key(struct buffer *sql, const struct table *table,
                            const char *physical_name);
/* DELETE FROM physical_name WHERE key = (?1, ?2, …) in key order. */
void mirror_sql_delete(struct buffer *sql, const struct table *table,
                       const char *physical_name);
/*
 * DELETE of the rows that hold the values of a unique index against a new row:
 * WHERE u1 = ?u1 AND u2 = ?u2 AND key IS NOT (…) [AND predicate] RETURNING key columns.
 * Parameters are those of mirror_sql_upsert(), all of them. A partial index counts only
 * when both rows are in it.
 */
void mirror_sql_evict(struct buffer *sql, const struct table *table,
                      const struct table_index *index, const char *physical_name);
/* The same rows by a SELECT of all their columns. */
void mirror_sql_holders(struct buffer *sql, const struct table *table,
                        const struct table_index *index, const char *physical_name);
/* SELECT all columns, in order, of the row with the key ?1, ?2 … in key order. */
void mirror_sql_select_by_key(struct buffer *sql, const struct table *table,
                              const char *physical_name);
/* SELECT all columns, in order, of every row. */
void mirror_sql_select_all(struct buffer *sql, const struct table *table,
                           const char *physical_name);
/* DELETE of the tombstones older than `before`, a 27-character time; only for tables with
 * deleted_at. */
void mirror_sql_purge_tombstones(struct buffer *sql, const struct table *table,
                                 const char *before);
/* SELECT count(*) of the rows that are not tombstones. */
void mirror_sql_count_live(struct buffer *sql, const struct table *table,
                           const char *physical_name);

/*
 * As an application writes: INSERT INTO physical_name (columns) VALUES (?1, …); UPDATE
 * table SET column = ?1, … WHERE key = ?n+1 ….
 */
void mirror_sql_edit_insert(struct buffer *sql, const struct table *table,
                            const char *physical_name, const size_t *columns,
                            size_t count);
void mirror_sql_edit_update(struct buffer *sql, const struct table *table,
                            const size_t *columns, size_t count);

/* ---- the primary ---- */

/* "schema"."table" */
void mirror_sql_primary_name(struct buffer *sql, const struct table *table);

/*
 * The columns as they cross the wire, in binary, in order: "id", "mood"::text, …
 * With prefix: t."id".
 */
void mirror_sql_wire_columns(struct buffer *sql, const struct table *table,
                             const char *prefix);
/* One column's value as it crosses the wire; operand is SQL of the column's type. */
void mirror_sql_wire_expression(struct buffer *sql, const struct table_column *column,
                                const char *operand);

/*
 * The snapshot: SELECT wire columns FROM t WHERE not a tombstone AND scope [AND key >
 * (…)] ORDER BY key. after holds key_count texts of the primary's own spelling, or is
 * NULL.
 */
void mirror_sql_copy_query(struct buffer *sql, const struct table *table,
                           const char *const *after);

/*
 * The delta of a tracked table since the snapshot $1 (text of pg_snapshot):
 * first column "char": 'u' a row as it is now, 'd' a deleted key (other columns null),
 * 't' the table was truncated (all null); 'd' and 't' come first. in_recovery: a hot
 * standby's snapshots list no running transactions, so only their xmin counts.
 */
void mirror_sql_tracked_delta(struct buffer *sql, const struct table *table,
                              bool in_recovery);

/*
 * The delta of an untracked table: 'u' rows whose updated_at or deleted_at is at or
 * after $1 (text of a timestamptz). Appends nothing for a table that has neither.
 */
void mirror_sql_untracked_delta(struct buffer *sql, const struct table *table);

/* Every row written since the snapshot $1 by age(xmin), in the shape of a delta ('u'
 * rows). */
void mirror_sql_sweep(struct buffer *sql, const struct table *table);

/* SELECT count(*) of live rows within the scope; and all their keys in wire form. */
void mirror_sql_primary_count(struct buffer *sql, const struct table *table);
void mirror_sql_primary_keys(struct buffer *sql, const struct table *table);

/*
 * Rows by key: $1 is a text[] per key column, as many as key_count parameters, each row
 * in the shape of a delta: 'u' with the row when it exists within the scope, else 'd'
 * with its key.
 */
void mirror_sql_fetch_by_keys(struct buffer *sql, const struct table *table);

/* ---- the primary, written to ---- */

/*
 * What a statement of a push is told of each of its rows, as arrays: $1 bigint[] numbers
 * the rows, then follow a text[] for each key column, one for the value to be of each
 * column (locals), one for its value before (bases).
 */
struct mirror_push {
    const struct table *table;
    const size_t *columns; /* column indexes */
    size_t column_count;
    bool locals;
    bool bases;
};
size_t mirror_sql_push_parameters(const struct mirror_push *push);

/* Too many columns for one list there: the values before go as one parameter, in which
 * each row has an array of texts. */
bool mirror_sql_push_packs_bases(const struct mirror_push *push);

/*
 * Each writes the rows, and yields the numbers (bigint) of those that it did not write:
 * already there, not there, hidden, or passed over by a trigger.
 *
 * insert  (locals) rows whose key is not there yet; updated_at is the primary's now()
 * update  (locals) sets the columns and updated_at; with bases only where each of them
 *         holds its base
 * delete  with bases only where each column holds its base, but for generated ones and
 *         updated_at
 */
void mirror_sql_push_insert(struct buffer *sql, const struct mirror_push *push);
void mirror_sql_push_update(struct buffer *sql, const struct mirror_push *push);
void mirror_sql_push_delete(struct buffer *sql, const struct mirror_push *push);

/* Such an update has nothing to set, and is no statement. */
bool mirror_sql_push_updates_nothing(const struct mirror_push *push);

/*
 * Locks and reads the rows there: their number; a text of '0' and '1', whether each
 * column holds its local value (locals), then whether it holds its base (bases);
 * updated_at in microseconds (bigint, null without one); the wire columns.
 */
void mirror_sql_push_look(struct buffer *sql, const struct mirror_push *push);

/* The numbers of the rows that can be seen there, locked or not. */
void mirror_sql_push_visible(struct buffer *sql, const struct mirror_push *push);

#endif
