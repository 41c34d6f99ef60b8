#include "lib/model/column_codec.h"

#include <stddef.h>
#include <string.h>

/* Strips a domain and a type modifier, which costs nothing: it is resolved when the query
 * is planned. */
#define CAST(type) "%1$s::" type

/* What the type's own output function says: a cast to text may differ (inet appends /32).
 * A row of nulls "is null" too, but has a text: count it instead. */
#define OUTPUT "case when num_nulls(%1$s) = 0 then concat(%1$s) end"

/* Empty and null arrays have no dimensions, so both go to the last branch. */
#define ARRAY(as_elements)                                                               \
    "case when array_ndims(%1$s) <> 1 or array_lower(%1$s, 1) <> 1 then %1$s::text"      \
    " else array_to_json(" as_elements ")::text end"

/* OIDs: src/include/catalog/pg_type.dat; they are the same in every database. */
static const struct column_codec_info codecs[] = {
    [CODEC_SMALLINT] = {"smallint", "smallint", 21, CAST("smallint"), "INTEGER", NULL},
    [CODEC_INTEGER] = {"integer", "integer", 23, CAST("integer"), "INTEGER", NULL},
    [CODEC_BIGINT] = {"bigint", "bigint", 20, CAST("bigint"), "INTEGER", NULL},
    [CODEC_BOOLEAN] = {"boolean", "boolean", 16, CAST("boolean"), "INTEGER", NULL},
    [CODEC_REAL] = {"real", "real", 700, CAST("real"), "REAL", NULL},
    [CODEC_DOUBLE] = {"double", "double precision", 701, CAST("double precision"), "REAL",
                      NULL},
    [CODEC_NUMERIC] = {"numeric", "numeric", 1700, CAST("numeric"), "TEXT", NULL},
    [CODEC_NUMERIC_SHORT] = {"numeric_short", "numeric", 1700, CAST("numeric"), "NUMERIC",
                             NULL},
    [CODEC_NUMERIC_AS_REAL] = {"numeric_as_real", "numeric", 1700, CAST("numeric"),
                               "REAL", NULL},
    [CODEC_TEXT] = {"text", "text", 25, CAST("text"), "TEXT", NULL},
    /* Not text: that cast removes the padding. */
    [CODEC_PADDED_TEXT] = {"padded_text", "bpchar", 1042, CAST("bpchar"), "TEXT",
                           "RTRIM"},
    [CODEC_CASELESS_TEXT] = {"caseless_text", "text", 25, CAST("text"), "TEXT", "NOCASE"},
    [CODEC_UUID] = {"uuid", "uuid", 2950, CAST("uuid"), "TEXT", NULL},
    [CODEC_TIMESTAMPTZ] = {"timestamptz", "timestamptz", 1184, CAST("timestamptz"),
                           "TEXT", NULL},
    [CODEC_JSON] = {"json", "json", 114, CAST("json"), "TEXT", NULL},
    [CODEC_JSONB] = {"jsonb", "jsonb", 3802, CAST("jsonb"), "TEXT", NULL},
    [CODEC_BYTEA] = {"bytea", "bytea", 17, CAST("bytea"), "BLOB", NULL},
    [CODEC_SERVER_TEXT] = {"server_text", "text", 25, OUTPUT, "TEXT", NULL},
    [CODEC_ARRAY_OF_LITERALS] = {"array_of_literals", "text", 25, ARRAY("%1$s"), "TEXT",
                                 NULL},
    [CODEC_ARRAY_OF_TEXT] = {"array_of_text", "text", 25, ARRAY("%1$s::text[]"), "TEXT",
                             NULL},
};

_Static_assert(sizeof(codecs) / sizeof(codecs[0]) == CODEC_COUNT, "a codec has no row");

bool column_codec_read(const char *name, enum column_codec *out_codec)
{
    for (int i = 0; i < CODEC_COUNT; i++)
        if (strcmp(codecs[i].name, name) == 0) {
            *out_codec = (enum column_codec)i;
            return true;
        }
    return false;
}

const struct column_codec_info *column_codec_info(enum column_codec codec)
{
    return &codecs[codec];
}

const char *column_codec_present_moment(enum column_codec codec)
{
    /* SQLite's clock has milliseconds */
    if (codec == CODEC_TIMESTAMPTZ)
        return "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')";
}
