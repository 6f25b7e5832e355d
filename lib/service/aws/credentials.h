/*
 * The keys that sign calls to AWS. Sources in order: the environment's static keys; the container endpoint; the
 * instance's role by IMDSv2. Static keys never change; the others are fetched by one background thread, 15 minutes
 * before they expire, while everybody else keeps using the old set for as long as it is valid. A failed fetch is tried
 * again with back-off.
 *
 * Only this module may reach the metadata addresses. No URL here ever comes from a user.
 */
#ifndef SERVICE_AWS_CREDENTIALS_H
#define SERVICE_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/aws/sigv4.h"

/* The sources; every member may be NULL (or ""). Strings are copied. */
struct aws_credentials_options {
    const char *access_key_id, *secret_access_key, *session_token;
    const char *container_relative_uri; /* against container_endpoint */
    const char *container_full_uri;     /* https, or http to the loopback and the container addresses only */
    const char *container_token;        /* Authorization header */
    const char *container_token_file;   /* the same, read at every fetch; wins */
    const char *container_endpoint;     /* NULL: http://169.254.170.2 */
    const char *imds_endpoint;          /* NULL: http://169.254.169.254 */
    bool imds_disabled;
    int timeout_ms; /* connect and whole call; 0: 1000 */
};

/* From the variables that AWS's own tools read. Call before threads start. */
struct aws_credentials_options aws_credentials_environment(void);

enum { AWS_KEY_MAX = 256, AWS_TOKEN_MAX = 8192 };

/* One set, copied out; wipe it after use. */
struct aws_keys {
    char access_key_id[AWS_KEY_MAX];
    char secret_access_key[AWS_KEY_MAX];
    char session_token[AWS_TOKEN_MAX]; /* "": none */
    int64_t expires_at_ms;             /* 0: never */
    uint64_t generation;               /* counts the sets of one aws_credentials */
};

void aws_keys_wipe(struct aws_keys *keys);
static inline void aws_keys_auto(struct aws_keys *keys)
{
    aws_keys_wipe(keys);
}
struct sigv4_keys aws_keys_view(const struct aws_keys *keys); /* points into *keys */

struct aws_credentials;

/* Fails only for what is wrong in the options (ERR_INTERNAL) or without memory or threads; it does not wait for a
 * source. */
struct aws_credentials *aws_credentials_open(const struct aws_credentials_options *opts, struct err *err) MUST_CHECK;
void aws_credentials_close(struct aws_credentials *c);

/*
 * Copies the present set. While the very first fetch runs it waits for it (bounded by its time-outs).
 * ERR_UNAVAILABLE when there is no valid set.
 */
bool aws_credentials_get(struct aws_credentials *c, struct aws_keys *out, struct err *err) MUST_CHECK;

/*
 * AWS refused the set of this generation as expired: fetches once and waits. True when there is a newer set now. Static
 * keys answer false at once, and so does a second demand within ten seconds.
 */
bool aws_credentials_renew(struct aws_credentials *c, uint64_t refused_generation);

/* A role document of the container endpoint or IMDS. ERR_UNAVAILABLE when it holds no usable set (a 200 may carry an
 * error). */
bool credentials_parse(struct text document, struct aws_keys *out, struct err *err) MUST_CHECK;
/* A container URI that may be asked: https, or http to loopback and the known container addresses. */
bool credentials_uri_allowed(const char *uri);
/* When to fetch again a set got at now_ms: 15 minutes before its end, but neither at once nor never. */
int64_t credentials_refresh_at(int64_t now_ms, int64_t expires_at_ms);

#endif
