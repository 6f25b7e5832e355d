#include "http/upload.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "http/body.h"
#include "http/multipart.h"

enum {
    PERCENT = 3, /* characters that a byte may become */
    PIECE = 64 * 1024,
    FIELDS_MAX = 128 * 1024 /* of all text parts, percent-encoded */
};

struct reading {
    struct exchange *x;
    const struct upload_def *def;
    struct upload *up;
    struct buf fields; /* the text parts as a query */
    struct digest *digest;
    char *held; /* PIECE bytes: the parser cuts a file at each CR, and each cut would be a write */
    size_t held_n;
    char head[MEDIA_HEAD];
    size_t head_n;
    bool in_file, file_seen;
};

/* ---- names ---- */

/* Signs that turn the direction of writing: "gpj.exe" shown as "exe.jpg". */
static bool turns_direction(uint32_t c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C;
}

static bool stays(uint32_t c)
{
    return c >= 0x20 && (c < 0x7F || c > 0x9F) && !turns_direction(c);
}

struct text upload_clean_name(struct text sent, struct arena *mem)
{
    size_t begin = sent.n, n = 0;
    while (begin > 0 && sent.p[begin - 1] != '/' && sent.p[begin - 1] != '\\')
        begin--;
    struct text last = text_slice(sent, begin, sent.n);
    char *out = arena_alloc(mem, UPLOAD_NAME_MAX + 1);
    if (!out)
        return TEXT_NONE;
    for (size_t at = 0, length; at < last.n; at += length) {
        uint32_t c = 0;
        length = text_decode(last, at, &c);
        if (length == 0) {
            length = 1; /* not UTF-8 */
            continue;
        }
        if (!stays(c))
            continue;
        if (n + length > UPLOAD_NAME_MAX)
            break;
        memcpy(out + n, last.p + at, length);
        n += length;
    }
    struct text name = text_trim((struct text){out, n});
    return !name.n || text_eq(name, TEXT(".")) || text_eq(name, TEXT("..")) ? TEXT("file") : name;
}

/* ---- the parts ---- */

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

static bool begin_file(struct reading *r, const struct multipart_part *part, struct err *err)
{
    if (r->file_seen)
        return err_field(err, "file", "Mỗi lần chỉ gửi được một tệp.");
    r->in_file = r->file_seen = true;
    r->up->name = upload_clean_name(part->file_name, r->x->mem);
    return r->up->name.p || err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

static bool begin_part(void *to, const struct multipart_part *part, struct err *err)
{
    struct reading *r = to;
    r->in_file = false;
    if (text_eq(part->name, TEXT("file")))
        return begin_file(r, part, err);
    buf_uri(&r->fields, part->name, false);
    buf_char(&r->fields, '=');
    return true;
}

static bool write_held(struct reading *r, struct err *err)
{
    struct text bytes = {r->held, r->held_n};
    r->held_n = 0;
    digest_add(r->digest, bytes);
    return spool_write(r->up->fd, bytes.p, bytes.n, err);
}

static bool file_bytes(struct reading *r, struct text bytes, struct err *err)
{
    r->up->size += (int64_t)bytes.n;
    if (r->up->size > r->def->max_bytes)
        return err_set(err, ERR_PAYLOAD_TOO_LARGE, "The file may have %lld bytes at most",
                       (long long)r->def->max_bytes);
    size_t more = MEDIA_HEAD - r->head_n < bytes.n ? MEDIA_HEAD - r->head_n : bytes.n;
    memcpy(r->head + r->head_n, bytes.p, more);
    r->head_n += more;
    assert(bytes.n <= PIECE); /* no more is ever fed at once */
    if (bytes.n > PIECE - r->held_n && !write_held(r, err))
        return false;
    memcpy(r->held + r->held_n, bytes.p, bytes.n);
    r->held_n += bytes.n;
    return true;
}

static bool part_bytes(void *to, struct text bytes, struct err *err)
{
    struct reading *r = to;
    if (r->in_file)
        return file_bytes(r, bytes, err);
    bool fits = r->fields.n + PERCENT * bytes.n <= FIELDS_MAX;
    buf_uri(&r->fields, bytes, false);
    return !r->fields.failed ||
           (fits ? no_memory(err) : err_set(err, ERR_PAYLOAD_TOO_LARGE, "The text fields are too long"));
}

static bool end_part(void *to, struct err *err)
{
    struct reading *r = to;
    if (r->in_file)
        return write_held(r, err);
    buf_char(&r->fields, '&');
    return !r->fields.failed || no_memory(err);
}

/* ---- the body ---- */

bool upload_check(struct exchange *x, struct err *err)
{
    const struct upload_def *def = x->call.route->upload;
    int64_t length;
    if (!multipart_boundary(x->in.params.content_type).n)
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Content-Type must be multipart/form-data with a boundary");
    if (!body_length(x, &length, err))
        return false;
    return length <= def->max_bytes + UPLOAD_FRAME_MAX ||
           err_set(err, ERR_PAYLOAD_TOO_LARGE, "The file may have %lld bytes at most", (long long)def->max_bytes);
}

static bool read_parts(struct reading *r, struct err *err)
{
    static const struct multipart_handler HANDLER = {begin_part, part_bytes, end_part};
    struct exchange *x = r->x;
    struct multipart m;
    int64_t left;
    char *piece = arena_alloc(x->mem, PIECE);
    r->held = arena_alloc(x->mem, PIECE);
    if (!piece || !r->held)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!body_length(x, &left, err))
        return false;
    multipart_init(&m, multipart_boundary(x->in.params.content_type), &HANDLER, r);
    while (left > 0) {
        size_t wanted = left < PIECE ? (size_t)left : PIECE;
        size_t got = x->in.read_body(x->in.from, piece, wanted);
        if (!multipart_feed(&m, (struct text){piece, got}, err))
            return false;
        if (got < wanted)
            return err_set(err, ERR_BAD_REQUEST, "The body ended early");
        left -= (int64_t)got;
    }
    return multipart_finish(&m, err);
}

/* The faults of the text parts and of the file together. */
static bool take_fields(struct reading *r, struct err *err)
{
    struct exchange *x = r->x;
    struct field_ctx ctx = body_field_ctx(x, r->def->strict);
    static const struct field NONE[] = {FIELD_END};
    void *target = arena_alloc(x->mem, r->def->size ? r->def->size : 1);
    if (!target)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    x->call.body = target;
    bool ok = fields_read_query(r->def->fields ? r->def->fields : NONE, buf_view(&r->fields), target, &ctx, err);
    if (!ok && err->code != ERR_VALIDATION)
        return false;
    if (r->up->size == 0)
        return err_field(err, "file", "Vui lòng chọn một tệp có nội dung.");
    return ok;
}

static bool take_file(struct reading *r, struct err *err)
{
    struct upload *up = r->up;
    struct exchange *x = r->x;
    up->type = media_sniff((struct text){r->head, r->head_n});
    if (r->def->types && !(r->def->types & MEDIA_BIT(up->type)))
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Files of this kind are not taken here");
    if (!digest_end(r->digest, up->sha256))
        return err_set(err, ERR_INTERNAL, "The file could not be hashed");
    const char *same =
        arena_printf(x->mem, "%.*s\n%.*s\n%s", TEXT_ARG(buf_view(&r->fields)), TEXT_ARG(up->name), up->sha256);
    x->raw_body = text_of(same);
    return same || err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

bool upload_read(struct exchange *x, struct err *err)
{
    struct upload *up = arena_new_of(x->mem, struct upload);
    if (!up)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    up->fd = spool_open(&x->app->config, err);
    if (up->fd < 0)
        return false;
    x->call.upload = up;
    struct reading r = {.x = x, .def = x->call.route->upload, .up = up, .digest = digest_new()};
    buf_init(&r.fields, FIELDS_MAX);
    bool ok = (r.digest || err_set(err, ERR_NO_MEMORY, "Not enough memory for the request")) && read_parts(&r, err) &&
              take_fields(&r, err) && take_file(&r, err);
    digest_free(r.digest);
    buf_release(&r.fields);
    return ok;
}

void upload_release(struct exchange *x)
{
    if (x->call.upload)
        close(x->call.upload->fd);
    x->call.upload = NULL;
}
