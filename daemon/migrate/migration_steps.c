#include "daemon/migrate/migration_steps.h"

#include "daemon/migrate/concurrent_index.h"
#include "daemon/migrate/sql_execution.h"
#include "daemon/primary/primary_query.h"
#include "lib/base/clock.h"
#include "lib/base/fault_point.h"
#include "migration_steps.sql.h"

#include <stdio.h>
#include <string.h>

/* One step under way. */
struct step_run {
    struct migration_runner *runner;
    const struct migration_task *task;
    struct sql_statement statement;
    int number;           /* from 1 */
    bool was_begun;       /* by a runner that did not live to say how it ended */
    bool alone;           /* it may not run in a transaction */
    bool removed_invalid; /* an index that a failed build left behind */
    bool left_invalid;
};

/* A function may set what it likes: the record is written by the runner itself, and the
 * next step finds a new session's settings, whether or not this run lives that long. */
static enum outcome execute(struct step_run *step, struct error *err)
{
    char name[160];

    migration_task_name(step->task, name, sizeof(name));
    if (sql_execution_statement(step->runner->primary, name, &step->statement,
                                step->number, err) == FAILED)
        return FAILED;
    return migration_runner_reset(step->runner, err);
}

static void forget_settings(struct step_run *step)
{
    struct error ignored;

    if (primary_is_connected(step->runner->primary) &&
        migration_runner_reset(step->runner, &ignored) == FAILED)
        primary_close(step->runner->primary);
}

static enum outcome mark_done(struct step_run *step, struct error *err)
{
    return migration_history_step_is_done(step->runner->primary, &step->task->entry,
                                          step->number, err);
}

static enum outcome execute_and_mark(void *context, struct error *err)
{
    struct step_run *step = context;

    if (execute(step, err) == FAILED)
        return FAILED;
    fault_point("migrate.step_executed");
    return mark_done(step, err);
}

/* What the server says of a statement that manages transactions by itself. */
static bool refused_the_transaction(const struct error *err)
{
    return strcmp(err->origin, "SQLSTATE 25001") == 0 ||
           strcmp(err->origin, "SQLSTATE 2D000") == 0;
}

static enum outcome be_patient(struct step_run *step, struct error *err)
{
    char text[24];
    const char *const parameters[] = {text};

    snprintf(text, sizeof(text), "%lld",
             (long long)(step->runner->lock_wait_us / US_PER_MS));
    return primary_run(step->runner->primary, &migration_steps_sql.lock_timeout,
                       parameters, 1, err);
}

/* CONCURRENTLY waits without holding anybody up, and may have worked for hours before it
 * has to: it is given all the time there is. */
static enum outcome execute_patiently(struct step_run *step, struct error *err)
{
    if (be_patient(step, err) == FAILED)
        return FAILED;
    if (execute(step, err) == OK)
        return OK;
    forget_settings(step);
    return FAILED;
}

static enum outcome remove_invalid(struct step_run *step,
                                   const struct concurrent_index *index,
                                   struct error *err)
{
    enum outcome outcome =
        concurrent_index_remove_invalid(step->runner->primary, index, err);

    step->removed_invalid = step->removed_invalid || outcome == OK;
    return outcome == FAILED ? FAILED : OK;
}

/* Builds or drops: did the runner that was killed get that far? */
static enum outcome look_at_index(struct step_run *step,
                                  const struct concurrent_index *index, bool *out_done,
                                  struct error *err)
{
    enum concurrent_index_state state;

    if (concurrent_index_look(step->runner->primary, index, &state, err) == FAILED)
        return FAILED;
    *out_done =
        state == (index->creates ? CONCURRENT_INDEX_VALID : CONCURRENT_INDEX_ABSENT);
    return OK;
}

static enum outcome build_index(struct step_run *step,
                                const struct concurrent_index *index, struct error *err)
{
    struct error ignored;
    bool valid;

    if (execute_patiently(step, err) == FAILED) {
        step->left_invalid = !primary_is_connected(step->runner->primary) ||
                             remove_invalid(step, index, &ignored) == FAILED;
        return FAILED;
    }
    if (look_at_index(step, index, &valid, err) == FAILED)
        return FAILED;
    if (valid)
        return OK;
    return error_set(err, ERROR_TRANSIENT,
                     "%s, line %d: the index is there, but not valid: somebody else is "
                     "building it",
                     step->task->entry.file->name, step->statement.line);
}

static enum outcome execute_index_step(struct step_run *step,
                                       const struct concurrent_index *index,
                                       struct error *err)
{
    bool done = false;

    if (index->creates && remove_invalid(step, index, err) == FAILED)
        return FAILED;
    if (step->was_begun && look_at_index(step, index, &done, err) == FAILED)
        return FAILED;
    if (done)
        return OK;
    return index->creates ? build_index(step, index, err) : execute_patiently(step, err);
}

static enum outcome execute_alone(struct step_run *step, struct error *err)
{
    struct concurrent_index index;
    bool is_index = concurrent_index_parse(&step->statement, &index);

    if (!step->was_begun && migration_history_step_begins(
                                step->runner->primary, &step->task->entry, err) == FAILED)
        return FAILED;
    fault_point("migrate.step_begun");
    if ((is_index ? execute_index_step(step, &index, err) : execute(step, err)) ==
        FAILED) {
        forget_settings(step);
        return FAILED;
    }
    fault_point("migrate.step_executed");
    return mark_done(step, err);
}

static enum outcome attempt_step(void *context, struct error *err)
{
    struct step_run *step = context;

    if (step->alone)
        return execute_alone(step, err);
    if (migration_runner_transact(step->runner, execute_and_mark, step, err) == OK)
        return OK;
    if (!refused_the_transaction(err))
        return FAILED;
    step->alone = true;
    return execute_alone(step, err);
}

static const char *what_is_left(const struct step_run *step)
{
    if (step->left_invalid)
        return ", an invalid index is left for the next run to remove";
    return step->removed_invalid ? ", an invalid index was found and removed" : "";
}

/* Says what stands, and how to go on. */
static enum outcome explain_failure(const struct step_run *step, int steps,
                                    struct error *err)
{
    bool passes = err->kind == ERROR_TRANSIENT || err->kind == ERROR_INTERRUPTED;
    char cure[sizeof(err->hint)];
    char stands[48] = "nothing was done yet";

    memcpy(cure, err->hint, sizeof(cure));
    if (step->number > 1)
        snprintf(stands, sizeof(stands), "%d of its %d steps stand", step->number - 1,
                 steps);
    error_wrap(err, "step %d of %d failed", step->number, steps);
    return error_hint(err, "%s%s; %s`tidemark %s` goes on with step %d%s%s", stands,
                      what_is_left(step), passes ? "" : "put it right, then ",
                      step->task->reverts ? "downgrade" : "migrate", step->number,
                      cure[0] ? ". " : "", cure);
}

static enum outcome run_step(struct step_run *step, int steps, struct error *err)
{
    const struct migration_attempt attempt = {step->task->entry.file->name, attempt_step,
                                              step};
    struct primary *primary = step->runner->primary;
    struct error ignored;

    if (migration_runner_insist(step->runner, &attempt, err) == OK)
        return OK;
    /* of a session that is gone nobody knows how far it came */
    if (primary_is_connected(primary) &&
        migration_history_step_failed(primary, &step->task->entry, err->message,
                                      step->left_invalid, &ignored) == FAILED)
        primary_close(primary);
    return explain_failure(step, steps, err);
}

enum outcome migration_steps_run(struct migration_runner *runner,
                                 const struct migration_task *task, struct error *err)
{
    struct sql_script script = migration_task_script(task);
    const struct migration_file *file = task->entry.file;
    struct step_run step = {.runner = runner, .task = task};
    int steps = task->reverts ? file->downgrade_steps : file->upgrade_steps;
    int done = task->partial ? task->partial->step : 0;
    enum outcome outcome;

    if (migration_history_begin_steps(runner->primary, &task->entry, task->reverts, done,
                                      err) == FAILED)
        return FAILED;
    fault_point("migrate.steps_begun");
    while ((outcome = sql_script_next(&script, &step.statement, err)) == OK) {
        struct concurrent_index index;

        if (++step.number <= done)
            continue;
        step.alone = concurrent_index_parse(&step.statement, &index);
        step.was_begun =
            task->partial && task->partial->step_begun && step.number == done + 1;
        if (run_step(&step, steps, err) == FAILED)
            return FAILED;
        fault_point("migrate.step_recorded");
    }
    if (outcome == FAILED)
        return FAILED;
    return migration_history_finish_steps(runner->primary, &task->entry, err);
}
