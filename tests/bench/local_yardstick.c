/*
 * What an application pays for its own writes to a cache: one prepared statement for each
 * row, so many rows in each transaction. Prints the seconds.
 *
 *     local_yardstick CACHE CASE ROWS ROWS_PER_TRANSACTION
 *
 * CASE: update (the application sets updated_at), update_unstamped (it does not), upsert
 * (of rows that are there), insert, delete.
 */
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID_SIZE 37

static const struct {
    const char *name;
    const char *sql;
} cases[] = {
    {"update", "update agent_chat_session set title = ?2, message_count = ?3, updated_at = ?4"
               " where id = ?1"},
    {"update_unstamped", "update agent_chat_session set title = ?2, message_count = ?3 + 0 * ?4"
                         " where id = ?1"},
    {"upsert", "insert into agent_chat_session (id, owner_id, title, model_code, message_count,"
               " created_at, updated_at) values (?1, ?1, ?2, 'gpt-4o', ?3, ?4, ?4)"
               " on conflict (id) do update set title = excluded.title,"
               " message_count = excluded.message_count, updated_at = excluded.updated_at"},
    {"insert", "insert into agent_chat_session (id, owner_id, title, model_code, message_count,"
               " created_at, updated_at) values (?1, ?1, ?2, 'gpt-4o', ?3, ?4, ?4)"},
    {"delete", "delete from agent_chat_session where id = ?1 and ?2 <> ?3 and ?4 <> ''"},
};

static sqlite3 *db;

static void check(int result)
{
    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
        return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    exit(1);
}

static void run(const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static const char *sql_of(const char *name)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(cases[i].name, name) == 0)
            return cases[i].sql;
    fprintf(stderr, "no case %s\n", name);
    exit(2);
}

/* Live rows in no order of theirs, or keys that are not there yet. */
static char (*read_ids(long count, int fresh))[ID_SIZE]
{
    char(*ids)[ID_SIZE] = calloc((size_t)count, ID_SIZE);
    sqlite3_stmt *query;
    long found = 0;

    check(sqlite3_prepare_v2(
        db,
        "select case when ?2 then substr(id, 1, 24) || lower(hex(randomblob(6))) else id end"
        " from live_agent_chat_session order by substr(id, 5) limit ?1",
        -1, &query, NULL));
    sqlite3_bind_int64(query, 1, count);
    sqlite3_bind_int(query, 2, fresh);
    while (sqlite3_step(query) == SQLITE_ROW)
        snprintf(ids[found++], ID_SIZE, "%s", (const char *)sqlite3_column_text(query, 0));
    check(sqlite3_finalize(query));
    if (found < count) {
        fprintf(stderr, "only %ld rows\n", found);
        exit(1);
    }
    return ids;
}

static void write_row(sqlite3_stmt *statement, const char *id, long number)
{
    char title[64];

    snprintf(title, sizeof(title), "A new title of about forty letters %ld", number);
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, title, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, number + 1000000);
    sqlite3_bind_text(statement, 4, "2026-11-22T00:00:00.000000Z", -1, SQLITE_STATIC);
    check(sqlite3_step(statement));
    if (sqlite3_changes(db) != 1) {
        fprintf(stderr, "%d rows changed\n", sqlite3_changes(db));
        exit(1);
    }
    sqlite3_reset(statement);
}

int main(int count, char **arguments)
{
    char(*ids)[ID_SIZE];
    sqlite3_stmt *statement;
    double started;
    long rows, per_transaction;

    if (count != 5)
        return 2;
    rows = atol(arguments[3]);
    per_transaction = atol(arguments[4]);
    /* A statement with triggers may undo itself and takes 64 KiB for that; whether a heap as
     * small as this one's is given back to the system after each would be chance. */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    check(sqlite3_open_v2(arguments[1], &db, SQLITE_OPEN_READWRITE, NULL));
    run("pragma synchronous = normal; pragma cache_size = -200000");
    ids = read_ids(rows, strcmp(arguments[2], "insert") == 0);
    check(sqlite3_prepare_v2(db, sql_of(arguments[2]), -1, &statement, NULL));
    started = now();
    for (long i = 0; i < rows; i++) {
        if (i % per_transaction == 0)
            run("begin immediate");
        write_row(statement, ids[i], i);
        if (i % per_transaction == per_transaction - 1 || i == rows - 1)
            run("commit");
    }
    printf("%.6f\n", now() - started);
    return 0;
}
