#include "daemon/sync/push_boundaries.h"

#include <string.h>

/* Of those closer together than the spacing, the last is enough. */
static void append(struct push_boundaries *boundaries, int64_t sequence)
{
    int64_t *sequences = boundaries->sequences;

    while (boundaries->count >= 2 &&
           sequence - sequences[boundaries->count - 2] <= boundaries->spacing)
        boundaries->count--;
    sequences[boundaries->count++] = sequence;
}

/* Pushes become larger rather than the list longer. */
static void thin_out(struct push_boundaries *boundaries)
{
    while (boundaries->count == PUSH_BOUNDARIES_LIMIT) {
        struct push_boundaries thin = {.spacing = 2 * boundaries->spacing + 1};

        for (size_t i = 0; i < boundaries->count; i++)
            append(&thin, boundaries->sequences[i]);
        *boundaries = thin;
    }
}

void push_boundaries_add(struct push_boundaries *boundaries, int64_t sequence,
                         int64_t batch)
{
    if (boundaries->count == 0)
        boundaries->spacing = 0;
    else if (sequence <= boundaries->sequences[boundaries->count - 1])
        return;
    if (boundaries->spacing < batch / 2)
        boundaries->spacing = batch / 2;
    thin_out(boundaries);
    append(boundaries, sequence);
}

int64_t push_boundaries_after(const struct push_boundaries *boundaries, int64_t first,
                              int64_t batch)
{
    int64_t best = 0;

    for (size_t i = 0; i < boundaries->count; i++) {
        int64_t sequence = boundaries->sequences[i];

        if (sequence < first)
            continue;
        if (best && sequence - first >= batch)
            break;
        best = sequence;
    }
    return best;
}

void push_boundaries_forget(struct push_boundaries *boundaries, int64_t through)
{
    size_t gone = 0;

    while (gone < boundaries->count && boundaries->sequences[gone] <= through)
        gone++;
    boundaries->count -= gone;
    memmove(boundaries->sequences, boundaries->sequences + gone,
            boundaries->count * sizeof(boundaries->sequences[0]));
}
