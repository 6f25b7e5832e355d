/* The FastCGI parameters a request needs, picked out of the environment in one pass. Texts point into it. */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include "base/text.h"

struct params {
    struct text method, path, query, content_type, content_length, remote_addr, request_id;
    struct text authorization, cookie, origin, user_agent, accept, if_match, if_none_match, idempotency_key, platform;
    struct text host, forwarded_proto, range, if_range, fetch_site;
    struct text storage_status; /* what nginx met when it fetched a file for us: a list of codes, the last one counts */
    struct text asked_method;   /* Access-Control-Request-Method of a preflight */
};

/* envp: "NAME=value" strings, ended by NULL. What is absent or empty stays TEXT_NONE; of a repeated name the first
 * counts. */
void params_read(const char *const *envp, struct params *out);

#endif
