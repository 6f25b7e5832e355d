/*
 * GCRA rate limits: Redis Lua (redis TIME is the clock) or, without Redis, a strict limiter in the process (fixed table
 * of slots; a full table refuses). A check is split so that it can ride in a pipeline: rate_command() fills the Redis
 * command, rate_verdict() reads its reply.
 */
#ifndef SERVICE_RATE_LIMIT_H
#define SERVICE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "service/redis.h"

struct rate_policy {
    const char *name;  /* "login" */
    int64_t burst;     /* at once; also `limit` of the RateLimit field */
    int64_t period_ms; /* in which `burst` refill */
    bool strict_local; /* without Redis: limited in the process; false: not limited */
    int64_t block_ms;  /* who is refused stays so for this long, then has the whole burst again; 0: GCRA alone */
};

struct rate_verdict {
    bool allowed;
    int64_t limit, remaining;
    int retry_after_seconds; /* >= 1 when refused */
    int reset_seconds;
};

/* One policy about one subject. */
struct rate_limit {
    struct rate_policy policy;
    struct text subject;
};
enum { RATE_LIMITS_MAX = 2 };

/* Several at once (up to RATE_LIMITS_MAX): nothing is taken from any unless all allow it. */
bool rate_command_all(const struct rate_limit *limits, size_t n, struct arena *mem,
                      struct redis_command *cmd) MUST_CHECK;
void rate_verdicts(const struct rate_limit *limits, size_t n, const struct redis_reply *reply,
                   struct rate_verdict *out);

/* subject: "1.2.3.4|a@b.c"; hashed, so no personal data lies in Redis. False without memory. */
bool rate_command(const struct rate_policy *policy, struct text subject, struct arena *mem,
                  struct redis_command *cmd) MUST_CHECK;
struct rate_verdict rate_verdict(const struct rate_policy *policy, const struct redis_reply *reply);

struct rate_local;
struct rate_local *rate_local_new(size_t slots);
void rate_local_free(struct rate_local *l);
struct rate_verdict rate_local_check(struct rate_local *l, const struct rate_policy *policy, struct text subject,
                                     int64_t now_ms);

/* One whole check: Redis, else local when policy->strict_local, else allowed. */
struct rate_verdict rate_check(struct redis *r, struct rate_local *l, const struct rate_policy *policy,
                               struct text subject, struct arena *mem, int64_t now_ms);

#endif
