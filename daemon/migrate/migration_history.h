/*
 * Migration history: the table tidemark.migration, where every file that was applied is
 * recorded with its text, so that it can be compared and taken back when the file is
 * gone.
 *
 * A record is written in the transaction that runs the file. A file without a transaction
 * has its record from before the first step on, and each step is counted there.
 */
#ifndef DAEMON_MIGRATE_MIGRATION_HISTORY_H
#define DAEMON_MIGRATE_MIGRATION_HISTORY_H

#include "daemon/migrate/migration_file.h"
#include "lib/base/sql.h"

#include <stdbool.h>
#include <stddef.h>

struct primary;
struct primary_result;

/* Whose files they are. */
enum migration_source {
    MIGRATION_BUILT_IN, /* 'tidemark': built into this program */
    MIGRATION_PROJECT,  /* 'project': files of [migrations] directory */
};

enum migration_state {
    MIGRATION_APPLIED,
    MIGRATION_RUNNING,   /* its upgrade was begun; its runner is at work, or died */
    MIGRATION_FAILED,    /* a step of its upgrade failed; the steps before it stand */
    MIGRATION_REVERTING, /* its downgrade stopped in the middle */
    MIGRATION_REVERTED,  /* taken back: as if it had never been applied */
};

/* All text is borrowed from the history; times are RFC 3339 in UTC. */
struct migration_record {
    enum migration_source source;
    enum migration_state state;
    const char *revision, *description, *checksum;
    const char *upgrade, *downgrade; /* the sections' text as it was run */
    bool no_transaction;
    int step, steps; /* done, of what is under way */
    bool step_begun; /* the next one may have had its effect already */
    const char *started_at;
    const char *finished_at; /* NULL: not finished */
    const char *applied_by, *host, *version;
    const char *error; /* of the step that failed; NULL: none */
};

struct migration_history {
    struct migration_record *records; /* built-in ones first, then by revision */
    size_t count;
    struct primary_result *result; /* holds the text */
};

/* "tidemark", "project". */
const char *migration_source_name(enum migration_source source);

/* "applied", "running", … */
const char *migration_state_name(enum migration_state state);

/* What must be run before records can be written; NULL: nothing, the table is there. */
MUST_CHECK enum outcome migration_history_look(struct primary *primary,
                                               const struct sql **out_setup,
                                               struct error *err);

/* Runs it. The error of a role that may not names the setting of the owner's. */
MUST_CHECK enum outcome migration_history_set_up(struct primary *primary,
                                                 const struct sql *setup,
                                                 struct error *err);

/* Reads the table as it is, whatever its age; empty where there is none. */
MUST_CHECK enum outcome migration_history_read(struct primary *primary,
                                               struct migration_history *out_history,
                                               struct error *err);
void migration_history_release(struct migration_history *history); /* zeroed is fine */

/* Whether it left anything on the primary: not when it was taken back, nor when it failed
 * before its first step was done. */
bool migration_record_in_force(const struct migration_record *record);

/* Who writes a record, and of what. */
struct migration_entry {
    enum migration_source source;
    const struct migration_file *file;
    const char *host;
};

/* Applied; inside the transaction that ran it. */
MUST_CHECK enum outcome migration_history_record(struct primary *primary,
                                                 const struct migration_entry *entry,
                                                 struct error *err);

/* Taken back; inside the transaction that did it. */
MUST_CHECK enum outcome migration_history_revert(struct primary *primary,
                                                 const struct migration_entry *entry,
                                                 struct error *err);

/* The statement that does either of them, to be run by somebody else; out_result holds it
 * in its first field. */
MUST_CHECK enum outcome migration_history_as_text(struct primary *primary,
                                                  const struct migration_entry *entry,
                                                  bool reverts,
                                                  struct primary_result **out_result,
                                                  struct error *err);

/* ---- files without a transaction; each call is a transaction of its own ---- */

/* The way up (or down) is under way, with `done` of its steps done. */
MUST_CHECK enum outcome migration_history_begin_steps(struct primary *primary,
                                                      const struct migration_entry *entry,
                                                      bool reverts, int done,
                                                      struct error *err);
MUST_CHECK enum outcome migration_history_step_begins(struct primary *primary,
                                                      const struct migration_entry *entry,
                                                      struct error *err);
MUST_CHECK enum outcome
migration_history_step_is_done(struct primary *primary,
                               const struct migration_entry *entry, int done,
                               struct error *err);
/* left_something: an index that the next run has to look for. */
MUST_CHECK enum outcome migration_history_step_failed(struct primary *primary,
                                                      const struct migration_entry *entry,
                                                      const char *message,
                                                      bool left_something,
                                                      struct error *err);
MUST_CHECK enum outcome
migration_history_finish_steps(struct primary *primary,
                               const struct migration_entry *entry, struct error *err);

#endif
