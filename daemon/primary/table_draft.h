/*
 * Table draft: a table while it is being introspected: what will be mirrored so far,
 * what the catalog said beyond that, and, once something stands in the way, why not.
 */
#ifndef DAEMON_PRIMARY_TABLE_DRAFT_H
#define DAEMON_PRIMARY_TABLE_DRAFT_H

#include "daemon/primary/introspect.h"
#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/model/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct primary_result;

/* What the catalog says about a column and struct table_column does not keep. */
struct column_facts {
    int attribute;      /* pg_attribute.attnum */
    char *quoted_name;  /* for SQL in a remedy */
    uint32_t base_type; /* under all domains */
    bool is_enum;
    bool is_timestamp; /* with time zone or without */
    bool may_be_key;   /* equality of its text is equality on the primary */
    bool is_visible;   /* operators of its type are in the search path */
    bool may_read;
    char *default_expression; /* pg_get_expr, or NULL */
};

struct table_draft {
    struct table table;
    struct column_facts *facts;         /* one for each of table.columns */
    const struct introspect_rule *rule; /* borrowed; NULL: none */
    char *quoted_name;                  /* "schema"."table" as the primary quotes it */
    int *key_attributes;                /* of the primary key; NULL: it has none */
    size_t key_attribute_count;
    bool may_read_xmin;
    bool may_read_stamp; /* tide_xid, of a tracked table */
    char *reason;        /* NULL: nothing stands in its way */
    char *remedy;
    bool out_of_memory;
};

struct table_drafts {
    struct table_draft *items;
    size_t count;
};

void table_draft_release(struct table_draft *draft);    /* a zeroed one is fine */
void table_drafts_release(struct table_drafts *drafts); /* a zeroed one is fine */

/* Only the first reason counts; the remedy belongs to it. */
PRINTF_LIKE(2, 3)
void table_draft_refuse(struct table_draft *draft, const char *reason, ...);
PRINTF_LIKE(2, 3)
void table_draft_remedy(struct table_draft *draft, const char *remedy, ...);

/* The finished table, owned by the caller from now on; the draft is left without one. */
struct table table_draft_take_table(struct table_draft *draft);

/* NULL when it is not among them. */
struct table_draft *table_drafts_find(const struct table_drafts *drafts, uint32_t oid);

/* Column index of an attribute number, or TABLE_NO_COLUMN. */
int table_draft_column(const struct table_draft *draft, int attribute);

/* Takes a column (and its facts) out. Nothing may refer to column indexes yet. */
void table_draft_remove_column(struct table_draft *draft, size_t column);

/* "{16384,16391}" of the drafts that nothing stands in the way of. */
void table_drafts_oids(struct buffer *text, const struct table_drafts *drafts);

/* The first row after `row` whose first column is another: rows come grouped by it. */
size_t table_draft_group_end(const struct primary_result *result, size_t row);

/* "1 3" as numbers; *out_numbers is the caller's to free. */
MUST_CHECK enum outcome table_draft_numbers(const char *text, int **out_numbers,
                                            size_t *out_count, struct error *err);

#endif
