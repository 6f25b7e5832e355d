#include "loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/pace.h"
#include "breaker.h"
#include "runner.h"
#include "service/log.h"
#include "service/metrics.h"
#include "watchdog.h"

enum {
    /* Short, so that a stop can wait for its end: what the queue hands to a poll that was cut off is not seen again
       before its visibility has passed, and a receive of it is burnt. */
    LONG_POLL_S = 4,
    STOP_POLL_MS = 5000,  /* after that a stop cuts it off all the same */
    EMPTY_PAUSE_MS = 200, /* after a poll that came back empty at once, doubled up to the next */
    PAUSE_MAX_MS = 10000,
    FAULT_LINE_MS = 10000,
    RECEIVE_ARENA_FIRST = 64 * 1024,
    RECEIVE_ARENA_MAX = 16 * 1024 * 1024, /* ten messages of the largest size, as they come and as they are read */
    JOB_ARENA_FIRST = 32 * 1024,
    JOB_ARENA_MAX = 16 * 1024 * 1024
};

struct slot {
    struct loop *loop;
    pthread_t thread;
    struct arena *mem;
    struct queue_message message; /* in mem */
    enum { SLOT_IDLE, SLOT_READY, SLOT_BUSY } state;
    bool started;
    unsigned number;
};

struct loop {
    struct worker *worker;
    pthread_mutex_t lock; /* guards what follows and the slots' states */
    pthread_cond_t work;  /* a slot became ready, or ended */
    pthread_cond_t idle;  /* a slot became idle, or stopping */
    struct breaker breaker;
    bool stopping; /* no more messages are asked for */
    bool received; /* the receiver has ended */
    bool ended;    /* nor will any more be handed out */
    struct slot *slots;
    size_t slot_count, busy;

    pthread_t receiver;
    bool receiver_started;
    struct arena *mem; /* the receiver's */
    int64_t last_line_ms;
    int64_t pauses; /* in a row */
};

static void set(struct loop *l, bool *flag, pthread_cond_t *cond)
{
    pthread_mutex_lock(&l->lock);
    *flag = true;
    pthread_cond_broadcast(cond);
    pthread_mutex_unlock(&l->lock);
}

/* ---- handlers ---- */

static void settle_breaker(struct loop *l, struct run_result result)
{
    if (result.database_down) {
        if (breaker_failed(&l->breaker, clock_monotonic_ms(), random_below(256)))
            log_warn("loop", "MySQL is away: no more messages are received until it answers");
    } else if (result.end != RUN_LEFT && breaker_succeeded(&l->breaker)) {
        log_info("loop", "MySQL is back: receiving again");
    }
    metric_set(METRIC_BREAKER, 0, l->breaker.state != BREAKER_CLOSED);
}

static void handle(struct loop *l, struct slot *slot)
{
    watchdog_begin(l->worker->watchdog, slot->number - 1);
    struct run_result result = runner_handle(l->worker, &slot->message, slot->mem);
    watchdog_end(l->worker->watchdog, slot->number - 1);
    arena_reset(slot->mem);
    pthread_mutex_lock(&l->lock);
    settle_breaker(l, result);
    slot->state = SLOT_IDLE;
    l->busy--;
    pthread_cond_signal(&l->idle);
    pthread_mutex_unlock(&l->lock);
}

/* True with a message; false when none can come any more. */
static bool await_message(struct loop *l, struct slot *slot)
{
    pthread_mutex_lock(&l->lock);
    while (slot->state != SLOT_READY && !l->ended)
        pthread_cond_wait(&l->work, &l->lock);
    bool ready = slot->state == SLOT_READY;
    if (ready)
        slot->state = SLOT_BUSY;
    pthread_mutex_unlock(&l->lock);
    return ready;
}

static void *run_handler(void *arg)
{
    struct slot *slot = arg;
    char name[16];
    snprintf(name, sizeof name, "job-%u", slot->number);
    log_thread_name(name);
    while (await_message(slot->loop, slot))
        handle(slot->loop, slot);
    return NULL;
}

/* ---- the receiver ---- */

static bool stopping(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool yes = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return yes;
}

static void pause_for(struct loop *l, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && bell_cond_wait(&l->idle, &l->lock, until))
        ;
    pthread_mutex_unlock(&l->lock);
}

/* A health check that costs a round trip; a message is never received only to find MySQL away. */
static bool database_answers(struct loop *l)
{
    struct err err = {0};
    AUTO(db) struct db *db = db_take(l->worker->db_pool, &err);
    bool up = db && db_ping(db, NULL, &err);
    if (!up && pace_due(&l->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(LOG_WARN, "loop", "waiting for MySQL", &err);
    return up;
}

/* Waits until the breaker allows messages and a handler is idle; 0 when the loop stops. */
static size_t await_capacity(struct loop *l)
{
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping && l->breaker.state != BREAKER_OPEN &&
           (n = breaker_allows(&l->breaker, l->slot_count - l->busy, l->busy)) == 0)
        pthread_cond_wait(&l->idle, &l->lock);
    if (l->stopping || l->breaker.state == BREAKER_OPEN)
        n = 0;
    pthread_mutex_unlock(&l->lock);
    return n < QUEUE_BATCH_MAX ? n : QUEUE_BATCH_MAX;
}

/* True when the database answers now; else the breaker is open and the wait until its next check has passed. */
static bool check_database(struct loop *l)
{
    bool up = database_answers(l);
    int64_t now_ms = clock_monotonic_ms(), wait = 0;
    pthread_mutex_lock(&l->lock);
    if (up) {
        breaker_check_passed(&l->breaker);
    } else {
        (void)breaker_failed(&l->breaker, now_ms, random_below(256));
        wait = l->breaker.check_at_ms - now_ms;
    }
    metric_set(METRIC_BREAKER, 0, l->breaker.state != BREAKER_CLOSED);
    pthread_mutex_unlock(&l->lock);
    if (wait > 0)
        pause_for(l, wait);
    return up;
}

static bool give(struct slot *slot, const struct queue_message *m)
{
    slot->message = *m;
    slot->message.body = arena_text(slot->mem, m->body);
    slot->message.receipt = arena_text(slot->mem, m->receipt);
    return slot->message.body.p && slot->message.receipt.p;
}

/* There are as many idle slots as messages were asked for: only the receiver fills them. */
static void hand_out(struct loop *l, const struct queue_message *messages, size_t count)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0, s = 0; i < count && s < l->slot_count; s++) {
        struct slot *slot = &l->slots[s];
        if (slot->state != SLOT_IDLE)
            continue;
        if (give(slot, &messages[i])) {
            slot->state = SLOT_READY;
            l->busy++;
        }
        i++;
    }
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

static void pause_after(struct loop *l, bool fruitless)
{
    if (!fruitless) {
        l->pauses = 0;
        return;
    }
    pause_for(l, pace_backoff_ms(EMPTY_PAUSE_MS, ++l->pauses, PAUSE_MAX_MS, random_below(256)));
}

static void receive(struct loop *l, size_t max)
{
    struct queue_message messages[QUEUE_BATCH_MAX];
    struct err err = {0};
    size_t count = 0;
    int64_t began_ms = clock_monotonic_ms();
    arena_reset(l->mem);
    bool ok = queue_receive(l->worker->queue, max, LONG_POLL_S, JOB_VISIBILITY_S, l->mem, messages, &count, &err);
    int64_t now_ms = clock_monotonic_ms();
    if (!ok && !stopping(l) && pace_due(&l->last_line_ms, now_ms, FAULT_LINE_MS))
        log_err(LOG_WARN, "loop", "waiting for the queue", &err);
    if (count)
        hand_out(l, messages, count);
    pause_after(l, !ok || (!count && now_ms - began_ms < 1000));
}

static void *run_receiver(void *arg)
{
    struct loop *l = arg;
    log_thread_name("receiver");
    while (!stopping(l)) {
        heartbeat_beat(&l->worker->heartbeat);
        if (!check_database(l))
            continue;
        size_t max = await_capacity(l);
        if (max)
            receive(l, max);
    }
    set(l, &l->received, &l->idle);
    return NULL;
}

/* ---- life ---- */

static bool start_slot(struct loop *l, size_t i)
{
    struct slot *slot = &l->slots[i];
    *slot = (struct slot){.loop = l, .number = (unsigned)i + 1, .mem = arena_new(JOB_ARENA_FIRST, JOB_ARENA_MAX)};
    slot->started = slot->mem && pthread_create(&slot->thread, NULL, run_handler, slot) == 0;
    return slot->started;
}

static bool start_threads(struct loop *l)
{
    for (size_t i = 0; i < l->slot_count; i++)
        if (!start_slot(l, i))
            return false;
    l->receiver_started = pthread_create(&l->receiver, NULL, run_receiver, l) == 0;
    return l->receiver_started;
}

struct loop *loop_start(struct worker *w, struct err *err)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l) {
        err_set(err, ERR_NO_MEMORY, "no memory for the consumer");
        return NULL;
    }
    l->worker = w;
    l->slot_count = (size_t)w->config.worker_handlers;
    pthread_mutex_init(&l->lock, NULL);
    bell_cond_init(&l->work);
    bell_cond_init(&l->idle);
    l->slots = calloc(l->slot_count, sizeof *l->slots);
    l->mem = arena_new(RECEIVE_ARENA_FIRST, RECEIVE_ARENA_MAX);
    if (!l->slots || !l->mem || !start_threads(l)) {
        loop_stop(l);
        err_set(err, ERR_INTERNAL, "the consumer's threads could not be started");
        return NULL;
    }
    return l;
}

static void end_receiver(struct loop *l)
{
    int64_t until = clock_monotonic_ms() + STOP_POLL_MS;
    pthread_mutex_lock(&l->lock);
    while (!l->received && bell_cond_wait(&l->idle, &l->lock, until))
        ;
    bool hangs = !l->received;
    pthread_mutex_unlock(&l->lock);
    if (hangs)
        queue_cancel(l->worker->queue);
    pthread_join(l->receiver, NULL);
}

/* The receiver first: what it has in hand when it ends still goes to idle handlers. */
void loop_stop(struct loop *l)
{
    if (!l)
        return;
    set(l, &l->stopping, &l->idle);
    if (l->receiver_started)
        end_receiver(l);
    set(l, &l->ended, &l->work);
    for (size_t i = 0; l->slots && i < l->slot_count; i++) {
        if (l->slots[i].started)
            pthread_join(l->slots[i].thread, NULL);
        arena_free(l->slots[i].mem);
    }
    free(l->slots);
    arena_free(l->mem);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->idle);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
