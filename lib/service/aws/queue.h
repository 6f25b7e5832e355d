/*
 * SQS by the low-level JSON protocol. Only SendMessage(Batch), ReceiveMessage, DeleteMessage(Batch), GetQueueAttributes
 * on the main queue are ever called (the mission's policy). A client retries nothing by itself except one re-sign after
 * a clock-skew or expired-token answer. Safe for several threads. Errors: see aws_call() in call.h.
 */
#ifndef SERVICE_AWS_QUEUE_H
#define SERVICE_AWS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct aws_credentials; /* service/aws/credentials.h */

struct queue_options {
    const char *queue_url;
    const char *region;
    const char *endpoint_url; /* NULL or "": scheme and host of queue_url */
    int connect_timeout_ms, total_timeout_ms;
    size_t handles; /* calls at a time, long polls included */
};

enum { QUEUE_BATCH_MAX = 10, QUEUE_BODY_MAX = 240 * 1024, QUEUE_DELAY_MAX_S = 900 };

struct queue_entry {
    struct text body;
    struct text group; /* MessageGroupId on a standard queue: fair queues; the household. TEXT_NONE: none */
    int delay_s;       /* brought into 0..QUEUE_DELAY_MAX_S */
    bool accepted;     /* out: examined entry by entry */
    bool sender_fault; /* out: refused for good (not transient) */
    char reason[120];  /* out, when not accepted */
};

struct queue_message {
    char id[80];
    struct text body, receipt; /* in the arena */
    int64_t receive_count, sent_at_ms, first_received_at_ms;
};

struct queue;
struct queue *queue_open(const struct queue_options *opts, struct aws_credentials *creds, struct err *err) MUST_CHECK;
void queue_close(struct queue *q); /* no call may be running */

/*
 * Each entry tells its own fate; n <= QUEUE_BATCH_MAX. A body that is empty, longer than QUEUE_BODY_MAX or not made of
 * XML's characters is a sender fault and is not sent. False only when a call failed before any entry was accepted.
 */
bool queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *mem, struct err *err) MUST_CHECK;
/*
 * Long poll of wait_s (0..20) for up to max (1..10) messages into messages[]; *count may be 0. A message whose body
 * does not fit its MD5 is left out: it comes again. The arena must hold the answer twice.
 */
bool queue_receive(struct queue *q, size_t max, int wait_s, int visibility_s, struct arena *mem,
                   struct queue_message *messages, size_t *count, struct err *err) MUST_CHECK;
/* Running and later receives return true at once with *count 0 (for SIGTERM). From any thread; for good. Other calls go
 * on. */
void queue_cancel(struct queue *q);
/* An old or repeated handle counts as done. */
bool queue_delete(struct queue *q, struct text receipt, struct arena *mem, struct err *err) MUST_CHECK;
/* Depth as SQS tells it (approximate). */
bool queue_depth(struct queue *q, int64_t *visible, int64_t *in_flight, int64_t *delayed, struct arena *mem,
                 struct err *err) MUST_CHECK;

/* ---- the parts without I/O ---- */

/* What SQS accepts as a body: UTF-8 of #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF. */
bool queue_body_is_legal(struct text body);
/* A ReceiveMessage answer. ERR_UNAVAILABLE when it is none, ERR_NO_MEMORY. */
bool queue_parse_receive(struct text answer, size_t max, struct arena *mem, struct queue_message *messages,
                         size_t *count, struct err *err) MUST_CHECK;
/* A SendMessageBatch answer; entry ids are indexes into entries[0..n). Entries that it does not name stay unaccepted.
 */
bool queue_parse_send(struct text answer, struct queue_entry *entries, size_t n, struct err *err) MUST_CHECK;

#endif
