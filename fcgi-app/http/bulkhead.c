#include "http/bulkhead.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bell.h"
#include "service/log.h"

enum { THREAD_STACK = 512 * 1024, NAME_MAX_BYTES = 16 };

struct bulkhead {
    char name[NAME_MAX_BYTES];
    void (*run)(struct bulkhead_item *item);
    size_t waiting_max;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t pushed, idle;
    struct bulkhead_item *first, *last;
    size_t waiting, busy, threads;
    bool stopping;
    pthread_t ids[];
};

static struct bulkhead_item *next(struct bulkhead *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->first && !b->stopping)
        pthread_cond_wait(&b->pushed, &b->lock);
    struct bulkhead_item *item = b->first;
    if (item) {
        b->first = item->next;
        b->waiting--;
        b->busy++;
    }
    pthread_mutex_unlock(&b->lock);
    return item;
}

static void done(struct bulkhead *b)
{
    pthread_mutex_lock(&b->lock);
    b->busy--;
    if (!b->busy && !b->waiting)
        pthread_cond_broadcast(&b->idle);
    pthread_mutex_unlock(&b->lock);
}

static void *thread_main(void *arg)
{
    struct bulkhead *b = arg;
    struct bulkhead_item *item;
    log_thread_name(b->name);
    while ((item = next(b))) {
        b->run(item);
        done(b);
    }
    return NULL;
}

static bool start_threads(struct bulkhead *b, size_t threads)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    while (b->threads < threads && pthread_create(&b->ids[b->threads], &attr, thread_main, b) == 0)
        b->threads++;
    pthread_attr_destroy(&attr);
    return b->threads == threads;
}

struct bulkhead *bulkhead_start(const char *name, size_t threads, size_t waiting,
                                void (*run)(struct bulkhead_item *item), struct err *err)
{
    struct bulkhead *b = calloc(1, sizeof(*b) + threads * sizeof(b->ids[0]));
    if (!b) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the %s threads", name);
        return NULL;
    }
    snprintf(b->name, sizeof(b->name), "%s", name);
    b->run = run;
    b->waiting_max = waiting;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->pushed, NULL);
    bell_cond_init(&b->idle);
    if (start_threads(b, threads))
        return b;
    bulkhead_free(b);
    err_set(err, ERR_INTERNAL, "The %s threads could not be started", name);
    return NULL;
}

bool bulkhead_push(struct bulkhead *b, struct bulkhead_item *item)
{
    pthread_mutex_lock(&b->lock);
    bool room = !b->stopping && b->busy + b->waiting < b->threads + b->waiting_max;
    if (room) {
        item->next = NULL;
        if (b->first)
            b->last->next = item;
        else
            b->first = item;
        b->last = item;
        b->waiting++;
        pthread_cond_signal(&b->pushed);
    }
    pthread_mutex_unlock(&b->lock);
    return room;
}

bool bulkhead_drain(struct bulkhead *b, int64_t deadline_ms)
{
    if (!b)
        return true;
    pthread_mutex_lock(&b->lock);
    while ((b->busy || b->waiting) && bell_cond_wait(&b->idle, &b->lock, deadline_ms))
        ;
    bool idle = !b->busy && !b->waiting;
    pthread_mutex_unlock(&b->lock);
    return idle;
}

void bulkhead_free(struct bulkhead *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->pushed);
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < b->threads; i++)
        pthread_join(b->ids[i], NULL);
    pthread_cond_destroy(&b->pushed);
    pthread_cond_destroy(&b->idle);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
