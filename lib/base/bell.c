#include "base/bell.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

void bell_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool bell_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms)
{
    struct timespec at = {.tv_sec = (time_t)(deadline_ms / 1000), .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    return pthread_cond_timedwait(cond, lock, &at) != ETIMEDOUT;
}

void bell_init(struct bell *b)
{
    *b = (struct bell){0};
    pthread_mutex_init(&b->lock, NULL);
    bell_cond_init(&b->cond);
}

void bell_release(struct bell *b)
{
    if (!b)
        return;
    pthread_cond_destroy(&b->cond);
    pthread_mutex_destroy(&b->lock);
}

static void set(struct bell *b, bool *flag)
{
    pthread_mutex_lock(&b->lock);
    *flag = true;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

void bell_ring(struct bell *b)
{
    set(b, &b->rung);
}

void bell_stop(struct bell *b)
{
    set(b, &b->stopped);
}

bool bell_stopped(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
    bool stopped = b->stopped;
    pthread_mutex_unlock(&b->lock);
    return stopped;
}

bool bell_wait(struct bell *b, int64_t ms)
{
    int64_t deadline = clock_monotonic_ms() + ms;
    pthread_mutex_lock(&b->lock);
    while (!b->rung && !b->stopped && bell_cond_wait(&b->cond, &b->lock, deadline))
        ;
    b->rung = false;
    bool go_on = !b->stopped;
    pthread_mutex_unlock(&b->lock);
    return go_on;
}
