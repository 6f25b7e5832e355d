#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "http/auth.h"
#include "http/body.h"
#include "http/cors.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/measure.h"
#include "http/problem.h"
#include "http/upload.h"
#include "service/log.h"

enum {
    URI_IN_LOG_MAX = 200,
    EXPORT_DEADLINE_MS = 25 * 1000, /* contract 3.18 */
    CHAT_MARGIN_MS = 1000,          /* for what comes after the answer of a provider: masking, saving */
};

/* ---- what the answer carries around its body ---- */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } ROWS[] = {{200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {204, "No Content"},
                {304, "Not Modified"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {409, "Conflict"},
                {410, "Gone"},
                {412, "Precondition Failed"},
                {413, "Content Too Large"},
                {415, "Unsupported Media Type"},
                {422, "Unprocessable Content"},
                {429, "Too Many Requests"},
                {500, "Internal Server Error"},
                {503, "Service Unavailable"}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (ROWS[i].status == status)
            return ROWS[i].text;
    return "Status";
}

static void put_header(struct buf *head, const char *name, struct text value)
{
    /* A line break in a value would end it and begin a header of someone's choice. */
    if (text_has_control(value, false))
        return;
    buf_str(head, name);
    buf_str(head, ": ");
    buf_text(head, value);
    buf_str(head, "\r\n");
}

static void head_begin(struct exchange *x)
{
    buf_reset(&x->head);
    x->head.failed = false;
    buf_str(&x->head, "Status: ");
    buf_int(&x->head, x->res.status);
    buf_char(&x->head, ' ');
    buf_str(&x->head, reason(x->res.status));
    buf_str(&x->head, "\r\n");
    put_header(&x->head, "X-Request-Id", text_of(x->request_id));
    cors_headers(&x->head, &x->app->config, x->call.origin);
}

/* RateLimit-Policy tells the limits, RateLimit what is left of them (IETF draft httpapi-ratelimit-headers). */
static void put_limits(struct exchange *x)
{
    for (size_t i = 0; i < x->verdict_count; i++) {
        const struct rate_policy *p = &x->verdicts[i].policy;
        buf_printf(&x->head, "%s\"%s\";q=%" PRId64 ";w=%" PRId64, i ? ", " : "RateLimit-Policy: ", p->name, p->burst,
                   p->period_ms / 1000);
    }
    for (size_t i = 0; i < x->verdict_count; i++) {
        const struct rate_verdict *v = &x->verdicts[i].verdict;
        buf_printf(&x->head, "%s\"%s\";r=%" PRId64 ";t=%d", i ? ", " : "\r\nRateLimit: ", x->verdicts[i].policy.name,
                   v->remaining, v->reset_seconds);
    }
    if (x->verdict_count)
        buf_str(&x->head, "\r\n");
}

static void head_write(struct exchange *x)
{
    const struct response *res = &x->res;
    head_begin(x);
    const char *cache = res->no_store ? "no-store" : res->cache_control ? res->cache_control : "private, no-cache";
    if (*cache)
        put_header(&x->head, "Cache-Control", text_of(cache));
    for (size_t i = 0; i < res->header_count; i++)
        put_header(&x->head, res->headers[i].name, res->headers[i].value);
    put_limits(x);
    if (res->status != 204 && res->status != 304) {
        put_header(&x->head, "Content-Type", text_of(res->content_type));
        buf_str(&x->head, "Content-Length: ");
        buf_int(&x->head, res->has_file ? res->file_size : (int64_t)x->body.n);
        buf_str(&x->head, "\r\n");
    }
    buf_str(&x->head, "\r\n");
}

void dispatch_stream_head(struct exchange *x)
{
    x->res.status = 200;
    head_begin(x);
    put_limits(x);
    buf_str(&x->head, "Cache-Control: no-store\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\n");
}

static void log_failure(const struct exchange *x, const struct err *err)
{
    int status = err_row(err->code)->status;
    char what[URI_IN_LOG_MAX];
    struct text path = x->call.path;
    if (path.n > URI_IN_LOG_MAX / 2)
        path.n = URI_IN_LOG_MAX / 2;
    snprintf(what, sizeof(what), "%d %.*s %.*s", status, TEXT_ARG(text_slice(x->in.params.method, 0, 16)),
             TEXT_ARG(path));
    log_err(status >= 500 ? LOG_ERROR : LOG_INFO, "http", what, err);
}

static void answer_error(struct exchange *x, const struct err *err)
{
    log_failure(x, err);
    problem_write(&x->res, err, x->call.path, text_of(x->request_id), x->mem);
}

/* ---- the steps, in order ---- */

static bool is_visible(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= 0x20 || t.p[i] > 0x7E)
            return false;
    return t.n > 0;
}

static void take_request_id(struct exchange *x)
{
    struct text given = x->in.params.request_id;
    if (given.n <= REQUEST_ID_MAX && is_visible(given)) {
        memcpy(x->request_id, given.p, given.n);
        x->request_id[given.n] = '\0';
    } else {
        uuid7(x->call.scope.now_ms, x->request_id);
    }
    log_request_id(x->request_id);
}

static void call_init(struct exchange *x)
{
    const struct params *p = &x->in.params;
    struct app *app = x->app;
    x->began_us = clock_monotonic_us();
    x->deadline_ms = x->began_us / 1000 + REQUEST_DEADLINE_MS;
    x->raw_body = TEXT_NONE;
    x->answer_cacheable = false;
    x->verdict_count = 0;
    x->stream = (struct stream){.x = x};
    x->cache[0] = x->cache[1] = (struct cache_slot){0};
    x->call = (struct call){
        .app = app,
        .scope = {.mem = x->mem,
                  .now_ms = clock_now_ms(),
                  .large_amount_default = app->config.large_transaction_amount},
        .path = p->path,
        .raw_query = p->query,
        .client_address = p->remote_addr,
        .platform = p->platform,
        .origin = p->origin,
        .user_agent = p->user_agent,
        .accept = p->accept,
        .fetch_site = p->fetch_site,
        .if_match = p->if_match,
        .if_none_match = p->if_none_match,
        .idempotency_key = p->idempotency_key,
        .host = p->host,
        .forwarded_proto = p->forwarded_proto,
        .range = p->range,
        .if_range = p->if_range,
        .storage_status = p->storage_status,
        .stream = &x->stream,
        .deadline_ms = x->deadline_ms,
        .loopback = text_eq(p->remote_addr, TEXT("127.0.0.1")) || text_eq(p->remote_addr, TEXT("::1")),
    };
    x->call.scope.today = zone_date(app->config.zone, x->call.scope.now_ms);
    x->res = (struct response){.body = &x->body};
    response_reset(&x->res);
    take_request_id(x);
    x->call.request_id = text_of(x->request_id);
}

static bool find_route(struct exchange *x, enum method method, struct err *err)
{
    struct text path = x->call.path;
    struct route_match match = {0};
    if (text_starts(path, TEXT(BASE_PATH "/")))
        route_find(method, text_slice(path, sizeof(BASE_PATH) - 1, path.n), &match);
    if (match.route) {
        x->call.route = match.route;
        memcpy(x->call.ids, match.ids, sizeof(x->call.ids));
        x->call.word = match.word;
        return true;
    }
    if (!match.path_known)
        return err_set(err, ERR_NOT_FOUND, "There is no such address");
    err_set(err, ERR_METHOD_NOT_ALLOWED, "Allowed: %s", match.allow);
    return false;
}

/* A write that the browser's cookie alone speaks for must come from one of our own pages. */
static bool check_origin(const struct exchange *x, struct err *err)
{
    const struct call *call = &x->call;
    if (!call->signed_in || !call->from_cookie || call->route->method == METHOD_GET ||
        config_origin_allowed(&x->app->config, call->origin))
        return true;
    return err_set(err, ERR_FORBIDDEN_ORIGIN, "The Origin of this request is not allowed");
}

static bool check_limits(struct exchange *x, struct err *err)
{
    const struct route *route = x->call.route;
    /* The limit of an account went with its session. */
    if (route->rate == RATE_NONE || (limits_count_account(route->rate) && x->call.signed_in))
        return true;
    return limits_by_address(x, err);
}

static bool run_read(struct exchange *x, struct err *err)
{
    struct call *call = &x->call;
    if (x->answer_cacheable && x->cache[1].hit) {
        x->answer_cacheable = false;
        buf_text(&x->body, x->cache[1].value);
        return true;
    }
    return (call->route->access == NO_DB || call_db(call, err)) && call->route->handler(call, &x->res, err);
}

static bool run(struct exchange *x, struct err *err)
{
    if (x->call.route->upload && !upload_read(x, err))
        return false;
    bool ok = x->call.route->access == WRITES ? command_run(x, err) : run_read(x, err);
    if (ok && x->body.failed)
        return err_set(err, ERR_INTERNAL, "The answer is too large");
    return ok;
}

/* What a model is asked for may take as long as its setting says, from the moment it was asked for. */
static void give_more_time(struct exchange *x)
{
    if (x->call.route->lane == LANE_CHAT || x->call.route->lane == LANE_RECEIPTS)
        x->deadline_ms += x->app->config.chat_timeout_seconds * 1000 - REQUEST_DEADLINE_MS - CHAT_MARGIN_MS;
    if (x->call.route->lane == LANE_EXPORTS)
        x->deadline_ms += EXPORT_DEADLINE_MS - REQUEST_DEADLINE_MS;
    x->call.deadline_ms = x->deadline_ms;
}

static bool prepare(struct exchange *x, enum method method, struct err *err)
{
    return find_route(x, method, err) && authenticate(x, err) && check_origin(x, err) &&
           (x->call.route->upload ? upload_check(x, err) : body_read(x, err)) && inputs_read(x, err) &&
           check_limits(x, err);
}

/* A cached route's answer without headers of its own can be given again as it is. */
static void keep_answer(struct exchange *x)
{
    if (x->answer_cacheable && x->res.status == 200 && x->res.header_count == 0 && x->body.n <= CACHE_VALUE_MAX)
        cache_write(x->app->redis, &x->cache[1], buf_view(&x->body), x->mem);
}

static void answer_preflight(struct exchange *x)
{
    x->res.status = 204;
    head_begin(x);
    cors_preflight(&x->head, &x->app->config, x->call.origin);
    buf_str(&x->head, "\r\n");
}

static struct text allow_of(const struct exchange *x, const struct err *err)
{
    static const size_t PREFIX = sizeof("Allowed: ") - 1;
    return err->code == ERR_METHOD_NOT_ALLOWED && strlen(err->detail) > PREFIX
               ? arena_text(x->mem, text_of(err->detail + PREFIX))
               : TEXT_NONE;
}

/* What was begun as a stream of events ends as one. */
static void end_stream(struct exchange *x, bool ok, const struct err *err)
{
    if (!ok) {
        answer_error(x, err);
        stream_event(&x->call, "error", buf_view(&x->body));
    }
    buf_reset(&x->head);
    buf_reset(&x->body);
}

static void complete(struct exchange *x, bool ok, struct err *err)
{
    db_give(x->call.scope.db);
    x->call.scope.db = NULL;
    if (x->stream.begun) {
        end_stream(x, ok, err);
        measure_answer(x, ok ? NULL : err);
        return;
    }
    if (ok) {
        if (x->is_head || (x->call.route && x->call.route->method == METHOD_GET))
            response_not_modified(&x->call, &x->res);
        keep_answer(x);
    } else {
        answer_error(x, err);
        struct text allow = allow_of(x, err);
        if (allow.n)
            response_header(&x->res, "Allow", allow);
    }
    head_write(x);
    if (x->head.failed) {
        err_set(err, ERR_INTERNAL, "The answer's headers are too long");
        answer_error(x, err);
        head_write(x);
        ok = false;
    }
    measure_answer(x, ok ? NULL : err);
}

bool dispatch_begin(struct exchange *x)
{
    struct err err = {0};
    call_init(x);
    enum method method = method_read(x->in.params.method);
    x->is_head = x->call.is_head = method == METHOD_HEAD;
    if (method == METHOD_OPTIONS) {
        answer_preflight(x);
        return true;
    }
    if (!prepare(x, method, &err)) {
        complete(x, false, &err);
        return true;
    }
    give_more_time(x);
    if (x->call.route->lane != LANE_REQUEST) {
        /* The session may have been looked up in the database. */
        db_give(x->call.scope.db);
        x->call.scope.db = NULL;
        return false;
    }
    dispatch_finish(x);
    return true;
}

void dispatch_finish(struct exchange *x)
{
    struct err err = {0};
    complete(x, run(x, &err), &err);
}

void dispatch_refuse(struct exchange *x)
{
    struct err err = {0};
    err_set(&err, ERR_UNAVAILABLE, "Too many requests of this kind wait already");
    err.retry_after_seconds = 5;
    complete(x, false, &err);
}

void dispatch(struct exchange *x)
{
    if (!dispatch_begin(x))
        dispatch_finish(x);
}
