#include "service/aws/call.h"

#include "base/clock.h"
#include "base/id.h"
#include "service/aws/sigv4.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_LEN = 64, ENDPOINT_MAX = 512, TARGET_MAX = 128, ERROR_BODY_MAX = 4096 };
enum { PAUSE_FIRST_MS = 25, PAUSE_MAX_MS = 1000 };
/* AWS allows 15 minutes. A smaller difference than this did not cause the refusal, so signing again would not help. */
enum { SKEW_LEAST_MS = 60 * 1000 };

struct aws_client {
    struct http *http;
    struct aws_credentials *creds;
    char service[NAME_MAX_LEN], region[NAME_MAX_LEN], target_prefix[NAME_MAX_LEN], content_type[NAME_MAX_LEN];
    char endpoint[ENDPOINT_MAX], host[ENDPOINT_MAX];
    atomic_llong clock_offset_ms; /* AWS's clock less ours */
};

/* ---- endpoint ---- */

bool aws_endpoint_of(const char *url, char *out, size_t cap)
{
    struct text t = text_of(url);
    size_t scheme = text_starts(t, TEXT("https://")) ? 8 : text_starts(t, TEXT("http://")) ? 7 : 0;
    if (scheme == 0 || text_has_control(t, false))
        return false;
    size_t host = strcspn(url + scheme, "/?#");
    if (host == 0 || memchr(url + scheme, '@', host) || scheme + host >= cap)
        return false;
    memcpy(out, url, scheme + host);
    out[scheme + host] = '\0';
    return true;
}

struct text aws_host_of(const char *endpoint, char *out, size_t cap)
{
    const char *sep = strstr(endpoint, "://");
    struct text host = text_of(sep ? sep + 3 : endpoint);
    bool https = text_starts(text_of(endpoint), TEXT("https://"));
    struct text port = https ? TEXT(":443") : TEXT(":80");
    if (host.n > port.n && text_eq(text_slice(host, host.n - port.n, host.n), port))
        host.n -= port.n;
    int n = snprintf(out, cap, "%.*s", TEXT_ARG(host));
    return n >= 0 && (size_t)n < cap ? (struct text){out, (size_t)n} : TEXT_NONE;
}

/* ---- life ---- */

static bool copy_name(char out[NAME_MAX_LEN], const char *from)
{
    struct text t = text_of(from);
    if (t.n == 0 || t.n >= NAME_MAX_LEN || text_has_control(t, false))
        return false;
    memcpy(out, t.p, t.n + 1);
    return true;
}

static bool client_init(struct aws_client *c, const struct aws_client_options *o, struct err *err)
{
    if (!copy_name(c->service, o->service) || (o->target_prefix && !copy_name(c->target_prefix, o->target_prefix)) ||
        (o->content_type && !copy_name(c->content_type, o->content_type)))
        return err_set(err, ERR_INTERNAL, "An AWS client lacks its names");
    if (!copy_name(c->region, o->region))
        return err_set(err, ERR_INTERNAL, "The AWS region is missing or too long");
    if (!o->endpoint_url || !aws_endpoint_of(o->endpoint_url, c->endpoint, sizeof(c->endpoint)) ||
        !aws_host_of(c->endpoint, c->host, sizeof(c->host)).p)
        return err_set(err, ERR_INTERNAL, "The address of the AWS service %s is not an http or https URL", c->service);
    struct http_options http = {.connect_timeout_ms = o->connect_timeout_ms,
                                .total_timeout_ms = o->total_timeout_ms,
                                .response_max = o->response_max,
                                .handles = o->handles};
    c->http = http_open(&http, err);
    return c->http != NULL;
}

struct aws_client *aws_client_open(const struct aws_client_options *opts, struct aws_credentials *creds,
                                   struct err *err)
{
    struct aws_client *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for an AWS client");
        return NULL;
    }
    c->creds = creds;
    if (client_init(c, opts, err))
        return c;
    aws_client_close(c);
    return NULL;
}

void aws_client_close(struct aws_client *c)
{
    if (!c)
        return;
    http_close(c->http);
    free(c);
}

void aws_client_cancel(struct aws_client *c)
{
    http_cancel(c->http);
}

bool aws_client_cancelled(const struct aws_client *c)
{
    return http_cancelled(c->http);
}

int64_t aws_client_now_ms(const struct aws_client *c)
{
    return clock_now_ms() + atomic_load(&c->clock_offset_ms);
}

bool aws_pause(unsigned tries, int64_t deadline_ms)
{
    unsigned doublings = tries < 6 ? tries : 6;
    uint32_t most = (uint32_t)PAUSE_FIRST_MS << doublings;
    uint32_t ms = random_below((most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS) + 1);
    if (clock_monotonic_ms() + ms >= deadline_ms)
        return false;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
    return true;
}

/* ---- one attempt ---- */

static bool is_success(int status)
{
    return status >= 200 && status <= 299;
}

/* Parts of a good answer go on; the body of an error is kept as far as it has room. */
struct sieve {
    const struct aws_http *req;
    char error[ERROR_BODY_MAX];
    size_t n;
};

static bool on_part(struct text part, const struct http_response *res, void *to)
{
    struct sieve *s = to;
    if (part.n == 0 || is_success(res->status))
        return s->req->part(part, res, s->req->to);
    size_t room = sizeof(s->error) - s->n, n = part.n < room ? part.n : room;
    memcpy(s->error + s->n, part.p, n);
    s->n += n;
    return true;
}

static bool sign(struct aws_client *c, const struct aws_http *req, const struct aws_keys *keys, struct arena *mem,
                 struct http_header headers[1 + AWS_HEADERS_MAX + 4], size_t *count, struct err *err)
{
    if (req->header_count > AWS_HEADERS_MAX)
        return err_set(err, ERR_INTERNAL, "A call to an outside service has too many headers");
    headers[0] = (struct http_header){"Host", text_of(c->host)};
    for (size_t i = 0; i < req->header_count; i++)
        headers[1 + i] = req->headers[i];
    *count = 1 + req->header_count;
    struct sigv4_request to_sign = {.method = req->method,
                                    .path = req->path,
                                    .query = req->query.p ? req->query : TEXT(""),
                                    .headers = headers,
                                    .header_count = *count,
                                    .body = req->body,
                                    .payload_sha256 = req->payload_sha256,
                                    .region = c->region,
                                    .service = c->service,
                                    .at_ms = aws_client_now_ms(c),
                                    .flags = req->sign_flags};
    struct sigv4_keys view = aws_keys_view(keys);
    struct sigv4_headers added;
    if (!sigv4_sign(&to_sign, &view, mem, &added, err))
        return false;
    memcpy(headers + *count, added.headers, added.count * sizeof(headers[0]));
    *count += added.count;
    return true;
}

static bool send_signed(struct aws_client *c, const struct aws_http *req, const struct aws_keys *keys,
                        struct arena *mem, struct http_response *res, struct err *err)
{
    struct http_header headers[1 + AWS_HEADERS_MAX + 4];
    struct sieve sieve = {.req = req};
    size_t count = 0;
    if (!sign(c, req, keys, mem, headers, &count, err))
        return false;
    char *url = arena_printf(mem, "%s%.*s%s%.*s", c->endpoint, TEXT_ARG(req->path), req->query.n > 0 ? "?" : "",
                             TEXT_ARG(req->query));
    if (!url)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to an outside service");
    struct http_request http = {.method = req->method,
                                .url = url,
                                .headers = headers,
                                .header_count = count,
                                .body = req->body,
                                .file = req->file,
                                .total_timeout_ms = req->total_timeout_ms,
                                .cancellable = req->cancellable,
                                .part = req->part ? on_part : NULL,
                                .to = &sieve};
    if (!http_call(c->http, &http, mem, res, err))
        return false;
    if (sieve.n > 0 && !(res->body = arena_text(mem, (struct text){sieve.error, sieve.n})).p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an outside service's answer");
    return true;
}

/* ---- what cures a refusal ---- */

static bool is_one_of(const char *code, const char *const *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, codes[i]) == 0)
            return true;
    }
    return false;
}

static bool is_skew(const char *code)
{
    static const char *const CODES[] = {"RequestTimeTooSkewed", "RequestExpired", "SignatureDoesNotMatch",
                                        "InvalidSignatureException"};
    return is_one_of(code, CODES, ARRAY_LEN(CODES));
}

static bool is_expired(const char *code)
{
    static const char *const CODES[] = {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClient",
                                        "UnrecognizedClientException", "InvalidClientTokenId"};
    return is_one_of(code, CODES, ARRAY_LEN(CODES));
}

/* Takes AWS's clock from the answer. False when it tells nothing new. */
static bool clock_correct(struct aws_client *c, const struct http_response *res)
{
    int64_t theirs;
    if (!aws_date_parse(http_header_value(res, "date"), &theirs))
        return false;
    int64_t offset = theirs - clock_now_ms(), change = offset - atomic_load(&c->clock_offset_ms);
    if (change > -SKEW_LEAST_MS && change < SKEW_LEAST_MS)
        return false;
    atomic_store(&c->clock_offset_ms, offset);
    return true;
}

struct cures {
    bool clock, keys; /* still to be tried */
};

static bool cure(struct aws_client *c, struct cures *left, const struct http_response *res, const char *code,
                 const struct aws_keys *keys)
{
    if (left->clock && is_skew(code)) {
        left->clock = false;
        return clock_correct(c, res);
    }
    if (left->keys && is_expired(code)) {
        left->keys = false;
        return aws_credentials_renew(c->creds, keys->generation);
    }
    return false;
}

/* ---- the call ---- */

static bool refusal(const struct aws_client *c, const struct aws_request *req, const struct aws_answer *a,
                    struct err *err)
{
    enum err_code code = aws_err_code(a->status, a->code);
    err_set(err, code,
            code == ERR_INTERNAL ? "A request to an outside service was wrong" : "An outside service refused for now");
    return err_cause(err, "%s.%s: status %d %s: %s", c->service, req->action, a->status,
                     *a->code ? a->code : "without an error code", a->message);
}

static void answer_of(const struct http_response *res, struct aws_answer *a)
{
    *a = (struct aws_answer){.status = res->status, .body = res->body, .crc32 = http_header_value(res, "x-amz-crc32")};
    if (!is_success(res->status))
        aws_error_parse(res->body, a);
}

bool aws_send(struct aws_client *c, const struct aws_http *req, struct arena *mem, struct http_response *res,
              struct aws_answer *answer, struct err *err)
{
    struct cures left = {.clock = true, .keys = true};
    AUTO(aws_keys) struct aws_keys keys = {0};
    *answer = (struct aws_answer){0};
    do {
        if (!aws_credentials_get(c->creds, &keys, err) || !send_signed(c, req, &keys, mem, res, err))
            return false;
        answer_of(res, answer);
    } while (!is_success(answer->status) && cure(c, &left, res, answer->code, &keys));
    return true;
}

bool aws_call(struct aws_client *c, const struct aws_request *req, struct arena *mem, struct aws_answer *answer,
              struct err *err)
{
    char target[TARGET_MAX];
    snprintf(target, sizeof(target), "%s.%s", c->target_prefix, req->action);
    const struct http_header headers[] = {{"Content-Type", text_of(c->content_type)},
                                          {"X-Amz-Target", text_of(target)}};
    const struct aws_http http = {.method = "POST",
                                  .path = TEXT("/"),
                                  .headers = headers,
                                  .header_count = ARRAY_LEN(headers),
                                  .body = req->body,
                                  .total_timeout_ms = req->total_timeout_ms,
                                  .cancellable = req->cancellable};
    struct http_response res;
    if (!aws_send(c, &http, mem, &res, answer, err))
        return false;
    return is_success(answer->status) || refusal(c, req, answer, err);
}
