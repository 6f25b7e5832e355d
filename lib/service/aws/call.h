/*
 * The one signed call that all AWS clients with a JSON protocol share: signs, sends, keeps the clock's offset to AWS,
 * signs again once after a clock-skew error and once after an expired-token error, and maps error answers. It retries
 * nothing else and never logs.
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

struct aws_client_options {
    const char *service; /* the scope's name: "sqs" */
    const char *region;
    const char *endpoint_url;  /* http(s)://host[:port]; a path in it is ignored */
    const char *target_prefix; /* "AmazonSQS" */
    const char *content_type;  /* "application/x-amz-json-1.0" */
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
