/*
 * One stream of CloudWatch Logs. Its limits (CloudWatch Logs API reference, PutLogEvents): a batch has at most
 * 1,048,576 bytes, counted as the UTF-8 of the messages plus 26 bytes each, and 10,000 events, which lie in order of
 * their times within 24 hours; events older than 14 days or more than two hours ahead are left out by the service.
 */
#ifndef SERVICE_AWS_LOGS_H
#define SERVICE_AWS_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/aws/credentials.h"

enum {
    LOGS_BATCH_BYTES_MAX = 1048576,
    LOGS_BATCH_EVENTS_MAX = 10000,
    LOGS_BATCH_SPAN_MS = 24 * 3600 * 1000,
    LOGS_EVENT_EXTRA_BYTES = 26,
    /* Of an event, its 26 bytes included: the smaller of the two limits that AWS has had. */
    LOGS_EVENT_BYTES_MAX = 256 * 1024
};

struct logs_options {
    const char *group, *stream;
    const char *region;
    const char *endpoint_url; /* NULL or "": AWS's own */
    int connect_timeout_ms, total_timeout_ms;
};

struct logs;
/* Strings are copied; the credentials must outlive it. */
struct logs *logs_open(const struct logs_options *opts, struct aws_credentials *creds, struct err *err) MUST_CHECK;
void logs_close(struct logs *l);
/* A call that runs ends at once, and so do later ones. From any thread; for good. */
void logs_cancel(struct logs *l);

struct logs_event {
    int64_t at_ms;
    struct text message; /* not empty; longer ones than LOGS_EVENT_BYTES_MAX are cut and marked when they are sent */
};

/* What one batch holds already; begins as {0}. */
struct logs_batch {
    size_t events, bytes;
    int64_t first_ms, last_ms;
};
/* False, and nothing changed, when this event needs another batch. */
bool logs_batch_add(struct logs_batch *b, const struct logs_event *event);

enum logs_outcome {
    LOGS_TAKEN,
    LOGS_LATER,  /* no answer, throttled, refused for a reason that may pass: the same batch again after a while */
    LOGS_REFUSED /* the batch itself is wrong: never again */
};

/*
 * Sends one batch, which logs_batch_add accepted, after sorting it by time (events of one time keep their order). A
 * stream or group that is missing is made. *rejected: how many of a batch that was taken were out of the service's time
 * range. *err unless LOGS_TAKEN.
 */
enum logs_outcome logs_put(struct logs *l, struct logs_event *events, size_t n, struct arena *mem, size_t *rejected,
                           struct err *err) MUST_CHECK;

#endif
