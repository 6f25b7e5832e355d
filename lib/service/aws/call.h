/*
 * The one signed call that all AWS clients share (aws_send(); aws_call() for those with a JSON protocol): signs, sends,
 * keeps the clock's offset to AWS, signs again once after a clock-skew error and once after an expired-token error, and
 * maps error answers. It retries nothing else and never logs.
 */
#ifndef SERVICE_AWS_CALL_H
#define SERVICE_AWS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/aws/credentials.h"
#include "service/http.h"

struct aws_client_options {
    const char *service; /* the scope's name: "sqs" */
    const char *region;
    const char *endpoint_url;  /* http(s)://host[:port]; a path in it is ignored */
    const char *target_prefix; /* "AmazonSQS"; NULL for a client that only uses aws_send() */
    const char *content_type;  /* "application/x-amz-json-1.0"; as above */
    int connect_timeout_ms, total_timeout_ms;
    size_t response_max, handles;
};

struct aws_client;
/* ERR_INTERNAL for an endpoint or region that cannot be used. The credentials must outlive the client; strings are
 * copied. */
struct aws_client *aws_client_open(const struct aws_client_options *opts, struct aws_credentials *creds,
                                   struct err *err) MUST_CHECK;
void aws_client_close(struct aws_client *c);

struct aws_request {
    const char *action; /* "SendMessageBatch" */
    struct text body;
    int total_timeout_ms; /* 0: the client's */
    bool cancellable;     /* ended by aws_client_cancel() */
};

struct aws_answer {
    int status;       /* 0: no answer came */
    struct text body; /* in the arena */
    char code[96];    /* of an error answer, without name space: "QueueDoesNotExist"; "" when there is none */
    char message[200];
    struct text crc32; /* the x-amz-crc32 header, in the arena; TEXT_NONE without one */
};

/*
 * True for a 2xx answer. Else false; *answer tells status and code when an answer came. ERR_UNAVAILABLE: no answer, or
 * one that time or an operator may heal (throttling, 5xx, credentials, a queue that is not there yet, an answer that is
 * not AWS's). ERR_CONFLICT: a condition that does not hold. ERR_INTERNAL: AWS found our request wrong.
 */
bool aws_call(struct aws_client *c, const struct aws_request *req, struct arena *mem, struct aws_answer *answer,
              struct err *err) MUST_CHECK;

enum { AWS_HEADERS_MAX = 12 };

/* A request of any form. */
struct aws_http {
    const char *method;
    struct text path, query;           /* as they stand on the wire; query without '?', TEXT_NONE: none */
    const struct http_header *headers; /* besides Host and the signer's; at most AWS_HEADERS_MAX */
    size_t header_count;
    struct text body;
    const struct http_source *file; /* instead of body; payload_sha256 must be given */
    struct text payload_sha256;     /* hex; TEXT_NONE: made from body */
    unsigned sign_flags;            /* SIGV4_... */
    int total_timeout_ms;           /* 0: the client's */
    bool cancellable;
    /* As http_request's, but the body of an error answer goes to answer->body all the same. */
    bool (*part)(struct text part, const struct http_response *res, void *to);
    void *to;
};

/* True when an answer came, whatever its status; *answer tells it. */
bool aws_send(struct aws_client *c, const struct aws_http *req, struct arena *mem, struct http_response *res,
              struct aws_answer *answer, struct err *err) MUST_CHECK;
/* AWS's clock as far as it is known. */
int64_t aws_client_now_ms(const struct aws_client *c);
/* Sleeps before try number tries + 1, a random time below 25 ms doubled per try (at most 1 s); false, at once, when
 * that would pass the deadline (monotonic). */
bool aws_pause(unsigned tries, int64_t deadline_ms);

/* Running and later cancellable calls end at once with ERR_UNAVAILABLE. From any thread; for good. */
void aws_client_cancel(struct aws_client *c);
bool aws_client_cancelled(const struct aws_client *c);

/* Copies scheme://host[:port] of a URL: false unless it is http or https with a host and fits. */
bool aws_endpoint_of(const char *url, char *out, size_t cap);
/* The Host header for an endpoint as libcurl and AWS mean it: without the scheme's default port. */
struct text aws_host_of(const char *endpoint, char *out, size_t cap);

/* code and message of an error body: JSON with __type ("x#Code" or "Code") or S3's XML. Both "" when it is neither. */
void aws_error_parse(struct text body, struct aws_answer *answer);
/* ms since the epoch of an HTTP Date header ("Sun, 06 Nov 1994 08:49:37 GMT"). */
bool aws_date_parse(struct text t, int64_t *ms);
/* The code that an error answer maps to. */
enum err_code aws_err_code(int status, const char *code);

#endif
