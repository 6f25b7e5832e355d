#include "http/turns.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"

enum { TURNS = 64 }; /* several times the request threads, so two households at work seldom share one */

struct turn {
    pthread_mutex_t lock;
    pthread_cond_t given;
    bool taken;
};

struct turns {
    struct turn turn[TURNS];
};

struct turns *turns_new(void)
{
    struct turns *turns = calloc(1, sizeof(*turns));
    for (size_t i = 0; turns && i < TURNS; i++) {
        pthread_mutex_init(&turns->turn[i].lock, NULL);
        bell_cond_init(&turns->turn[i].given);
    }
    return turns;
}

void turns_free(struct turns *turns)
{
    for (size_t i = 0; turns && i < TURNS; i++) {
        pthread_cond_destroy(&turns->turn[i].given);
        pthread_mutex_destroy(&turns->turn[i].lock);
    }
    free(turns);
}

static struct turn *turn_of(struct turns *turns, int64_t household)
{
    return &turns->turn[(uint64_t)household % TURNS];
}

bool turn_take(struct turns *turns, int64_t household, int wait_ms)
{
    struct turn *turn = turn_of(turns, household);
    int64_t deadline = wait_ms ? clock_monotonic_ms() + wait_ms : 0;
    pthread_mutex_lock(&turn->lock);
    while (turn->taken && wait_ms && bell_cond_wait(&turn->given, &turn->lock, deadline))
        ;
    bool mine = !turn->taken;
    turn->taken = true;
    pthread_mutex_unlock(&turn->lock);
    return mine;
}

void turn_give(struct turns *turns, int64_t household)
{
    struct turn *turn = turn_of(turns, household);
    pthread_mutex_lock(&turn->lock);
    turn->taken = false;
    pthread_cond_signal(&turn->given);
    pthread_mutex_unlock(&turn->lock);
}
