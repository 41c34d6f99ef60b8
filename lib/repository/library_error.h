/*
 * Library error: what our functions say, as libtidemark says it. Pure.
 */
#ifndef LIB_REPOSITORY_LIBRARY_ERROR_H
#define LIB_REPOSITORY_LIBRARY_ERROR_H

#include "lib/tidemark.h"
#include "lib/base/error.h"

/* Copies the error, where there is somewhere to copy it to; always TIDE_FAILED. */
enum tide_result library_failed(const struct error *why, struct tide_error *err);

/* FAILED: library_failed(); OK: TIDE_OK; NOTHING: TIDE_NOT_FOUND. */
enum tide_result library_result(enum outcome outcome, const struct error *why,
                                struct tide_error *err);

#endif
