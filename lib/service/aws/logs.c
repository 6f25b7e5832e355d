#include "service/aws/logs.h"

#include "base/buf.h"
#include "base/json.h"
#include "service/aws/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 512 + 1, /* of groups and streams */
    ENDPOINT_MAX = 512,
    MARK_MAX = 64,
    /* Text of quotes doubles in JSON; control characters, which take six bytes, our lines do not have. */
    JSON_MAX = 2 * LOGS_BATCH_BYTES_MAX + 64 * LOGS_BATCH_EVENTS_MAX,
    RESPONSE_MAX = 64 * 1024
};

struct logs {
    struct aws_client *client;
    char group[NAME_MAX_BYTES], stream[NAME_MAX_BYTES];
};

/* ---- life ---- */

static bool copy_name(char *out, const char *name)
{
    struct text t = text_of(name);
    if (t.n == 0 || t.n >= NAME_MAX_BYTES)
        return false;
    memcpy(out, t.p, t.n + 1);
    return true;
}

static bool logs_init(struct logs *l, const struct logs_options *o, struct aws_credentials *creds, struct err *err)
{
    char own[ENDPOINT_MAX];
    if (!copy_name(l->group, o->group) || !copy_name(l->stream, o->stream))
        return err_set(err, ERR_INTERNAL, "The log group or the stream has no name, or one that is too long");
    snprintf(own, sizeof own, "https://logs.%s.amazonaws.com", o->region ? o->region : "");
    struct aws_client_options client = {.service = "logs",
                                        .region = o->region,
                                        .endpoint_url = o->endpoint_url && *o->endpoint_url ? o->endpoint_url : own,
                                        .target_prefix = "Logs_20140328",
                                        .content_type = "application/x-amz-json-1.1",
                                        .connect_timeout_ms = o->connect_timeout_ms,
                                        .total_timeout_ms = o->total_timeout_ms,
                                        .response_max = RESPONSE_MAX,
                                        .handles = 1};
    l->client = aws_client_open(&client, creds, err);
    return l->client != NULL;
}

struct logs *logs_open(const struct logs_options *opts, struct aws_credentials *creds, struct err *err)
{
    struct logs *l = calloc(1, sizeof *l);
    if (!l) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for the client of the log group");
        return NULL;
    }
    if (logs_init(l, opts, creds, err))
        return l;
    logs_close(l);
    return NULL;
}

void logs_close(struct logs *l)
{
    if (!l)
        return;
    aws_client_close(l->client);
    free(l);
}

void logs_cancel(struct logs *l)
{
    aws_client_cancel(l->client);
}

/* ---- a batch ---- */

static size_t counted(struct text message)
{
    size_t n = message.n + LOGS_EVENT_EXTRA_BYTES;
    return n < LOGS_EVENT_BYTES_MAX ? n : LOGS_EVENT_BYTES_MAX;
}

bool logs_batch_add(struct logs_batch *b, const struct logs_event *event)
{
    int64_t first = b->events && b->first_ms < event->at_ms ? b->first_ms : event->at_ms;
    int64_t last = b->events && b->last_ms > event->at_ms ? b->last_ms : event->at_ms;
    size_t bytes = b->bytes + counted(event->message);
    if (b->events == LOGS_BATCH_EVENTS_MAX || bytes > LOGS_BATCH_BYTES_MAX || last - first > LOGS_BATCH_SPAN_MS)
        return false;
    *b = (struct logs_batch){.events = b->events + 1, .bytes = bytes, .first_ms = first, .last_ms = last};
    return true;
}

/* By insertion: lines come nearly in order, and events of one time must keep theirs. */
static void sort_by_time(struct logs_event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct logs_event e = events[i];
        size_t to = i;
        for (; to > 0 && events[to - 1].at_ms > e.at_ms; to--)
            events[to] = events[to - 1];
        events[to] = e;
    }
}

/* The message as it is sent: whole, or as much of it as leaves room for the mark. */
static bool message_of(const struct logs_event *event, struct arena *mem, struct text *out)
{
    static const size_t MOST = LOGS_EVENT_BYTES_MAX - LOGS_EVENT_EXTRA_BYTES;
    *out = event->message;
    if (out->n <= MOST)
        return true;
    char mark[MARK_MAX];
    int mark_n = snprintf(mark, sizeof mark, "... [cut, %zu bytes in all]", event->message.n);
    size_t keep = MOST - (size_t)mark_n;
    while (keep > 0 && ((unsigned char)event->message.p[keep] & 0xC0) == 0x80) /* no half characters */
        keep--;
    char *cut = arena_alloc(mem, keep + (size_t)mark_n + 1);
    if (!cut)
        return false;
    memcpy(cut, event->message.p, keep);
    memcpy(cut + keep, mark, (size_t)mark_n);
    *out = (struct text){cut, keep + (size_t)mark_n};
    return true;
}

static void begin(const struct logs *l, struct buf *body, struct json_out *j)
{
    buf_init(body, JSON_MAX);
    json_out_init(j, body);
    json_begin_object(j);
    json_put_str(j, "logGroupName", l->group);
}

static bool put_events(struct json_out *j, const struct logs_event *events, size_t n, struct arena *mem)
{
    json_key(j, "logEvents");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        struct text message;
        if (!message_of(&events[i], mem, &message))
            return false;
        json_begin_object(j);
        json_put_int(j, "timestamp", events[i].at_ms);
        json_put_text(j, "message", message);
        json_end_object(j);
    }
    json_end_array(j);
    return true;
}

/* ---- calls ---- */

static bool call(struct logs *l, const char *action, const struct buf *body, struct arena *mem,
                 struct aws_answer *answer, struct err *err)
{
    struct aws_request req = {.action = action, .body = buf_view(body), .cancellable = true};
    *answer = (struct aws_answer){0};
    if (body->failed)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to the log group");
    return aws_call(l->client, &req, mem, answer, err);
}

/* Somebody else may have made it meanwhile. */
static bool make(struct logs *l, bool stream, struct arena *mem, struct aws_answer *answer, struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    struct err why = {0};
    begin(l, &body, &j);
    if (stream)
        json_put_str(&j, "logStreamName", l->stream);
    json_end_object(&j);
    if (call(l, stream ? "CreateLogStream" : "CreateLogGroup", &body, mem, answer, &why) ||
        strcmp(answer->code, "ResourceAlreadyExistsException") == 0)
        return true;
    *err = why;
    return false;
}

static bool make_stream(struct logs *l, struct arena *mem, struct err *err)
{
    struct aws_answer answer;
    struct err why = {0};
    if (make(l, true, mem, &answer, &why))
        return true;
    if (strcmp(answer.code, "ResourceNotFoundException") != 0) {
        *err = why;
        return false;
    }
    return make(l, false, mem, &answer, err) && make(l, true, mem, &answer, err);
}

/* rejectedLogEventsInfo: ends are exclusive, the start is the first of those too far ahead. */
static size_t rejected_of(struct text answer, size_t n)
{
    struct err why = {0};
    const struct json_node *info = NULL;
    AUTO(json_doc) struct json_doc *doc = json_parse(answer, &why);
    if (!doc || json_kind(json_root(doc)) != JSON_OBJECT || !json_get(json_root(doc), "rejectedLogEventsInfo", &info) ||
        json_kind(info) != JSON_OBJECT)
        return 0;
    int64_t all = (int64_t)n;
    int64_t old = json_get_int(info, "tooOldLogEventEndIndex", 0);
    int64_t expired = json_get_int(info, "expiredLogEventEndIndex", 0);
    int64_t ahead = json_get_int(info, "tooNewLogEventStartIndex", all);
    int64_t sum = (old > expired ? old : expired) + all - (ahead >= 0 && ahead < all ? ahead : all);
    return sum < 0 ? 0 : sum > all ? n : (size_t)sum;
}

static enum logs_outcome outcome_of(const struct aws_answer *answer, const struct err *err)
{
    if (strcmp(answer->code, "DataAlreadyAcceptedException") == 0)
        return LOGS_TAKEN;
    if (strcmp(answer->code, "InvalidSequenceTokenException") == 0)
        return LOGS_LATER;
    return err->code == ERR_INTERNAL ? LOGS_REFUSED : LOGS_LATER;
}

enum logs_outcome logs_put(struct logs *l, struct logs_event *events, size_t n, struct arena *mem, size_t *rejected,
                           struct err *err)
{
    AUTO(buf) struct buf body;
    struct json_out j;
    struct aws_answer answer;
    struct err why = {0};
    *rejected = 0;
    sort_by_time(events, n);
    begin(l, &body, &j);
    json_put_str(&j, "logStreamName", l->stream);
    if (!put_events(&j, events, n, mem)) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for a batch of log lines");
        return LOGS_LATER;
    }
    json_end_object(&j);
    bool done = call(l, "PutLogEvents", &body, mem, &answer, &why);
    if (!done && strcmp(answer.code, "ResourceNotFoundException") == 0) {
        if (!make_stream(l, mem, err))
            return LOGS_LATER;
        done = call(l, "PutLogEvents", &body, mem, &answer, &why);
    }
    if (done) {
        *rejected = rejected_of(answer.body, n);
        return LOGS_TAKEN;
    }
    enum logs_outcome outcome = outcome_of(&answer, &why);
    if (outcome != LOGS_TAKEN)
        *err = why;
    return outcome;
}
