/* Mails: templates, MIME and the server's replies. No value breaks out of its header, its line or its element. */
#include "fuzz.h"

#include "service/mime.h"
#include "service/smtp.h"
#include "service/template.h"

static void check_template(struct text source, struct text value, struct arena *mem)
{
    const struct template_value extra[] = {{"name", value, false}, {"empty", TEXT(""), false}};
    const struct template_values values = {.extra = extra, .extra_count = ARRAY_LEN(extra)};
    struct err err = {0};
    struct buf out;
    (void)mem;
    buf_init(&out, 64 * 1024);
    if (!template_render(source, TEMPLATE_HTML, &values, &out, &err))
        CHECK(err.code == ERR_PERMANENT || err.code == ERR_NO_MEMORY);
    buf_reset(&out);
    if (template_render(TEXT("{{name}}"), TEMPLATE_HTML, &values, &out, &err))
        CHECK(!memchr(out.p ? out.p : "", '<', out.n) && !memchr(out.p ? out.p : "", '"', out.n));
    buf_reset(&out);
    if (template_render(TEXT("{{name}}"), TEMPLATE_LINE, &values, &out, &err))
        CHECK(!memchr(out.p ? out.p : "", '\n', out.n) && !memchr(out.p ? out.p : "", '\r', out.n));
    buf_release(&out);
}

/* The head's lines: each a name of ours or a folded one's continuation; and no bare CR or LF anywhere. */
static void check_message(struct text m)
{
    static const char *const NAMES[] = {
        "From:",           "To:",           "Subject:",      "Date:", "Message-Id:", "X-Money-Manager-Event:",
        "Auto-Submitted:", "MIME-Version:", "Content-Type:", " ",     "\t"};
    for (size_t i = 0; i < m.n; i++) {
        CHECK(m.p[i] != '\n' || (i > 0 && m.p[i - 1] == '\r'));
        CHECK(m.p[i] != '\r' || (i + 1 < m.n && m.p[i + 1] == '\n'));
    }
    struct text line;
    while (text_split(&m, '\n', &line) && line.n > 1) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
            known |= text_starts(line, text_of(NAMES[i]));
        CHECK(known);
        CHECK(line.n <= 999); /* RFC 5322: 998 and CRLF */
    }
}

static void check_mime(struct text *rest, struct arena *mem)
{
    struct mime_mail mail = {.from_name = fuzz_part(rest),
                             .from_address = TEXT("no-reply@moneymanager.example"),
                             .to_name = fuzz_part(rest),
                             .to_address = fuzz_part(rest),
                             .subject = fuzz_part(rest),
                             .plain = fuzz_part(rest),
                             .html = *rest,
                             .event_id = TEXT("018bcfe5-687b-7000-8000-000000000001"),
                             .message_number = 3,
                             .date_ms = INT64_C(1700000000000)};
    struct err err = {0};
    struct text out;
    if (mime_build(&mail, mem, &out, &err))
        check_message(out);
    else
        CHECK(err.code == ERR_PERMANENT || err.code == ERR_NO_MEMORY);
}

static void check_reply(struct text t, struct arena *mem)
{
    const char *reply = fuzz_string(mem, t);
    struct text id = smtp_provider_id(reply);
    CHECK(!memchr(id.n ? id.p : "", ' ', id.n) && id.n <= strlen(reply));
    smtp_is_quota(reply);
    for (int code = -1; code < 700; code++)
        for (int stage = SMTP_STAGE_MAIL; stage <= SMTP_STAGE_DATA; stage++) {
            enum smtp_fate fate = smtp_fate_of(code, (enum smtp_stage)stage);
            CHECK((fate == SMTP_SENT) == (code / 100 == 2));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    if (!begun)
        mime_global_init();
    begun = true;
    struct text all = fuzz_copy(data, size), rest = all;
    struct arena *mem = fuzz_arena();
    struct text source = fuzz_part(&rest), value = fuzz_part(&rest);
    check_template(source, value, mem);
    check_reply(value, mem);
    check_mime(&rest, mem);
    fuzz_free(all);
    return 0;
}
