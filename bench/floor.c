#include "floor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LATENCIES_MAX = 1 << 21 };

struct run {
    struct floor_thread t;
    floor_step *step;
    bool ok;
};

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

bool floor_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return false;
}

MYSQL_STMT *floor_statement(MYSQL *mysql, const char *sql)
{
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    if (!stmt || mysql_stmt_prepare(stmt, sql, strlen(sql))) {
        floor_fail("prepare", stmt ? mysql_stmt_error(stmt) : "no memory");
        return NULL;
    }
    return stmt;
}

static void *work(void *arg)
{
    struct run *run = arg;
    struct floor_thread *t = &run->t;
    int64_t end = now_us() + (int64_t)t->opts->seconds * 1000000, before = now_us();
    int64_t step = t->number;
    run->ok = true;
    while (run->ok && before < end) {
        int64_t household = t->opts->first_household + step % t->opts->households;
        step += t->opts->threads;
        run->ok = run->step(t, household);
        int64_t after = now_us();
        if (t->latency_count < LATENCIES_MAX)
            t->latencies_us[t->latency_count++] = (uint32_t)(after - before);
        before = after;
        t->done++;
    }
    mysql_thread_end();
    return NULL;
}

static bool open_thread(struct run *run, floor_prepare *prepare)
{
    const struct floor_options *o = run->t.opts;
    run->t.latencies_us = malloc(LATENCIES_MAX * sizeof(uint32_t));
    run->t.mysql = mysql_init(NULL);
    if (!run->t.latencies_us || !run->t.mysql)
        return floor_fail("start", "no memory");
    mysql_options(run->t.mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(run->t.mysql, NULL, o->user, o->password, o->database, 0, o->socket, 0))
        return floor_fail("connect", mysql_error(run->t.mysql));
    if (mysql_query(run->t.mysql, "SET time_zone = '+00:00', SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") &&
        mysql_query(run->t.mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        return floor_fail("session", mysql_error(run->t.mysql));
    return prepare(&run->t);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int report(struct run *runs, int count, int64_t elapsed_us)
{
    int64_t done = 0;
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        done += runs[i].t.done;
        n += runs[i].t.latency_count;
    }
    uint32_t *all = malloc((n + 1) * sizeof *all);
    if (!all)
        return 1;
    n = 0;
    for (int i = 0; i < count; i++) {
        memcpy(all + n, runs[i].t.latencies_us, runs[i].t.latency_count * sizeof *all);
        n += runs[i].t.latency_count;
    }
    qsort(all, n, sizeof *all, by_size);
    printf("{\"per_second\": %.1f, \"p50_us\": %u, \"p99_us\": %u}\n", (double)done * 1e6 / (double)elapsed_us,
           n ? all[n / 2] : 0, n ? all[n * 99 / 100] : 0);
    free(all);
    return 0;
}

int floor_main(int argc, char **argv, floor_prepare *prepare, floor_step *step)
{
    if (argc != 11) {
        fprintf(stderr,
                "usage: %s SOCKET USER PASSWORD DATABASE THREADS SECONDS FIRST HOUSEHOLDS MONTH_FIRST MONTH_LAST\n",
                argv[0]);
        return 2;
    }
    struct floor_options o = {.socket = argv[1],
                              .user = argv[2],
                              .password = argv[3],
                              .database = argv[4],
                              .threads = (int)strtoll(argv[5], NULL, 10),
                              .seconds = (int)strtoll(argv[6], NULL, 10),
                              .first_household = strtoll(argv[7], NULL, 10),
                              .households = strtoll(argv[8], NULL, 10),
                              .month_first = argv[9],
                              .month_last = argv[10]};
    mysql_library_init(0, NULL, NULL);
    struct run *runs = calloc((size_t)o.threads, sizeof *runs);
    pthread_t *ids = calloc((size_t)o.threads, sizeof *ids);
    bool ok = runs && ids;
    for (int i = 0; ok && i < o.threads; i++) {
        runs[i] = (struct run){.t = {.opts = &o, .number = i}, .step = step};
        ok = open_thread(&runs[i], prepare);
    }
    int64_t start = now_us();
    for (int i = 0; ok && i < o.threads; i++)
        ok = pthread_create(&ids[i], NULL, work, &runs[i]) == 0;
    for (int i = 0; ok && i < o.threads; i++)
        pthread_join(ids[i], NULL);
    int64_t elapsed = now_us() - start;
    for (int i = 0; ok && i < o.threads; i++)
        ok = runs[i].ok;
    return ok ? report(runs, o.threads, elapsed) : 1;
}
