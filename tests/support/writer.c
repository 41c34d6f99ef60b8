/*
 * An application in C that writes to the cache: its own entries, its own counter and a
 * counter that it shares with all others.
 *
 *   writer CACHE NAME CHANGES plain|upsert
 *
 * Prints "NAME ENTRIES UPDATES": what SQLite accepted. A change that SQLite refuses for
 * good ends the program with status 1.
 */
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 60000
#define SHARED_EVERY 10

static const char insert_plain[] =
    "insert into entry (id, writer, number) values (?1, ?2, ?3)";
static const char insert_upsert[] =
    "insert into entry (id, writer, number) values (?1, ?2, ?3)"
    " on conflict (id) do update set number = excluded.number";
static const char count_plain[] = "update counter set n = n + 1 where id = ?1";
static const char count_upsert[] = "insert into counter (id, n) values (?1, 1)"
                                   " on conflict (id) do update set n = n + 1";

struct writer {
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *count;
    const char *name;
    int entries;
    int updates;
};

static void fail(const struct writer *writer)
{
    fprintf(stderr, "%s: %s\n", writer->name, sqlite3_errmsg(writer->db));
    exit(1);
}

static void run(const struct writer *writer, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        fail(writer);
    if (sqlite3_reset(statement) != SQLITE_OK)
        fail(writer);
}

static void add_entry(struct writer *writer, int number)
{
    char id[64];

    snprintf(id, sizeof(id), "%s-%d", writer->name, number);
    sqlite3_bind_text(writer->insert, 1, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(writer->insert, 2, writer->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(writer->insert, 3, number);
    run(writer, writer->insert);
    writer->entries++;
}

static void count_up(struct writer *writer, const char *counter)
{
    sqlite3_bind_text(writer->count, 1, counter, -1, SQLITE_STATIC);
    run(writer, writer->count);
    writer->updates++;
}

static void write_all(struct writer *writer, int changes)
{
    for (int number = 1; number <= changes; number++) {
        if (number % 2)
            add_entry(writer, number);
        else
            count_up(writer, number % SHARED_EVERY ? writer->name : "shared");
    }
}

static void open_cache(struct writer *writer, const char *path, int is_upsert)
{
    if (sqlite3_open_v2(path, &writer->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail(writer);
    sqlite3_busy_timeout(writer->db, BUSY_TIMEOUT_MS);
    if (sqlite3_prepare_v2(writer->db, is_upsert ? insert_upsert : insert_plain, -1,
                           &writer->insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(writer->db, is_upsert ? count_upsert : count_plain, -1,
                           &writer->count, NULL) != SQLITE_OK)
        fail(writer);
}

int main(int count, char **arguments)
{
    struct writer writer = {0};

    if (count != 5)
        return 2;
    writer.name = arguments[2];
    open_cache(&writer, arguments[1], strcmp(arguments[4], "upsert") == 0);
    write_all(&writer, atoi(arguments[3]));
    printf("%s %d %d\n", writer.name, writer.entries, writer.updates);
    sqlite3_finalize(writer.insert);
    sqlite3_finalize(writer.count);
    return sqlite3_close(writer.db) == SQLITE_OK ? 0 : 1;
}
