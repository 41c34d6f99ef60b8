/*
 * The snapshot's yardstick: a binary COPY decoded by code that knows the table, inserted
 * by one prepared statement, on one thread. What a general program can hope to come near.
 *
 *   snapshot_yardstick CONNINFO FILE [OPTION=VALUE …]
 *     journal=wal|off   synchronous=normal|off   commit_rows=N (0: one transaction)
 *     order=id|none     live=0|1 (rows that are not tombstones)
 *     index=0|1 (the table's own index, after the rows)
 *
 * Without options as tidemark does a first copy: no journal, and one flush at the end.
 * Prints "rows seconds".
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COLUMN_COUNT 11
#define TEXT_ROOM 64 /* uuid, timestamp, numeric(12,4) */
#define COPY_HEADER_SIZE 19
#define EPOCH_DAYS 10957 /* 2000-01-01 since 1970-01-01 */

struct options {
    const char *journal;
    const char *synchronous;
    const char *order;
    int64_t commit_rows;
    bool live;
    bool index;
};

struct ruler {
    struct options options;
    PGconn *connection;
    sqlite3 *db;
    sqlite3_stmt *insert;
    int64_t row_count;
    char texts[COLUMN_COUNT][TEXT_ROOM];
};

static const char kinds[COLUMN_COUNT + 1] = "uuttnjbizzz";

static char hex_pairs[512];
static char digit_pairs[200];

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void fill_pairs(void)
{
    for (unsigned i = 0; i < 256; i++) {
        hex_pairs[2 * i] = "0123456789abcdef"[i / 16];
        hex_pairs[2 * i + 1] = "0123456789abcdef"[i % 16];
    }
    for (unsigned i = 0; i < 100; i++) {
        digit_pairs[2 * i] = (char)('0' + i / 10);
        digit_pairs[2 * i + 1] = (char)('0' + i % 10);
    }
}

/* ---- decoding ---- */

static uint16_t read_u16(const char *at)
{
    uint16_t number;

    memcpy(&number, at, sizeof(number));
    return ntohs(number);
}

static uint32_t read_u32(const char *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return ntohl(number);
}

static char *put_pair(char *out, unsigned number)
{
    memcpy(out, digit_pairs + 2 * number, 2);
    return out + 2;
}

static size_t format_uuid(char *out, const char *bytes)
{
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        memcpy(out, hex_pairs + 2 * (unsigned char)bytes[i], 2);
        out += 2;
    }
    return 36;
}

/* Days since 1970 to a date: Howard Hinnant's civil_from_days. */
static char *put_date(char *out, int64_t days)
{
    unsigned shifted = (unsigned)(days + 719468); /* after the year 0 */
    unsigned era = shifted / 146097;
    unsigned day_of_era = shifted % 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day + 2) / 153; /* from March */
    unsigned year = era * 400 + year_of_era + (month >= 10);

    out = put_pair(put_pair(out, year / 100), year % 100);
    *out++ = '-';
    out = put_pair(out, month < 10 ? month + 3 : month - 9);
    *out++ = '-';
    return put_pair(out, day - (153 * month + 2) / 5 + 1);
}

static size_t format_timestamp(char *out, const char *bytes)
{
    int64_t us = (int64_t)((uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4)) +
                 EPOCH_DAYS * 86400000000LL;
    unsigned seconds = (unsigned)(us / 1000000 % 86400);
    unsigned fraction = (unsigned)(us % 1000000);

    out = put_date(out, us / 86400000000LL);
    *out++ = 'T';
    out = put_pair(out, seconds / 3600);
    *out++ = ':';
    out = put_pair(out, seconds / 60 % 60);
    *out++ = ':';
    out = put_pair(out, seconds % 60);
    *out++ = '.';
    out = put_pair(put_pair(put_pair(out, fraction / 10000), fraction / 100 % 100),
                   fraction % 100);
    *out = 'Z';
    return 27;
}

/* Four decimals, never negative: what the table holds. */
static size_t format_numeric(char *out, const char *bytes)
{
    char *start = out;
    int digit_count = read_u16(bytes);
    int weight = (int16_t)read_u16(bytes + 2);
    unsigned fraction = 0;

    if (weight < 0)
        *out++ = '0';
    for (int i = 0; i <= weight; i++) {
        unsigned digits = i < digit_count ? read_u16(bytes + 8 + 2 * i) : 0;

        if (i == 0)
            out += sprintf(out, "%u", digits);
        else
            out = put_pair(put_pair(out, digits / 100), digits % 100);
    }
    if (weight >= -1 && weight + 1 < digit_count)
        fraction = read_u16(bytes + 8 + 2 * (weight + 1));
    *out++ = '.';
    out = put_pair(put_pair(out, fraction / 100), fraction % 100);
    return (size_t)(out - start);
}

/* ---- the cache's side ---- */

static void run_sql(struct ruler *ruler, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(ruler->db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail(sql, why);
}

static void run_pragma(struct ruler *ruler, const char *name, const char *value)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "pragma %s = %s", name, value);
    run_sql(ruler, sql);
}

static void remove_file(const char *path, const char *suffix)
{
    char full[4096];

    snprintf(full, sizeof(full), "%s%s", path, suffix);
    unlink(full);
}

static void open_file(struct ruler *ruler, const char *path)
{
    remove_file(path, "");
    remove_file(path, "-wal");
    remove_file(path, "-shm");
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(path, &ruler->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        fail(path, sqlite3_errmsg(ruler->db));
    run_pragma(ruler, "journal_mode", ruler->options.journal);
    run_pragma(ruler, "synchronous", ruler->options.synchronous);
    run_sql(ruler, "create table session (id text primary key not null, owner_id text,"
                   " title text, model_code text, points text, settings text,"
                   " is_archived integer, message_count integer, created_at text,"
                   " updated_at text, deleted_at text)");
    if (sqlite3_prepare_v2(ruler->db,
                           "insert into session values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           -1, &ruler->insert, NULL) != SQLITE_OK)
        fail("insert", sqlite3_errmsg(ruler->db));
}

static void bind_field(struct ruler *ruler, int column, const char *bytes, int size)
{
    sqlite3_stmt *insert = ruler->insert;
    char *text = ruler->texts[column];

    switch (kinds[column]) {
    case 'u':
        size = (int)format_uuid(text, bytes);
        break;
    case 'z':
        size = (int)format_timestamp(text, bytes);
        break;
    case 'n':
        size = (int)format_numeric(text, bytes);
        break;
    case 'b':
        sqlite3_bind_int(insert, column + 1, *bytes);
        return;
    case 'i':
        sqlite3_bind_int(insert, column + 1, (int)read_u32(bytes));
        return;
    case 'j': /* behind the version byte */
        sqlite3_bind_text(insert, column + 1, bytes + 1, size - 1, SQLITE_STATIC);
        return;
    default:
        sqlite3_bind_text(insert, column + 1, bytes, size, SQLITE_STATIC);
        return;
    }
    sqlite3_bind_text(insert, column + 1, text, size, SQLITE_STATIC);
}

static void insert_row(struct ruler *ruler, const char *at)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int size = (int)read_u32(at);

        at += 4;
        if (size < 0) {
            sqlite3_bind_null(ruler->insert, i + 1);
            continue;
        }
        bind_field(ruler, i, at, size);
        at += size;
    }
    if (sqlite3_step(ruler->insert) != SQLITE_DONE)
        fail("insert", sqlite3_errmsg(ruler->db));
    sqlite3_reset(ruler->insert);
    ruler->row_count++;
    if (ruler->options.commit_rows && ruler->row_count % ruler->options.commit_rows == 0)
        run_sql(ruler, "commit; begin");
}

/* ---- the primary's side ---- */

static void start_copy(struct ruler *ruler, const char *conninfo)
{
    char sql[512];
    PGresult *result;

    ruler->connection = PQconnectdb(conninfo);
    if (PQstatus(ruler->connection) != CONNECTION_OK)
        fail("connect", PQerrorMessage(ruler->connection));
    snprintf(
        sql, sizeof(sql),
        "copy (select id, owner_id, title, model_code, points, settings, is_archived,"
        " message_count, created_at, updated_at, deleted_at from agent_chat_session"
        "%s%s) to stdout (format binary)",
        ruler->options.live ? " where deleted_at is null" : "",
        strcmp(ruler->options.order, "id") == 0 ? " order by id" : "");
    result = PQexec(ruler->connection, sql);
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        fail("copy", PQerrorMessage(ruler->connection));
    PQclear(result);
}

static void finish_copy(struct ruler *ruler)
{
    PGresult *result = PQgetResult(ruler->connection);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail("copy", PQerrorMessage(ruler->connection));
    PQclear(result);
    PQfinish(ruler->connection);
}

static void copy_rows(struct ruler *ruler)
{
    char *message = NULL;
    size_t skipped = COPY_HEADER_SIZE; /* the first message begins with it */
    int size;

    run_sql(ruler, "begin");
    while ((size = PQgetCopyData(ruler->connection, &message, 0)) > 0) {
        const char *at = message + skipped;

        if ((size_t)size > skipped + 2 && (int16_t)read_u16(at) == COLUMN_COUNT)
            insert_row(ruler, at + 2);
        skipped = 0;
        PQfreemem(message);
    }
    if (size != -1)
        fail("copy", PQerrorMessage(ruler->connection));
    run_sql(ruler, "commit");
}

static void finish_file(struct ruler *ruler)
{
    sqlite3_finalize(ruler->insert);
    if (ruler->options.index)
        run_sql(ruler, "create index session_updated_at on session (updated_at, id)");
    if (strcmp(ruler->options.journal, "wal") == 0)
        run_sql(ruler, "pragma wal_checkpoint(truncate)");
    sqlite3_close(ruler->db);
}

/* As durable as tidemark's when it is done. */
static void flush_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        fail(path, "cannot be flushed");
    close(fd);
}

/* ---- the command line ---- */

static void take_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "journal") == 0)
        options->journal = value;
    else if (strcmp(name, "synchronous") == 0)
        options->synchronous = value;
    else if (strcmp(name, "order") == 0)
        options->order = value;
    else if (strcmp(name, "commit_rows") == 0)
        options->commit_rows = atoll(value);
    else if (strcmp(name, "live") == 0)
        options->live = atoi(value) != 0;
    else if (strcmp(name, "index") == 0)
        options->index = atoi(value) != 0;
    else
        fail(name, "unknown option");
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argument_count, char **arguments)
{
    struct ruler ruler = {
        .options = {
            .journal = "off", .synchronous = "off", .order = "id", .live = true}};
    double started = now_s();

    if (argument_count < 3)
        fail("usage", "snapshot_yardstick CONNINFO FILE [OPTION=VALUE ...]");
    for (int i = 3; i < argument_count; i++) {
        char *equals = strchr(arguments[i], '=');

        if (!equals)
            fail(arguments[i], "OPTION=VALUE expected");
        *equals = '\0';
        take_option(&ruler.options, arguments[i], equals + 1);
    }
    fill_pairs();
    open_file(&ruler, arguments[2]);
    start_copy(&ruler, arguments[1]);
    copy_rows(&ruler);
    finish_copy(&ruler);
    finish_file(&ruler);
    flush_file(arguments[2]);
    printf("%lld %.6f\n", (long long)ruler.row_count, now_s() - started);
    return 0;
}
