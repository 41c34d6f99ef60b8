/*
 * Change set: what one round brought, in order, kept until the cache is locked.
 *
 * Held in memory up to a limit, beyond it in a nameless file in the cache's folder, so
 * memory stays flat for a transaction of any size. Rows are already decoded: under the
 * write lock nothing is left but to bind them.
 */
#ifndef LIB_STORE_CHANGE_SET_H
#define LIB_STORE_CHANGE_SET_H

#include "lib/base/buffer.h"
#include "lib/model/value.h"

#include <stddef.h>
#include <stdint.h>

enum change_operation {
    CHANGE_UPSERT = 'u',   /* values: all columns */
    CHANGE_DELETE = 'd',   /* values: the key */
    CHANGE_UNKNOWN = 'n',  /* values: a key that was asked for and is none there */
    CHANGE_TRUNCATE = 't', /* no values: every row is gone */
    CHANGE_PRESENT =
        'p', /* values: the key of a row that is there; the sum of them is all */
};

struct change {
    uint32_t table; /* number of the table in the round */
    enum change_operation operation;
    const struct value *values; /* valid until the next change is read */
    size_t value_count;
};

struct change_set {
    struct buffer memory; /* what is not in the file */
    char *folder;         /* for the file */
    int file;             /* -1: none yet */
    int64_t file_bytes;
    size_t memory_limit_bytes;
    int64_t change_count;
};

struct change_reader {
    struct change_set *set;
    struct buffer block; /* of the file, as it was written */
    int64_t file_at;
    const char *at;
    const char *end;
    int in_memory;
    struct value *values;
    size_t value_room;
};

/* folder is where the cache is: the file may grow as large as the round. */
MUST_CHECK enum outcome change_set_init(struct change_set *set, const char *cache_path,
                                        size_t memory_limit_bytes, struct error *err);
void change_set_release(struct change_set *set); /* a zeroed one is fine */
void change_set_clear(struct change_set *set);

MUST_CHECK enum outcome change_set_append(struct change_set *set,
                                          const struct change *change, struct error *err);

/* Reads from the start; nothing may be appended meanwhile. */
void change_reader_init(struct change_reader *reader, struct change_set *set);
MUST_CHECK enum outcome change_reader_next(struct change_reader *reader,
                                           struct change *out_change, struct error *err);
void change_reader_release(struct change_reader *reader);

#endif
