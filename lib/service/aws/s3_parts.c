/* Uploads in parts: begun, sent part by part with a digest each, completed; taken back when anything fails. */
#include "service/aws/s3_internal.h"

#include "service/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PARTS_MAX = 1000, /* 8 GB; S3 takes 10,000 */
    QUERY_MAX = 2048,
    COMPLETE_MAX = PARTS_MAX * 256,
    TYPES_MAX = 4,
};

struct upload {
    struct s3 *s;
    const struct s3_put *put;
    struct arena *mem; /* of the whole upload */
    struct text path, id;
    int64_t size;
    size_t count;
    struct buf done; /* the rows of the completing request */
};

static bool begin(struct upload *u, struct err *err)
{
    struct http_header headers[TYPES_MAX] = {
        {"Content-Type", u->put->content_type.n > 0 ? u->put->content_type : TEXT("application/octet-stream")},
        {"x-amz-checksum-algorithm", TEXT("SHA256")},
        {"x-amz-server-side-encryption", TEXT("AES256")},
        {"Content-Disposition", u->put->content_disposition},
    };
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, u->s, "CreateMultipartUpload", 0, err))
        return false;
    const struct aws_http req = {.method = "POST",
                                 .path = u->path,
                                 .query = TEXT("uploads="),
                                 .headers = headers,
                                 .header_count = u->put->content_disposition.n > 0 ? 4 : 3};
    if (!s3_call_run(&c, &req, err))
        return false;
    struct text rest = c.answer.body, id;
    if (!s3_xml_find(&rest, "UploadId", &id) || id.n == 0)
        return err_set(err, ERR_UNAVAILABLE, "The file store's answer could not be read");
    u->id = s3_xml_text(id, u->mem);
    return u->id.p || err_set(err, ERR_NO_MEMORY, "There is no memory for an upload");
}

/* "partNumber=3&uploadId=..." or, for part 0, "uploadId=..." */
static struct text query_of(const struct upload *u, size_t part, struct arena *mem, struct err *err)
{
    AUTO(buf) struct buf query;
    buf_init(&query, QUERY_MAX);
    if (part > 0)
        buf_printf(&query, "partNumber=%zu&", part);
    buf_str(&query, "uploadId=");
    buf_uri(&query, u->id, false);
    struct text kept = query.failed ? TEXT_NONE : arena_text(mem, buf_view(&query));
    if (!kept.p)
        err_set(err, ERR_NO_MEMORY, "There is no memory for an upload");
    return kept;
}

/* The ETag as it stands, quotes included, may hold nothing that XML would read. */
static bool note_part(struct upload *u, size_t number, struct text etag, struct text digest, struct err *err)
{
    if (etag.n == 0 || memchr(etag.p, '<', etag.n) || memchr(etag.p, '&', etag.n))
        return err_set(err, ERR_UNAVAILABLE, "The file store's answer could not be read");
    buf_printf(&u->done,
               "<Part><PartNumber>%zu</PartNumber><ETag>%.*s</ETag><ChecksumSHA256>%.*s</ChecksumSHA256></Part>",
               number, TEXT_ARG(etag), TEXT_ARG(digest));
    return !u->done.failed || err_set(err, ERR_NO_MEMORY, "There is no memory for an upload");
}

static bool send_part(struct upload *u, size_t number, struct err *err)
{
    int64_t at = (int64_t)(number - 1) * S3_PART_BYTES;
    int64_t size = u->size - at < S3_PART_BYTES ? u->size - at : S3_PART_BYTES;
    const struct http_source *whole = u->put->file;
    struct http_source piece = {.fd = whole ? whole->fd : -1, .offset = whole ? whole->offset + at : 0, .size = size};
    struct text bytes = whole ? TEXT_NONE : text_slice(u->put->bytes, (size_t)at, (size_t)(at + size));
    char hash[S3_SHA256_MAX];
    AUTO(s3_call) struct s3_call c;
    if (!s3_hash(whole ? &piece : NULL, bytes, hash, err) ||
        !s3_call_begin(&c, u->s, "UploadPart", s3_transfer_ms(size), err))
        return false;
    struct http_header headers[] = {{"x-amz-checksum-sha256", s3_base64_of_hex(text_of(hash), c.mem)}};
    const struct aws_http req = {.method = "PUT",
                                 .path = u->path,
                                 .query = query_of(u, number, c.mem, err),
                                 .headers = headers,
                                 .header_count = 1,
                                 .body = bytes,
                                 .file = whole ? &piece : NULL,
                                 .payload_sha256 = text_of(hash)};
    return req.query.p && s3_call_run(&c, &req, err) &&
           note_part(u, number, http_header_value(&c.res, "etag"), headers[0].value, err);
}

/* S3 may find its fault after it has begun to answer 200. */
static bool completed(struct s3_call *c, struct err *err)
{
    struct text rest = c->answer.body, inside;
    if (s3_xml_find(&rest, "CompleteMultipartUploadResult", &inside))
        return true;
    aws_error_parse(c->answer.body, &c->answer);
    c->answer.status = 500;
    return s3_refused(c->s, c->what, &c->answer, err);
}

static bool complete_once(struct s3_call *c, const struct aws_http *req, struct err *err)
{
    return s3_call_once(c, req, err) && completed(c, err);
}

/* A repeat after an answer that was lost finds no upload any more, but the object. */
static bool is_there(struct upload *u)
{
    struct s3_object object;
    struct err err = {0};
    return s3_head(u->s, u->put->key, &object, &err) && object.size == u->size;
}

static bool complete(struct upload *u, struct err *err)
{
    static const struct http_header HEADERS[] = {{"Content-Type", TEXT_INIT("application/xml")}};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, u->s, "CompleteMultipartUpload", s3_transfer_ms(u->size), err))
        return false;
    buf_str(&u->done, "</CompleteMultipartUpload>");
    const struct aws_http req = {.method = "POST",
                                 .path = u->path,
                                 .query = query_of(u, 0, c.mem, err),
                                 .headers = HEADERS,
                                 .header_count = ARRAY_LEN(HEADERS),
                                 .body = buf_view(&u->done)};
    if (u->done.failed || !req.query.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an upload");
    for (;;) {
        struct err why = {0};
        if (complete_once(&c, &req, &why))
            return true;
        if (strcmp(c.answer.code, "NoSuchUpload") == 0 && c.tries > 1 && is_there(u))
            return true;
        if (!s3_call_again(&c, &why)) {
            *err = why;
            return false;
        }
    }
}

/* What cannot be taken back here goes by the bucket's lifecycle rule for uploads that were never completed. */
static void take_back(struct upload *u)
{
    struct err err = {0};
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, u->s, "AbortMultipartUpload", 0, &err))
        return;
    const struct aws_http req = {.method = "DELETE", .path = u->path, .query = query_of(u, 0, c.mem, &err)};
    if (req.query.p && !s3_call_once(&c, &req, &err))
        err_clear(&err);
}

static bool send_all(struct upload *u, struct err *err)
{
    buf_str(&u->done, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 1; i <= u->count; i++) {
        if (!send_part(u, i, err))
            return false;
    }
    return complete(u, err);
}

static bool run(struct upload *u, struct err *err)
{
    u->path = s3_path(u->s, u->s->path_style, u->put->key, u->mem, err);
    if (!u->path.p || !begin(u, err))
        return false;
    if (send_all(u, err))
        return true;
    take_back(u);
    return false;
}

bool s3_put_parts(struct s3 *s, const struct s3_put *put, struct err *err)
{
    struct upload u = {.s = s, .put = put, .size = put->file ? put->file->size : (int64_t)put->bytes.n};
    u.count = (size_t)((u.size + S3_PART_BYTES - 1) / S3_PART_BYTES);
    if (u.count > PARTS_MAX)
        return err_set(err, ERR_PAYLOAD_TOO_LARGE, "A file is too large to be stored");
    u.mem = arena_new(S3_PATH_MAX, 4 * (size_t)S3_PATH_MAX);
    if (!u.mem)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for an upload");
    buf_init(&u.done, COMPLETE_MAX);
    bool ok = run(&u, err);
    buf_release(&u.done);
    arena_free(u.mem);
    return ok;
}
