/*
 * Push yardstick: what it costs to bring updated rows to the primary, with nothing around
 * it: no outbox, no comparison, no ledger.
 *
 *   push_yardstick CONNINFO rows|arrays ROWS_PER_STATEMENT < keys
 *
 * rows: one prepared UPDATE and one round trip for each key, in one transaction. arrays:
 * UPDATE … FROM unnest, so many rows a statement, in one transaction. Prints seconds.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_LIMIT 1000000
#define KEY_SIZE 37

static char keys[KEY_LIMIT][KEY_SIZE];

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void require(PGconn *link, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s", PQerrorMessage(link));
        exit(1);
    }
    PQclear(result);
}

static size_t read_keys(void)
{
    size_t count = 0;

    while (count < KEY_LIMIT && scanf("%36s", keys[count]) == 1)
        count++;
    return count;
}

static void push_rows(PGconn *link, size_t count)
{
    require(link, PQprepare(link, "one",
                            "update agent_chat_session set title = $2, message_count = $3,"
                            " updated_at = now() where id = $1::uuid",
                            0, NULL));
    for (size_t i = 0; i < count; i++) {
        char title[64];
        char number[24];
        const char *params[] = {keys[i], title, number};

        snprintf(title, sizeof(title), "Pushed by the yardstick, row %07zu", i);
        snprintf(number, sizeof(number), "%zu", i % 1000);
        require(link, PQexecPrepared(link, "one", 3, params, NULL, NULL, 0));
    }
}

static void push_arrays(PGconn *link, size_t count, size_t rows)
{
    char *text[] = {malloc(rows * 40 + 8), malloc(rows * 48 + 8), malloc(rows * 8 + 8)};

    require(link,
            PQprepare(link, "many",
                      "update agent_chat_session as t set title = d.title, message_count ="
                      " d.number, updated_at = now() from unnest($1::uuid[], $2::text[],"
                      " $3::integer[]) as d (id, title, number) where t.id = d.id",
                      0, NULL));
    for (size_t first = 0; first < count; first += rows) {
        size_t last = first + rows < count ? first + rows : count;
        char *at[] = {text[0], text[1], text[2]};

        for (size_t i = first; i < last; i++) {
            const char *mark = i == first ? "{" : ",";

            at[0] += sprintf(at[0], "%s%s", mark, keys[i]);
            at[1] += sprintf(at[1], "%s\"Pushed by the yardstick, row %07zu\"", mark, i);
            at[2] += sprintf(at[2], "%s%zu", mark, i % 1000);
        }
        for (int i = 0; i < 3; i++)
            strcpy(at[i], "}");
        require(link, PQexecPrepared(link, "many", 3, (const char *const *)text, NULL,
                                     NULL, 0));
    }
}

int main(int argc, char **argv)
{
    PGconn *link;
    size_t count;
    double start;

    if (argc != 4)
        return 2;
    count = read_keys();
    link = PQconnectdb(argv[1]);
    if (PQstatus(link) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(link));
        return 1;
    }
    start = now();
    require(link, PQexec(link, "begin"));
    if (strcmp(argv[2], "rows") == 0)
        push_rows(link, count);
    else
        push_arrays(link, count, (size_t)atol(argv[3]));
    require(link, PQexec(link, "commit"));
    printf("%.6f\n", now() - start);
    PQfinish(link);
    return 0;
}
