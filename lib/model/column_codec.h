/*
 * Column codec: how the values of a primary's type travel and what they become in the
 * cache. A type with a native decoder is fetched in binary, every other type as ::text,
 * so that the primary itself renders it.
 *
 * A pure table; no I/O. The decoding is in daemon/primary/type_codec.c, the choice for a
 * catalog entry in daemon/primary/catalog_columns.c.
 */
#ifndef LIB_MODEL_COLUMN_CODEC_H
#define LIB_MODEL_COLUMN_CODEC_H

#include <stdbool.h>

enum column_codec {
    CODEC_SMALLINT,
    CODEC_INTEGER,
    CODEC_BIGINT,
    CODEC_BOOLEAN,
    CODEC_REAL,            /* float4: the double nearest to its shortest decimal */
    CODEC_DOUBLE,          /* NaN as TEXT 'NaN', infinities as ±9e999 */
    CODEC_NUMERIC,         /* exact, TEXT */
    CODEC_NUMERIC_SHORT,   /* numeric(p<=15,s): INTEGER or REAL in a NUMERIC column */
    CODEC_NUMERIC_AS_REAL, /* asked for by the configuration */
    CODEC_TEXT,            /* text, varchar, name, enum, domains over them */
    CODEC_PADDED_TEXT,     /* char(n): COLLATE RTRIM */
    CODEC_CASELESS_TEXT,   /* citext: COLLATE NOCASE */
    CODEC_UUID,            /* 36 characters, lower case */
    CODEC_TIMESTAMPTZ, /* 27 characters, UTC; infinity, BC, past 9999: the primary's text
                        */
    CODEC_JSON,
    CODEC_JSONB,
    CODEC_BYTEA,
    CODEC_SERVER_TEXT,       /* anything else: the primary's own ::text */
    CODEC_ARRAY_OF_LITERALS, /* numbers and booleans: a JSON array of them */
    CODEC_ARRAY_OF_TEXT,     /* every other element type: a JSON array of strings */
    CODEC_COUNT,
};

struct column_codec_info {
    const char *name; /* in the cache's file, where another tidemark may read it */
    /* SQL name of the type that crosses the wire, in binary: "text" */
    const char *wire_type;
    unsigned int wire_oid; /* its type OID as PQftype() reports it: 25 */
    /* expression that yields it; %1$s is the quoted column or key cast */
    const char *select;
    const char *cache_type; /* declared type in the cache: "TEXT", "NUMERIC" */
    const char *collation;  /* "NOCASE", "RTRIM" or NULL for BINARY */
};

/* By its name: another tidemark may number its codecs differently. */
bool column_codec_read(const char *name, enum column_codec *out_codec);

/* Never NULL for a codec below CODEC_COUNT. */
const struct column_codec_info *column_codec_info(enum column_codec codec);

/* An SQLite expression for the present moment, as the codec's values of a timestamp are
 * spelt. */
const char *column_codec_present_moment(enum column_codec codec);

#endif
