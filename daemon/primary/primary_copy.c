#include "daemon/primary/primary_copy.h"

#include "daemon/primary/primary_link.h"
#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#define SIGNATURE "PGCOPY\n\377\r\n"
#define SIGNATURE_SIZE 11
#define FIXED_HEADER_SIZE (SIGNATURE_SIZE + 8)
#define TRAILER (-1)

struct reader {
    const char *at;
    size_t left;
};

static uint32_t read_u32(const char *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return ntohl(number);
}

static int16_t read_i16(const char *at)
{
    uint16_t number;

    memcpy(&number, at, sizeof(number));
    return (int16_t)ntohs(number);
}

static void skip(struct reader *reader, size_t size)
{
    reader->at += size;
    reader->left -= size;
}

static enum outcome malformed(struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "copy: the primary's stream is malformed");
}

enum outcome primary_copy_start(struct primary_copy *copy, struct primary *primary,
                                const char *query, struct error *err)
{
    OWNED(buffer_release) struct buffer sql = {0};
    PGresult *result = NULL;
    enum outcome outcome = OK;

    *copy = (struct primary_copy){.primary = primary};
    buffer_append_format(&sql, "copy (%s) to stdout (format binary)", query);
    if (buffer_check(&sql, err) == FAILED)
        return FAILED;
    if (!PQsendQuery(primary->connection, sql.data))
        return link_connection_error(primary, "copy", err);
    if (link_flush(primary, err) == FAILED ||
        link_result(primary, &result, err) == FAILED)
        return FAILED;
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        outcome = link_result_error(primary, result, "copy", err);
        copy->ended = true;
    }
    PQclear(result);
    if (outcome == FAILED && primary->connection) {
        struct error ignored;

        if (link_drain(primary, &ignored) == FAILED)
            primary_close(primary);
    }
    return outcome;
}

/* After the last message: the command's own result says whether all went well. */
static enum outcome finish(struct primary_copy *copy, struct error *err)
{
    struct primary *primary = copy->primary;
    enum outcome outcome = NOTHING;
    PGresult *result = NULL;

    if (link_result(primary, &result, err) == FAILED)
        return FAILED;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        outcome = link_result_error(primary, result, "copy", err);
    PQclear(result);
    copy->ended = true;
    if (primary->connection && link_drain(primary, err) == FAILED)
        return FAILED;
    return outcome;
}

/* As PQgetCopyData(): 0 when the next message has not arrived as a whole, -1 at the end.
 */
static int take_message(struct primary_copy *copy)
{
    int size;

    if (copy->all_read)
        return -1;
    size = PQgetCopyData(copy->primary->connection, &copy->message, 1);
    copy->all_read = size == -1;
    return size;
}

static enum outcome receive(struct primary_copy *copy, bool waits,
                            struct reader *out_reader, struct error *err)
{
    struct primary *primary = copy->primary;
    bool looked = false;
    int size;

    PQfreemem(copy->message);
    copy->message = NULL;
    while ((size = take_message(copy)) == 0) {
        if (!waits && looked)
            return NOTHING;
        if (waits && link_wait(primary, POLLIN, err) == FAILED)
            return FAILED;
        if (!PQconsumeInput(primary->connection))
            return link_connection_error(primary, "copy", err);
        looked = true;
    }
    if (size == -1)
        return waits ? finish(copy, err) : NOTHING;
    if (size < -1)
        return link_connection_error(primary, "copy", err);
    copy->received_bytes += size;
    *out_reader = (struct reader){.at = copy->message, .left = (size_t)size};
    return OK;
}

static enum outcome read_header(struct primary_copy *copy, struct reader *reader,
                                struct error *err)
{
    uint32_t extension;

    if (reader->left < FIXED_HEADER_SIZE ||
        memcmp(reader->at, SIGNATURE, SIGNATURE_SIZE) != 0)
        return malformed(err);
    extension = read_u32(reader->at + SIGNATURE_SIZE + 4);
    skip(reader, FIXED_HEADER_SIZE);
    if (reader->left < extension)
        return malformed(err);
    skip(reader, extension);
    copy->header_read = true;
    return OK;
}

static enum outcome read_fields(struct reader *reader, struct wire_field *fields,
                                size_t field_count, struct error *err)
{
    int count = read_i16(reader->at);

    if (count != (int)field_count)
        return error_set(err, ERROR_SCHEMA,
                         "copy: the primary sent %d columns instead of %zu", count,
                         field_count);
    skip(reader, 2);
    for (size_t i = 0; i < field_count; i++) {
        int32_t size;

        if (reader->left < 4)
            return malformed(err);
        size = (int32_t)read_u32(reader->at);
        skip(reader, 4);
        fields[i] = (struct wire_field){.bytes = reader->at, .size = size};
        if (size < 0)
            continue;
        if ((size_t)size > reader->left)
            return malformed(err);
        skip(reader, (size_t)size);
    }
    return OK;
}

static enum outcome next_row(struct primary_copy *copy, bool waits,
                             struct wire_field *fields, size_t field_count,
                             struct error *err)
{
    struct reader reader = {0};
    enum outcome outcome;

    for (;;) {
        outcome = receive(copy, waits, &reader, err);
        if (outcome != OK)
            return outcome;
        if (!copy->header_read && read_header(copy, &reader, err) == FAILED)
            return FAILED;
        if (reader.left == 0)
            continue;
        if (reader.left < 2)
            return malformed(err);
        if (read_i16(reader.at) != TRAILER)
            return read_fields(&reader, fields, field_count, err);
    }
}

enum outcome primary_copy_row(struct primary_copy *copy, struct wire_field *fields,
                              size_t field_count, struct error *err)
{
    return next_row(copy, true, fields, field_count, err);
}

enum outcome primary_copy_row_at_hand(struct primary_copy *copy,
                                      struct wire_field *fields, size_t field_count,
                                      struct error *err)
{
    return copy->ended ? NOTHING : next_row(copy, false, fields, field_count, err);
}

void primary_copy_stop(struct primary_copy *copy)
{
    PQfreemem(copy->message);
    if (copy->primary && !copy->ended)
        primary_close(copy->primary);
    *copy = (struct primary_copy){0};
}
