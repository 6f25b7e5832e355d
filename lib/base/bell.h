/*
 * What a background thread waits on: rung to wake it at once, stopped for good when the program ends, else it wakes
 * after its own interval. A ring while the thread is at work is kept for its next wait.
 */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool rung, stopped;
};

void bell_init(struct bell *b);
void bell_release(struct bell *b);
void bell_ring(struct bell *b);
void bell_stop(struct bell *b);
bool bell_stopped(struct bell *b);
/* Until rung, stopped or `ms` passed. False once stopped. */
bool bell_wait(struct bell *b, int64_t ms);

/* A condition variable that counts on the monotonic clock, and a wait on it with a deadline of that clock (ms); false
 * when it passed. */
void bell_cond_init(pthread_cond_t *cond);
bool bell_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms);

#endif
