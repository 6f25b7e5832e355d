/*
 * One message from its receipt to its end: read, run in one transaction, then deleted, sent again with a delay, or
 * parked. The only place that logs a job's failure, once. A message whose end could not be settled (queue or database
 * down just then) is left alone: it becomes visible again by itself, and the outbox row tells a copy from the first.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "service/aws/queue.h"
#include "worker.h"

enum {
    JOB_LIMIT_MS = 10 * 1000, /* of a handler; a sixth of the visibility */
    JOB_VISIBILITY_S = 60,
    JOB_RETRY_FIRST_MS = 2000, /* doubled per attempt up to SQS's longest delay */
    JOB_FAULTS_MAX = 8         /* tries of a job that fails by a fault of ours rather than of something down */
};

enum run_end {
    RUN_DONE,
    RUN_COPY,    /* processed before, or its household is gone: nothing to do */
    RUN_RETRIED, /* a delayed copy went out */
    RUN_PARKED,
    RUN_LEFT /* comes again by itself */
};

struct run_result {
    enum run_end end;
    bool database_down;
};

struct run_result runner_handle(struct worker *w, const struct queue_message *m, struct arena *mem);

/* Whether a failed job is tried again (else it is parked); attempt counts from 0. */
bool runner_tries_again(const struct err *err, int64_t attempt);
/* 1..QUEUE_DELAY_MAX_S */
int runner_delay_s(int64_t attempt, uint32_t chance);

#endif
