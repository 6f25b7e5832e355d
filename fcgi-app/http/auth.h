/* Who asks: reading of the token, and the session behind it as it is kept in the cache. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "http/exchange.h"
#include "store/session.h"

/* A Bearer header decides alone; else the cookie mm_token. TEXT_NONE when there is no token. Pure. */
struct text auth_token(const struct params *params, bool *from_cookie);
/* The value of a cookie by name out of a Cookie header. Pure. */
struct text cookie_value(struct text header, struct text name);

/* Session as a cache value: "<household> <currency> <admin>". Pure. */
char *session_to_cache(const struct session_row *row, struct arena *mem);
bool session_from_cache(struct text value, struct session_row *row);

/*
 * Finds out who asks, as the route's row wants it, together with the rate limit of the account and the cached answer of
 * a cached route: one round trip to Redis; MySQL when the session is not cached or Redis is down. ERR_UNAUTHORIZED,
 * ERR_FORBIDDEN, ERR_RATE_LIMITED.
 */
bool authenticate(struct exchange *x, struct err *err) MUST_CHECK;

#endif
