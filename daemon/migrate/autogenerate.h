/*
 * Autogenerate: the next migration, from the difference between what the migration files
 * make and what schema.sql wants.
 *
 * Both are built in scratch databases on the primary's server, so the comparison is in
 * that server's own words. Renames are declared in schema.sql, never guessed:
 *
 *   -- tidemark: rename table orders to purchases
 *   -- tidemark: rename column orders.note to remark
 *
 * Both directions are proved before they are given out: the upgrade, applied to the first
 * scratch database, makes it equal to the second, and the downgrade makes it what it was.
 *
 * Scratch databases ("tidemark_scratch_…") are dropped at the end; those of a run that
 * was killed are dropped by the next one. The role needs CREATEDB; or a database is lent,
 * in which the one schema is made after the other (lent_database.h).
 *
 * Blocking; makes and closes its own connections. Never prints.
 */
#ifndef DAEMON_MIGRATE_AUTOGENERATE_H
#define DAEMON_MIGRATE_AUTOGENERATE_H

#include "daemon/primary/primary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct autogenerate_config {
    struct primary_config primary; /* the owner's connection, direct */
    const char *lent;              /* conninfo of that database; NULL: none is */
    const char *schema; /* schema.sql, or a folder whose *.sql are read in order */
    /*
     * Runs the migrations: in the scratch database that `scratch` leads to (conninfo and
     * database), the built-in ones and, with project, those of the project's folder.
     * Called with project and without it. What it says in err is passed on.
     */
    enum outcome (*replay)(void *context, const struct primary_config *scratch,
                           bool project, struct error *err);
    void *replay_context;
};

struct autogenerate_result {
    char *lines;   /* what was found, one difference a line: "+ column public.a.b text" */
    char *upgrade; /* the sections of a migration file, without their markers */
    char *downgrade; /* may be "" */
    int64_t duration_us;
};

/*
 * OK: *out_result is filled and proved. NOTHING: no differences.
 * ERROR_AUTH: the role may not create databases. ERROR_TRANSIENT: another run uses the
 * lent one. ERROR_INVALID: that one cannot be used; a file of the folder or
 * schema.sql fails (file and line in the message), a rename names nothing; or the proof
 * failed, and the message holds the first difference that is left.
 */
MUST_CHECK enum outcome autogenerate(const struct autogenerate_config *config,
                                     struct autogenerate_result *out_result,
                                     struct error *err);

/*
 * Has the live schema drifted from the files? Compares the database of config->primary
 * with a replay of the migrations (config->schema is not used). Only schemas and
 * extensions that the files make are looked at, and no rights: hosted databases give
 * their own. OK: *out_lines has one difference a line, "+" being what the live schema has
 * beyond the files; free() it. NOTHING: they agree.
 */
MUST_CHECK enum outcome autogenerate_drift(const struct autogenerate_config *config,
                                           char **out_lines, struct error *err);

void autogenerate_result_release(struct autogenerate_result *result);

#endif
