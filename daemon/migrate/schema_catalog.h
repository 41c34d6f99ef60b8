/*
 * Schema catalog: the schema of one database as a list of objects that can be compared,
 * made and unmade, all in the server's own words (pg_get_*def, format_type).
 *
 * What another tool would call a property is an object here too: a default, NOT NULL, a
 * comment, a right, row level security. So "in one and not in the other" is nearly all
 * that there is to compare; only what cannot be made anew has a statement that alters it.
 *
 * Left out: what belongs to an extension or to PostgreSQL itself, schema tidemark, what
 * the triggers of track() consist of (one object "tracking" stands for them), what a
 * partition has from its parent. migrations/AUTOGENERATE.md lists what is not seen.
 *
 * Belongs to one thread; text lives as long as the schema.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_CATALOG_H
#define DAEMON_MIGRATE_SCHEMA_CATALOG_H

#include "daemon/migrate/schema_kind.h"
#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct primary;
struct primary_result;

#define SCHEMA_NO_OBJECT SIZE_MAX

/* As in pg_depend; zero for objects that are only a property of their owner. */
struct schema_address {
    uint32_t class_id;
    uint32_t object_id;
    int32_t sub_id; /* a column's number */
};

struct schema_object {
    enum schema_kind kind;
    const char *identity;   /* "public.orders.channel": unique within its kind */
    const char *definition; /* equal text: equal objects */
    const char *create;     /* statements without the last semicolon */
    const char *drop;
    /* Brings an object of this identity, whose `fixed` is the same, to this definition;
     * NULL: it must be dropped and made again. */
    const char *alter;
    const char *fixed; /* NULL reads as "" */
    /* Of types: renames the old one, so that a new one can be made beside it; and drops
     * it under that name. */
    const char *set_aside;
    const char *drop_aside;
    /* How it reads inside CREATE TABLE or behind its column; NULL: never stands there. */
    const char *inlined;
    const char *type;     /* of a column, for casts; else NULL */
    const char *occupies; /* the name it takes among relations and types; NULL: none */
    struct schema_address address;
    struct schema_address owner_address;
    struct schema_address carrier_address;
    size_t owner;   /* goes and comes with it: index of the object, or SCHEMA_NO_OBJECT */
    size_t carrier; /* goes when that goes, but comes before it: an owned sequence's
                       column */
    size_t *needs;  /* indexes of the objects that must be there before; the owner too */
    size_t need_count;
};

struct schema {
    struct schema_object *objects; /* ordered by kind, then identity */
    size_t count;
    struct primary_result **results; /* hold the text */
    size_t result_count;
};

/*
 * Reads the database that the link is connected to, inside the transaction that is open,
 * whose search_path it empties. `only` limits it to the schemas and extensions of another
 * one; NULL: all of the database's own. FAILED: the link's errors.
 */
MUST_CHECK enum outcome schema_read(struct primary *primary, const struct schema *only,
                                    struct schema *out_schema, struct error *err);

void schema_release(struct schema *schema); /* a zeroed one is fine */

/* Takes all objects of the last kinds out, which none needs: comments, rights. */
void schema_leave_out(struct schema *schema, enum schema_kind kind);

/* The order of schema->objects. */
int schema_object_order(const struct schema_object *left,
                        const struct schema_object *right);

#endif
