/*
 * Data run: the files of [migrations] data, in the order of their names, each in one
 * transaction.
 *
 * They hold what a service cannot do without (languages, plans, a first tenant) and are
 * run each time, so each must do no harm when it is run again: INSERT … ON CONFLICT. What
 * was run is not recorded.
 */
#ifndef DAEMON_MIGRATE_DATA_RUN_H
#define DAEMON_MIGRATE_DATA_RUN_H

#include "daemon/migrate/migration_runner.h"

/*
 * Uses config->directory as the folder of the data. OK: all of them were run (dry_run:
 * shown). NOTHING: there is none. An error names the file, the line and the statement;
 * the files before it stand.
 */
MUST_CHECK enum outcome data_run(const struct migrate_config *config,
                                 const struct migrate_observer *observer,
                                 struct error *err);

#endif
