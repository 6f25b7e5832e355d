/* Downloads from S3, piece by piece; what breaks is taken up again where it broke. */
#include "service/aws/s3_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOTAL_MS = 10 * 60 * 1000, RANGE_MAX = 64 };

struct download {
    const struct s3_get *get;
    struct s3_object *object;
    int64_t delivered; /* bytes */
    int64_t silent_since_ms;
    int call_timeout_ms;
    bool begun, ranged;
    bool stopped; /* by its reader */
    bool whole;   /* answered with the whole although a range was asked for */
};

static bool begin(struct download *d, const struct http_response *res)
{
    d->whole = d->ranged && res->status != 206;
    if (!d->begun)
        s3_object_of(res, d->object);
    d->begun = true;
    return !d->whole;
}

static bool on_part(struct text part, const struct http_response *res, void *to)
{
    struct download *d = to;
    int64_t now = clock_monotonic_ms();
    if (part.n == 0)
        return now - d->silent_since_ms < d->call_timeout_ms;
    d->silent_since_ms = now;
    if (!begin(d, res))
        return false;
    d->delivered += (int64_t)part.n;
    d->stopped = !d->get->part(part, d->object, d->get->to);
    return !d->stopped;
}

static bool range_of(struct download *d, char out[RANGE_MAX])
{
    int64_t from = d->get->from + d->delivered;
    d->ranged = from > 0 || d->get->count > 0;
    if (d->get->count > 0)
        snprintf(out, RANGE_MAX, "bytes=%" PRId64 "-%" PRId64, from, d->get->from + d->get->count - 1);
    else
        snprintf(out, RANGE_MAX, "bytes=%" PRId64 "-", from);
    return d->ranged;
}

static bool try_once(struct s3_call *c, struct download *d, struct text path, struct err *err)
{
    char range[RANGE_MAX], etag[S3_ETAG_MAX + 2];
    struct http_header headers[3] = {{"x-amz-checksum-mode", TEXT("ENABLED")}};
    size_t count = 1;
    if (range_of(d, range))
        headers[count++] = (struct http_header){"Range", text_of(range)};
    if (d->delivered > 0) { /* the rest must be of the same object */
        snprintf(etag, sizeof(etag), "\"%s\"", d->object->etag);
        headers[count++] = (struct http_header){"If-Match", text_of(etag)};
    }
    const struct aws_http req = {.method = "GET",
                                 .path = path,
                                 .headers = headers,
                                 .header_count = count,
                                 .total_timeout_ms = d->get->timeout_ms > 0 ? d->get->timeout_ms : TOTAL_MS,
                                 .part = on_part,
                                 .to = d};
    d->silent_since_ms = clock_monotonic_ms();
    if (!s3_call_once(c, &req, err))
        return false;
    return begin(d, &c->res) || err_set(err, ERR_UNAVAILABLE, "The file store did not send the range asked for");
}

static bool is_all_there(const struct download *d)
{
    int64_t rest = d->object->size - d->get->from;
    return d->begun && d->delivered > 0 &&
           d->delivered >= (d->get->count > 0 && d->get->count < rest ? d->get->count : rest);
}

bool s3_get(struct s3 *s, const struct s3_get *get, struct s3_object *object, struct err *err)
{
    struct s3_object own;
    struct download d = {.get = get, .object = object ? object : &own, .call_timeout_ms = s->call_timeout_ms};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "GetObject", 0, err))
        return false;
    c.deadline_ms = clock_monotonic_ms() + (get->timeout_ms > 0 ? get->timeout_ms : TOTAL_MS);
    struct text path = s3_path(s, s->path_style, get->key, c.mem, err);
    if (!path.p)
        return false;
    for (;;) {
        struct err why = {0};
        int64_t before = d.delivered;
        if (try_once(&c, &d, path, &why))
            return true;
        if (!d.stopped && is_all_there(&d)) /* only the connection's end was unclean */
            return true;
        if (d.delivered > before) {
            c.tries = 1; /* it moves on: the count of tries begins anew */
            c.answer = (struct aws_answer){0};
        }
        if (d.stopped || d.whole || !s3_call_again(&c, &why)) {
            *err = why;
            return false;
        }
    }
}

/* ---- to memory, to a file ---- */

struct sink {
    struct buf *buf; /* NULL: fd */
    int fd;
    int64_t max, done;
    bool too_large, failed;
};

static bool write_all(int fd, struct text t, int64_t at)
{
    for (size_t n = 0; n < t.n;) {
        ssize_t put = pwrite(fd, t.p + n, t.n - n, (off_t)(at + (int64_t)n));
        if (put < 0 && errno != EINTR)
            return false;
        n += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool sink_part(struct text part, const struct s3_object *object, void *to)
{
    struct sink *s = to;
    s->too_large = object->size > s->max || s->done + (int64_t)part.n > s->max;
    if (s->too_large)
        return false;
    if (s->buf)
        buf_text(s->buf, part);
    s->failed = s->buf ? s->buf->failed : !write_all(s->fd, part, s->done);
    s->done += (int64_t)part.n;
    return !s->failed;
}

static bool sink_get(struct s3 *s, struct text key, struct sink *sink, struct err *err)
{
    const struct s3_get get = {.key = key, .part = sink_part, .to = sink};
    if (s3_get(s, &get, NULL, err))
        return true;
    if (sink->too_large)
        return err_set(err, ERR_PAYLOAD_TOO_LARGE, "A stored file is larger than can be taken here");
    if (sink->failed)
        return sink->buf ? err_set(err, ERR_NO_MEMORY, "There is no memory for a stored file")
                         : err_set(err, ERR_UNAVAILABLE, "There is no room for a stored file");
    return false;
}

bool s3_get_bytes(struct s3 *s, struct text key, size_t max, struct arena *mem, struct text *out, struct err *err)
{
    AUTO(buf) struct buf buf;
    struct sink sink = {.buf = &buf, .max = (int64_t)max};
    buf_init(&buf, max + 1);
    if (!sink_get(s, key, &sink, err))
        return false;
    struct text kept = arena_text(mem, buf.n > 0 ? buf_view(&buf) : TEXT(""));
    if (!kept.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a stored file");
    *out = kept;
    return true;
}

bool s3_get_file(struct s3 *s, struct text key, int fd, int64_t max, int64_t *size, struct err *err)
{
    struct sink sink = {.fd = fd, .max = max};
    if (!sink_get(s, key, &sink, err))
        return false;
    *size = sink.done;
    return true;
}
