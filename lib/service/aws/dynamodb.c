#include "service/aws/dynamodb.h"

#include "base/clock.h"
#include "service/aws/dynamodb_internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENDPOINT_MAX = 160,
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 2 * DYNAMODB_RESPONSE_MAX + 1024 * 1024,
    SILENT_TRIES = 2 /* when no answer comes: most likely it is down, and others wait for the handle */
};

struct dynamodb {
    struct aws_client *client;
    int total_timeout_ms, deadline_ms;
    atomic_llong looked_at;
};

/* ---- life ---- */

static bool init(struct dynamodb *d, const struct dynamodb_options *o, struct aws_credentials *creds, struct err *err)
{
    char own[ENDPOINT_MAX];
    snprintf(own, sizeof(own), "https://dynamodb.%s.amazonaws.com", o->region ? o->region : "");
    const struct aws_client_options client = {
        .service = "dynamodb",
        .region = o->region,
        .target_prefix = "DynamoDB_20120810",
        .content_type = "application/x-amz-json-1.0",
        .endpoint_url = o->endpoint_url && *o->endpoint_url ? o->endpoint_url : own,
        .connect_timeout_ms = o->connect_timeout_ms,
        .total_timeout_ms = o->total_timeout_ms,
        .response_max = DYNAMODB_RESPONSE_MAX,
        .handles = o->handles,
    };
    d->total_timeout_ms = o->total_timeout_ms;
    d->deadline_ms = o->deadline_ms;
    return (d->client = aws_client_open(&client, creds, err)) != NULL;
}

struct dynamodb *dynamodb_open(const struct dynamodb_options *opts, struct aws_credentials *creds, struct err *err)
{
    struct dynamodb *d = calloc(1, sizeof(*d));
    if (!d) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for DynamoDB's client");
        return NULL;
    }
    if (init(d, opts, creds, err))
        return d;
    dynamodb_close(d);
    return NULL;
}

void dynamodb_close(struct dynamodb *d)
{
    if (!d)
        return;
    aws_client_close(d->client);
    free(d);
}

void dynamodb_count(struct dynamodb *d, int64_t looked_at)
{
    atomic_fetch_add(&d->looked_at, looked_at);
}

int64_t dynamodb_looked_at(const struct dynamodb *d)
{
    return atomic_load(&d->looked_at);
}

/* ---- one verb ---- */

void dynamodb_call_again(struct dynamodb_call *c)
{
    buf_reset(&c->body);
    json_out_init(&c->json, &c->body);
    json_begin_object(&c->json);
}

bool dynamodb_call_begin(struct dynamodb_call *c, struct dynamodb *d, const char *action, struct err *err)
{
    *c = (struct dynamodb_call){.db = d, .action = action};
    buf_init(&c->body, DYNAMODB_REQUEST_MAX);
    dynamodb_call_again(c);
    c->deadline_ms = clock_monotonic_ms() + d->deadline_ms;
    c->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    return c->mem || err_set(err, ERR_NO_MEMORY, "There is no memory for a call to DynamoDB");
}

void dynamodb_call_end(struct dynamodb_call *c)
{
    buf_release(&c->body);
    arena_free(c->mem);
    c->mem = NULL;
}

bool dynamodb_call_pause(struct dynamodb_call *c)
{
    return aws_pause(c->tries, c->deadline_ms);
}

static bool send_once(struct dynamodb_call *c, struct err *err)
{
    int64_t left = c->deadline_ms - clock_monotonic_ms();
    const struct dynamodb *d = c->db;
    const struct aws_request req = {.action = c->action,
                                    .body = buf_view(&c->body),
                                    .total_timeout_ms = left < d->total_timeout_ms ? (int)left : d->total_timeout_ms};
    c->answer = (struct aws_answer){0};
    if (left <= 0)
        return err_set(err, ERR_UNAVAILABLE, "An outside service did not answer in time");
    arena_reset(c->mem);
    if (!aws_call(d->client, &req, c->mem, &c->answer, err))
        return false;
    if (dynamodb_crc_fits(c->answer.body, c->answer.crc32))
        return true;
    c->answer.status = 0;
    err_set(err, ERR_UNAVAILABLE, "An outside service's answer could not be read");
    return err_cause(err, "dynamodb.%s: the answer does not fit its x-amz-crc32", c->action);
}

static bool may_try_again(const struct dynamodb_call *c)
{
    return c->answer.status == 0 ? c->tries < SILENT_TRIES : dynamodb_is_transient(&c->answer);
}

bool dynamodb_call_run(struct dynamodb_call *c, struct err *err)
{
    json_end_object(&c->json);
    if (c->body.failed)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to DynamoDB");
    for (;;) {
        struct err why = {0};
        if (send_once(c, &why))
            return true;
        c->tries++;
        if (why.code != ERR_UNAVAILABLE || !may_try_again(c) || !dynamodb_call_pause(c)) {
            *err = why;
            return false;
        }
    }
}
