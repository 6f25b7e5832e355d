/* Log lines: whatever text goes in, a line stays one line and trips no filter. */
#include "fuzz.h"

#include "base/json.h"
#include "base/log_line.h"

static size_t count(struct text t, const char *word)
{
    size_t n = 0, length = strlen(word);
    for (size_t i = 0; i + length <= t.n; i++)
        n += memcmp(t.p + i, word, length) == 0;
    return n;
}

/* JSON leaves DEL and C1 controls as they are; in text they are escaped too. */
static bool has_control(struct text t, bool json)
{
    for (size_t i = 0; json && i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20)
            return true;
    return !json && text_has_control(t, false);
}

static void check_line(const struct buf *out, bool json)
{
    struct text t = buf_view(out);
    CHECK(t.n > 0 && memchr(t.p, '\n', t.n) == t.p + t.n - 1);
    CHECK(text_is_utf8(t));
    CHECK(!has_control(text_slice(t, 0, t.n - 1), json));
    CHECK(count(t, "ERROR") == 0 && count(t, "Exception") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct log_line line = {
        .level = LOG_INFO, .at_ms = 1700000000000, .thread = "t", .logger = "l", .request_id = "r", .message = t};
    struct buf out;
    struct err err = {0};
    buf_init(&out, 4 * 1024 * 1024);
    log_line_text(&out, &line, NULL);
    check_line(&out, false);
    buf_reset(&out);
    log_line_json(&out, &line);
    check_line(&out, true);
    struct json_doc *doc = json_parse(buf_view(&out), &err);
    CHECK(doc);
    if (text_is_utf8(t))
        CHECK(text_eq(json_get_text(json_root(doc), "message"), t));
    json_doc_free(doc);
    buf_reset(&out);
    log_quote(&out, "key", t);
    CHECK(!memchr(out.p, '\n', out.n));
    buf_release(&out);
    fuzz_free(t);
    return 0;
}
