#include "daemon/migrate/step_order.h"

#include "lib/base/array.h"

#include <stdlib.h>

enum outcome step_order_init(struct step_order *order, size_t step_count,
                             struct error *err)
{
    *order = (struct step_order){.step_count = step_count};
    order->steps = calloc(step_count + 1, sizeof(*order->steps));
    return order->steps ? OK : error_out_of_memory(err);
}

void step_order_release(struct step_order *order)
{
    free(order->steps);
    free(order->edges);
    *order = (struct step_order){0};
}

void step_order_rank(struct step_order *order, size_t step, bool takes_part,
                     uint64_t rank)
{
    order->steps[step].rank = rank;
    order->steps[step].takes_part = takes_part;
}

void step_order_add(struct step_order *order, size_t first, size_t second)
{
    struct error ignored;

    if (first == second || order->failed)
        return;
    if (array_room(&order->edges, order->edge_count, &ignored) == FAILED) {
        order->failed = true;
        return;
    }
    order->edges[order->edge_count++] =
        (struct step_edge){.first = first, .second = second};
}

static int order_edges(const void *left, const void *right)
{
    const struct step_edge *first = left;
    const struct step_edge *second = right;

    return (first->first > second->first) - (first->first < second->first);
}

/* The first edge that leaves the step. */
static size_t first_edge(const struct step_order *order, size_t step)
{
    size_t low = 0;
    size_t high = order->edge_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (order->edges[middle].first < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void finish(struct step_order *order, size_t step)
{
    order->steps[step].done = true;
    for (size_t i = first_edge(order, step);
         i < order->edge_count && order->edges[i].first == step; i++)
        order->steps[order->edges[i].second].waits_for--;
}

/* step_count: none is ready. */
static size_t pick(const struct step_order *order, bool waiting_too)
{
    size_t best = order->step_count;

    for (size_t i = 0; i < order->step_count; i++) {
        const struct step_state *step = &order->steps[i];

        if (!step->takes_part || step->done || (step->waits_for && !waiting_too))
            continue;
        if (best == order->step_count || step->rank < order->steps[best].rank)
            best = i;
    }
    return best;
}

static void mark_stuck(struct step_order *order)
{
    for (size_t i = 0; i < order->step_count; i++)
        order->steps[i].stuck = order->steps[i].takes_part && !order->steps[i].done;
    order->stuck = true;
}

enum outcome step_order_run(struct step_order *order, size_t *out_order,
                            size_t *out_count, struct error *err)
{
    size_t count = 0;
    size_t next;

    if (order->failed)
        return error_out_of_memory(err);
    if (order->edge_count)
        qsort(order->edges, order->edge_count, sizeof(*order->edges), order_edges);
    for (size_t i = 0; i < order->edge_count; i++)
        order->steps[order->edges[i].second].waits_for++;
    for (;;) {
        next = pick(order, false);
        if (next == order->step_count) {
            next = pick(order, true);
            if (next == order->step_count)
                break;
            if (!order->stuck)
                mark_stuck(order);
        }
        out_order[count++] = next;
        finish(order, next);
    }
    *out_count = count;
    return OK;
}

bool step_order_is_stuck(const struct step_order *order, size_t step)
{
    return order->steps[step].stuck;
}
