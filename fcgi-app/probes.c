#include "probes.h"

#include <pthread.h>

#include "app.h"
#include "base/bell.h"
#include "base/clock.h"
#include "base/pace.h"
#include "service/aws/queue.h"
#include "service/aws/s3.h"
#include "service/emf.h"
#include "service/log.h"
#include "service/metrics.h"
#include "store/outbox.h"
#include "store/parked.h"

enum {
    INTERVAL_MS = 2000,
    AWS_INTERVAL_MS = 15 * 1000, /* each question to SQS or S3 costs money */
    PROBE_ARENA = 16 * 1024,
    PROBE_ARENA_MAX = 256 * 1024
};

struct probes {
    struct app *app;
    struct db_pool *db_pool; /* one connection of its own: a pool that is busy is no MySQL that is down */
    struct arena *mem;
    struct bell bell;
    pthread_t thread;
    pthread_mutex_t lock; /* of `state` */
    struct probes_state state;
    int64_t queue_asked_ms, s3_asked_ms, sent_ms;
};

static void set(struct probe *probe, bool up, int64_t latency_us, const char *name, const struct err *err)
{
    if (!up && (!probe->known || probe->up))
        log_err(LOG_WARN, "status", name, err);
    if (up && probe->known && !probe->up)
        log_info("status", "%s answers again", name);
    *probe = (struct probe){.known = true, .up = up, .latency_us = up ? latency_us : probe->latency_us};
}

static void probe_mysql(struct probes *p, struct probes_state *s)
{
    struct err err = {0};
    int64_t latency = 0, now = clock_now_ms();
    AUTO(db) struct db *db = db_take(p->db_pool, &err);
    bool up = db && db_ping(db, &latency, &err);
    s->outbox_known = false;
    set(&s->mysql, up, latency, "MySQL", &err);
    if (!s->mysql.up || !atomic_load(&p->app->schema_ready))
        return;
    if (!outbox_backlog(db, now, &s->outbox_pending, &s->outbox_oldest_ms, &err) || !parked_count(db, &s->parked, &err))
        log_err(LOG_WARN, "status", "the outbox could not be counted", &err);
    else
        s->outbox_known = true;
}

static void probe_redis(struct probes *p, struct probes_state *s)
{
    struct err err = {0};
    int64_t latency = 0;
    bool up = redis_ping(p->app->redis, &latency, &err);
    set(&s->redis, up, latency, "Redis", &err);
}

static void probe_queue(struct probes *p, struct probes_state *s)
{
    struct err err = {0};
    int64_t now = clock_monotonic_ms(), begin = clock_monotonic_us();
    if (!p->app->queue || (p->queue_asked_ms && now - p->queue_asked_ms < AWS_INTERVAL_MS))
        return;
    p->queue_asked_ms = now;
    bool up = queue_depth(p->app->queue, &s->queue_visible, &s->queue_in_flight, &s->queue_delayed, p->mem, &err);
    set(&s->queue, up, clock_monotonic_us() - begin, "SQS", &err);
    arena_reset(p->mem);
}

static void probe_s3(struct probes *p, struct probes_state *s)
{
    struct err err = {0};
    int64_t latency = 0, now = clock_monotonic_ms();
    if (p->s3_asked_ms && now - p->s3_asked_ms < AWS_INTERVAL_MS)
        return;
    p->s3_asked_ms = now;
    bool up = s3_ping(p->app->s3, &latency, &err);
    set(&s->s3, up, latency, "S3", &err);
}

static void show(struct probes *p, const struct probes_state *s)
{
    const struct probe *const needs[] = {[METRIC_UP_MYSQL] = &s->mysql,
                                         [METRIC_UP_REDIS] = &s->redis,
                                         [METRIC_UP_SQS] = &s->queue,
                                         [METRIC_UP_S3] = &s->s3};
    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (needs[i]->known)
            metric_set(METRIC_UP, i, needs[i]->up);
    if (s->outbox_known) {
        metric_set(METRIC_OUTBOX_AGE, 0, s->outbox_oldest_ms / 1000);
        metric_set(METRIC_OUTBOX_PENDING, 0, s->outbox_pending);
        metric_set(METRIC_PARKED, 0, s->parked);
    }
    metrics_refresh(p->app->db_pool);
}

/* For CloudWatch: what its alarms watch has the names of infra/alarms.yaml. The outbox's figures come last, since they
 * are left out while MySQL is away. */
static void send_metrics(struct probes *p, const struct probes_state *s)
{
    struct metrics_window w;
    if (!pace_due(&p->sent_ms, clock_monotonic_ms(), EMF_EVERY_MS))
        return;
    metrics_window_take(&w);
    const struct emf_metric rows[] = {{"Requests", "Count", w.requests},
                                      {"RequestErrors5xx", "Count", w.errors},
                                      {"LatencyP99", "Milliseconds", w.p99_ms},
                                      {"LogLinesLost", "Count", w.lines_lost},
                                      {"ApiMemory", "Bytes", w.memory_bytes},
                                      {"OutboxAgeSeconds", "Seconds", s->outbox_oldest_ms / 1000},
                                      {"OutboxPending", "Count", s->outbox_pending},
                                      {"ParkedEvents", "Count", s->parked}};
    emf_send(clock_now_ms(), rows, ARRAY_LEN(rows) - (s->outbox_known ? 0 : 3));
}

static void *probes_main(void *arg)
{
    struct probes *p = arg;
    log_thread_name("probes");
    do {
        struct probes_state state = p->state; /* only this thread writes it */
        probe_mysql(p, &state);
        probe_redis(p, &state);
        probe_queue(p, &state);
        probe_s3(p, &state);
        pthread_mutex_lock(&p->lock);
        p->state = state;
        pthread_mutex_unlock(&p->lock);
        show(p, &state);
        send_metrics(p, &state);
    } while (bell_wait(&p->bell, INTERVAL_MS));
    return NULL;
}

struct probes *probes_start(struct app *app, struct err *err)
{
    struct probes *p = calloc(1, sizeof(*p));
    struct arena *mem = arena_new(PROBE_ARENA, PROBE_ARENA_MAX);
    struct db_pool *db_pool = app_db_pool(&app->config, 1, err);
    if (!p || !mem || !db_pool) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the probes");
        goto fail;
    }
    p->app = app;
    p->mem = mem;
    p->db_pool = db_pool;
    bell_init(&p->bell);
    pthread_mutex_init(&p->lock, NULL);
    if (pthread_create(&p->thread, NULL, probes_main, p) == 0)
        return p;
    err_set(err, ERR_INTERNAL, "The probes' thread could not be started");
    bell_release(&p->bell);
    pthread_mutex_destroy(&p->lock);
fail:
    db_pool_close(db_pool);
    arena_free(mem);
    free(p);
    return NULL;
}

void probes_read(struct probes *probes, struct probes_state *out)
{
    *out = (struct probes_state){0};
    if (!probes)
        return;
    pthread_mutex_lock(&probes->lock);
    *out = probes->state;
    pthread_mutex_unlock(&probes->lock);
}

void probes_stop(struct probes *probes)
{
    if (!probes)
        return;
    bell_stop(&probes->bell);
    pthread_join(probes->thread, NULL);
    bell_release(&probes->bell);
    pthread_mutex_destroy(&probes->lock);
    db_pool_close(probes->db_pool);
    arena_free(probes->mem);
    free(probes);
}
