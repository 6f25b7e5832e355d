#include "http/download.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/media.h"
#include "http/own_tx.h"
#include "service/aws/s3.h"
#include "service/log.h"

enum { URL_LIFE_S = 60, PROBE_EVERY_MS = 10 * 1000, RETRY_AFTER_S = 5, HOST_MAX = 255, RANGE_MAX = 64 };

/* ---- names ---- */

static bool is_plain(struct text name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < 0x20 || name.p[i] > 0x7E || name.p[i] == '"' || name.p[i] == '\\' || name.p[i] == '%')
            return false;
    return true;
}

char *content_disposition(struct text name, bool attachment, struct arena *mem)
{
    const char *how = attachment ? "attachment" : "inline";
    if (is_plain(name))
        return arena_printf(mem, "%s; filename=\"%.*s\"", how, TEXT_ARG(name));
    AUTO(buf) struct buf encoded;
    buf_init(&encoded, 4096);
    buf_uri(&encoded, name, false);
    if (encoded.failed)
        return NULL;
    return arena_printf(mem, "%s; filename=\"file\"; filename*=UTF-8''%.*s", how, TEXT_ARG(buf_view(&encoded)));
}

static bool is_host(struct text host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(".-:[]", c);
        if (!good || !c)
            return false;
    }
    return host.n > 0 && host.n <= HOST_MAX;
}

struct text public_base(const struct call *call)
{
    const char *set = call->app->config.api_base_url;
    if (set)
        return text_of(set);
    if (!is_host(call->host))
        return TEXT_NONE;
    const char *scheme = text_eq(call->forwarded_proto, TEXT("https")) ? "https" : "http";
    return text_of(arena_printf(call->scope.mem, "%s://%.*s", scheme, TEXT_ARG(call->host)));
}

/* ---- faults that nginx met ---- */

static bool ignore_part(struct text part, const struct s3_object *object, void *to)
{
    (void)part;
    (void)object;
    (void)to;
    return true;
}

/* Asks S3 for one byte, so that its client says in the log which layer refuses; not oftener than it is worth. */
static bool probe(struct call *call, const struct document *d, struct err *err)
{
    static _Atomic int64_t last_ms;
    int64_t now_ms = clock_monotonic_ms(), last = atomic_load(&last_ms);
    if ((last && now_ms - last < PROBE_EVERY_MS) || !atomic_compare_exchange_strong(&last_ms, &last, now_ms))
        return true;
    struct s3_get get = {.key = d->object_key, .count = 1, .part = ignore_part, .timeout_ms = 2000};
    return s3_get(call->app->s3, &get, NULL, err);
}

static bool storage_fault(struct call *call, const struct document *d, struct err *err)
{
    struct text codes = call->storage_status;
    struct text code = text_slice(codes, codes.n > 3 ? codes.n - 3 : 0, codes.n);
    if (text_eq(code, TEXT("404"))) {
        log_error("download", "document %lld has no object %.*s", (long long)d->id, TEXT_ARG(d->object_key));
        return err_set(err, ERR_NOT_FOUND, "The file is gone");
    }
    if (text_eq(code, TEXT("403"))) {
        log_error("download",
                  "S3 answered 403 to nginx: most likely the bucket policy, the endpoint policy or the signing key "
                  "(the next line of s3 says more)");
        if (!probe(call, d, err))
            return false;
    }
    err_set(err, ERR_UNAVAILABLE, "Files cannot be read at the moment");
    err->retry_after_seconds = RETRY_AFTER_S;
    return err_cause(err, "nginx met %.*s at S3", TEXT_ARG(code));
}

/* ---- the answer ---- */

/* A range of another version than the client has is no range (RFC 9110, If-Range). */
static struct text range_of(const struct call *call, const char *etag)
{
    bool same = !call->if_range.n || text_eq(call->if_range, text_of(etag));
    return same && call->range.n <= RANGE_MAX ? call->range : TEXT_NONE;
}

static bool is_shown(struct text content_type)
{
    enum media_type type = media_of_mime(content_type);
    return type != MEDIA_OTHER;
}

bool download_answer(struct call *call, struct response *res, const struct document *d, struct err *err)
{
    struct arena *mem = call->scope.mem;
    call_db_done(call);
    if (call->storage_status.n)
        return storage_fault(call, d, err);
    const char *etag = arena_printf(mem, "\"%.*s\"", TEXT_ARG(d->sha256));
    const char *disposition = content_disposition(d->name, !is_shown(d->content_type), mem);
    if (!etag || !disposition)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    response_header(res, "ETag", text_of(etag));
    if (response_not_modified(call, res))
        return true;
    struct text url;
    const struct s3_presign sign = {.method = call->is_head ? "HEAD" : "GET",
                                    .key = d->object_key,
                                    .expires_s = URL_LIFE_S,
                                    .content_type = d->content_type};
    if (!s3_presign(call->app->s3, &sign, mem, &url, NULL, err))
        return false;
    response_header(res, "X-Accel-Redirect", TEXT("/_storage/"));
    response_header(res, "X-MM-Object-URL", url);
    response_header(res, "X-MM-Path", call->path);
    struct text range = range_of(call, etag);
    if (range.n)
        response_header(res, "X-MM-Range", range);
    /* Under names of our own: nginx would keep these two for the error that may stand in the file's place. */
    response_header(res, "X-MM-Disposition", text_of(disposition));
    response_header(res, "X-MM-Cache-Control", text_of(res->cache_control ? res->cache_control : "private, no-cache"));
    res->cache_control = "";
    res->content_type = arena_printf(mem, "%.*s", TEXT_ARG(d->content_type));
    return res->content_type || err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}
