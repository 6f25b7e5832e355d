/* Rate limits of a route's row: which policies, about whom. */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include "http/exchange.h"

enum { LIMITS_MAX = 2 };

struct limit {
    struct rate_policy policy;
    struct text subject;
};

/* Limits of the account that is signed in (RATE_API), known before the body is read. Returns how many (0 or 1). */
size_t limits_of_account(const struct exchange *x, int64_t user_id, struct limit out[LIMITS_MAX]);
/* Sign-in and code routes, and RATE_API without an account: by address, and by (address, account named in the body). */
bool limits_by_address(struct exchange *x, struct err *err) MUST_CHECK;
/* ERR_RATE_LIMITED with retry_after_seconds unless the verdict allows. */
bool limit_verdict(struct rate_verdict verdict, struct err *err) MUST_CHECK;

#endif
