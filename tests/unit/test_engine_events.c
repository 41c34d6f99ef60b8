#include "daemon/loop/event_loop.h"
#include "daemon/server/engine_events.h"
#include "lib/base/clock.h"

#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct world {
    struct event_loop *loop;
    struct event_timer *turn;
    struct engine_events *events;
    struct engine_observer observer;
    int status_changes;
    int change_sets;
    int losses;
    int last_number;
    bool in_order;
};

static void count_status_change(void *context)
{
    ((struct world *)context)->status_changes++;
}

static void count_change_set(void *context, const char *json_line)
{
    struct world *world = context;
    int number = atoi(json_line);

    world->change_sets++;
    world->in_order &= number == world->last_number + 1;
    world->last_number = number;
}

static void count_loss(void *context)
{
    ((struct world *)context)->losses++;
}

static void end_turn(void *context)
{
    event_loop_stop(context);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const struct engine_listener listener = {world, count_status_change, count_change_set,
                                             count_loss};
    struct error err;

    if (!world)
        return -1;
    *state = world;
    world->in_order = true;
    if (event_loop_new(&world->loop, &err) == FAILED ||
        event_loop_add_timer(world->loop, end_turn, world->loop, &world->turn, &err) ==
            FAILED ||
        engine_events_new(&world->events, world->loop, &listener, &err) == FAILED)
        return -1;
    world->observer = engine_events_observer(world->events);
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;

    event_loop_free(world->loop);
    engine_events_free(world->events);
    free(world);
    return 0;
}

static void turn(struct world *world)
{
    event_timer_start(world->turn, 2 * US_PER_MS, 0);
    event_loop_run(world->loop);
}

static void apply_change_sets(struct world *world, int first, int last)
{
    for (int number = first; number <= last; number++) {
        char line[16];

        snprintf(line, sizeof line, "%d", number);
        world->observer.change_set_applied(world->observer.context, line);
    }
}

static void many_status_changes_are_one(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 100; i++)
        world->observer.status_changed(world->observer.context);
    turn(world);
    assert_int_equal(world->status_changes, 1);
}

static void change_sets_arrive_once_and_in_order(void **state)
{
    struct world *world = *state;

    apply_change_sets(world, 1, 10);
    turn(world);
    apply_change_sets(world, 11, 30);
    turn(world);
    turn(world);
    assert_int_equal(world->change_sets, 30);
    assert_true(world->in_order);
    assert_int_equal(world->losses, 0);
}

static void overflow_is_told_after_what_was_kept(void **state)
{
    struct world *world = *state;

    apply_change_sets(world, 1, ENGINE_EVENTS_LIMIT + 50);
    turn(world);
    assert_int_equal(world->change_sets, ENGINE_EVENTS_LIMIT);
    assert_true(world->in_order);
    assert_int_equal(world->losses, 1);
}

static void after_an_overflow_it_goes_on(void **state)
{
    struct world *world = *state;

    apply_change_sets(world, 1, ENGINE_EVENTS_LIMIT + 1);
    turn(world);
    apply_change_sets(world, ENGINE_EVENTS_LIMIT + 1, ENGINE_EVENTS_LIMIT + 2);
    turn(world);
    assert_int_equal(world->change_sets, ENGINE_EVENTS_LIMIT + 2);
    assert_int_equal(world->losses, 1);
}

static void *apply_many(void *context)
{
    apply_change_sets(context, 1, 900);
    return NULL;
}

static void another_thread_may_report(void **state)
{
    struct world *world = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, apply_many, world), 0);
    for (int turns = 0; turns < 500 && world->change_sets < 900; turns++)
        turn(world);
    pthread_join(thread, NULL);
    assert_int_equal(world->change_sets, 900);
    assert_true(world->in_order);
}

static void undelivered_change_sets_are_freed(void **state)
{
    apply_change_sets(*state, 1, 5);
}

int main(void)
{
#define world_test(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)
    const struct CMUnitTest tests[] = {
        world_test(many_status_changes_are_one),
        world_test(change_sets_arrive_once_and_in_order),
        world_test(overflow_is_told_after_what_was_kept),
        world_test(after_an_overflow_it_goes_on),
        world_test(another_thread_may_report),
        world_test(undelivered_change_sets_are_freed),
    };

    return cmocka_run_group_tests_name("engine_events", tests, NULL, NULL);
}
