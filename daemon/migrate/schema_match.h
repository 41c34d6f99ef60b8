/*
 * Schema match: the objects of two schemas side by side, and what must become of each
 * on the way from one to the other.
 *
 * Pure.
 */
#ifndef DAEMON_MIGRATE_SCHEMA_MATCH_H
#define DAEMON_MIGRATE_SCHEMA_MATCH_H

#include "daemon/migrate/schema_catalog.h"

enum schema_fate {
    SCHEMA_STAYS,
    SCHEMA_COMES,
    SCHEMA_GOES,
    SCHEMA_CHANGES, /* by a statement that alters it */
    SCHEMA_RENEWED, /* goes, and comes again */
};

struct schema_pair {
    size_t from; /* indexes; SCHEMA_NO_OBJECT: not there */
    size_t to;
    enum schema_fate fate;
    bool differs;   /* not only drawn into it by another one */
    bool set_aside; /* a renewed type whose columns live on: the old one is renamed, and
                       dropped when they have moved to the new one */
};

struct schema_match {
    const struct schema *from;
    const struct schema *to;
    struct schema_pair *pairs; /* ordered by kind, then identity */
    size_t count;
    size_t *pair_of_from; /* by index of the object */
    size_t *pair_of_to;
};

MUST_CHECK enum outcome schema_match_make(struct schema_match *out_match,
                                          const struct schema *from,
                                          const struct schema *to, bool replace_enums,
                                          struct error *err);
void schema_match_release(struct schema_match *match); /* a zeroed one is fine */

/* NULL: not there. */
const struct schema_object *schema_match_from(const struct schema_match *match,
                                              size_t pair);
const struct schema_object *schema_match_to(const struct schema_match *match,
                                            size_t pair);

/* The one that is there; of two the newer. */
const struct schema_object *schema_match_either(const struct schema_match *match,
                                                size_t pair);

/* The pair of its owner; SCHEMA_NO_OBJECT: none. */
size_t schema_match_owner(const struct schema_match *match, size_t pair);

bool schema_match_leaves(const struct schema_match *match, size_t pair);
bool schema_match_arrives(const struct schema_match *match, size_t pair);

#endif
