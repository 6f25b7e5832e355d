/*
 * AWS Signature Version 4, pure: no network, no clock, no globals. Header form, presigned query form, POST policy.
 *
 * Path and query are given as they stand in the URL on the wire. S3 (SIGV4_S3): the path is neither normalised nor
 * encoded a second time, and the payload's hash is always a header. All other services: dot segments and double
 * slashes go, then the path is encoded once more. All results live in the arena; keys are not kept.
 *
 * Errors: ERR_INTERNAL (a header that only the signer may set, too many headers, no host), ERR_NO_MEMORY.
 */
#ifndef SERVICE_AWS_SIGV4_H
#define SERVICE_AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/http.h"

enum sigv4_flag {
    SIGV4_S3 = 1,
    SIGV4_UNSIGNED_PAYLOAD = 2,    /* S3 only, over TLS: the body is not hashed */
    SIGV4_TOKEN_AFTER_SIGNING = 4, /* the session token is added but not signed */
};

enum {
    SIGV4_HASH_MAX = 65,             /* hex SHA-256 and a NUL */
    SIGV4_DATE_MAX = 17,             /* 20150830T123600Z and a NUL */
    SIGV4_EXPIRES_MAX_S = 7 * 86400, /* AWS refuses presigned URLs that live longer */
    SIGV4_POST_FIELDS_MAX = 16,
};

struct sigv4_keys {
    struct text access_key_id, secret_access_key;
    struct text session_token; /* TEXT_NONE: long-lived keys */
};

struct sigv4_request {
    const char *method;
    struct text path;                  /* "/" at least */
    struct text query;                 /* without '?' */
    const struct http_header *headers; /* with Host exactly as it will be sent; repeated names are joined */
    size_t header_count;
    struct text body;
    struct text payload_sha256; /* of the body in hex where it is known already; TEXT_NONE: made from `body` */
    const char *region, *service;
    int64_t at_ms; /* the service's time, not ours: the caller adds its clock offset */
    unsigned flags;
};

/* What must be sent besides the request's own headers. */
struct sigv4_headers {
    struct http_header headers[4]; /* x-amz-date, authorization, x-amz-content-sha256?, x-amz-security-token? */
    size_t count;
};

bool sigv4_sign(const struct sigv4_request *req, const struct sigv4_keys *keys, struct arena *mem,
                struct sigv4_headers *out, struct err *err) MUST_CHECK;

/*
 * The whole query of a presigned URL (the request's own parameters included), without '?'. The headers given must be
 * sent with the URL unchanged. expires_s 1..SIGV4_EXPIRES_MAX_S, else ERR_INTERNAL: see sigv4_presign_expiry().
 */
bool sigv4_presign(const struct sigv4_request *req, const struct sigv4_keys *keys, int64_t expires_s, struct arena *mem,
                   struct text *query, struct err *err) MUST_CHECK;

/*
 * A URL dies with the keys that signed it. Seconds it may promise: the least of wanted, SIGV4_EXPIRES_MAX_S, and what
 * the keys (expiring at keys_expire_ms; 0: never) have left less a margin of a minute. 0: sign with newer keys.
 */
int64_t sigv4_presign_expiry(int64_t wanted_s, int64_t keys_expire_ms, int64_t now_ms);

/* A browser's form upload. Every field given becomes an exact condition and a form field. */
struct sigv4_post {
    const char *region, *bucket;
    struct text key_prefix; /* the form's key must start with it: bind it to the owner */
    int64_t size_min, size_max;
    int64_t at_ms, expires_at_ms;
    const struct http_header *fields; /* Content-Type, x-amz-server-side-encryption, ... */
    size_t field_count;
};

/* The form's fields in order, the file excepted (it must come last) and the key, which the client appends to the
 * prefix. */
struct sigv4_form {
    struct http_header fields[SIGV4_POST_FIELDS_MAX];
    size_t count;
};

bool sigv4_post_form(const struct sigv4_post *post, const struct sigv4_keys *keys, struct arena *mem,
                     struct sigv4_form *form, struct err *err) MUST_CHECK;

/* Hex signature of a base64 policy, or of any other string to sign. */
void sigv4_signature(const struct sigv4_keys *keys, const char *date, const char *region, const char *service,
                     struct text string_to_sign, char out[SIGV4_HASH_MAX]);
void sigv4_hash(struct text t, char out[SIGV4_HASH_MAX]);
void sigv4_date(int64_t at_ms, char out[SIGV4_DATE_MAX]);

#endif
