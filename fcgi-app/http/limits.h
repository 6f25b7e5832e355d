/* Rate limits of a route's row: which policies, about whom. */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include "http/exchange.h"

/* True for rates that count by the account that is signed in. */
bool limits_count_account(enum rate rate);
/* Those limits, known before the body is read; *n: how many. False without memory. */
bool limits_of_account(const struct exchange *x, int64_t user_id, struct rate_limit out[RATE_LIMITS_MAX],
                       size_t *n) MUST_CHECK;
/* ERR_RATE_LIMITED unless all of them allow. verdicts NULL: Redis is down, and what is strict is counted in the
 * process. Strict ones are kept in x for the RateLimit fields. */
bool limits_judge(struct exchange *x, const struct rate_limit *limits, size_t n, const struct rate_verdict *verdicts,
                  struct err *err) MUST_CHECK;
/* Sign-in and code routes, and RATE_API without an account: by address, and by (address, account named in the body). */
bool limits_by_address(struct exchange *x, struct err *err) MUST_CHECK;
/* ERR_RATE_LIMITED with retry_after_seconds unless the verdict allows. */
bool limit_verdict(struct rate_verdict verdict, struct err *err) MUST_CHECK;

#endif
