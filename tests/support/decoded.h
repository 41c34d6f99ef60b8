/*
 * Decoded: one field through type_codec_decode(), in a copy of exactly its size, so that
 * a sanitizer sees any read past it.
 */
#ifndef TESTS_SUPPORT_DECODED_H
#define TESTS_SUPPORT_DECODED_H

#include "lib/base/buffer.h"
#include "lib/model/column_codec.h"
#include "lib/model/value.h"

/* What the primary sent, and what it calls that value. */
struct sample {
    const char *field;
    size_t size;
    const char *text;
};

#define SAMPLE(field, text)                                                              \
    {                                                                                    \
        field, sizeof(field) - 1, text                                                   \
    }

struct decoded {
    enum outcome outcome;
    struct value value; /* points into field or scratch */
    struct error err;
    struct buffer scratch;
    char *field;
};

/* check is one of the assertions below. */
#define EACH(samples, check, codec)                                                      \
    for (size_t i = 0; i < sizeof(samples) / sizeof((samples)[0]); i++)                  \
    check(codec, &(samples)[i])

struct decoded decode(enum column_codec codec, const char *field, size_t size);
void decoded_release(struct decoded *decoded);

void assert_decodes_to_integer(enum column_codec codec, const struct sample *sample);
/* The double nearest to the sample's text. */
void assert_decodes_to_real(enum column_codec codec, const struct sample *sample);
void assert_decodes_to_text(enum column_codec codec, const struct sample *sample);
/* As ERROR_CORRUPT, with a message that has this in it. */
void assert_is_corrupt(enum column_codec codec, const char *field, size_t size,
                       const char *message);

#endif
