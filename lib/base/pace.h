/* For lines that would come too often: true at most once in `every_ms`. *last starts as 0. */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

static inline bool pace_due(int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
    if (*last_ms && now_ms - *last_ms < every_ms)
        return false;
    *last_ms = now_ms;
    return true;
}

/* `base_ms` doubled per try (from 1) up to max_ms, less up to a quarter by chance (0..255), so that many do not come
 * back together. */
static inline int64_t pace_backoff_ms(int64_t base_ms, int64_t tries, int64_t max_ms, uint32_t chance)
{
    int64_t wait = base_ms;
    while (--tries > 0 && wait < max_ms)
        wait *= 2;
    if (wait > max_ms)
        wait = max_ms;
    return wait - wait * (int64_t)(chance & 255) / 1024;
}

#endif
