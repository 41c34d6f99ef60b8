#include "daemon/migrate/schema_match.h"

#include "daemon/migrate/schema_alteration.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

void schema_match_release(struct schema_match *match)
{
    free(match->pairs);
    free(match->pair_of_from);
    free(match->pair_of_to);
    *match = (struct schema_match){0};
}

const struct schema_object *schema_match_from(const struct schema_match *match,
                                              size_t pair)
{
    size_t index = match->pairs[pair].from;

    return index == SCHEMA_NO_OBJECT ? NULL : &match->from->objects[index];
}

const struct schema_object *schema_match_to(const struct schema_match *match, size_t pair)
{
    size_t index = match->pairs[pair].to;

    return index == SCHEMA_NO_OBJECT ? NULL : &match->to->objects[index];
}

const struct schema_object *schema_match_either(const struct schema_match *match,
                                                size_t pair)
{
    const struct schema_object *to = schema_match_to(match, pair);

    return to ? to : schema_match_from(match, pair);
}

size_t schema_match_owner(const struct schema_match *match, size_t pair)
{
    const struct schema_object *object = schema_match_either(match, pair);

    if (object->owner == SCHEMA_NO_OBJECT)
        return SCHEMA_NO_OBJECT;
    return match->pairs[pair].to == SCHEMA_NO_OBJECT ? match->pair_of_from[object->owner]
                                                     : match->pair_of_to[object->owner];
}

bool schema_match_leaves(const struct schema_match *match, size_t pair)
{
    return match->pairs[pair].fate == SCHEMA_GOES ||
           match->pairs[pair].fate == SCHEMA_RENEWED;
}

bool schema_match_arrives(const struct schema_match *match, size_t pair)
{
    return match->pairs[pair].fate == SCHEMA_COMES ||
           match->pairs[pair].fate == SCHEMA_RENEWED;
}

/* ---- side by side ---- */

static void add_pair(struct schema_match *match, size_t from, size_t to)
{
    if (from != SCHEMA_NO_OBJECT)
        match->pair_of_from[from] = match->count;
    if (to != SCHEMA_NO_OBJECT)
        match->pair_of_to[to] = match->count;
    match->pairs[match->count++] = (struct schema_pair){.from = from, .to = to};
}

static void pair_up(struct schema_match *match)
{
    const struct schema *from = match->from;
    const struct schema *to = match->to;
    size_t i = 0;
    size_t j = 0;

    while (i < from->count || j < to->count) {
        int order = i == from->count ? 1
                    : j == to->count
                        ? -1
                        : schema_object_order(&from->objects[i], &to->objects[j]);

        add_pair(match, order <= 0 ? i : SCHEMA_NO_OBJECT,
                 order >= 0 ? j : SCHEMA_NO_OBJECT);
        i += order <= 0;
        j += order >= 0;
    }
}

static bool same_text(const char *left, const char *right)
{
    return strcmp(left ? left : "", right ? right : "") == 0;
}

static enum schema_fate fate_of(const struct schema_object *from,
                                const struct schema_object *to, bool replace_enums)
{
    if (!to)
        return SCHEMA_GOES;
    if (!from)
        return SCHEMA_COMES;
    if (same_text(from->definition, to->definition) && same_text(from->fixed, to->fixed))
        return SCHEMA_STAYS;
    if (to->kind == SCHEMA_ENUM && !replace_enums &&
        schema_alteration_only_adds_values(from, to))
        return SCHEMA_CHANGES;
    if (to->kind == SCHEMA_COMPOSITE)
        return SCHEMA_CHANGES;
    return to->alter && same_text(from->fixed, to->fixed) ? SCHEMA_CHANGES
                                                          : SCHEMA_RENEWED;
}

/* ---- what is drawn into it ---- */

static bool is_check(const struct schema_object *object)
{
    return object->kind == SCHEMA_CONSTRAINT &&
           strncmp(object->definition, "CHECK", 5) == 0;
}

/* What holds expressions that the server does not rewrite by itself. */
static bool holds_expression(const struct schema_object *object)
{
    switch (object->kind) {
    case SCHEMA_VIEW:
    case SCHEMA_MATERIALIZED_VIEW:
    case SCHEMA_RULE:
    case SCHEMA_POLICY:
    case SCHEMA_TRIGGER:
    case SCHEMA_TRACKING:
    case SCHEMA_ROUTINE:
    case SCHEMA_DEFAULT:
        return true;
    case SCHEMA_COLUMN:
        return object->fixed != NULL; /* generated */
    default:
        return is_check(object);
    }
}

/* Does altering `needed` stand in the way of what needs it? */
static bool is_disturbed(const struct schema_object *object,
                         const struct schema_object *needed)
{
    if (needed->kind == SCHEMA_COLUMN)
        return holds_expression(object) || object->kind == SCHEMA_FOREIGN_KEY ||
               object->kind ==
                   SCHEMA_COLUMN_OPTION; /* a new type takes its own storage */
    if (needed->kind == SCHEMA_COMPOSITE)
        return holds_expression(object) || object->kind == SCHEMA_INDEX;
    return false;
}

/* Its need goes, for good or to come again. */
static enum schema_fate fate_without(const struct schema_match *match, size_t pair,
                                     size_t needed)
{
    const struct schema_object *object = schema_match_to(match, pair);
    const struct schema_pair *own = &match->pairs[pair];
    const struct schema_object *gone = schema_match_from(match, needed);
    bool is_owner = schema_match_from(match, pair)->owner == match->pairs[needed].from;

    if (is_owner)
        return SCHEMA_RENEWED;
    if (object->kind == SCHEMA_COLUMN && schema_kind_is_type(gone->kind) && object->alter)
        return SCHEMA_CHANGES;
    if (object->kind == SCHEMA_TRACKING && gone->kind == SCHEMA_CONSTRAINT)
        return SCHEMA_CHANGES; /* track() again takes the new key over */
    if (own->fate == SCHEMA_CHANGES && match->pairs[needed].fate == SCHEMA_GOES)
        return SCHEMA_CHANGES; /* the altered one does without */
    return SCHEMA_RENEWED;
}

static bool draw_in(struct schema_match *match, size_t pair)
{
    struct schema_pair *own = &match->pairs[pair];
    const struct schema_object *object = schema_match_from(match, pair);
    enum schema_fate before = own->fate;

    for (size_t i = 0; i < object->need_count; i++) {
        size_t needed = match->pair_of_from[object->needs[i]];

        if (own->fate != SCHEMA_STAYS && own->fate != SCHEMA_CHANGES)
            break;
        if (schema_match_leaves(match, needed))
            own->fate = fate_without(match, pair, needed);
        else if (match->pairs[needed].fate == SCHEMA_CHANGES &&
                 is_disturbed(object, schema_match_from(match, needed)))
            own->fate = SCHEMA_RENEWED;
    }
    return own->fate != before;
}

/* A foreign key stands in the way of a table that becomes unlogged. */
static bool draw_in_key(struct schema_match *match, size_t pair)
{
    const struct schema_object *key = schema_match_to(match, pair);

    if (!key || key->kind != SCHEMA_FOREIGN_KEY ||
        match->pairs[pair].fate != SCHEMA_STAYS)
        return false;
    for (size_t i = 0; i < key->need_count; i++) {
        size_t needed = match->pair_of_to[key->needs[i]];

        if (match->pairs[needed].fate == SCHEMA_COMES &&
            schema_match_to(match, needed)->kind == SCHEMA_TABLE_OPTION) {
            match->pairs[pair].fate = SCHEMA_RENEWED;
            return true;
        }
    }
    return false;
}

static void draw_in_all(struct schema_match *match)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < match->count; i++) {
            if (match->pairs[i].from == SCHEMA_NO_OBJECT)
                continue;
            changed = draw_in(match, i) || changed;
            changed = draw_in_key(match, i) || changed;
        }
    }
}

/* A renewed type is set aside when a column moves from the old to the new one. */
static void set_types_aside(struct schema_match *match)
{
    for (size_t i = 0; i < match->count; i++) {
        const struct schema_object *column = schema_match_from(match, i);

        if (match->pairs[i].fate != SCHEMA_CHANGES || column->kind != SCHEMA_COLUMN)
            continue;
        for (size_t j = 0; j < column->need_count; j++) {
            struct schema_pair *type =
                &match->pairs[match->pair_of_from[column->needs[j]]];

            type->set_aside |= type->fate == SCHEMA_RENEWED &&
                               schema_kind_is_type(match->from->objects[type->from].kind);
        }
    }
}

static void decide(struct schema_match *match, bool replace_enums)
{
    for (size_t i = 0; i < match->count; i++) {
        match->pairs[i].fate = fate_of(schema_match_from(match, i),
                                       schema_match_to(match, i), replace_enums);
        match->pairs[i].differs = match->pairs[i].fate != SCHEMA_STAYS;
    }
    draw_in_all(match);
    set_types_aside(match);
}

enum outcome schema_match_make(struct schema_match *out_match, const struct schema *from,
                               const struct schema *to, bool replace_enums,
                               struct error *err)
{
    OWNED(schema_match_release) struct schema_match match = {.from = from, .to = to};

    match.pairs = calloc(from->count + to->count + 1, sizeof(*match.pairs));
    match.pair_of_from = calloc(from->count + 1, sizeof(size_t));
    match.pair_of_to = calloc(to->count + 1, sizeof(size_t));
    if (!match.pairs || !match.pair_of_from || !match.pair_of_to)
        return error_out_of_memory(err);
    pair_up(&match);
    decide(&match, replace_enums);
    *out_match = TAKE(match);
    return OK;
}
