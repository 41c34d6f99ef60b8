#include "daemon/primary/type_codec.h"

#include "daemon/primary/field_bytes.h"
#include "daemon/primary/float_codec.h"
#include "daemon/primary/numeric_codec.h"
#include "daemon/primary/timestamp_codec.h"

#include <math.h>

#define UUID_TEXT_BYTES 36
#define JSONB_VERSION 1

/* Of the types that have one size; 0 for the others. */
static const unsigned char fixed_sizes[CODEC_COUNT] = {
    [CODEC_SMALLINT] = 2, [CODEC_INTEGER] = 4,     [CODEC_BIGINT] = 8,
    [CODEC_BOOLEAN] = 1,  [CODEC_REAL] = 4,        [CODEC_DOUBLE] = 8,
    [CODEC_UUID] = 16,    [CODEC_TIMESTAMPTZ] = 8,
};

#define HEX_ROW(high)                                                                    \
    high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7" high         \
         "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"

/* "00" to "ff", two characters each. */
static const char hex_pairs[513] = HEX_ROW("0") HEX_ROW("1") HEX_ROW("2") HEX_ROW("3")
    HEX_ROW("4") HEX_ROW("5") HEX_ROW("6") HEX_ROW("7") HEX_ROW("8") HEX_ROW("9")
        HEX_ROW("a") HEX_ROW("b") HEX_ROW("c") HEX_ROW("d") HEX_ROW("e") HEX_ROW("f");

static enum outcome wrong_size(enum column_codec codec, size_t size, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "%s: a field of %zu bytes",
                     column_codec_info(codec)->wire_type, size);
}

static inline enum outcome decode_boolean(const char *field, struct value *out_value,
                                          struct error *err)
{
    if (*field != 0 && *field != 1)
        return error_set(err, ERROR_CORRUPT, "boolean: byte %u", (unsigned char)*field);
    *out_value = integer_value(*field);
    return OK;
}

static inline struct value decode_real(const char *field)
{
    uint32_t bits = load_uint32(field);
    float single;

    memcpy(&single, &bits, sizeof(single));
    return isnan(single) ? LITERAL_VALUE("NaN") : real_value(float_codec_widen(single));
}

static inline struct value decode_double(const char *field)
{
    uint64_t bits = load_uint64(field);
    double real;

    memcpy(&real, &bits, sizeof(real));
    return isnan(real) ? LITERAL_VALUE("NaN") : real_value(real);
}

static inline char *put_hex(char *end, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(end + 2 * i, hex_pairs + 2 * (size_t)(unsigned char)bytes[i], 2);
    return end + 2 * count;
}

static inline struct value decode_uuid(const char *field, struct buffer *scratch)
{
    char *end = scratch_begin(scratch, UUID_TEXT_BYTES);

    end = put_hex(end, field, 4);
    *end++ = '-';
    end = put_hex(end, field + 4, 2);
    *end++ = '-';
    end = put_hex(end, field + 6, 2);
    *end++ = '-';
    end = put_hex(end, field + 8, 2);
    *end++ = '-';
    return scratch_end(scratch, put_hex(end, field + 10, 6));
}

static inline enum outcome decode_jsonb(const char *field, size_t size,
                                        struct value *out_value, struct error *err)
{
    if (size == 0)
        return wrong_size(CODEC_JSONB, size, err);
    if (*field != JSONB_VERSION)
        return error_set(err, ERROR_CORRUPT, "jsonb: version %u", (unsigned char)*field);
    *out_value = text_value(field + 1, size - 1);
    return OK;
}

enum outcome type_codec_decode(enum column_codec codec, const char *field, size_t size,
                               struct buffer *scratch, struct value *out_value,
                               struct error *err)
{
    if (fixed_sizes[codec] != 0 && size != fixed_sizes[codec])
        return wrong_size(codec, size, err);
    switch (codec) {
    case CODEC_SMALLINT:
        *out_value = integer_value((int16_t)load_uint16(field));
        return OK;
    case CODEC_INTEGER:
        *out_value = integer_value((int32_t)load_uint32(field));
        return OK;
    case CODEC_BIGINT:
        *out_value = integer_value((int64_t)load_uint64(field));
        return OK;
    case CODEC_BOOLEAN:
        return decode_boolean(field, out_value, err);
    case CODEC_REAL:
        *out_value = decode_real(field);
        return OK;
    case CODEC_DOUBLE:
        *out_value = decode_double(field);
        return OK;
    case CODEC_NUMERIC:
        return numeric_codec_text(field, size, scratch, out_value, err);
    case CODEC_NUMERIC_SHORT:
        return numeric_codec_short(field, size, scratch, out_value, err);
    case CODEC_NUMERIC_AS_REAL:
        return numeric_codec_real(field, size, scratch, out_value, err);
    case CODEC_UUID:
        *out_value = decode_uuid(field, scratch);
        return OK;
    case CODEC_TIMESTAMPTZ:
        return timestamp_codec_decode((int64_t)load_uint64(field), scratch, out_value,
                                      err);
    case CODEC_JSONB:
        return decode_jsonb(field, size, out_value, err);
    case CODEC_BYTEA:
        *out_value = (struct value){.type = VALUE_BLOB, .bytes = field, .size = size};
        return OK;
    default: /* text of one kind or another */
        *out_value = text_value(field, size);
        return OK;
    }
}

size_t type_codec_scratch_bytes(enum column_codec codec, size_t size)
{
    (void)size;
    switch (codec) {
    case CODEC_NUMERIC:
    case CODEC_NUMERIC_SHORT:
    case CODEC_NUMERIC_AS_REAL:
        return NUMERIC_CODEC_SCRATCH_BYTES;
    case CODEC_UUID:
        return UUID_TEXT_BYTES;
    case CODEC_TIMESTAMPTZ:
        return TIMESTAMP_CODEC_SCRATCH_BYTES;
    default:
        return 0;
    }
}
