/*
 * A circuit breaker for what every job needs (MySQL). Closed: as many messages as there are idle handlers. Open: none;
 * a health check is due from time to time. Half-open (the check passed): one message, whose fate decides. Pure; the
 * loop locks it.
 */
#ifndef BREAKER_H
#define BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    enum breaker_state state;
    int64_t failures;    /* in a row */
    int64_t check_at_ms; /* monotonic; when the next health check is due while open */
};

enum { BREAKER_FIRST_MS = 500, BREAKER_MAX_MS = 5000 };

/* True when this opened it: the moment to log. */
bool breaker_failed(struct breaker *b, int64_t now_ms, uint32_t chance);
/* A health check passed, or nothing came of the half-open try. */
void breaker_check_passed(struct breaker *b);
/* True when this closed it. */
bool breaker_succeeded(struct breaker *b);
/* How many messages may be asked for with so many handlers idle and busy. */
size_t breaker_allows(const struct breaker *b, size_t idle, size_t busy);

#endif
