/* Survey document: the migrations as `tidemark history --json` lists them. */
#ifndef DAEMON_CLI_SURVEY_DOCUMENT_H
#define DAEMON_CLI_SURVEY_DOCUMENT_H

#include "daemon/migrate/migration_survey.h"

#include <jansson.h>

/*
 * A new array, one object each; NULL: out of memory.
 *
 *   {"source":"project","revision":"20261122_0001","description":"orders",
 *    "name":"20261122_0001_orders","state":"applied","problem":null,
 *    "step":0,"steps":0,"started_at":"…Z","finished_at":"…Z","by":"owner","host":"ci-4",
 *    "version":"0.1.0","error":null}
 *
 * What is pending has no times and nobody.
 */
json_t *survey_document(const struct migration_survey *survey);

#endif
