/* Pictures: whatever they are, reading stays inside, the result is hardly longer, and is what taking again gives. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/media.h"

enum { OUT_MAX = 8 * 1024 * 1024, ORIENTATION_MAX = 36 };

static bool read_at(void *from, int64_t at, void *out, size_t n, struct err *err)
{
    (void)err;
    const struct text *t = from;
    CHECK(at >= 0 && (size_t)at <= t->n && n <= t->n - (size_t)at);
    memcpy(out, t->p + at, n);
    return true;
}

static bool write_to(void *to, const void *p, size_t n, struct err *err)
{
    (void)err;
    buf_put(to, p, n);
    return true;
}

static bool strip(enum media_type type, struct text in, struct buf *out)
{
    struct err err = {0};
    const struct media_source source = {read_at, &in, (int64_t)in.n};
    const struct media_sink sink = {write_to, out};
    buf_init(out, OUT_MAX);
    bool ok = media_strip(type, &source, &sink, &err);
    CHECK(ok || err.code == ERR_UNSUPPORTED_MEDIA_TYPE);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text all = fuzz_copy(data, size);
    enum media_type type = media_sniff(all);
    struct buf once, again;
    if (strip(type, all, &once)) {
        CHECK(once.n <= all.n + ORIENTATION_MAX && media_sniff(buf_view(&once)) == type);
        CHECK(strip(type, buf_view(&once), &again));
        CHECK(text_eq(buf_view(&once), buf_view(&again)));
        buf_release(&again);
    }
    buf_release(&once);
    fuzz_free(all);
    return 0;
}
