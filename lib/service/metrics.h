/*
 * What the programs count. One metric is one row of the table in metrics.c; its labels come from fixed lists, so the
 * number of series is bounded. Counts are single atomic adds into memory that all processes of a program share
 * (METRICS_DIR): any of them can tell the sum, and what a process counted outlives it. Gauges belong to their process
 * and go with it. Before metrics_open() everything here does nothing. Thread-safe.
 */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "service/config.h"
#include "service/db.h"

/* In brackets what `a` and `b` mean: indexes of the lists in metrics.c or of those given to metrics_open(). */
enum metric {
    /* counters */
    METRIC_REQUESTS,         /* [route, metric_status()] */
    METRIC_LIMITED,          /* [enum rate of the web program] */
    METRIC_CACHE,            /* [METRIC_SESSIONS or METRIC_ANSWERS, hit] */
    METRIC_DB_WAITS,         /* for a connection */
    METRIC_DB_WAIT_TIMEOUTS, /* that were in vain */
    METRIC_EVENTS,           /* [METRIC_EVENTS_...] */
    METRIC_JOBS,             /* [job, enum run_end of the worker] */
    METRIC_MAILS,            /* [METRIC_MAIL_...] */
    METRIC_LINES_LOST,
    /* histograms of seconds */
    METRIC_REQUEST_SECONDS, /* [route] */
    METRIC_JOB_SECONDS,     /* [job] */
    /* gauges, added up over the processes */
    METRIC_MEMORY, /* resident bytes */
    METRIC_DB_OPEN,
    METRIC_DB_BUSY,
    METRIC_BREAKER, /* 1: the worker receives nothing, as MySQL is away */
    /* gauges of which each process sees the same: the largest counts, and of METRIC_UP the smallest */
    METRIC_OUTBOX_AGE, /* seconds */
    METRIC_OUTBOX_PENDING,
    METRIC_PARKED,
    METRIC_UP, /* [METRIC_UP_...] */
    METRIC_COUNT
};

enum { METRIC_SESSIONS, METRIC_ANSWERS };
enum { METRIC_EVENTS_SENT, METRIC_EVENTS_DELAYED, METRIC_EVENTS_PARKED };
enum { METRIC_MAIL_SENT, METRIC_MAIL_REFUSED, METRIC_MAIL_DEFERRED, METRIC_MAIL_UNSENDABLE };
enum { METRIC_UP_MYSQL, METRIC_UP_REDIS, METRIC_UP_SQS, METRIC_UP_S3 };

enum { METRIC_ROUTES_MAX = 256, METRIC_JOBS_MAX = 32 };

struct metrics_options {
    enum program program;
    const char *dir; /* NULL: nothing is shared */
    /* Names that live on; what is none of them counts as "other", which has the index n. */
    const char *const *routes, *const *jobs;
    size_t route_count, job_count;
};
/* Once, before threads that count. ERR_INTERNAL when the folder cannot be used. */
bool metrics_open(const struct metrics_options *opts, struct err *err) MUST_CHECK;
void metrics_close(void);

void metric_add(enum metric m, size_t a, size_t b, uint64_t by);
void metric_time(enum metric m, size_t a, int64_t us);
void metric_set(enum metric m, size_t a, int64_t value);
size_t metric_status(int status); /* 1xx to 5xx */

/* The gauges that need somebody to look: memory, the pool (may be NULL), lost lines. By one thread, every few seconds.
 */
void metrics_refresh(struct db_pool *pool);

/* Prometheus' text form, version 0.0.4. Series that never counted are left out. */
void metrics_write(struct buf *out);

/* Of this process alone, since the last call; for the figures that go to CloudWatch once a minute. */
struct metrics_window {
    int64_t requests, errors; /* errors: 5xx */
    int64_t p99_ms;           /* within the histogram's bucket; 0 without requests */
    int64_t lines_lost;
    int64_t memory_bytes; /* now */
};
void metrics_window_take(struct metrics_window *out);

#endif
