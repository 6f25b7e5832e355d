/* What the two database floors share: threads, a clock, latencies, the result as one JSON line. Plain client library,
 * no pool. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

struct floor_options {
    const char *socket, *user, *password, *database;
    int threads, seconds;
    int64_t first_household,
        households; /* ids first..first+households-1, each with a user, an income and an expense category */
    const char *month_first, *month_last;
};

struct floor_thread {
    const struct floor_options *opts;
    MYSQL *mysql;
    int number;
    int64_t done;
    uint32_t *latencies_us;
    size_t latency_count;
};

/* One unit of work; false ends the program. */
typedef bool floor_step(struct floor_thread *t, int64_t household);
/* Prepares a thread's statements. */
typedef bool floor_prepare(struct floor_thread *t);

int floor_main(int argc, char **argv, floor_prepare *prepare, floor_step *step);
MYSQL_STMT *floor_statement(MYSQL *mysql, const char *sql);
bool floor_fail(const char *what, const char *why);

#endif
