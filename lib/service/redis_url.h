/*
 * Reads REDIS_URL. Pure: no connection is made.
 *     redis://[user:password@]host[:port][/db]   rediss://... (TLS)   unix:///path/to/socket[?db=N]
 * User and password may be percent-encoded.
 */
#ifndef SERVICE_REDIS_URL_H
#define SERVICE_REDIS_URL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

enum { REDIS_URL_PART_MAX = 256 };

struct redis_address {
    bool tls;
    char host[REDIS_URL_PART_MAX];   /* "" when `socket` is set */
    char socket[REDIS_URL_PART_MAX]; /* path, or "" */
    char user[REDIS_URL_PART_MAX];   /* "" for the default user */
    char password[REDIS_URL_PART_MAX];
    int port;
    int db;
};

/* ERR_VALIDATION; the detail never holds the URL, since a password may be in it. */
bool redis_url_parse(const char *url, struct redis_address *out, struct err *err) MUST_CHECK;

#endif
