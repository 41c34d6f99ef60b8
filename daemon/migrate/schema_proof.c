#include "daemon/migrate/schema_proof.h"

#include "daemon/migrate/scratch_database.h"
#include "daemon/migrate/schema_compare.h"
#include "daemon/migrate/sql_execution.h"
#include "daemon/primary/primary_query.h"
#include "daemon/primary/primary_transaction.h"
#include "lib/base/cleanup.h"
#include "schema_proof.sql.h"

#include <stdlib.h>
#include <string.h>

static bool can_cast(void *context, const char *from_type, const char *to_type)
{
    OWNED(primary_result_free) struct primary_result *result = NULL;
    const char *params[] = {from_type, to_type};
    struct error ignored;

    return primary_query(context, &schema_proof_sql.has_cast, params, 2, &result,
                         &ignored) == OK &&
           primary_result_bool(result, 0, 0);
}

static enum outcome write_script(const struct schema_proof *proof, bool replace_enums,
                                 char **out_text, struct error *err)
{
    OWNED(buffer_release) struct buffer script = {0};
    const struct schema_compare_config config = {
        .can_cast = can_cast, .context = proof->link, .replace_enums = replace_enums};

    buffer_append_text(&script, proof->first ? proof->first : "");
    if (schema_compare_script(proof->from, proof->to, &config, &script, err) == FAILED)
        return FAILED;
    buffer_append_text(&script, proof->last ? proof->last : "");
    free(*out_text);
    *out_text = buffer_take(&script);
    return *out_text ? OK : error_out_of_memory(err);
}

struct trial {
    const struct schema_proof *proof;
    const char *text;
};

static enum outcome run_script(void *context, struct error *err)
{
    const struct trial *trial = context;
    const struct sql_script script = sql_script_of(trial->text);

    return sql_execution_script(trial->proof->link, trial->proof->direction, &script,
                                err);
}

static enum outcome try_out(const struct schema_proof *proof, const char *text,
                            struct error *err)
{
    struct trial trial = {.proof = proof, .text = text};
    struct migration_runner runner = scratch_runner(proof->link);

    if (migration_runner_transact(&runner, run_script, &trial, err) == FAILED)
        return FAILED;
    return migration_runner_reset(&runner, err);
}

static bool used_new_enum_value(const struct error *err)
{
    return strcmp(err->origin, "SQLSTATE 55P04") == 0;
}

static enum outcome refuse(struct error *err)
{
    err->kind = ERROR_INVALID;
    return error_hint(err, "nothing was written; take this step by hand: "
                           "tidemark revision without --autogenerate");
}

/* What the trial left different from the promise. */
static enum outcome compare(const struct schema_proof *proof, struct error *err)
{
    OWNED(schema_release) struct schema now = {0};
    OWNED(buffer_release) struct buffer lines = {0};
    enum outcome outcome;

    if (primary_begin_reading(proof->link, err) == FAILED)
        return FAILED;
    outcome = schema_read(proof->link, NULL, &now, err);
    primary_end_reading(proof->link);
    if (outcome == OK)
        outcome = schema_compare_lines(&now, proof->expected, &lines, err);
    if (outcome != OK)
        return outcome == NOTHING ? OK : FAILED;
    error_set(err, ERROR_INVALID, "the %s does not lead there; what is left: %.*s",
              proof->direction, (int)strcspn(lines.data, "\n"), lines.data);
    return refuse(err);
}

enum outcome schema_proof_run(const struct schema_proof *proof, char **out_text,
                              struct error *err)
{
    OWNED(text_free) char *text = NULL;
    enum outcome outcome;

    if (write_script(proof, false, &text, err) == FAILED)
        return FAILED;
    outcome = try_out(proof, text, err);
    if (outcome == FAILED && used_new_enum_value(err)) {
        if (write_script(proof, true, &text, err) == FAILED)
            return FAILED;
        outcome = try_out(proof, text, err);
    }
    if (outcome == FAILED && err->kind != ERROR_TRANSIENT &&
        err->kind != ERROR_INTERRUPTED) {
        error_wrap(err, "the proof failed");
        return refuse(err);
    }
    if (outcome == FAILED || compare(proof, err) == FAILED)
        return FAILED;
    *out_text = TAKE(text);
    return OK;
}
