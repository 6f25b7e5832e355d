#include "service/log_ship.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/line_ring.h"
#include "base/pace.h"
#include "service/aws/logs.h"
#include "service/http.h"
#include "service/log.h"

enum {
    EVERY_MS = 1000,   /* how long a line may wait for others to go with it; a half-full ring goes at once */
    EVENTS_MAX = 2048, /* of one call */
    FLUSH_MS = 2000,
    RETRY_FIRST_MS = 500,
    RETRY_MAX_MS = 30 * 1000,
    CONNECT_TIMEOUT_MS = 3000,
    TOTAL_TIMEOUT_MS = 10 * 1000,
    TELL_MS = 60 * 1000, /* a line about trouble comes at most this often */
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 2 * 1024 * 1024,
    HOST_MAX = 64,
    STREAM_MAX = 256
};

struct log_ship {
    struct aws_credentials *credentials;
    struct logs *logs;
    struct line_ring *ring;
    struct arena *mem;
    struct bell bell;
    pthread_t thread;
    pthread_mutex_t lock; /* of `ended` */
    pthread_cond_t end;
    bool ended;
    int64_t tries, retry_at_ms; /* failures in a row, and when the next attempt is due (monotonic) */
    int64_t fault_told_ms, lost_told_ms;
    uint64_t refused, rejected, told; /* lines; `told`: of all lost ones, how many the log has told */
    struct line_view views[EVENTS_MAX];
    struct logs_event events[EVENTS_MAX];
};

static atomic_llong lost_lines;

int64_t log_ship_lost(void)
{
    return atomic_load(&lost_lines);
}

/* ---- the writers' side ---- */

static void offer(void *to, int64_t at_ms, struct text line)
{
    struct log_ship *s = to;
    bool half = false;
    while (line.n && line.p[line.n - 1] == '\n')
        line.n--;
    if (!line.n)
        return;
    if (!line_ring_put(s->ring, at_ms, line, &half))
        atomic_fetch_add(&lost_lines, 1);
    if (half)
        bell_ring(&s->bell);
}

/* ---- the thread ---- */

/* This one is copied too, as lines flow again. */
static void tell_lost(struct log_ship *s)
{
    uint64_t full = line_ring_lost(s->ring), all = full + s->refused + s->rejected;
    if (all == s->told || !pace_due(&s->lost_told_ms, clock_monotonic_ms(), TELL_MS))
        return;
    s->told = all;
    log_keep_here(false);
    log_warn("ship",
             "%" PRIu64 " log lines did not reach the log group so far: %" PRIu64 " found the buffer full, %" PRIu64
             " were refused, %" PRIu64 " were too old or ahead of time",
             all, full, s->refused, s->rejected);
    log_keep_here(true);
}

static void tell_fault(struct log_ship *s, const char *what, const struct err *err)
{
    if (pace_due(&s->fault_told_ms, clock_monotonic_ms(), TELL_MS))
        log_err(LOG_WARN, "ship", what, err);
}

/* The oldest lines, as many as one call takes. */
static size_t gather(struct log_ship *s)
{
    struct logs_batch batch = {0};
    size_t n = line_ring_peek(s->ring, s->views, EVENTS_MAX), i = 0;
    for (; i < n; i++) {
        s->events[i] = (struct logs_event){.at_ms = s->views[i].at_ms, .message = s->views[i].line};
        if (!logs_batch_add(&batch, &s->events[i]))
            break;
    }
    return i;
}

static void settle(struct log_ship *s, enum logs_outcome outcome, size_t n, size_t rejected, const struct err *err)
{
    if (outcome == LOGS_LATER) {
        s->retry_at_ms =
            clock_monotonic_ms() + pace_backoff_ms(RETRY_FIRST_MS, ++s->tries, RETRY_MAX_MS, randombytes_random());
        tell_fault(s, "the log group takes no lines", err);
        return;
    }
    s->tries = 0;
    line_ring_drop(s->ring, n);
    if (outcome == LOGS_REFUSED) {
        s->refused += n;
        atomic_fetch_add(&lost_lines, (long long)n);
        tell_fault(s, "the log group refused some lines for good", err);
        return;
    }
    s->rejected += rejected;
    atomic_fetch_add(&lost_lines, (long long)rejected);
    tell_lost(s);
}

/* False when there is nothing to send, or it cannot be sent now. */
static bool ship(struct log_ship *s)
{
    struct err err = {0};
    size_t rejected = 0, n = gather(s);
    if (n == 0)
        return false;
    arena_reset(s->mem);
    enum logs_outcome outcome = logs_put(s->logs, s->events, n, s->mem, &rejected, &err);
    settle(s, outcome, n, rejected, &err);
    return outcome != LOGS_LATER;
}

/* Rings come while a failure is waited off, and do not shorten it. False once stopped. */
static bool await(struct log_ship *s)
{
    if (!s->tries)
        return bell_wait(&s->bell, EVERY_MS);
    for (int64_t left; (left = s->retry_at_ms - clock_monotonic_ms()) > 0;)
        if (!bell_wait(&s->bell, left))
            return false;
    return !bell_stopped(&s->bell);
}

static void *run(void *arg)
{
    struct log_ship *s = arg;
    log_thread_name("ship");
    log_keep_here(true);
    while (await(s))
        while (ship(s) && !bell_stopped(&s->bell))
            ;
    while (ship(s)) /* ended by the first failure, and by log_ship_stop() */
        ;
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    pthread_cond_signal(&s->end);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- life ---- */

static void release(struct log_ship *s)
{
    logs_close(s->logs);
    aws_credentials_close(s->credentials);
    line_ring_free(s->ring);
    arena_free(s->mem);
    bell_release(&s->bell);
    pthread_cond_destroy(&s->end);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool open_parts(struct log_ship *s, const struct log_ship_options *o, struct err *err)
{
    struct aws_credentials_options source = aws_credentials_environment();
    struct logs_options logs = {.group = o->group,
                                .stream = o->stream,
                                .region = o->region,
                                .endpoint_url = o->endpoint_url,
                                .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                .total_timeout_ms = TOTAL_TIMEOUT_MS};
    s->ring = line_ring_new(o->buffer_bytes);
    s->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!s->ring || !s->mem)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the copy of the log");
    return (s->credentials = aws_credentials_open(&source, err)) != NULL &&
           (s->logs = logs_open(&logs, s->credentials, err)) != NULL;
}

struct log_ship *log_ship_start(const struct log_ship_options *opts, struct err *err)
{
    struct log_ship *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the copy of the log");
        return NULL;
    }
    bell_init(&s->bell);
    bell_cond_init(&s->end);
    pthread_mutex_init(&s->lock, NULL);
    bool open = open_parts(s, opts, err);
    if (open && pthread_create(&s->thread, NULL, run, s) == 0) {
        log_copy_to(offer, s);
        return s;
    }
    if (open)
        err_set(err, ERR_INTERNAL, "The thread that copies the log could not be started");
    release(s);
    return NULL;
}

void log_ship_stop(struct log_ship *s)
{
    if (!s)
        return;
    int64_t deadline_ms = clock_monotonic_ms() + FLUSH_MS;
    log_copy_to(NULL, NULL);
    bell_stop(&s->bell);
    pthread_mutex_lock(&s->lock);
    while (!s->ended && bell_cond_wait(&s->end, &s->lock, deadline_ms))
        ;
    pthread_mutex_unlock(&s->lock);
    logs_cancel(s->logs);
    pthread_join(s->thread, NULL);
    size_t left = line_ring_count(s->ring);
    if (left)
        log_warn("ship", "%zu log lines did not reach the log group before the end", left);
    release(s);
}

/* ---- from the settings ---- */

/* Streams may have any name without ':' and '*', which hosts do not have either; others see to it that they do not. */
static void stream_name(char out[STREAM_MAX], const char *prefix)
{
    char host[HOST_MAX] = "";
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "unknown");
    for (char *c = host; *c; c++)
        if (*c == ':' || *c == '*' || *c <= ' ')
            *c = '-';
    snprintf(out, STREAM_MAX, "%s/%s/%ld", prefix, host, (long)getpid());
}

struct log_ship *log_ship_configured(const struct config *c)
{
    char stream[STREAM_MAX];
    struct err err = {0};
    struct log_ship *s = NULL;
    if (!c->log_group)
        return NULL;
    stream_name(stream, c->log_stream_prefix);
    struct log_ship_options opts = {.group = c->log_group,
                                    .stream = stream,
                                    .region = c->aws_region,
                                    .endpoint_url =
                                        c->aws_endpoint_url_logs ? c->aws_endpoint_url_logs : c->aws_endpoint_url,
                                    .buffer_bytes = (size_t)c->log_ship_buffer_kb * 1024};
    if (!http_global_init(&err) || !(s = log_ship_start(&opts, &err)))
        log_err(LOG_WARN, "ship", "the log is not copied to the log group", &err);
    return s;
}
