#include "watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/clock.h"
#include "service/log.h"

enum { EVERY_MS = 200 };

struct watchdog {
    struct worker *worker;
    struct bell bell;
    pthread_t thread;
    size_t slot_count;
    atomic_int_least64_t began_ms[]; /* of each slot; 0: idle */
};

bool watchdog_sees_stuck(struct watchdog *d, int64_t now_ms)
{
    for (size_t i = 0; i < d->slot_count; i++) {
        int64_t began = atomic_load(&d->began_ms[i]);
        if (began && now_ms - began > JOB_STUCK_MS)
            return true;
    }
    return false;
}

static void look(struct watchdog *d, int64_t now_ms)
{
    if (db_pool_cut(d->worker->db_pool, now_ms))
        log_warn("watchdog", "a job that was over its limit was cut off from the database");
    if (watchdog_sees_stuck(d, now_ms)) {
        log_error("watchdog", "a job does not come back; the program ends and has to be started again");
        _exit(EXIT_FAILURE);
    }
}

static void *run(void *arg)
{
    struct watchdog *d = arg;
    log_thread_name("watchdog");
    do
        look(d, clock_monotonic_ms());
    while (bell_wait(&d->bell, EVERY_MS));
    return NULL;
}

static void release(struct watchdog *d)
{
    bell_release(&d->bell);
    free(d);
}

struct watchdog *watchdog_start(struct worker *w, struct err *err)
{
    size_t slots = (size_t)w->config.worker_handlers;
    struct watchdog *d = calloc(1, sizeof *d + slots * sizeof d->began_ms[0]);
    if (!d) {
        err_set(err, ERR_NO_MEMORY, "no memory for the watchdog");
        return NULL;
    }
    d->worker = w;
    d->slot_count = slots;
    bell_init(&d->bell);
    if (pthread_create(&d->thread, NULL, run, d) != 0) {
        err_set(err, ERR_INTERNAL, "the watchdog's thread could not be started");
        release(d);
        return NULL;
    }
    return d;
}

void watchdog_begin(struct watchdog *d, size_t slot)
{
    if (d)
        atomic_store(&d->began_ms[slot], clock_monotonic_ms());
}

void watchdog_end(struct watchdog *d, size_t slot)
{
    if (d)
        atomic_store(&d->began_ms[slot], 0);
}

void watchdog_stop(struct watchdog *d)
{
    if (!d)
        return;
    bell_stop(&d->bell);
    pthread_join(d->thread, NULL);
    release(d);
}
