#include "service/aws/s3.h"

#include "base/clock.h"
#include "base/id.h"
#include "service/aws/s3_internal.h"
#include "service/aws/sigv4.h"
#include "service/digest.h"

#include <openssl/evp.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RESPONSE_MAX = 2 * 1024 * 1024, /* a page of S3_LIST_MAX keys */
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 4 * RESPONSE_MAX, /* a verb's answers of all tries */
    HASH_BYTES = 16 * 1024,
    MIB = 1024 * 1024,
    TRANSFER_MS_PER_MIB = 1000,
    PING_MS = 1000,
};

/* ---- life ---- */

/* Letters, digits, '-' and '.': what may stand in a host name. */
static bool is_host_word(struct text t, size_t cap)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return t.n > 0 && t.n < cap;
}

static bool init(struct s3 *s, const struct s3_options *o, struct err *err)
{
    if (!is_host_word(text_of(o->bucket), sizeof(s->bucket)) || !is_host_word(text_of(o->region), sizeof(s->region)))
        return err_set(err, ERR_INTERNAL, "The name of the bucket or its region cannot be used");
    snprintf(s->bucket, sizeof(s->bucket), "%s", o->bucket);
    snprintf(s->region, sizeof(s->region), "%s", o->region);
    s->path_style = o->endpoint_url && *o->endpoint_url;
    if (!s->path_style)
        snprintf(s->endpoint, sizeof(s->endpoint), "https://%s.s3.%s.amazonaws.com", s->bucket, s->region);
    else if (!aws_endpoint_of(o->endpoint_url, s->endpoint, sizeof(s->endpoint)))
        return err_set(err, ERR_INTERNAL, "The address of S3 is not an http or https URL");
    s->call_timeout_ms = o->call_timeout_ms;
    s->deadline_ms = o->deadline_ms;
    const struct aws_client_options client = {
        .service = "s3",
        .region = s->region,
        .endpoint_url = s->endpoint,
        .connect_timeout_ms = o->connect_timeout_ms,
        .total_timeout_ms = o->call_timeout_ms,
        .response_max = RESPONSE_MAX,
        .handles = o->handles,
    };
    return (s->client = aws_client_open(&client, s->creds, err)) != NULL;
}

struct s3 *s3_open(const struct s3_options *opts, struct aws_credentials *creds, struct err *err)
{
    struct s3 *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for S3's client");
        return NULL;
    }
    s->creds = creds;
    if (init(s, opts, err))
        return s;
    s3_close(s);
    return NULL;
}

void s3_close(struct s3 *s)
{
    if (!s)
        return;
    aws_client_close(s->client);
    free(s);
}

void s3_cancel(struct s3 *s)
{
    aws_client_cancel(s->client);
}

/* ---- keys ---- */

/* No segment that a proxy on the way could fold, nothing that could leave the path. */
static bool key_is_sound(struct text key)
{
    struct text rest = key, segment;
    if (key.n == 0 || key.n > S3_KEY_MAX || key.p[0] == '/' || key.p[key.n - 1] == '/' || text_has_control(key, false))
        return false;
    while (text_split(&rest, '/', &segment)) {
        if (segment.n == 0 || text_eq(segment, TEXT(".")) || text_eq(segment, TEXT("..")))
            return false;
    }
    return true;
}

struct text s3_path(const struct s3 *s, bool path_style, struct text key, struct arena *mem, struct err *err)
{
    if (!key_is_sound(key)) {
        err_set(err, ERR_INTERNAL, "The key of a file cannot be used");
        return TEXT_NONE;
    }
    AUTO(buf) struct buf path;
    buf_init(&path, S3_PATH_MAX);
    buf_char(&path, '/');
    if (path_style) {
        buf_str(&path, s->bucket);
        buf_char(&path, '/');
    }
    buf_uri(&path, key, true);
    struct text kept = path.failed ? TEXT_NONE : arena_text(mem, buf_view(&path));
    if (!kept.p)
        err_set(err, ERR_NO_MEMORY, "There is no memory for a call to S3");
    return kept;
}

/* ---- one verb ---- */

int64_t s3_transfer_ms(int64_t bytes)
{
    return bytes / MIB * TRANSFER_MS_PER_MIB;
}

bool s3_call_begin(struct s3_call *c, struct s3 *s, const char *what, int64_t extra_ms, struct err *err)
{
    *c = (struct s3_call){.s = s, .what = what, .deadline_ms = clock_monotonic_ms() + s->deadline_ms + extra_ms};
    c->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    return c->mem || err_set(err, ERR_NO_MEMORY, "There is no memory for a call to S3");
}

void s3_call_end(struct s3_call *c)
{
    arena_free(c->mem);
    c->mem = NULL;
}

/* A second for each MiB besides what a small call may take. */
static int64_t timeout_of(const struct s3_call *c, const struct aws_http *req)
{
    int64_t left = c->deadline_ms - clock_monotonic_ms();
    int64_t most = req->total_timeout_ms > 0 ? req->total_timeout_ms : c->s->call_timeout_ms;
    most += req->file ? s3_transfer_ms(req->file->size) : s3_transfer_ms((int64_t)req->body.n);
    return left < most ? left : most;
}

bool s3_call_once(struct s3_call *c, const struct aws_http *req, struct err *err)
{
    int64_t timeout_ms = timeout_of(c, req);
    struct aws_http http = *req;
    http.sign_flags = SIGV4_S3;
    http.total_timeout_ms = (int)timeout_ms;
    http.cancellable = true;
    c->answer = (struct aws_answer){0};
    c->tries++;
    if (timeout_ms <= 0)
        return err_set(err, ERR_UNAVAILABLE, "The file store did not answer in time");
    if (!aws_send(c->s->client, &http, c->mem, &c->res, &c->answer, err))
        return false;
    return (c->answer.status >= 200 && c->answer.status <= 299) || s3_refused(c->s, c->what, &c->answer, err);
}

bool s3_call_again(struct s3_call *c, const struct err *why)
{
    return why->code == ERR_UNAVAILABLE && c->tries < S3_TRIES_MAX && s3_is_transient(&c->answer) &&
           !aws_client_cancelled(c->s->client) && aws_pause(c->tries, c->deadline_ms);
}

bool s3_call_run(struct s3_call *c, const struct aws_http *req, struct err *err)
{
    for (;;) {
        struct err why = {0};
        if (s3_call_once(c, req, &why))
            return true;
        if (!s3_call_again(c, &why)) {
            *err = why;
            return false;
        }
    }
}

/* ---- digests ---- */

struct text s3_base64_of_hex(struct text hex, struct arena *mem)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t n = 0;
    for (; n < sizeof(bytes) && 2 * n + 2 <= hex.n; n++) {
        unsigned value = 0;
        for (size_t i = 2 * n; i < 2 * n + 2; i++) {
            const char *digit = memchr("0123456789abcdef", hex.p[i], 16);
            if (!digit)
                return TEXT_NONE;
            value = value * 16 + (unsigned)(digit - (const char *)"0123456789abcdef");
        }
        bytes[n] = (unsigned char)value;
    }
    unsigned char *out = hex.n == 2 * n ? arena_alloc(mem, (n + 2) / 3 * 4 + 1) : NULL;
    if (!out)
        return TEXT_NONE;
    return (struct text){(char *)out, (size_t)EVP_EncodeBlock(out, bytes, (int)n)};
}

static bool hash_file(const struct http_source *file, struct digest *d)
{
    char chunk[HASH_BYTES];
    for (int64_t done = 0; done < file->size;) {
        size_t want = file->size - done < (int64_t)sizeof(chunk) ? (size_t)(file->size - done) : sizeof(chunk);
        ssize_t got = pread(file->fd, chunk, want, (off_t)(file->offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        digest_add(d, (struct text){chunk, (size_t)got});
        done += got;
    }
    return true;
}

bool s3_hash(const struct http_source *file, struct text bytes, char hex[S3_SHA256_MAX], struct err *err)
{
    if (!file) {
        digest_hex(bytes, hex);
        return true;
    }
    struct digest *d = digest_new();
    if (!d)
        return err_set(err, ERR_NO_MEMORY, "There is no memory to hash a file");
    bool ok = hash_file(file, d) && digest_end(d, hex);
    digest_free(d);
    return ok || err_set(err, ERR_INTERNAL, "A file to be sent could not be read to its end");
}

/* ---- put ---- */

static bool put_whole(struct s3 *s, const struct s3_put *put, struct err *err)
{
    char hash[S3_SHA256_MAX];
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "PutObject", s3_transfer_ms(put->file ? put->file->size : (int64_t)put->bytes.n), err))
        return false;
    if (put->sha256.n != S3_SHA256_MAX - 1 && !s3_hash(put->file, put->bytes, hash, err))
        return false;
    struct text sha256 = put->sha256.n == S3_SHA256_MAX - 1 ? put->sha256 : text_of(hash);
    struct http_header headers[] = {
        {"Content-Type", put->content_type.n > 0 ? put->content_type : TEXT("application/octet-stream")},
        {"x-amz-checksum-sha256", s3_base64_of_hex(sha256, c.mem)},
        {"x-amz-server-side-encryption", TEXT("AES256")},
        {"Content-Disposition", put->content_disposition},
    };
    const struct aws_http req = {.method = "PUT",
                                 .path = s3_path(s, s->path_style, put->key, c.mem, err),
                                 .headers = headers,
                                 .header_count = put->content_disposition.n > 0 ? 4 : 3,
                                 .body = put->bytes,
                                 .file = put->file,
                                 .payload_sha256 = sha256};
    if (!headers[1].value.p)
        return err_set(err, ERR_INTERNAL, "The digest of a file is no SHA-256 in hex");
    return req.path.p && s3_call_run(&c, &req, err);
}

bool s3_put(struct s3 *s, const struct s3_put *put, struct err *err)
{
    int64_t size = put->file ? put->file->size : (int64_t)put->bytes.n;
    return size > S3_PART_BYTES ? s3_put_parts(s, put, err) : put_whole(s, put, err);
}

/* ---- head and delete ---- */

static void copy(char *out, size_t cap, struct text t)
{
    snprintf(out, cap, "%.*s", TEXT_ARG(t));
}

/* The digest of a whole object has 44 characters; that of one put in parts ends with "-" and their number. */
static void sha256_of(struct text base64, char hex[S3_SHA256_MAX])
{
    unsigned char bytes[36];
    hex[0] = '\0';
    if (base64.n == 44 && EVP_DecodeBlock(bytes, (const unsigned char *)base64.p, 44) == 33)
        hex_encode(bytes, 32, hex);
}

static int64_t size_of(const struct http_response *res)
{
    int64_t size = 0;
    struct text range = http_header_value(res, "content-range"); /* "bytes 0-9/123" */
    const char *slash = range.n > 0 ? memchr(range.p, '/', range.n) : NULL;
    struct text told =
        slash ? text_slice(range, (size_t)(slash - range.p) + 1, range.n) : http_header_value(res, "content-length");
    return text_to_int64(told, &size) && size >= 0 ? size : 0;
}

void s3_object_of(const struct http_response *res, struct s3_object *object)
{
    struct text etag = http_header_value(res, "etag");
    *object = (struct s3_object){.size = size_of(res)};
    if (etag.n >= 2 && etag.p[0] == '"')
        etag = text_slice(etag, 1, etag.n - 1);
    copy(object->etag, sizeof(object->etag), etag);
    copy(object->content_type, sizeof(object->content_type), http_header_value(res, "content-type"));
    sha256_of(http_header_value(res, "x-amz-checksum-sha256"), object->sha256);
    if (!aws_date_parse(http_header_value(res, "last-modified"), &object->modified_at_ms))
        object->modified_at_ms = 0;
}

bool s3_head(struct s3 *s, struct text key, struct s3_object *object, struct err *err)
{
    static const struct http_header HEADERS[] = {{"x-amz-checksum-mode", TEXT_INIT("ENABLED")}};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "HeadObject", 0, err))
        return false;
    const struct aws_http req = {.method = "HEAD",
                                 .path = s3_path(s, s->path_style, key, c.mem, err),
                                 .headers = HEADERS,
                                 .header_count = ARRAY_LEN(HEADERS)};
    if (!req.path.p || !s3_call_run(&c, &req, err))
        return false;
    s3_object_of(&c.res, object);
    return true;
}

bool s3_delete(struct s3 *s, struct text key, struct err *err)
{
    struct err why = {0};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "DeleteObject", 0, err))
        return false;
    const struct aws_http req = {.method = "DELETE", .path = s3_path(s, s->path_style, key, c.mem, err)};
    if (!req.path.p)
        return false;
    if (s3_call_run(&c, &req, &why) || why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

bool s3_ping(struct s3 *s, int64_t *latency_us, struct err *err)
{
    struct err why = {0};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "HeadObject", 0, err))
        return false;
    /* No object has this key; who may list the bucket is told so by a 404, anybody else gets a 403. */
    const struct aws_http req = {
        .method = "HEAD", .path = s3_path(s, s->path_style, TEXT("ping"), c.mem, err), .total_timeout_ms = PING_MS};
    int64_t begin = clock_monotonic_us();
    if (!req.path.p)
        return false;
    if (!s3_call_once(&c, &req, &why) && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    if (latency_us)
        *latency_us = clock_monotonic_us() - begin;
    return true;
}
