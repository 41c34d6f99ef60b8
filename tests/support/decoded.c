#include "tests/support/decoded.h"

#include "daemon/primary/type_codec.h"
#include "lib/base/cleanup.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

struct decoded decode(enum column_codec codec, const char *field, size_t size)
{
    struct decoded decoded = {.field = malloc(size ? size : 1)};

    assert_non_null(decoded.field);
    memcpy(decoded.field, field, size);
    assert_non_null(
        buffer_reserve(&decoded.scratch, type_codec_scratch_bytes(codec, size)));
    decoded.outcome = type_codec_decode(codec, decoded.field, size, &decoded.scratch,
                                        &decoded.value, &decoded.err);
    return decoded;
}

void decoded_release(struct decoded *decoded)
{
    buffer_release(&decoded->scratch);
    free(decoded->field);
}

void assert_decodes_to_integer(enum column_codec codec, const struct sample *sample)
{
    OWNED(decoded_release)
    struct decoded decoded = decode(codec, sample->field, sample->size);

    assert_int_equal(decoded.outcome, OK);
    assert_int_equal(decoded.value.type, VALUE_INTEGER);
    assert_int_equal(decoded.value.integer, strtoll(sample->text, NULL, 10));
}

void assert_decodes_to_real(enum column_codec codec, const struct sample *sample)
{
    OWNED(decoded_release)
    struct decoded decoded = decode(codec, sample->field, sample->size);
    double expected = strtod(sample->text, NULL);

    assert_int_equal(decoded.outcome, OK);
    assert_int_equal(decoded.value.type, VALUE_REAL);
    assert_memory_equal(&decoded.value.real, &expected, sizeof(expected));
}

void assert_decodes_to_text(enum column_codec codec, const struct sample *sample)
{
    OWNED(decoded_release)
    struct decoded decoded = decode(codec, sample->field, sample->size);

    assert_int_equal(decoded.outcome, OK);
    assert_int_equal(decoded.value.type, VALUE_TEXT);
    assert_int_equal(decoded.value.size, strlen(sample->text));
    assert_memory_equal(decoded.value.bytes, sample->text, decoded.value.size);
}

void assert_is_corrupt(enum column_codec codec, const char *field, size_t size,
                       const char *message)
{
    OWNED(decoded_release) struct decoded decoded = decode(codec, field, size);

    assert_int_equal(decoded.outcome, FAILED);
    assert_int_equal(decoded.err.kind, ERROR_CORRUPT);
    assert_non_null(strstr(decoded.err.message, message));
}
