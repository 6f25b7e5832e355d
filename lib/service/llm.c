#include "service/llm.h"

#include <pthread.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "service/http.h"
#include "service/llm_stream.h"

enum {
    URL_MAX = 1024,
    REQUEST_MAX = 1024 * 1024,
    TRIES_MAX = 3,           /* each on another key */
    TRY_AGAIN_MIN_MS = 1000, /* a further try needs this much time */
    BACK_OFF_MS = 1000,      /* of a key after a fault; doubled with each, as far as the next row */
    BACK_OFF_MAX_MS = 30 * 1000,
    REFUSED_MS = 300 * 1000, /* a key that the provider does not know is not asked with for this long */
    RETRY_AFTER_MAX_S = 3600,
    IMAGE_PIECE = 12 * 1024, /* a multiple of three, so that pieces of base64 can stand side by side */
    IMAGE_PIECE_TEXT = IMAGE_PIECE / 3 * 4
};

struct key {
    struct text secret; /* p NULL: the provider needs none */
    int64_t blocked_until_ms;
    int faults;
};

struct llm {
    struct llm_options opts;
    struct http *http;
    char *strings; /* owns url, model and keys */
    const char *url, *model;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t freed;
    size_t running;
    struct key keys[LLM_KEYS_MAX];
    size_t key_count, next;
};

/* ---- opening ---- */

static void keep_keys(struct llm *l, const char *list)
{
    struct text rest = text_of(list), one;
    while (l->key_count < LLM_KEYS_MAX && rest.p && text_split(&rest, ',', &one)) {
        one = text_trim(one);
        if (one.n)
            l->keys[l->key_count++].secret = one;
    }
    if (!l->key_count)
        l->key_count = 1;
}

/* One block: the address of chat completions, the model, the keys. */
static bool keep_strings(struct llm *l)
{
    struct text base = text_of(l->opts.base_url);
    const char *model = l->opts.model ? l->opts.model : "", *keys = l->opts.keys ? l->opts.keys : "";
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    size_t size = URL_MAX + strlen(model) + strlen(keys) + 2;
    char *at = l->strings = calloc(1, size);
    if (!at)
        return false;
    snprintf(at, URL_MAX, "%.*s/chat/completions", TEXT_ARG(base));
    l->url = at;
    memcpy(at + URL_MAX, model, strlen(model) + 1);
    l->model = at + URL_MAX;
    memcpy(at + URL_MAX + strlen(model) + 1, keys, strlen(keys) + 1);
    keep_keys(l, at + URL_MAX + strlen(model) + 1);
    return true;
}

struct llm *llm_open(const struct llm_options *opts, struct err *err)
{
    struct llm *l = calloc(1, sizeof(*l));
    if (!l) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the assistant's provider");
        return NULL;
    }
    l->opts = *opts;
    if (!l->opts.concurrency)
        l->opts.concurrency = 1;
    pthread_mutex_init(&l->lock, NULL);
    bell_cond_init(&l->freed);
    const struct http_options http = {.connect_timeout_ms = opts->connect_timeout_ms,
                                      .total_timeout_ms = opts->total_timeout_ms,
                                      .response_max = LLM_BYTES_MAX,
                                      .handles = l->opts.concurrency};
    if (!keep_strings(l))
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the assistant's provider");
    else if ((l->http = http_open(&http, err)))
        return l;
    llm_close(l);
    return NULL;
}

void llm_close(struct llm *l)
{
    if (!l)
        return;
    http_close(l->http);
    pthread_cond_destroy(&l->freed);
    pthread_mutex_destroy(&l->lock);
    free(l->strings);
    free(l);
}

void llm_cancel(struct llm *l)
{
    if (l)
        http_cancel(l->http);
}

/* ---- keys ---- */

static bool unavailable(struct err *err, int64_t wait_ms, const char *cause)
{
    err_set(err, ERR_UNAVAILABLE, "The assistant's provider is not available");
    err->retry_after_seconds = wait_ms > 0 ? (int)((wait_ms + 999) / 1000) : 5;
    return err_cause(err, "llm: %s", cause);
}

/* The next key in the round that is not resting. NULL with the shortest rest in *err. */
static struct key *next_key(struct llm *l, int64_t now, struct err *err)
{
    int64_t shortest = INT64_MAX;
    for (size_t i = 0; i < l->key_count; i++) {
        struct key *key = &l->keys[(l->next + i) % l->key_count];
        if (key->blocked_until_ms <= now) {
            l->next = (size_t)(key - l->keys) + 1;
            return key;
        }
        if (key->blocked_until_ms - now < shortest)
            shortest = key->blocked_until_ms - now;
    }
    unavailable(err, shortest, "every key rests after faults");
    return NULL;
}

static void block(struct llm *l, struct key *key, int64_t ms)
{
    pthread_mutex_lock(&l->lock);
    int64_t until = clock_monotonic_ms() + ms;
    if (key->blocked_until_ms < until)
        key->blocked_until_ms = until;
    pthread_mutex_unlock(&l->lock);
}

/* Calls that ran beside each other and met one fault count as one. */
static int64_t back_off(struct llm *l, struct key *key)
{
    pthread_mutex_lock(&l->lock);
    if (key->blocked_until_ms <= clock_monotonic_ms() && key->faults < 16)
        key->faults++;
    int64_t ms = (int64_t)BACK_OFF_MS << (key->faults > 0 ? key->faults - 1 : 0);
    pthread_mutex_unlock(&l->lock);
    return ms < BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS;
}

static void worked(struct llm *l, struct key *key)
{
    pthread_mutex_lock(&l->lock);
    key->faults = 0;
    pthread_mutex_unlock(&l->lock);
}

static struct key *take_key(struct llm *l, struct err *err)
{
    for (size_t i = 0; i < l->key_count; i++) {
        pthread_mutex_lock(&l->lock);
        struct key *key = next_key(l, clock_monotonic_ms(), err);
        pthread_mutex_unlock(&l->lock);
        if (!key || !l->opts.key_allowed || l->opts.key_allowed(key->secret, l->opts.to))
            return key;
    }
    unavailable(err, 0, "every key is at its cap");
    return NULL;
}

/* ---- the request ---- */

static void put_tool_calls(struct json_out *j, const struct llm_message *m)
{
    json_key(j, "tool_calls");
    json_begin_array(j);
    for (size_t i = 0; i < m->tool_call_count; i++) {
        json_begin_object(j);
        json_put_text(j, "id", m->tool_calls[i].id);
        json_put_str(j, "type", "function");
        json_key(j, "function");
        json_begin_object(j);
        json_put_text(j, "name", m->tool_calls[i].name);
        json_put_text(j, "arguments", m->tool_calls[i].arguments);
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
}

/* Fills `piece` but at the end of the picture. */
static size_t read_piece(const struct llm_image *image, size_t at, unsigned char piece[IMAGE_PIECE])
{
    size_t n = 0, wanted = image->size - at < IMAGE_PIECE ? image->size - at : IMAGE_PIECE;
    while (n < wanted) {
        ssize_t part = pread(image->fd, piece + n, wanted - n, (off_t)(at + n));
        if (part <= 0)
            break;
        n += (size_t)part;
    }
    return n;
}

static void put_image_url(struct json_out *j, const struct llm_image *image)
{
    unsigned char piece[IMAGE_PIECE], text[IMAGE_PIECE_TEXT + 1];
    buf_printf(j->buf, "\"data:%s;base64,", image->mime);
    for (size_t at = 0, n; at < image->size; at += n) {
        n = read_piece(image, at, piece);
        if (!n) {
            j->buf->failed = true;
            return;
        }
        buf_put(j->buf, text, (size_t)EVP_EncodeBlock(text, piece, (int)n));
    }
    buf_char(j->buf, '"');
    j->comma = true;
}

static void put_picture(struct json_out *j, const struct llm_message *m)
{
    json_key(j, "content");
    json_begin_array(j);
    json_begin_object(j);
    json_put_str(j, "type", "text");
    json_put_text(j, "text", m->content);
    json_end_object(j);
    json_begin_object(j);
    json_put_str(j, "type", "image_url");
    json_key(j, "image_url");
    json_begin_object(j);
    json_key(j, "url");
    put_image_url(j, m->image);
    json_end_object(j);
    json_end_object(j);
    json_end_array(j);
}

static void put_message(struct json_out *j, const struct llm_message *m)
{
    json_begin_object(j);
    json_put_str(j, "role", m->role);
    if (m->image)
        put_picture(j, m);
    else
        json_put_text(j, "content", m->content.p ? m->content : TEXT(""));
    if (m->tool_call_id.n)
        json_put_text(j, "tool_call_id", m->tool_call_id);
    if (m->tool_call_count)
        put_tool_calls(j, m);
    json_end_object(j);
}

static bool body_write(const struct llm *l, const struct llm_request *req, struct buf *out, struct err *err)
{
    struct json_out j;
    json_out_init(&j, out);
    json_begin_object(&j);
    json_put_str(&j, "model", l->model);
    json_put_bool(&j, "stream", true);
    json_key(&j, "messages");
    json_begin_array(&j);
    for (size_t i = 0; i < req->message_count; i++)
        put_message(&j, &req->messages[i]);
    json_end_array(&j);
    if (req->tools.n) {
        json_key(&j, "tools");
        json_raw(&j, req->tools);
    }
    json_end_object(&j);
    return !out->failed || err_set(err, ERR_INTERNAL, "The conversation is too long for the provider");
}

/* ---- one try ---- */

struct attempt {
    struct llm_stream stream;
    const struct llm_request *req;
    bool begun;     /* the stream was opened */
    size_t ignored; /* bytes of a refusal */
};

static bool on_part(struct text part, const struct http_response *res, void *to)
{
    struct attempt *a = to;
    if (part.n && res->status != 200)
        return (a->ignored += part.n) <= LLM_BYTES_MAX;
    if (part.n && !a->begun) {
        struct text type = http_header_value(res, "content-type");
        llm_stream_release(&a->stream);
        llm_stream_init(&a->stream, a->req, text_starts(type, TEXT("application/json")));
        a->begun = true;
    }
    return llm_stream_feed(&a->stream, part);
}

static int64_t retry_after_ms(const struct http_response *res)
{
    int64_t seconds = 0;
    if (!text_to_int64(http_header_value(res, "retry-after"), &seconds) || seconds <= 0)
        return 0;
    return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

/* What the answer's status means for the key; *again when another key may do better. */
static bool refused(struct llm *l, struct key *key, const struct http_response *res, bool *again, struct err *err)
{
    char cause[64];
    int64_t wait = 0;
    *again = res->status == 429 || res->status == 401 || res->status == 403 || res->status >= 500;
    if (res->status == 401 || res->status == 403)
        wait = REFUSED_MS;
    else if (*again) {
        wait = back_off(l, key);
        if (retry_after_ms(res) > wait)
            wait = retry_after_ms(res);
    }
    if (wait)
        block(l, key, wait);
    snprintf(cause, sizeof(cause), "the provider answered %d", res->status);
    return unavailable(err, wait, cause);
}

static bool attempt_call(struct llm *l, struct key *key, const struct llm_request *req, struct text body,
                         int timeout_ms, struct arena *mem, struct attempt *a, struct http_response *res,
                         struct err *err)
{
    char *bearer = key->secret.n ? arena_printf(mem, "Bearer %.*s", TEXT_ARG(key->secret)) : NULL;
    const struct http_header headers[] = {{"Content-Type", TEXT("application/json")},
                                          {"Accept", TEXT("text/event-stream, application/json")},
                                          {"Authorization", text_of(bearer)}};
    const struct http_request call = {.method = "POST",
                                      .url = l->url,
                                      .headers = headers,
                                      .header_count = bearer ? 3 : 2,
                                      .body = body,
                                      .total_timeout_ms = timeout_ms,
                                      .cancellable = true,
                                      .part = on_part,
                                      .to = a};
    *a = (struct attempt){.req = req};
    llm_stream_init(&a->stream, req, false);
    if (http_call(l->http, &call, mem, res, err))
        return true;
    /* What had said all, or was ended by us, needs no proper end. */
    return a->begun && (a->stream.finished || a->stream.cut || a->stream.why);
}

/* *again: no piece has been handed on, and another key may do better. */
static bool try_once(struct llm *l, struct key *key, const struct llm_request *req, struct text body, int timeout_ms,
                     struct arena *mem, struct llm_reply *out, bool *again, struct err *err)
{
    struct attempt a;
    struct http_response res = {0};
    struct err fault = {0};
    bool ok = attempt_call(l, key, req, body, timeout_ms, mem, &a, &res, &fault);
    *again = false;
    if (!ok) {
        int64_t wait = back_off(l, key);
        block(l, key, wait);
        unavailable(err, wait, fault.cause);
    } else if (res.status != 200) {
        ok = refused(l, key, &res, again, err);
    } else if ((ok = llm_stream_end(&a.stream, mem, out, err))) {
        worked(l, key);
    } else {
        err->retry_after_seconds = 5;
    }
    llm_stream_release(&a.stream);
    return ok;
}

/* ---- at most so many at a time ---- */

static bool enter(struct llm *l, int64_t deadline, struct err *err)
{
    pthread_mutex_lock(&l->lock);
    while (l->running >= l->opts.concurrency && bell_cond_wait(&l->freed, &l->lock, deadline))
        ;
    bool in = l->running < l->opts.concurrency;
    l->running += in;
    pthread_mutex_unlock(&l->lock);
    return in || unavailable(err, 0, "too many calls wait for the provider");
}

static void leave(struct llm *l)
{
    pthread_mutex_lock(&l->lock);
    l->running--;
    pthread_cond_signal(&l->freed);
    pthread_mutex_unlock(&l->lock);
}

static bool try_keys(struct llm *l, const struct llm_request *req, struct text body, int64_t deadline,
                     struct arena *mem, struct llm_reply *out, struct err *err)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        bool again;
        int64_t left = deadline - clock_monotonic_ms();
        if (left < (i ? TRY_AGAIN_MIN_MS : 1))
            return i ? false : unavailable(err, 0, "no time was left for the call");
        struct err none = {0};
        struct key *key = take_key(l, &none);
        if (!key) {
            if (!i || none.retry_after_seconds < err->retry_after_seconds)
                *err = none;
            return false;
        }
        if (try_once(l, key, req, body, (int)left, mem, out, &again, err))
            return true;
        if (!again)
            return false;
    }
    return false;
}

static size_t picture_bytes(const struct llm_request *req)
{
    size_t n = 0;
    for (size_t i = 0; i < req->message_count; i++)
        if (req->messages[i].image)
            n += req->messages[i].image->size / 3 * 4 + 64;
    return n;
}

bool llm_chat(struct llm *l, const struct llm_request *req, struct arena *mem, struct llm_reply *out, struct err *err)
{
    int64_t deadline = clock_monotonic_ms() + (req->timeout_ms > 0 ? req->timeout_ms : l->opts.total_timeout_ms);
    size_t pictures = picture_bytes(req);
    AUTO(buf) struct buf body;
    buf_init(&body, REQUEST_MAX + pictures);
    /* Only calls that run hold their pictures in memory. */
    if (!enter(l, deadline, err))
        return false;
    bool ok = (!pictures || buf_reserve(&body, pictures) || err_set(err, ERR_NO_MEMORY, "Not enough memory")) &&
              body_write(l, req, &body, err) && try_keys(l, req, buf_view(&body), deadline, mem, out, err);
    leave(l);
    return ok;
}
