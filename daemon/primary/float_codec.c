#include "daemon/primary/float_codec.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The decimals that read back as one float lie strictly between these two. */
struct interval {
    double low;
    double high;
};

/* For a finite magnitude above zero. The gap below a power of two is half as wide. */
static struct interval interval_of(float magnitude)
{
    int exponent;
    float fraction = frexpf(magnitude, &exponent);
    double gap = ldexp(1, exponent < FLT_MIN_EXP ? FLT_MIN_EXP - FLT_MANT_DIG
                                                 : exponent - FLT_MANT_DIG);
    bool power_of_two = fraction == 0.5F && magnitude > FLT_MIN;

    return (struct interval){
        .low = magnitude - gap / (power_of_two ? 4 : 2),
        .high = magnitude + gap / 2,
    };
}

static bool is_within(double decimal, const struct interval *interval)
{
    return interval->low < decimal && decimal < interval->high;
}

/*
 * Where magnitude * power has at most 53 bits, nearbyint() and the division each work on
 * exact operands. Six digits always tell floats apart (FLT_DIG), so fewer are not tried:
 * they would be the same decimal with zeros. False outside that range.
 */
static bool widen_by_scaling(float magnitude, double *out_double)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                    1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    struct interval interval = interval_of(magnitude);
    int decimals = 0;

    if (magnitude < 1e-3F || magnitude >= 1e7F)
        return false;
    for (double limit = 1e6; magnitude < limit && decimals < 9; limit /= 10)
        decimals++;
    decimals = decimals > 0 ? decimals - 1 : 0;
    for (int last = decimals + 3; decimals <= last; decimals++) {
        double decimal = nearbyint(magnitude * powers[decimals]) / powers[decimals];

        if (is_within(decimal, &interval)) {
            *out_double = decimal;
            return true;
        }
    }
    return false;
}

/* The decimal of so many digits that is nearest, or the next one if only that fits. */
static bool widen_by_text(float magnitude, int digits, double *out_double)
{
    struct interval interval = interval_of(magnitude);
    char text[32];
    long mantissa;
    int exponent;

    snprintf(text, sizeof(text), "%.*e", digits - 1, (double)magnitude);
    exponent = atoi(strchr(text, 'e') + 1) - (digits - 1);
    if (digits > 1)
        memmove(text + 1, text + 2, (size_t)(digits - 1));
    text[digits] = '\0';
    mantissa = atol(text);
    for (long candidate = mantissa; candidate <= mantissa + 1; candidate++) {
        snprintf(text, sizeof(text), "%lde%d", candidate, exponent);
        *out_double = strtod(text, NULL);
        if (is_within(*out_double, &interval))
            return true;
    }
    return false;
}

double float_codec_widen(float single)
{
    float magnitude = fabsf(single);
    double result = magnitude;

    if (magnitude == 0 || isinf(magnitude))
        return single;
    if (!widen_by_scaling(magnitude, &result))
        for (int digits = 1; digits <= FLT_DECIMAL_DIG; digits++)
            if (widen_by_text(magnitude, digits, &result))
                break;
    return copysign(result, single);
}
