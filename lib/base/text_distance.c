#include "lib/base/text_distance.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool same(char left, char right)
{
    return tolower((unsigned char)left) == tolower((unsigned char)right);
}

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* One row of the table of distances from the two rows before it. */
static void fill_row(const char *left, size_t row, const char *right, size_t length,
                     size_t rows[static 3][TEXT_DISTANCE_LIMIT + 1])
{
    size_t *current = rows[row % 3];
    const size_t *above = rows[(row + 2) % 3];
    const size_t *before = rows[(row + 1) % 3];

    current[0] = row;
    for (size_t i = 1; i <= length; i++) {
        bool equal = same(left[row - 1], right[i - 1]);

        current[i] = smaller(above[i], current[i - 1]) + 1;
        current[i] = smaller(current[i], above[i - 1] + (equal ? 0 : 1));
        if (row > 1 && i > 1 && same(left[row - 1], right[i - 2]) &&
            same(left[row - 2], right[i - 1]))
            current[i] = smaller(current[i], before[i - 2] + 1);
    }
}

size_t text_distance(const char *left, const char *right)
{
    size_t rows[3][TEXT_DISTANCE_LIMIT + 1];
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);

    if (left_length > TEXT_DISTANCE_LIMIT || right_length > TEXT_DISTANCE_LIMIT)
        return SIZE_MAX;
    for (size_t i = 0; i <= right_length; i++)
        rows[0][i] = i;
    for (size_t row = 1; row <= left_length; row++)
        fill_row(left, row, right, right_length, rows);
    return rows[left_length % 3][right_length];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    size_t allowed = strlen(word) / 3;
    const char *nearest = NULL;
    size_t best = (allowed ? allowed : 1) + 1;

    for (size_t i = 0; i < count; i++) {
        size_t distance = words[i] ? text_distance(word, words[i]) : SIZE_MAX;

        if (distance < best) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
