/* How long mail waits. Pure. */
#ifndef MAIL_BACKOFF_H
#define MAIL_BACKOFF_H

#include <stdint.h>

#include "base/pace.h"

#define MAIL_GIVE_UP_MS (INT64_C(4) * 24 * 3600 * 1000) /* RFC 5321, 4.5.4.1: four to five days */

/* After a 4xx: 5, 10, 30 s, 2, 5, then 20 min, less up to a quarter by chance. attempts from 1. */
static inline int64_t mail_backoff_ms(int64_t attempts, uint32_t chance)
{
    static const int64_t seconds[] = {5, 10, 30, 120, 300, 1200};
    int64_t last = (int64_t)(sizeof seconds / sizeof seconds[0]) - 1;
    int64_t i = attempts < 1 ? 0 : attempts - 1 > last ? last : attempts - 1;
    return pace_backoff_ms(seconds[i] * 1000, 1, seconds[i] * 1000, chance);
}

/*
 * After a 4xx when the server has taken no mail at all since the one before: more likely its trouble than the mail's.
 * A fortieth of the mail's age, 5 s to 20 min, so that ten minutes of trouble are over within seconds.
 */
static inline int64_t mail_unclear_backoff_ms(int64_t age_ms, uint32_t chance)
{
    int64_t wait = age_ms / 40;
    wait = wait < 5000 ? 5000 : wait > 1200 * 1000 ? 1200 * 1000 : wait;
    return pace_backoff_ms(wait, 1, wait, chance);
}

/* For a server that is away or refuses us altogether: 1 s doubled up to 15 s, so that mail flows soon after it is back.
 */
static inline int64_t mail_server_backoff_ms(int64_t failures, uint32_t chance)
{
    return pace_backoff_ms(1000, failures, 15000, chance);
}

#endif
