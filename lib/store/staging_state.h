/* What the parts of staging share: staging.c, staging_fold.c, staging_number.c,
 * staging_reader.c and staging_close.c. For nobody else. */
#ifndef LIB_STORE_STAGING_STATE_H
#define LIB_STORE_STAGING_STATE_H

#include "lib/store/outbox_hold.h"
#include "lib/store/staging.h"

/* What of a staged row is kept beside its group's columns. */
enum staged_whole {
    WHOLE_NONE,
    WHOLE_WANTED,
    WHOLE_FOR_REFERENCES, /* a foreign key of which only a part was changed */
};

struct staging {
    struct database *db;
    const struct outbox_tables *tables; /* of the last request */
    struct pending *pending;
    struct outbox_hold hold; /* whose rows are passed over */
    bool has_references;     /* tide_staged_reference is filled */
    struct statement group_at;
    struct statement group_of;
    struct statement refuse;
    /* the row that staging_next_outcast() shows */
    struct statement outcast;
    struct staged_group outcast_group;
    struct staging_reader *outcast_reader;
};

/* staging_fold.c: reads outbox and rows into drafts; has_units: tide_staged_unit holds
 * some. */
MUST_CHECK enum outcome staging_fold(struct staging *staging,
                                     const struct staging_request *request,
                                     bool has_units, int64_t *out_drafts,
                                     struct error *err);

/* staging_number.c: gives the drafts their ordinals. */
MUST_CHECK enum outcome staging_number(struct staging *staging, struct error *err);

/* staging_reader.c: the group of one row; a reader of rows that are set aside too, which
 * shows the whole row whenever it is there. */
MUST_CHECK enum outcome staging_group_of(struct staging *staging, int64_t ordinal,
                                         struct staged_group *out_group,
                                         struct error *err);
MUST_CHECK enum outcome staging_reader_of(struct staging_reader **out_reader,
                                          struct staging *staging,
                                          const struct staged_group *group, int64_t from,
                                          struct error *err);

/* staging_close.c: nothing is shown any more. */
void staging_forget_outcast(struct staging *staging);

#endif
