#include "daemon/primary/numeric_codec.h"

#include "daemon/primary/field_bytes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define HEADER_BYTES 8
#define GROUP_DIGITS 4
#define GROUP_LIMIT 10000
#define SCALE_LIMIT 16383

#define SIGN_NEGATIVE 0x4000
#define SIGN_NAN 0xC000
#define SIGN_INFINITY 0xD000
#define SIGN_MINUS_INFINITY 0xF000

#define MANTISSA_LIMIT 1000000000000000LL /* 15 digits: what SQLite keeps of a REAL */
#define INTEGER_SCALE_LIMIT 18            /* 10^18 still fits an int64_t */
#define EXACT_SCALE_LIMIT 22              /* 10^22 is the last power that a double is */

static const double powers_of_ten[EXACT_SCALE_LIMIT + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const int64_t integer_powers_of_ten[INTEGER_SCALE_LIMIT + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

/* The value is the sum of group[i] * 10000^(weight - i). */
struct numeric {
    const char *groups;
    int count;
    int weight;
    unsigned int sign;
    int scale; /* decimals to show; the last of them may be zeros without a group */
};

/* mantissa / 10^scale; scale is not negative. */
struct small_decimal {
    int64_t mantissa;
    int scale;
};

static inline unsigned int group_at(const struct numeric *numeric, int index)
{
    if (index < 0 || index >= numeric->count)
        return 0;
    return load_uint16(numeric->groups + 2 * (size_t)index);
}

static inline bool is_special(const struct numeric *numeric)
{
    return numeric->sign >= SIGN_NAN;
}

static bool known_sign(unsigned int sign)
{
    return sign == 0 || sign == SIGN_NEGATIVE || sign == SIGN_NAN ||
           sign == SIGN_INFINITY || sign == SIGN_MINUS_INFINITY;
}

static enum outcome parse(const char *field, size_t size, struct numeric *out_numeric,
                          struct error *err)
{
    struct numeric numeric;

    if (size < HEADER_BYTES)
        return error_set(err, ERROR_CORRUPT, "numeric: a field of %zu bytes", size);
    numeric = (struct numeric){
        .groups = field + HEADER_BYTES,
        .count = load_uint16(field),
        .weight = (int16_t)load_uint16(field + 2),
        .sign = load_uint16(field + 4),
        .scale = load_uint16(field + 6),
    };
    if (size != HEADER_BYTES + 2 * (size_t)numeric.count)
        return error_set(err, ERROR_CORRUPT, "numeric: %d digit groups in %zu bytes",
                         numeric.count, size);
    if (!known_sign(numeric.sign) || numeric.scale > SCALE_LIMIT)
        return error_set(err, ERROR_CORRUPT, "numeric: sign 0x%04x, scale %d",
                         numeric.sign, numeric.scale);
    for (int i = 0; i < numeric.count; i++)
        if (group_at(&numeric, i) >= GROUP_LIMIT)
            return error_set(err, ERROR_CORRUPT, "numeric: digit group %u",
                             group_at(&numeric, i));
    *out_numeric = numeric;
    return OK;
}

static struct value special_text(const struct numeric *numeric)
{
    if (numeric->sign == SIGN_NAN)
        return LITERAL_VALUE("NaN");
    if (numeric->sign == SIGN_INFINITY)
        return LITERAL_VALUE("Infinity");
    return LITERAL_VALUE("-Infinity");
}

static char *put_whole_part(char *end, const struct numeric *numeric)
{
    char first[GROUP_DIGITS];
    int leading = 0;

    put_four_digits(first, numeric->weight < 0 ? 0 : group_at(numeric, 0));
    while (leading < GROUP_DIGITS - 1 && first[leading] == '0')
        leading++;
    end = mempcpy(end, first + leading, (size_t)(GROUP_DIGITS - leading));
    for (int i = 1; i <= numeric->weight; i++)
        end = put_four_digits(end, group_at(numeric, i));
    return end;
}

static char *put_fraction(char *end, const struct numeric *numeric)
{
    char *last;
    int index = numeric->weight + 1;

    if (numeric->scale == 0)
        return end;
    *end++ = '.';
    last = end + numeric->scale;
    for (; last - end >= GROUP_DIGITS; index++)
        end = put_four_digits(end, group_at(numeric, index));
    if (end < last) {
        char rest[GROUP_DIGITS];

        put_four_digits(rest, group_at(numeric, index));
        memcpy(end, rest, (size_t)(last - end));
    }
    return last;
}

static struct value exact_text(const struct numeric *numeric, struct buffer *scratch)
{
    char *end;

    if (is_special(numeric))
        return special_text(numeric);
    end = scratch_begin(scratch, NUMERIC_CODEC_SCRATCH_BYTES);
    if (numeric->sign == SIGN_NEGATIVE)
        *end++ = '-';
    end = put_whole_part(end, numeric);
    return scratch_end(scratch, put_fraction(end, numeric));
}

/* Below 10^18; false for anything greater. */
static inline bool shift_in_group(int64_t *mantissa, unsigned int group)
{
    if (*mantissa >= integer_powers_of_ten[INTEGER_SCALE_LIMIT - GROUP_DIGITS])
        return false;
    *mantissa = *mantissa * GROUP_LIMIT + group;
    return true;
}

/* False when it is not small: the mantissa would not fit. */
static inline bool to_small_decimal(const struct numeric *numeric,
                                    struct small_decimal *out_decimal)
{
    struct small_decimal decimal = {0};

    for (int i = 0; i < numeric->count; i++)
        if (!shift_in_group(&decimal.mantissa, group_at(numeric, i)))
            return false;
    if (decimal.mantissa != 0)
        decimal.scale = GROUP_DIGITS * (numeric->count - 1 - numeric->weight);
    for (; decimal.scale < 0; decimal.scale += GROUP_DIGITS)
        if (!shift_in_group(&decimal.mantissa, 0))
            return false;
    if (numeric->sign == SIGN_NEGATIVE)
        decimal.mantissa = -decimal.mantissa;
    *out_decimal = decimal;
    return true;
}

static inline void strip_zeros(struct small_decimal *decimal)
{
    for (; decimal->scale > 0 && decimal->mantissa % 10 == 0; decimal->scale--)
        decimal->mantissa /= 10;
}

static inline bool has_15_digits(struct small_decimal *decimal)
{
    if (llabs(decimal->mantissa) >= MANTISSA_LIMIT)
        strip_zeros(decimal);
    return llabs(decimal->mantissa) < MANTISSA_LIMIT;
}

/* Borrows scratch, but leaves nothing in it. */
static double parse_as_text(const struct numeric *numeric, struct buffer *scratch)
{
    size_t before = scratch->length;
    double real = strtod(exact_text(numeric, scratch).bytes, NULL);

    scratch->length = before;
    return real;
}

/* The division rounds once, and so correctly, because both operands are exact. */
static inline double to_real(const struct small_decimal *decimal,
                             const struct numeric *numeric, struct buffer *scratch)
{
    if (decimal->scale > EXACT_SCALE_LIMIT)
        return parse_as_text(numeric, scratch);
    return (double)decimal->mantissa / powers_of_ten[decimal->scale];
}

enum outcome numeric_codec_text(const char *field, size_t size, struct buffer *scratch,
                                struct value *out_value, struct error *err)
{
    struct numeric numeric = {0};

    if (parse(field, size, &numeric, err) == FAILED)
        return FAILED;
    *out_value = exact_text(&numeric, scratch);
    return OK;
}

static inline bool to_integer(const struct small_decimal *decimal, int64_t *out_integer)
{
    int64_t power;

    if (decimal->scale > INTEGER_SCALE_LIMIT)
        return false;
    power = integer_powers_of_ten[decimal->scale];
    *out_integer = decimal->mantissa / power;
    return *out_integer * power == decimal->mantissa;
}

/* False when neither an int64_t nor 15 digits hold it. */
static inline bool to_number(const struct numeric *numeric, struct buffer *scratch,
                             struct value *out_value)
{
    struct small_decimal decimal;
    int64_t integer;

    if (!to_small_decimal(numeric, &decimal))
        return false;
    if (to_integer(&decimal, &integer)) {
        *out_value = integer_value(integer);
        return true;
    }
    if (!has_15_digits(&decimal))
        return false;
    *out_value = real_value(to_real(&decimal, numeric, scratch));
    return true;
}

enum outcome numeric_codec_short(const char *field, size_t size, struct buffer *scratch,
                                 struct value *out_value, struct error *err)
{
    struct numeric numeric = {0};

    if (parse(field, size, &numeric, err) == FAILED)
        return FAILED;
    if (is_special(&numeric) || !to_number(&numeric, scratch, out_value))
        *out_value = exact_text(&numeric, scratch);
    return OK;
}

enum outcome numeric_codec_real(const char *field, size_t size, struct buffer *scratch,
                                struct value *out_value, struct error *err)
{
    struct numeric numeric = {0};
    struct small_decimal decimal;

    if (parse(field, size, &numeric, err) == FAILED)
        return FAILED;
    if (numeric.sign == SIGN_NAN)
        *out_value = special_text(&numeric);
    else if (is_special(&numeric))
        *out_value = real_value(numeric.sign == SIGN_INFINITY ? INFINITY : -INFINITY);
    else if (to_small_decimal(&numeric, &decimal) && has_15_digits(&decimal))
        *out_value = real_value(to_real(&decimal, &numeric, scratch));
    else
        *out_value = real_value(parse_as_text(&numeric, scratch));
    return OK;
}
