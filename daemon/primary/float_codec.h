/*
 * Float codec: a float4 as the double that a person would expect: 0.1 and not
 * 0.10000000149011612.
 */
#ifndef DAEMON_PRIMARY_FLOAT_CODEC_H
#define DAEMON_PRIMARY_FLOAT_CODEC_H

/*
 * The double nearest to the shortest decimal that names this float, which is what the
 * primary shows with extra_float_digits=1. Infinities stay; not for NaN. Pure.
 */
double float_codec_widen(float single);

#endif
