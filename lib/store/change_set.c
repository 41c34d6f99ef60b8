#include "lib/store/change_set.h"

#include "lib/model/packed_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the buffer: this header, then the values, packed. */
struct change_header {
    uint32_t table;
    uint16_t value_count;
    uint8_t operation;
    uint8_t unused;
};

enum outcome change_set_init(struct change_set *set, const char *cache_path,
                             size_t memory_limit_bytes, struct error *err)
{
    char *slash;

    *set = (struct change_set){.file = -1, .memory_limit_bytes = memory_limit_bytes};
    set->folder = strdup(cache_path);
    if (!set->folder)
        return error_out_of_memory(err);
    slash = strrchr(set->folder, '/');
    if (slash)
        slash[slash == set->folder] = '\0';
    else
        memcpy(set->folder, ".", 2);
    return OK;
}

void change_set_release(struct change_set *set)
{
    if (set->folder && set->file >= 0)
        close(set->file);
    free(set->folder);
    buffer_release(&set->memory);
    *set = (struct change_set){.file = -1};
}

void change_set_clear(struct change_set *set)
{
    if (set->file >= 0)
        close(set->file);
    set->file = -1;
    set->file_bytes = 0;
    set->change_count = 0;
    if (set->memory.capacity > 2 * set->memory_limit_bytes)
        buffer_release(&set->memory);
    else
        buffer_clear(&set->memory);
}

/* For file systems without O_TMPFILE. */
static int open_and_unlink(const char *folder)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/.tide-round-XXXXXX", folder);
    int file;

    if (length < 0 || (size_t)length >= sizeof(path))
        return -1;
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

static enum outcome open_file(struct change_set *set, struct error *err)
{
    set->file = open(set->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (set->file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        set->file = open_and_unlink(set->folder);
    if (set->file >= 0)
        return OK;
    return error_set_errno(err, "make a temporary file in %s", set->folder);
}

static enum outcome write_all(struct change_set *set, const void *bytes, size_t size,
                              struct error *err)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = write(set->file, at, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            error_set_errno(err, "keep the round's rows in %s", set->folder);
            return error_hint(
                err, "make room on that disk; the round is tried again by itself");
        }
        at += written;
        size -= (size_t)written;
        set->file_bytes += written;
    }
    return OK;
}

static enum outcome spill(struct change_set *set, struct error *err)
{
    uint64_t size = set->memory.length;

    if (set->file < 0 && open_file(set, err) == FAILED)
        return FAILED;
    if (write_all(set, &size, sizeof(size), err) == FAILED ||
        write_all(set, set->memory.data, set->memory.length, err) == FAILED)
        return FAILED;
    buffer_clear(&set->memory);
    return OK;
}

enum outcome change_set_append(struct change_set *set, const struct change *change,
                               struct error *err)
{
    struct change_header header = {
        .table = change->table,
        .value_count = (uint16_t)change->value_count,
        .operation = (uint8_t)change->operation,
    };

    /* a block is never empty: the reader counts on a change in each */
    if (set->memory.length && set->memory.length >= set->memory_limit_bytes &&
        spill(set, err) == FAILED)
        return FAILED;
    buffer_append(&set->memory, &header, sizeof(header));
    for (size_t i = 0; i < change->value_count; i++)
        packed_value_append(&set->memory, &change->values[i]);
    set->change_count++;
    return buffer_check(&set->memory, err);
}

void change_reader_init(struct change_reader *reader, struct change_set *set)
{
    *reader = (struct change_reader){.set = set};
}

void change_reader_release(struct change_reader *reader)
{
    buffer_release(&reader->block);
    free(reader->values);
    *reader = (struct change_reader){0};
}

static enum outcome read_all(struct change_reader *reader, void *bytes, size_t size,
                             struct error *err)
{
    char *at = bytes;

    while (size > 0) {
        ssize_t got = pread(reader->set->file, at, size, reader->file_at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, "read the round's rows back");
        if (got == 0)
            return error_set(err, ERROR_CORRUPT,
                             "the round's temporary file is cut short");
        at += got;
        size -= (size_t)got;
        reader->file_at += got;
    }
    return OK;
}

/* OK: at .. end holds the next block. */
static enum outcome next_block(struct change_reader *reader, struct error *err)
{
    struct change_set *set = reader->set;
    uint64_t size;

    if (reader->in_memory)
        return NOTHING;
    if (reader->file_at >= set->file_bytes) {
        reader->in_memory = 1;
        reader->at = set->memory.data;
        reader->end = reader->at + set->memory.length;
        return set->memory.length ? OK : NOTHING;
    }
    if (read_all(reader, &size, sizeof(size), err) == FAILED)
        return FAILED;
    buffer_clear(&reader->block);
    if (!buffer_reserve(&reader->block, size))
        return error_out_of_memory(err);
    if (read_all(reader, reader->block.data, size, err) == FAILED)
        return FAILED;
    reader->at = reader->block.data;
    reader->end = reader->at + size;
    return OK;
}

static enum outcome make_room(struct change_reader *reader, size_t count,
                              struct error *err)
{
    struct value *values;

    if (count <= reader->value_room)
        return OK;
    values = realloc(reader->values, count * sizeof(*values));
    if (!values)
        return error_out_of_memory(err);
    reader->values = values;
    reader->value_room = count;
    return OK;
}

enum outcome change_reader_next(struct change_reader *reader, struct change *out_change,
                                struct error *err)
{
    struct change_header header;

    if (reader->at == reader->end) {
        enum outcome outcome = next_block(reader, err);

        if (outcome != OK)
            return outcome;
    }
    memcpy(&header, reader->at, sizeof(header));
    reader->at += sizeof(header);
    if (make_room(reader, header.value_count, err) == FAILED)
        return FAILED;
    for (size_t i = 0; i < header.value_count; i++)
        reader->at = packed_value_read(reader->at, &reader->values[i]);
    *out_change = (struct change){
        .table = header.table,
        .operation = (enum change_operation)header.operation,
        .values = reader->values,
        .value_count = header.value_count,
    };
    return OK;
}
