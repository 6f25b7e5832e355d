/*
 * HTTP out over libcurl: transport only. No signing, no redirects, no proxy from the environment, http and https only.
 * The single repeat is libcurl's own, when a kept connection turns out to be closed before any byte of an answer came.
 * A client keeps a fixed number of handles behind a lock; each has its own connections, nothing else is shared.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct http_options {
    int connect_timeout_ms; /* also how long a call waits for a free handle */
    int total_timeout_ms;
    size_t response_max; /* bytes of body */
    size_t handles;      /* calls at a time */
};

struct http_header {
    const char *name;
    struct text value;
};
enum { HTTP_HEADERS_MAX = 24 };
struct http_response;

/* Bytes of a file that stays open and unchanged until the call ends; read by pread(2), so its position stays. */
struct http_source {
    int fd;
    int64_t offset, size;
};

struct http_request {
    const char *method; /* "POST" */
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    struct text body;
    const struct http_source *file; /* the body instead of `body`, sent piece by piece; ERR_INTERNAL when it is short */
    int total_timeout_ms;           /* 0: the client's */
    bool cancellable;               /* ended by http_cancel() */
    /* With it the body is not kept but handed on part by part as it comes, res->status and headers being there already;
       an empty part comes about once a second while nothing else does. False ends the call (ERR_UNAVAILABLE). */
    bool (*part)(struct text part, const struct http_response *res, void *to);
    void *to;
};

struct http_response {
    int status;
    struct text body;                             /* in the arena */
    struct http_header headers[HTTP_HEADERS_MAX]; /* names lower-case, in the arena; beyond the limit dropped */
    size_t header_count;
};

struct http;
bool http_global_init(struct err *err) MUST_CHECK; /* once, before threads */
struct http *http_open(const struct http_options *opts, struct err *err) MUST_CHECK;
void http_close(struct http *h); /* no call may be running */
/* ERR_UNAVAILABLE when no whole answer came (cause says why); any status is a success here. */
bool http_call(struct http *h, const struct http_request *req, struct arena *mem, struct http_response *res,
               struct err *err) MUST_CHECK;
/* Makes running and later calls that are cancellable end at once with ERR_UNAVAILABLE. From any thread; for good. */
void http_cancel(struct http *h);
bool http_cancelled(const struct http *h);
/* TEXT_NONE when absent; the first of several. */
struct text http_header_value(const struct http_response *res, const char *lower_name);

#endif
