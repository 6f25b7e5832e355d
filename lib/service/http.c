#include "service/http.h"

#include "base/bell.h"
#include "base/buf.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <openssl/crypto.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One answer's headers may take this much in all: far beyond what any of our services sends. */
enum { HEADER_BYTES_MAX = 64 * 1024 };
/* The URL of a presigned request is the longest: credential, token and signature in the query. */
enum { URL_MAX = 16 * 1024 };
/* A poll without traffic looks at the cancel flag this often, should a wake-up ever be lost. */
enum { POLL_MS = 1000 };

/* A handle: an easy handle and the multi handle that drives it, which owns the kept connections. */
struct slot {
    CURL *easy;
    CURLM *multi;
    bool busy;
    bool cancellable;
};

struct http {
    struct http_options opts;
    atomic_bool cancelled;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct slot slots[]; /* opts.handles of them, opened when first used */
};

/* What the callbacks of one call collect. */
struct call {
    struct http *h;
    struct arena *mem;
    const struct http_request *req;
    struct http_response *res;
    struct buf body;
    size_t header_bytes;
    int64_t sent; /* of req->file */
    bool file_short;
    bool no_memory;
    bool too_large;
};

bool http_global_init(struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "libcurl cannot be initialised");
    return true;
}

struct http *http_open(const struct http_options *opts, struct err *err)
{
    size_t handles = opts->handles > 0 ? opts->handles : 1;
    struct http *h = calloc(1, sizeof(*h) + handles * sizeof(h->slots[0]));
    if (!h) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for an HTTP client");
        return NULL;
    }
    h->opts = *opts;
    h->opts.handles = handles;
    bell_cond_init(&h->freed);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void slot_release(struct slot *s)
{
    curl_easy_cleanup(s->easy);
    if (s->multi)
        curl_multi_cleanup(s->multi);
    s->easy = NULL;
    s->multi = NULL;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->opts.handles; i++)
        slot_release(&h->slots[i]);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->freed);
    free(h);
}

bool http_cancelled(const struct http *h)
{
    return atomic_load(&h->cancelled);
}

void http_cancel(struct http *h)
{
    atomic_store(&h->cancelled, true);
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->opts.handles; i++) {
        if (h->slots[i].busy && h->slots[i].cancellable && h->slots[i].multi)
            curl_multi_wakeup(h->slots[i].multi);
    }
    pthread_cond_broadcast(&h->freed);
    pthread_mutex_unlock(&h->lock);
}

struct text http_header_value(const struct http_response *res, const char *lower_name)
{
    for (size_t i = 0; i < res->header_count; i++) {
        if (strcmp(res->headers[i].name, lower_name) == 0)
            return res->headers[i].value;
    }
    return TEXT_NONE;
}

/* ---- handles ---- */

static struct slot *free_slot(struct http *h)
{
    /* The lowest free one, so that few connections stay warm instead of many cooling down. */
    for (size_t i = 0; i < h->opts.handles; i++) {
        if (!h->slots[i].busy)
            return &h->slots[i];
    }
    return NULL;
}

static bool slot_is_cancelled(const struct http *h, bool cancellable)
{
    return cancellable && http_cancelled(h);
}

static struct slot *slot_take(struct http *h, bool cancellable, struct err *err)
{
    int64_t until = clock_monotonic_ms() + h->opts.connect_timeout_ms;
    struct slot *s;
    pthread_mutex_lock(&h->lock);
    while (!(s = free_slot(h)) && !slot_is_cancelled(h, cancellable)) {
        if (!bell_cond_wait(&h->freed, &h->lock, until)) {
            s = free_slot(h);
            break;
        }
    }
    if (s) {
        s->busy = true;
        s->cancellable = cancellable;
        if (!s->multi)
            s->multi = curl_multi_init();
        if (!s->easy)
            s->easy = curl_easy_init();
    }
    pthread_mutex_unlock(&h->lock);
    if (!s) {
        err_set(err, ERR_UNAVAILABLE, "An outside service is busy");
        err_cause(err, "http: all %zu handles are in use", h->opts.handles);
    }
    return s;
}

static void slot_give(struct http *h, struct slot *s)
{
    pthread_mutex_lock(&h->lock);
    s->busy = false;
    pthread_cond_broadcast(&h->freed);
    pthread_mutex_unlock(&h->lock);
}

/* ---- callbacks ---- */

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct call *c = user;
    size_t bytes = size * n;
    if (c->req->part)
        return c->req->part((struct text){p, bytes}, c->res, c->req->to) ? bytes : 0;
    if (bytes > c->h->opts.response_max - c->body.n) {
        c->too_large = true;
        return 0;
    }
    buf_put(&c->body, p, bytes);
    if (c->body.failed) {
        c->no_memory = true;
        return 0;
    }
    return bytes;
}

static size_t on_read(char *p, size_t size, size_t n, void *user)
{
    struct call *c = user;
    const struct http_source *file = c->req->file;
    int64_t left = file->size - c->sent;
    size_t want = (uint64_t)left < size * n ? (size_t)left : size * n;
    ssize_t got = 0;
    while (want > 0 && (got = pread(file->fd, p, want, (off_t)(file->offset + c->sent))) < 0 && errno == EINTR)
        continue;
    if (want > 0 && got <= 0) {
        c->file_short = true;
        return CURL_READFUNC_ABORT;
    }
    c->sent += got;
    return (size_t)got;
}

/* libcurl begins again when a kept connection turned out to be closed. */
static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct call *c = user;
    if (origin != SEEK_SET || offset < 0 || offset > c->req->file->size)
        return CURL_SEEKFUNC_FAIL;
    c->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static bool keep_header(struct call *c, struct text name, struct text value)
{
    struct http_response *res = c->res;
    if (res->header_count == HTTP_HEADERS_MAX)
        return true;
    char *lower = arena_alloc(c->mem, name.n + 1);
    struct text kept = arena_text(c->mem, value);
    if (!lower || !kept.p || !text_lower(name, lower, name.n + 1))
        return false;
    res->headers[res->header_count++] = (struct http_header){lower, kept};
    return true;
}

/* "HTTP/1.1 200 OK" */
static int status_of(struct text line)
{
    struct text version, code;
    int64_t status = 0;
    return text_split(&line, ' ', &version) && text_split(&line, ' ', &code) && text_to_int64(text_trim(code), &status)
               ? (int)status
               : 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct call *c = user;
    struct text line = {p, size * n};
    c->header_bytes += line.n;
    if (c->header_bytes > HEADER_BYTES_MAX) {
        c->too_large = true;
        return 0;
    }
    if (text_starts(line, TEXT("HTTP/"))) { /* a new answer begins: forget the one before (100 Continue) */
        c->res->header_count = 0;
        c->res->status = status_of(line);
        return line.n;
    }
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return line.n;
    size_t at = (size_t)(colon - line.p);
    if (!keep_header(c, text_slice(line, 0, at), text_trim(text_slice(line, at + 1, line.n)))) {
        c->no_memory = true;
        return 0;
    }
    return line.n;
}

/* ---- one call ---- */

static bool no_header_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to an outside service");
}

/* A name or value that could start another line is refused. */
static bool header_line(struct curl_slist **list, const char *name, struct text value, struct err *err)
{
    struct buf line;
    if (text_has_control(text_of(name), false) || text_has_control(value, false) ||
        strlen(name) + value.n + sizeof(": ") > HEADER_BYTES_MAX)
        return err_set(err, ERR_INTERNAL, "The headers of an outside call cannot be sent");
    buf_init(&line, HEADER_BYTES_MAX);
    buf_printf(&line, value.n > 0 ? "%s: " : "%s;", name);
    buf_text(&line, value);
    struct curl_slist *longer = line.failed ? NULL : curl_slist_append(*list, line.p);
    if (line.p)
        OPENSSL_cleanse(line.p, line.n); /* it may hold a token */
    buf_release(&line);
    if (longer)
        *list = longer;
    return longer != NULL || no_header_memory(err);
}

static void headers_free(struct curl_slist *list)
{
    for (struct curl_slist *l = list; l; l = l->next)
        OPENSSL_cleanse(l->data, strlen(l->data));
    curl_slist_free_all(list);
}

static bool has_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (text_eq_nocase(text_of(req->headers[i].name), text_of(name)))
            return true;
    }
    return false;
}

/* No waiting for "100 Continue"; and no header that libcurl would make up. */
static bool headers_off(struct curl_slist **list, const struct http_request *req, struct err *err)
{
    static const char *const OFF[][2] = {
        {"Expect", "Expect:"}, {"Content-Type", "Content-Type:"}, {"Accept", "Accept:"}};
    for (size_t i = 0; i < ARRAY_LEN(OFF); i++) {
        if (has_header(req, OFF[i][0]))
            continue;
        struct curl_slist *longer = curl_slist_append(*list, OFF[i][1]);
        if (!longer)
            return no_header_memory(err);
        *list = longer;
    }
    return true;
}

static bool headers_make(const struct http_request *req, struct curl_slist **list, struct err *err)
{
    bool ok = headers_off(list, req, err);
    for (size_t i = 0; ok && i < req->header_count; i++)
        ok = header_line(list, req->headers[i].name, req->headers[i].value, err);
    if (!ok)
        headers_free(*list);
    return ok;
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool file_set(CURL *easy, const struct http_request *req, struct call *c)
{
    return SET(CURLOPT_UPLOAD, 1L) && SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->file->size) &&
           SET(CURLOPT_READFUNCTION, on_read) && SET(CURLOPT_READDATA, c) && SET(CURLOPT_SEEKFUNCTION, on_seek) &&
           SET(CURLOPT_SEEKDATA, c) && SET(CURLOPT_CUSTOMREQUEST, req->method);
}

static bool method_set(CURL *easy, const struct http_request *req, struct call *c)
{
    if (req->file)
        return file_set(easy, req, c);
    struct text method = text_of(req->method);
    if (text_eq(method, TEXT("HEAD")))
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (text_eq(method, TEXT("GET")) && req->body.n == 0)
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, req->body.n > 0 ? req->body.p : "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method) == CURLE_OK;
}

static bool transport_set(CURL *easy, const struct http *h, const struct http_request *req)
{
    long total = req->total_timeout_ms > 0 ? req->total_timeout_ms : h->opts.total_timeout_ms;
    return SET(CURLOPT_URL, req->url) && SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PROXY, "") && SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
           SET(CURLOPT_SSL_VERIFYHOST, 2L) && SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)h->opts.connect_timeout_ms) && SET(CURLOPT_TIMEOUT_MS, total) &&
           SET(CURLOPT_TCP_NODELAY, 1L) && SET(CURLOPT_TCP_KEEPALIVE, 1L) && SET(CURLOPT_PATH_AS_IS, 1L);
}

static bool call_set(CURL *easy, const struct http_request *req, struct curl_slist *headers, struct call *c)
{
    return method_set(easy, req, c) && transport_set(easy, c->h, req) && SET(CURLOPT_HTTPHEADER, headers) &&
           SET(CURLOPT_WRITEFUNCTION, on_body) && SET(CURLOPT_WRITEDATA, c) && SET(CURLOPT_HEADERFUNCTION, on_header) &&
           SET(CURLOPT_HEADERDATA, c);
}

/* A silent second of a call whose body is handed on in parts. */
static bool part_waits(const struct call *c, int ready)
{
    return ready > 0 || !c->req->part || c->req->part(TEXT(""), c->res, c->req->to);
}

/* Drives the transfer to its end. CURLE_ABORTED_BY_CALLBACK when it was cancelled. */
static CURLcode drive(struct slot *s, const struct call *c)
{
    const struct http *h = c->h;
    CURLcode result = CURLE_FAILED_INIT;
    if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
        return result;
    for (int running = 1; running > 0;) {
        if (curl_multi_perform(s->multi, &running) != CURLM_OK)
            break;
        if (running > 0 && slot_is_cancelled(h, s->cancellable)) {
            result = CURLE_ABORTED_BY_CALLBACK;
            break;
        }
        int ready = 0;
        if (running > 0 && curl_multi_poll(s->multi, NULL, 0, POLL_MS, &ready) != CURLM_OK)
            break;
        if (running > 0 && !part_waits(c, ready)) {
            result = CURLE_ABORTED_BY_CALLBACK;
            break;
        }
    }
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(s->multi, &left))) {
        if (msg->msg == CURLMSG_DONE)
            result = msg->data.result;
    }
    curl_multi_remove_handle(s->multi, s->easy);
    return result;
}

/* scheme://host[:port] only: the rest of a URL may be a secret (a presigned query). */
static struct text url_origin(const char *url)
{
    const char *host = strstr(url, "://");
    size_t scheme = host ? (size_t)(host - url) + 3 : 0;
    return (struct text){url, scheme + strcspn(url + scheme, "/?#")};
}

static bool failed(const struct call *c, const struct http_request *req, CURLcode code, const char *text,
                   struct err *err)
{
    if (c->no_memory || code == CURLE_OUT_OF_MEMORY)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an outside service's answer");
    if (c->file_short)
        return err_set(err, ERR_INTERNAL, "A file to be sent could not be read to its end");
    struct text origin = url_origin(req->url);
    err_set(err, ERR_UNAVAILABLE, "An outside service did not answer");
    if (c->too_large)
        return err_cause(err, "http %s %.*s: the answer is larger than %zu bytes", req->method, TEXT_ARG(origin),
                         c->h->opts.response_max);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return err_cause(err, "http %s %.*s: cancelled", req->method, TEXT_ARG(origin));
    return err_cause(err, "http %s %.*s: %s", req->method, TEXT_ARG(origin), *text ? text : curl_easy_strerror(code));
}

static bool answer_take(struct call *c, CURL *easy, struct err *err)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    c->res->status = (int)status;
    struct text body = buf_view(&c->body);
    c->res->body = arena_text(c->mem, body.p ? body : TEXT(""));
    if (!c->res->body.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an outside service's answer");
    return true;
}

static bool call_on(struct slot *s, struct call *c, const struct http_request *req, struct curl_slist *headers,
                    struct err *err)
{
    char text[CURL_ERROR_SIZE] = "";
    curl_easy_reset(s->easy); /* options only: connections and DNS answers stay */
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, text);
    if (!call_set(s->easy, req, headers, c))
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a call to an outside service");
    CURLcode code = drive(s, c);
    bool ok = code == CURLE_OK ? answer_take(c, s->easy, err) : failed(c, req, code, text, err);
    curl_easy_reset(s->easy); /* nothing may point to this call's stack and headers */
    return ok;
}

bool http_call(struct http *h, const struct http_request *req, struct arena *mem, struct http_response *res,
               struct err *err)
{
    if (!req->url || strlen(req->url) > URL_MAX)
        return err_set(err, ERR_INTERNAL, "The URL of an outside call is missing or too long");
    *res = (struct http_response){0};
    struct call c = {.h = h, .mem = mem, .req = req, .res = res};
    if (slot_is_cancelled(h, req->cancellable))
        return failed(&c, req, CURLE_ABORTED_BY_CALLBACK, "", err);
    struct curl_slist *headers = NULL;
    if (!headers_make(req, &headers, err))
        return false;
    struct slot *s = slot_take(h, req->cancellable, err);
    bool ok = false;
    if (s) {
        buf_init(&c.body, h->opts.response_max + 1);
        if (!s->easy || !s->multi)
            err_set(err, ERR_NO_MEMORY, "There is no memory for an HTTP handle");
        else
            ok = call_on(s, &c, req, headers, err);
        if (c.body.p)
            OPENSSL_cleanse(c.body.p, c.body.n); /* role credentials come this way */
        buf_release(&c.body);
        slot_give(h, s);
    }
    headers_free(headers);
    return ok;
}
