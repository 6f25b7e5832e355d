#include "sweep.h"

#include <pthread.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/pace.h"
#include "finance/relay.h"
#include "service/emf.h"
#include "service/log.h"
#include "service/metrics.h"
#include "store/mail_ledger.h"
#include "store/outbox.h"
#include "store/parked.h"

enum {
    EVERY_MS = 5000,
    FAULT_LINE_MS = 10000,
    PULL_BACK_EVERY_MS = 60 * 1000,
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 8 * 1024 * 1024 /* ten bodies of the largest size, their JSON and the answer */
};

struct sweep {
    struct worker *worker;
    struct arena *mem;
    struct bell bell;
    pthread_t thread;
    int64_t last_line_ms, pulled_back_ms, sent_ms;
};

static void tell(struct sweep *s, const struct relay_round *round)
{
    metric_add(METRIC_EVENTS, METRIC_EVENTS_SENT, 0, round->sent);
    metric_add(METRIC_EVENTS, METRIC_EVENTS_DELAYED, 0, round->delayed);
    metric_add(METRIC_EVENTS, METRIC_EVENTS_PARKED, 0, round->parked);
    if (round->parked)
        log_error("sweep", "parked %zu events that the queue will never take: %s", round->parked, round->reason);
    if (round->delayed && pace_due(&s->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_warn("sweep", "the queue refused %zu events for now: %s", round->delayed, round->reason);
    if (round->sent)
        log_info("sweep", "sent %zu events", round->sent);
}

static void drain(struct sweep *s)
{
    struct relay_round round;
    do {
        struct err err = {0};
        arena_reset(s->mem);
        if (!relay_run_once(s->worker->db_pool, s->worker->queue, s->worker->config.outbox_resend_after_seconds * 1000,
                            clock_now_ms(), s->mem, &round, &err)) {
            if (pace_due(&s->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
                log_err(LOG_WARN, "sweep", "events wait in the outbox", &err);
            return;
        }
        tell(s, &round);
    } while (round.claimed == QUEUE_BATCH_MAX && !bell_stopped(&s->bell));
}

/* What a machine with a clock far ahead has left for later. */
static void pull_back(struct sweep *s)
{
    struct err err = {0};
    int64_t events = 0, mails = 0;
    if (!pace_due(&s->pulled_back_ms, clock_monotonic_ms(), PULL_BACK_EVERY_MS))
        return;
    AUTO(db) struct db *db = db_take(s->worker->db_pool, &err);
    if (!db || !outbox_pull_back(db, s->worker->config.outbox_resend_after_seconds * 1000, &events, &err) ||
        !mail_pull_back(db, &mails, &err))
        return; /* again in a minute */
    if (events || mails)
        log_warn("sweep", "%lld events and %lld mails lay in the future: some clock was wrong", (long long)events,
                 (long long)mails);
}

static bool look(struct sweep *s, int64_t *pending, int64_t *oldest_ms, int64_t *parked)
{
    struct err err = {0};
    AUTO(db) struct db *db = db_take(s->worker->db_pool, &err);
    return db && outbox_backlog(db, clock_now_ms(), pending, oldest_ms, &err) && parked_count(db, parked, &err);
}

/* For CloudWatch's alarms, whose names stand in infra/alarms.yaml: also when no API runs. The outbox's figures come
 * last, since they are left out while MySQL is away. */
static void show(struct sweep *s)
{
    int64_t pending = 0, oldest_ms = 0, parked = 0;
    struct metrics_window w;
    metrics_refresh(s->worker->db_pool);
    if (!pace_due(&s->sent_ms, clock_monotonic_ms(), EMF_EVERY_MS))
        return;
    bool known = look(s, &pending, &oldest_ms, &parked);
    if (known) {
        metric_set(METRIC_OUTBOX_AGE, 0, oldest_ms / 1000);
        metric_set(METRIC_OUTBOX_PENDING, 0, pending);
        metric_set(METRIC_PARKED, 0, parked);
    }
    metrics_window_take(&w);
    const struct emf_metric rows[] = {{"LogLinesLost", "Count", w.lines_lost},
                                      {"WorkerMemory", "Bytes", w.memory_bytes},
                                      {"OutboxAgeSeconds", "Seconds", oldest_ms / 1000},
                                      {"OutboxPending", "Count", pending},
                                      {"ParkedEvents", "Count", parked}};
    emf_send(clock_now_ms(), rows, ARRAY_LEN(rows) - (known ? 0 : 3));
}

static void *run(void *arg)
{
    struct sweep *s = arg;
    log_thread_name("sweep");
    do {
        pull_back(s);
        drain(s);
        show(s);
    } while (bell_wait(&s->bell, EVERY_MS));
    return NULL;
}

static void release(struct sweep *s)
{
    arena_free(s->mem);
    bell_release(&s->bell);
    free(s);
}

struct sweep *sweep_start(struct worker *w, struct err *err)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "no memory for the sweep");
        return NULL;
    }
    s->worker = w;
    bell_init(&s->bell);
    s->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!s->mem || pthread_create(&s->thread, NULL, run, s) != 0) {
        err_set(err, ERR_INTERNAL, "the sweep's thread could not be started");
        release(s);
        return NULL;
    }
    return s;
}

void sweep_wake(struct sweep *s)
{
    if (s)
        bell_ring(&s->bell);
}

void sweep_stop(struct sweep *s)
{
    if (!s)
        return;
    bell_stop(&s->bell);
    pthread_join(s->thread, NULL);
    release(s);
}
