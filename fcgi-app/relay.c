#include "relay.h"

#include <pthread.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/pace.h"
#include "finance/relay.h"
#include "service/aws/credentials.h"
#include "service/aws/queue.h"
#include "service/log.h"
#include "service/metrics.h"

enum {
    POLL_MS = 1500,        /* a wake of this process is never waited for; this finds due retries */
    FAULT_LINE_MS = 10000, /* one line of the log at most in this time while something is down */
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 8 * 1024 * 1024 /* ten bodies of the largest size, their JSON and the answer */
};

struct relay {
    struct app *app;
    struct aws_credentials *credentials;
    struct queue *queue;
    struct arena *mem;
    struct bell bell;
    pthread_t thread;
    int64_t last_line_ms;
    bool waiting; /* the log told of a fault that has not passed yet */
};

static void tell_fault(struct relay *r, const struct err *err)
{
    r->waiting = true;
    if (pace_due(&r->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(LOG_WARN, "relay", "events wait in the outbox", err);
}

static void tell_round(struct relay *r, const struct relay_round *round)
{
    metric_add(METRIC_EVENTS, METRIC_EVENTS_SENT, 0, round->sent);
    metric_add(METRIC_EVENTS, METRIC_EVENTS_DELAYED, 0, round->delayed);
    metric_add(METRIC_EVENTS, METRIC_EVENTS_PARKED, 0, round->parked);
    if (round->parked)
        log_error("relay", "parked %zu events that the queue will never take: %s", round->parked, round->reason);
    if (round->delayed && pace_due(&r->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_warn("relay", "the queue refused %zu events for now: %s", round->delayed, round->reason);
    if (round->sent && r->waiting) {
        r->waiting = false;
        log_info("relay", "events flow again");
    }
}

/* Sends until nothing is due. */
static void drain(struct relay *r)
{
    struct relay_round round;
    do {
        struct err err = {0};
        arena_reset(r->mem);
        if (!relay_run_once(r->app->db_pool, r->queue, r->app->config.outbox_resend_after_seconds * 1000,
                            clock_now_ms(), r->mem, &round, &err)) {
            tell_fault(r, &err);
            return;
        }
        tell_round(r, &round);
    } while (round.claimed == QUEUE_BATCH_MAX && !bell_stopped(&r->bell));
}

static void *run(void *arg)
{
    struct relay *r = arg;
    log_thread_name("relay");
    do {
        if (atomic_load(&r->app->schema_ready))
            drain(r);
    } while (bell_wait(&r->bell, POLL_MS));
    return NULL;
}

static struct queue *open_queue(const struct config *c, struct aws_credentials *credentials, struct err *err)
{
    struct queue_options opts = {.queue_url = c->sqs_queue_url,
                                 .region = c->aws_region,
                                 .endpoint_url =
                                     c->aws_endpoint_url_sqs ? c->aws_endpoint_url_sqs : c->aws_endpoint_url,
                                 .connect_timeout_ms = 2000,
                                 .total_timeout_ms = 8000,
                                 .handles = 2};
    return queue_open(&opts, credentials, err);
}

static void release(struct relay *r)
{
    r->app->queue = NULL;
    queue_close(r->queue);
    aws_credentials_close(r->credentials);
    arena_free(r->mem);
    bell_release(&r->bell);
    free(r);
}

static bool open_parts(struct relay *r, struct err *err)
{
    struct aws_credentials_options source = aws_credentials_environment();
    r->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!r->mem)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the relay");
    r->credentials = aws_credentials_open(&source, err);
    if (!r->credentials)
        return false;
    r->queue = open_queue(&r->app->config, r->credentials, err);
    return r->queue != NULL;
}

struct relay *relay_start(struct app *app, struct err *err)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the relay");
        return NULL;
    }
    r->app = app;
    bell_init(&r->bell);
    if (!open_parts(r, err)) {
        release(r);
        return NULL;
    }
    app->queue = r->queue;
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        err_set(err, ERR_INTERNAL, "The relay's thread could not be started");
        release(r);
        return NULL;
    }
    return r;
}

void relay_wake(struct relay *r)
{
    if (r)
        bell_ring(&r->bell);
}

void relay_stop(struct relay *r)
{
    if (!r)
        return;
    bell_stop(&r->bell);
    pthread_join(r->thread, NULL);
    release(r);
}
