/* Uploads: whatever arrives, in whatever pieces, the parts are the same, and a kept name is a plain one. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/multipart.h"
#include "http/upload.h"

enum { SEEN_MAX = 4 * 1024 * 1024 };

static bool begin(void *to, const struct multipart_part *part, struct err *err)
{
    (void)err;
    CHECK(part->name.n > 0);
    buf_printf(to, "[%zu|%zu|", part->name.n, part->file_name.n);
    buf_text(to, part->name);
    buf_text(to, part->file_name);
    buf_text(to, part->content_type);
    struct text name = upload_clean_name(part->file_name, fuzz_arena());
    CHECK(name.n > 0 && name.n <= UPLOAD_NAME_MAX && text_is_utf8(name) && !text_has_control(name, false));
    CHECK(!memchr(name.p, '/', name.n) && !memchr(name.p, '\\', name.n));
    return true;
}

static bool data(void *to, struct text bytes, struct err *err)
{
    (void)err;
    CHECK(bytes.n > 0);
    buf_text(to, bytes);
    return true;
}

static bool end(void *to, struct err *err)
{
    (void)err;
    buf_char(to, ']');
    return true;
}

static bool read_all(struct text boundary, struct text body, size_t piece, struct buf *seen)
{
    static const struct multipart_handler HANDLER = {begin, data, end};
    struct multipart m;
    struct err err = {0};
    bool ok = true;
    buf_init(seen, SEEN_MAX);
    multipart_init(&m, boundary, &HANDLER, seen);
    for (size_t at = 0; ok && at < body.n; at += piece) {
        struct text part = text_slice(body, at, at + piece);
        struct text copy = fuzz_copy(part.p, part.n);
        ok = multipart_feed(&m, copy, &err);
        fuzz_free(copy);
    }
    ok = ok && multipart_finish(&m, &err);
    CHECK(ok || err.code == ERR_BAD_REQUEST);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text all = fuzz_copy(bytes, size), rest = all;
    size_t piece = 1 + fuzz_choice(&rest, 64);
    struct text boundary = multipart_boundary(fuzz_part(&rest));
    struct buf whole, pieces;
    if (!boundary.n)
        boundary = TEXT("b");
    bool ok = read_all(boundary, rest, rest.n ? rest.n : 1, &whole);
    CHECK(read_all(boundary, rest, piece, &pieces) == ok);
    CHECK(!ok || text_eq(buf_view(&whole), buf_view(&pieces)));
    buf_release(&whole);
    buf_release(&pieces);
    fuzz_free(all);
    return 0;
}
