/*
 * The poll's yardstick: statements prepared once and run in one pipeline, in binary, with
 * nothing done to the answers.
 *
 *   poll_yardstick CONNINFO RUNS < STATEMENTS      one statement a line
 *
 * Prints "median_ms rows": the time of a pipeline from sending to its end, the rows of
 * one.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATEMENT_LIMIT 1000
#define WARM_UP_RUNS 3

struct ruler {
    PGconn *connection;
    int statement_count;
    long row_count;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void name_statement(char name[static 16], int number)
{
    snprintf(name, 16, "poll_%d", number);
}

static void prepare_lines(struct ruler *ruler)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0 && ruler->statement_count < STATEMENT_LIMIT) {
        char name[16];
        PGresult *result;

        name_statement(name, ruler->statement_count++);
        result = PQprepare(ruler->connection, name, line, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail("prepare", PQerrorMessage(ruler->connection));
        PQclear(result);
    }
    free(line);
}

static void send_all(struct ruler *ruler)
{
    for (int i = 0; i < ruler->statement_count; i++) {
        char name[16];

        name_statement(name, i);
        if (!PQsendQueryPrepared(ruler->connection, name, 0, NULL, NULL, NULL, 1))
            fail("send", PQerrorMessage(ruler->connection));
    }
    if (!PQpipelineSync(ruler->connection))
        fail("send", PQerrorMessage(ruler->connection));
}

static void receive_all(struct ruler *ruler)
{
    ruler->row_count = 0;
    for (int i = 0; i < ruler->statement_count; i++) {
        PGresult *result = PQgetResult(ruler->connection);

        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            fail("receive", PQerrorMessage(ruler->connection));
        ruler->row_count += PQntuples(result);
        PQclear(result);
        PQclear(PQgetResult(ruler->connection)); /* the end of this answer */
    }
    PQclear(PQgetResult(ruler->connection)); /* the end of the pipeline */
}

static double run_once(struct ruler *ruler)
{
    double started = now_ms();

    send_all(ruler);
    receive_all(ruler);
    return now_ms() - started;
}

static int ascending(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;

    return (difference > 0) - (difference < 0);
}

int main(int argument_count, char **arguments)
{
    struct ruler ruler = {0};
    int run_count = argument_count == 3 ? atoi(arguments[2]) : 0;
    double *times;

    if (run_count < 1)
        fail("usage", "poll_yardstick CONNINFO RUNS < STATEMENTS");
    times = calloc((size_t)run_count, sizeof(*times));
    ruler.connection = PQconnectdb(arguments[1]);
    if (!times || PQstatus(ruler.connection) != CONNECTION_OK)
        fail("connect", PQerrorMessage(ruler.connection));
    prepare_lines(&ruler);
    if (!PQenterPipelineMode(ruler.connection))
        fail("pipeline", PQerrorMessage(ruler.connection));
    for (int i = -WARM_UP_RUNS; i < run_count; i++) {
        double took = run_once(&ruler);

        if (i >= 0)
            times[i] = took;
    }
    qsort(times, (size_t)run_count, sizeof(*times), ascending);
    printf("%.4f %ld\n", times[run_count / 2], ruler.row_count);
    PQfinish(ruler.connection);
    free(times);
    return 0;
}
