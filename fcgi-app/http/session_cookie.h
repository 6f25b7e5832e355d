/* How a session reaches the client and leaves it again: the token for the body, and the cookie mm_token beside it. */
#ifndef HTTP_SESSION_COOKIE_H
#define HTTP_SESSION_COOKIE_H

#include "http/call.h"

struct session_grant {
    char session_id[SESSION_ID_TEXT];
    int64_t user_id, household_id;
    bool admin;
    int64_t expires_at_ms;
};

/* Signs the token, sets the cookie and no-store. NULL on failure. */
const char *session_grant(struct call *call, struct response *res, const struct session_grant *grant,
                          struct err *err) MUST_CHECK;
void session_cookie_clear(struct response *res);

#endif
