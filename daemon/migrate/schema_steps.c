#include "daemon/migrate/schema_steps.h"

#include "daemon/migrate/step_order.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

size_t schema_step(size_t pair, enum schema_phase phase)
{
    return pair * SCHEMA_PHASE_COUNT + (size_t)phase;
}

size_t schema_step_pair(size_t step)
{
    return step / SCHEMA_PHASE_COUNT;
}

enum schema_phase schema_step_phase(size_t step)
{
    return (enum schema_phase)(step % SCHEMA_PHASE_COUNT);
}

void schema_steps_release(struct schema_steps *steps)
{
    free(steps->hosts);
    free(steps->order);
    *steps = (struct schema_steps){0};
}

static bool is_active(const struct schema_steps *steps, size_t step)
{
    return steps->hosts[step] != SCHEMA_NO_OBJECT;
}

/* The statement that does it in the end. */
static size_t host_of(const struct schema_steps *steps, size_t step)
{
    while (steps->hosts[step] != step)
        step = steps->hosts[step];
    return step;
}

bool schema_steps_rides(const struct schema_steps *steps, size_t pair,
                        enum schema_phase phase, size_t host)
{
    size_t step = schema_step(pair, phase);

    return steps->hosts[step] == host && step != host;
}

/* ---- which steps there are ---- */

static void activate(struct schema_steps *steps)
{
    for (size_t i = 0; i < steps->match->count; i++) {
        const struct schema_pair *pair = &steps->match->pairs[i];
        size_t step = schema_step(i, SCHEMA_LEAVE);

        steps->hosts[step] =
            schema_match_leaves(steps->match, i) ? step : SCHEMA_NO_OBJECT;
        step = schema_step(i, SCHEMA_CHANGE);
        steps->hosts[step] =
            pair->fate == SCHEMA_CHANGES || pair->set_aside ? step : SCHEMA_NO_OBJECT;
        step = schema_step(i, SCHEMA_ARRIVE);
        steps->hosts[step] =
            schema_match_arrives(steps->match, i) ? step : SCHEMA_NO_OBJECT;
    }
}

/* ---- who rides along ---- */

static size_t pair_of_needed_sequence(const struct schema_match *match,
                                      const struct schema_object *object)
{
    for (size_t i = 0; i < object->need_count; i++)
        if (match->from->objects[object->needs[i]].kind == SCHEMA_SEQUENCE)
            return match->pair_of_from[object->needs[i]];
    return SCHEMA_NO_OBJECT;
}

/* What takes it along when it is dropped; SCHEMA_NO_OBJECT: nothing does. */
static size_t carrier_of(const struct schema_match *match, size_t pair)
{
    const struct schema_object *object = schema_match_from(match, pair);

    if (object->kind == SCHEMA_SEQUENCE_OWNER)
        return pair_of_needed_sequence(match, object);
    if (object->carrier != SCHEMA_NO_OBJECT)
        return match->pair_of_from[object->carrier];
    return object->owner == SCHEMA_NO_OBJECT ? SCHEMA_NO_OBJECT
                                             : match->pair_of_from[object->owner];
}

static void ride_out(struct schema_steps *steps)
{
    for (size_t i = 0; i < steps->match->count; i++) {
        size_t step = schema_step(i, SCHEMA_LEAVE);
        size_t carrier;

        if (!is_active(steps, step))
            continue;
        carrier = carrier_of(steps->match, i);
        if (carrier != SCHEMA_NO_OBJECT &&
            is_active(steps, schema_step(carrier, SCHEMA_LEAVE)))
            steps->hosts[step] = schema_step(carrier, SCHEMA_LEAVE);
    }
}

/* A column rides with its table, what belongs to a column with that, a constraint with
 * the table. */
static void ride_in(struct schema_steps *steps)
{
    for (size_t i = 0; i < steps->match->count; i++) {
        size_t step = schema_step(i, SCHEMA_ARRIVE);
        size_t owner;

        if (!is_active(steps, step) || !schema_match_to(steps->match, i)->inlined)
            continue;
        owner = schema_match_owner(steps->match, i);
        if (owner != SCHEMA_NO_OBJECT &&
            is_active(steps, schema_step(owner, SCHEMA_ARRIVE)))
            steps->hosts[step] = schema_step(owner, SCHEMA_ARRIVE);
    }
}

/* ---- what must run before what ---- */

static void put_before(const struct schema_steps *steps, struct step_order *order,
                       size_t first, size_t second)
{
    if (is_active(steps, first) && is_active(steps, second))
        step_order_add(order, host_of(steps, first), host_of(steps, second));
}

static void order_leaving(const struct schema_steps *steps, struct step_order *order,
                          size_t pair, size_t needed)
{
    const struct schema_match *match = steps->match;

    put_before(steps, order, schema_step(pair, SCHEMA_LEAVE),
               schema_step(needed, SCHEMA_LEAVE));
    if (!match->pairs[pair].set_aside)
        put_before(steps, order, schema_step(pair, SCHEMA_CHANGE),
                   schema_step(needed, SCHEMA_LEAVE));
    if (!match->pairs[needed].set_aside)
        put_before(steps, order, schema_step(pair, SCHEMA_LEAVE),
                   schema_step(needed, SCHEMA_CHANGE));
}

static void order_arriving(const struct schema_steps *steps, struct step_order *order,
                           size_t pair, size_t needed)
{
    const struct schema_match *match = steps->match;

    put_before(steps, order, schema_step(needed, SCHEMA_ARRIVE),
               schema_step(pair, SCHEMA_ARRIVE));
    if (!match->pairs[pair].set_aside)
        put_before(steps, order, schema_step(needed, SCHEMA_ARRIVE),
                   schema_step(pair, SCHEMA_CHANGE));
    if (match->pairs[needed].set_aside)
        return;
    put_before(steps, order, schema_step(needed, SCHEMA_CHANGE),
               schema_step(pair, SCHEMA_ARRIVE));
    if (!match->pairs[pair].set_aside)
        put_before(steps, order, schema_step(needed, SCHEMA_CHANGE),
                   schema_step(pair, SCHEMA_CHANGE));
}

static void order_needs(const struct schema_steps *steps, struct step_order *order,
                        size_t pair)
{
    const struct schema_match *match = steps->match;
    const struct schema_object *from = schema_match_from(match, pair);
    const struct schema_object *to = schema_match_to(match, pair);

    for (size_t i = 0; from && i < from->need_count; i++)
        order_leaving(steps, order, pair, match->pair_of_from[from->needs[i]]);
    for (size_t i = 0; to && i < to->need_count; i++)
        order_arriving(steps, order, pair, match->pair_of_to[to->needs[i]]);
}

static void order_own(const struct schema_steps *steps, struct step_order *order,
                      size_t pair)
{
    size_t leave = schema_step(pair, SCHEMA_LEAVE);
    size_t change = schema_step(pair, SCHEMA_CHANGE);
    size_t arrive = schema_step(pair, SCHEMA_ARRIVE);

    if (steps->match->pairs[pair].set_aside) {
        put_before(steps, order, change, arrive);
        put_before(steps, order, arrive, leave);
    } else if (!is_active(steps, leave) ||
               !steps->match->pairs[schema_step_pair(host_of(steps, leave))].set_aside) {
        put_before(steps, order, leave, arrive);
    }
}

/* A name must be free before another object takes it. */
static void order_names(const struct schema_steps *steps, struct step_order *order,
                        size_t leaving)
{
    const struct schema_match *match = steps->match;
    const char *name = schema_match_from(match, leaving)->occupies;

    for (size_t i = 0; name && i < match->count; i++) {
        const struct schema_object *to = schema_match_to(match, i);

        if (i != leaving && to && to->occupies && strcmp(to->occupies, name) == 0)
            put_before(steps, order, schema_step(leaving, SCHEMA_LEAVE),
                       schema_step(i, SCHEMA_ARRIVE));
    }
}

/* Of the statements that may come next: drops first, the youngest kinds before the
 * others; columns in the order of their table. */
static uint64_t rank_of(const struct schema_match *match, size_t pair,
                        enum schema_phase phase)
{
    const struct schema_object *object = schema_match_either(match, pair);
    uint64_t kind = phase == SCHEMA_LEAVE ? SCHEMA_KIND_COUNT - (uint64_t)object->kind
                                          : (uint64_t)object->kind;
    uint64_t place = object->kind == SCHEMA_COLUMN ? (uint64_t)object->address.sub_id : 0;
    size_t owner = object->owner == SCHEMA_NO_OBJECT ? 0 : object->owner + 1;

    return (uint64_t)phase << 60 | kind << 52 | (uint64_t)owner << 20 | place;
}

static void rank_steps(const struct schema_steps *steps, struct step_order *order)
{
    for (size_t step = 0; step < order->step_count; step++)
        if (is_active(steps, step))
            step_order_rank(
                order, step, host_of(steps, step) == step,
                rank_of(steps->match, schema_step_pair(step), schema_step_phase(step)));
}

static void add_all(const struct schema_steps *steps, struct step_order *order)
{
    rank_steps(steps, order);
    for (size_t i = 0; i < steps->match->count; i++) {
        order_needs(steps, order, i);
        order_own(steps, order, i);
        if (is_active(steps, schema_step(i, SCHEMA_LEAVE)))
            order_names(steps, order, i);
    }
}

/* ---- circles ---- */

/* What rides along with a statement that waits for itself gets a statement of its own.
 * Columns cannot. */
static bool set_down_one(struct schema_steps *steps, const struct step_order *order)
{
    for (size_t step = 0; step < order->step_count; step++) {
        const struct schema_object *object;

        if (!is_active(steps, step) || steps->hosts[step] == step ||
            !step_order_is_stuck(order, host_of(steps, step)))
            continue;
        object = schema_match_either(steps->match, schema_step_pair(step));
        if (object->kind != SCHEMA_DEFAULT && object->kind != SCHEMA_CONSTRAINT &&
            object->kind != SCHEMA_FOREIGN_KEY && object->kind != SCHEMA_POLICY &&
            object->kind != SCHEMA_TRIGGER && object->kind != SCHEMA_RULE &&
            object->kind != SCHEMA_TRACKING)
            continue;
        steps->hosts[step] = step;
        return true;
    }
    return false;
}

static enum outcome order_all(struct schema_steps *steps, struct error *err)
{
    for (;;) {
        OWNED(step_order_release) struct step_order order = {0};

        if (step_order_init(&order, steps->match->count * SCHEMA_PHASE_COUNT, err) ==
            FAILED)
            return FAILED;
        add_all(steps, &order);
        if (step_order_run(&order, steps->order, &steps->count, err) == FAILED)
            return FAILED;
        if (!order.stuck || !set_down_one(steps, &order))
            return OK;
    }
}

enum outcome schema_steps_make(struct schema_steps *out_steps,
                               const struct schema_match *match, struct error *err)
{
    OWNED(schema_steps_release) struct schema_steps steps = {.match = match};
    size_t step_count = match->count * SCHEMA_PHASE_COUNT;

    steps.hosts = calloc(step_count + 1, sizeof(size_t));
    steps.order = calloc(step_count + 1, sizeof(size_t));
    if (!steps.hosts || !steps.order)
        return error_out_of_memory(err);
    activate(&steps);
    ride_out(&steps);
    ride_in(&steps);
    if (order_all(&steps, err) == FAILED)
        return FAILED;
    *out_steps = TAKE(steps);
    return OK;
}
