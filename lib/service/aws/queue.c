#include "service/aws/queue.h"

#include "base/json.h"
#include "service/aws/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_MAX = 1024,
    /* SQS's oldest limit for a whole batch; newer ones are larger. One entry of QUEUE_BODY_MAX fits. */
    BATCH_BYTES_MAX = 256 * 1024,
    /* A body of quotes or line ends doubles in JSON; the rest is for receipts, attributes and ids. */
    JSON_MAX = 2 * BATCH_BYTES_MAX + 64 * 1024,
    RESPONSE_MAX = QUEUE_BATCH_MAX * (2 * QUEUE_BODY_MAX + 16 * 1024),
    GROUP_MAX = 128,
    WAIT_MAX_S = 20,
    VISIBILITY_MAX_S = 43200,
    RECEIVE_SLACK_MS = 5000, /* the answer's time after the wait itself */
};

struct queue {
    struct aws_client *client;
    char url[URL_MAX];
};

/* ---- life ---- */

static bool queue_init(struct queue *q, const struct queue_options *o, struct aws_credentials *creds, struct err *err)
{
    struct text url = text_of(o->queue_url);
    if (url.n == 0 || url.n >= sizeof(q->url))
        return err_set(err, ERR_INTERNAL, "The queue's URL is missing or too long");
    memcpy(q->url, url.p, url.n + 1);
    struct aws_client_options client = {
        .service = "sqs",
        .region = o->region,
        .target_prefix = "AmazonSQS",
        .content_type = "application/x-amz-json-1.0",
        .endpoint_url = o->endpoint_url && *o->endpoint_url ? o->endpoint_url : q->url,
        .connect_timeout_ms = o->connect_timeout_ms,
        .total_timeout_ms = o->total_timeout_ms,
        .response_max = RESPONSE_MAX,
        .handles = o->handles,
    };
    q->client = aws_client_open(&client, creds, err);
    return q->client != NULL;
}

struct queue *queue_open(const struct queue_options *opts, struct aws_credentials *creds, struct err *err)
{
    struct queue *q = calloc(1, sizeof(*q));
    if (!q) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for the queue's client");
        return NULL;
    }
    if (queue_init(q, opts, creds, err))
        return q;
    queue_close(q);
    return NULL;
}

void queue_close(struct queue *q)
{
    if (!q)
        return;
    aws_client_close(q->client);
    free(q);
}

void queue_cancel(struct queue *q)
{
    aws_client_cancel(q->client);
}

/* ---- one call ---- */

static void body_begin(const struct queue *q, struct buf *body, struct json_out *j)
{
    buf_init(body, JSON_MAX);
    json_out_init(j, body);
    json_begin_object(j);
    json_put_str(j, "QueueUrl", q->url);
}

static bool call(struct queue *q, struct aws_request *req, const struct buf *body, struct arena *mem,
                 struct aws_answer *answer, struct err *err)
{
    if (body->failed) {
        *answer = (struct aws_answer){0};
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to the queue");
    }
    req->body = buf_view(body);
    return aws_call(q->client, req, mem, answer, err);
}

/* ---- send ---- */

static bool refuse(struct queue_entry *e, const char *reason)
{
    e->sender_fault = true;
    snprintf(e->reason, sizeof(e->reason), "%s", reason);
    return false;
}

static bool group_is_legal(struct text group)
{
    for (size_t i = 0; i < group.n; i++) {
        if (group.p[i] <= ' ' || group.p[i] > '~')
            return false;
    }
    return group.n <= GROUP_MAX;
}

static bool entry_check(struct queue_entry *e)
{
    e->accepted = e->sender_fault = false;
    e->reason[0] = '\0';
    if (e->body.n == 0)
        return refuse(e, "the body is empty");
    if (e->body.n > QUEUE_BODY_MAX)
        return refuse(e, "the body is too long");
    if (!queue_body_is_legal(e->body))
        return refuse(e, "the body holds characters that SQS does not take");
    if (!group_is_legal(e->group))
        return refuse(e, "the group is too long or holds characters that SQS does not take");
    return true;
}

static int delay_of(const struct queue_entry *e)
{
    if (e->delay_s < 0)
        return 0;
    return e->delay_s > QUEUE_DELAY_MAX_S ? QUEUE_DELAY_MAX_S : e->delay_s;
}

static void put_entry(struct json_out *j, const struct queue_entry *e, size_t index)
{
    char id[8];
    snprintf(id, sizeof(id), "%zu", index);
    json_begin_object(j);
    json_put_str(j, "Id", id);
    json_put_text(j, "MessageBody", e->body);
    json_put_int(j, "DelaySeconds", delay_of(e));
    if (e->group.n > 0)
        json_put_text(j, "MessageGroupId", e->group);
    json_end_object(j);
}

/* Entries from..to that are no sender's fault, in one call. */
static bool send_part(struct queue *q, struct queue_entry *entries, size_t from, size_t to, struct arena *mem,
                      struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    body_begin(q, &body, &j);
    json_key(&j, "Entries");
    json_begin_array(&j);
    for (size_t i = from; i < to; i++) {
        if (!entries[i].sender_fault)
            put_entry(&j, &entries[i], i);
    }
    json_end_array(&j);
    json_end_object(&j);
    struct aws_request req = {.action = "SendMessageBatch"};
    struct aws_answer answer;
    return call(q, &req, &body, mem, &answer, err) && queue_parse_send(answer.body, entries, to, err);
}

/* The end of the longest run from `from` that one batch can carry; *count: how many of it are to be sent. */
static size_t part_end(const struct queue_entry *entries, size_t from, size_t n, size_t *count)
{
    size_t bytes = 0, i = from;
    *count = 0;
    for (; i < n; i++) {
        if (entries[i].sender_fault)
            continue;
        bytes += entries[i].body.n + entries[i].group.n;
        if (bytes > BATCH_BYTES_MAX && *count > 0)
            break;
        ++*count;
    }
    return i;
}

static void give_reason(struct queue_entry *entries, size_t n, const char *reason)
{
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].accepted && !entries[i].reason[0])
            snprintf(entries[i].reason, sizeof(entries[i].reason), "%.119s", reason);
    }
}

static bool any_accepted(const struct queue_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (entries[i].accepted)
            return true;
    }
    return false;
}

bool queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *mem, struct err *err)
{
    if (n > QUEUE_BATCH_MAX)
        return err_set(err, ERR_INTERNAL, "Too many messages for one batch");
    for (size_t i = 0; i < n; i++)
        entry_check(&entries[i]);
    for (size_t from = 0; from < n;) {
        size_t count, to = part_end(entries, from, n, &count);
        struct err why = {0};
        if (count > 0 && !send_part(q, entries, from, to, mem, &why)) {
            give_reason(entries, n, why.cause[0] ? why.cause : why.detail);
            if (any_accepted(entries, n))
                return true;
            *err = why;
            return false;
        }
        from = to;
    }
    give_reason(entries, n, "the answer did not name this entry");
    return true;
}

/* ---- receive ---- */

static int within(int value, int least, int most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

static void put_receive(struct json_out *j, size_t max, int wait_s, int visibility_s)
{
    static const char *const ATTRIBUTES[] = {"ApproximateReceiveCount", "SentTimestamp",
                                             "ApproximateFirstReceiveTimestamp"};
    json_put_int(j, "MaxNumberOfMessages", (int64_t)max);
    json_put_int(j, "WaitTimeSeconds", wait_s);
    json_put_int(j, "VisibilityTimeout", within(visibility_s, 0, VISIBILITY_MAX_S));
    json_key(j, "MessageSystemAttributeNames");
    json_begin_array(j);
    for (size_t i = 0; i < ARRAY_LEN(ATTRIBUTES); i++)
        json_text(j, text_of(ATTRIBUTES[i]));
    json_end_array(j);
    json_end_object(j);
}

bool queue_receive(struct queue *q, size_t max, int wait_s, int visibility_s, struct arena *mem,
                   struct queue_message *messages, size_t *count, struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    max = max < 1 ? 1 : max > QUEUE_BATCH_MAX ? QUEUE_BATCH_MAX : max;
    wait_s = within(wait_s, 0, WAIT_MAX_S);
    body_begin(q, &body, &j);
    put_receive(&j, max, wait_s, visibility_s);
    struct aws_request req = {
        .action = "ReceiveMessage", .total_timeout_ms = wait_s * 1000 + RECEIVE_SLACK_MS, .cancellable = true};
    struct aws_answer answer;
    struct err why = {0};
    if (call(q, &req, &body, mem, &answer, &why))
        return queue_parse_receive(answer.body, max, mem, messages, count, err);
    if (aws_client_cancelled(q->client)) {
        *count = 0;
        return true;
    }
    *err = why;
    return false;
}

/* ---- delete, depth ---- */

bool queue_delete(struct queue *q, struct text receipt, struct arena *mem, struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    body_begin(q, &body, &j);
    json_put_text(&j, "ReceiptHandle", receipt);
    json_end_object(&j);
    struct aws_request req = {.action = "DeleteMessage"};
    struct aws_answer answer;
    struct err why = {0};
    if (call(q, &req, &body, mem, &answer, &why) || strcmp(answer.code, "ReceiptHandleIsInvalid") == 0)
        return true;
    *err = why;
    return false;
}

static const char *const DEPTHS[] = {"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                                     "ApproximateNumberOfMessagesDelayed"};

static bool read_depths(struct text answer, int64_t values[ARRAY_LEN(DEPTHS)])
{
    struct err why = {0};
    const struct json_node *attributes = NULL;
    AUTO(json_doc) struct json_doc *doc = json_parse(answer, &why);
    if (!doc || json_kind(json_root(doc)) != JSON_OBJECT || !json_get(json_root(doc), "Attributes", &attributes) ||
        json_kind(attributes) != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(DEPTHS); i++) {
        if (!text_to_int64(json_get_text(attributes, DEPTHS[i]), &values[i]))
            return false;
    }
    return true;
}

bool queue_depth(struct queue *q, int64_t *visible, int64_t *in_flight, int64_t *delayed, struct arena *mem,
                 struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    int64_t values[ARRAY_LEN(DEPTHS)];
    body_begin(q, &body, &j);
    json_key(&j, "AttributeNames");
    json_begin_array(&j);
    for (size_t i = 0; i < ARRAY_LEN(DEPTHS); i++)
        json_text(&j, text_of(DEPTHS[i]));
    json_end_array(&j);
    json_end_object(&j);
    struct aws_request req = {.action = "GetQueueAttributes"};
    struct aws_answer answer;
    if (!call(q, &req, &body, mem, &answer, err))
        return false;
    if (!read_depths(answer.body, values)) {
        err_set(err, ERR_UNAVAILABLE, "The queue's answer could not be read");
        return err_cause(err, "sqs: the answer to GetQueueAttributes lacks the counts");
    }
    *visible = values[0];
    *in_flight = values[1];
    *delayed = values[2];
    return true;
}
