#include "breaker.h"

#include "base/pace.h"

bool breaker_failed(struct breaker *b, int64_t now_ms, uint32_t chance)
{
    bool opened = b->state == BREAKER_CLOSED;
    b->state = BREAKER_OPEN;
    b->failures++;
    b->check_at_ms = now_ms + pace_backoff_ms(BREAKER_FIRST_MS, b->failures, BREAKER_MAX_MS, chance);
    return opened;
}

void breaker_check_passed(struct breaker *b)
{
    if (b->state == BREAKER_OPEN)
        b->state = BREAKER_HALF_OPEN;
}

bool breaker_succeeded(struct breaker *b)
{
    bool closed = b->state == BREAKER_HALF_OPEN;
    /* A job that began before the failure says nothing about now. */
    if (b->state != BREAKER_OPEN) {
        b->state = BREAKER_CLOSED;
        b->failures = 0;
    }
    return closed;
}

size_t breaker_allows(const struct breaker *b, size_t idle, size_t busy)
{
    switch (b->state) {
    case BREAKER_CLOSED: return idle;
    case BREAKER_HALF_OPEN: return idle && !busy ? 1 : 0;
    case BREAKER_OPEN: break;
    }
    return 0;
}
