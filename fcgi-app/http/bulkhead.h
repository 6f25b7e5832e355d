/*
 * Threads of their own for work that may wait long for others, with a bounded number of waiters: what is one too many
 * is refused at once, and nothing here ever holds up the threads that hand the work over.
 */
#ifndef HTTP_BULKHEAD_H
#define HTTP_BULKHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* Part of what is handed over. */
struct bulkhead_item {
    struct bulkhead_item *next;
};

struct bulkhead;

/* `run` is called on one of `threads` threads with what was pushed. */
struct bulkhead *bulkhead_start(const char *name, size_t threads, size_t waiting,
                                void (*run)(struct bulkhead_item *item), struct err *err) MUST_CHECK;
/* False when all threads are at work and as many wait as may. */
bool bulkhead_push(struct bulkhead *b, struct bulkhead_item *item) MUST_CHECK;
/* Waits until everything pushed is done; then nothing may be pushed any more. False when deadline_ms (monotonic) came
 * first. */
bool bulkhead_drain(struct bulkhead *b, int64_t deadline_ms);
/* Of a drained one. NULL is fine. */
void bulkhead_free(struct bulkhead *b);

#endif
