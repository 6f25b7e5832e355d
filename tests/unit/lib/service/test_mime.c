/* What the message builder writes, read back by GMime's parser and by eye. */
#include "check.h"

#include <gmime/gmime.h>
#include <stdlib.h>

#include "base/attr.h"
#include "service/mime.h"

#define LIT(s) {s, sizeof(s) - 1}

static const struct mime_mail MAIL = {.from_name = LIT("Money Manager"),
                                      .from_address = LIT("no-reply@example.com"),
                                      .to_name = LIT("Nguyễn Văn Ân"),
                                      .to_address = LIT("an@example.com"),
                                      .subject = LIT("Giao dịch lớn"),
                                      .plain = LIT("Chào Ân,\n.\n.dots\nend"),
                                      .html = LIT("<p>Chào Ân</p>"),
                                      .event_id = LIT("019f0000-0000-7000-8000-000000000001"),
                                      .message_number = 42,
                                      .date_ms = INT64_C(1790000000000)};

static struct arena *mem;

static int start(void **state)
{
    (void)state;
    mem = arena_new(65536, 16 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static struct text build(const struct mime_mail *mail)
{
    struct err err = {0};
    struct text out = TEXT_NONE;
    arena_reset(mem);
    if (!mime_build(mail, mem, &out, &err))
        fail_msg("%s", err.detail);
    return out;
}

static GMimeMessage *parse(struct text t)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(t.p, t.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    assert_non_null(message);
    return message;
}

static bool has(struct text t, const char *part)
{
    return memmem(t.p, t.n, part, strlen(part)) != NULL;
}

static void check_part(GMimeMultipart *both, int i, const char *subtype, const char *expected)
{
    GMimeObject *part = g_mime_multipart_get_part(both, i);
    GMimeContentType *type = g_mime_object_get_content_type(part);
    assert_true(g_mime_content_type_is_type(type, "text", subtype));
    assert_string_equal(g_mime_content_type_get_parameter(type, "charset"), "utf-8");
    char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
    char *p = text, *q = text;
    for (; *p; p++)
        if (*p != '\r')
            *q++ = *p;
    *q = '\0';
    if (q > text && q[-1] == '\n' && expected[strlen(expected) - 1] != '\n')
        q[-1] = '\0';
    assert_string_equal(text, expected);
    g_free(text);
}

static void test_a_mail_is_read_back_as_it_was_meant(void **state)
{
    (void)state;
    GMimeMessage *m = parse(build(&MAIL));
    assert_string_equal(g_mime_message_get_subject(m), "Giao dịch lớn");
    InternetAddress *to = internet_address_list_get_address(g_mime_message_get_to(m), 0);
    assert_string_equal(internet_address_get_name(to), "Nguyễn Văn Ân");
    assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(to)), "an@example.com");
    assert_string_equal(g_mime_message_get_message_id(m), "019f0000-0000-7000-8000-000000000001.42@example.com");
    assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(m), "X-Money-Manager-Event"),
                        "019f0000-0000-7000-8000-000000000001");
    assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(m), "Auto-Submitted"), "auto-generated");
    assert_int_equal(g_date_time_to_unix(g_mime_message_get_date(m)), 1790000000);
    GMimeObject *body = g_mime_message_get_mime_part(m);
    assert_true(g_mime_content_type_is_type(g_mime_object_get_content_type(body), "multipart", "alternative"));
    assert_int_equal(g_mime_multipart_get_count(GMIME_MULTIPART(body)), 2);
    check_part(GMIME_MULTIPART(body), 0, "plain", "Chào Ân,\n.\n.dots\nend");
    check_part(GMIME_MULTIPART(body), 1, "html", "<p>Chào Ân</p>");
    g_object_unref(m);
}

/* RFC 5322: lines of at most 998 bytes (78 wished) ended by CRLF; RFC 2047: encoded words of at most 75. */
static void check_form(struct text t)
{
    size_t line = 0, word = 0;
    assert_true(t.n > 2 && t.p[t.n - 2] == '\r' && t.p[t.n - 1] == '\n');
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        assert_true(c < 0x80);
        assert_true(c != '\n' || (i > 0 && t.p[i - 1] == '\r'));
        assert_true(c != '\r' || (i + 1 < t.n && t.p[i + 1] == '\n'));
        line = c == '\n' ? 0 : line + 1;
        assert_true(line <= 998);
        word = c == ' ' || c == '\r' || c == '\n' ? 0 : word + 1;
        if (word >= 2 && t.p[i] == '=' && t.p[i - 1] == '?')
            assert_true(word <= 76);
    }
}

static void test_every_line_is_ascii_short_and_ends_in_crlf(void **state)
{
    (void)state;
    char subject[1000], plain[5000];
    struct mime_mail mail = MAIL;
    for (size_t i = 0; i + 2 < sizeof subject; i += 3)
        memcpy(subject + i, i % 30 ? "\xe1\xbb\x9b" : "   ", 3);
    memset(plain, 'x', sizeof plain);
    plain[100] = '\n';
    plain[101] = '.';
    plain[102] = '\r';
    plain[103] = '.';
    plain[104] = '\n';
    mail.subject = (struct text){subject, 999};
    mail.plain = (struct text){plain, sizeof plain};
    check_form(build(&mail));
    check_form(build(&MAIL));
}

static void test_a_retry_carries_the_same_message_id(void **state)
{
    (void)state;
    struct mime_mail later = MAIL;
    later.date_ms += 60000;
    const char *id = "<019f0000-0000-7000-8000-000000000001.42@example.com>";
    assert_true(has(build(&MAIL), id));
    assert_true(has(build(&later), id));
}

static void test_a_name_may_hold_anything_but_line_breaks(void **state)
{
    (void)state;
    struct mime_mail mail = MAIL;
    mail.to_name = TEXT("\"An\", <evil@example.com>; (x)");
    GMimeMessage *m = parse(build(&mail));
    InternetAddressList *list = g_mime_message_get_to(m);
    assert_int_equal(internet_address_list_length(list), 1);
    InternetAddress *to = internet_address_list_get_address(list, 0);
    assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(to)), "an@example.com");
    g_object_unref(m);
}

static void test_without_a_name_the_address_stands_alone(void **state)
{
    (void)state;
    struct mime_mail mail = MAIL;
    mail.to_name = TEXT("");
    assert_true(has(build(&mail), "\r\nTo: an@example.com\r\n") || has(build(&mail), "\r\nTo: <an@example.com>\r\n"));
}

static void test_headers_with_line_breaks_and_bad_addresses_are_refused_for_good(void **state)
{
    (void)state;
    struct mime_mail bad[8];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = MAIL;
    bad[0].subject = TEXT("a\r\nBcc: x@example.com");
    bad[1].to_name = TEXT("a\nb");
    bad[2].from_name = TEXT("a\rb");
    bad[3].subject = (struct text){"a\0b", 3};
    bad[4].event_id = TEXT("e\r\nX: y");
    bad[5].to_address = TEXT("nobody");
    bad[6].to_address = TEXT("a@example.com\r\nRCPT TO:<b@example.com>");
    bad[7].subject = TEXT("\xff\xfe");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct text out;
        arena_reset(mem);
        if (mime_build(&bad[i], mem, &out, &err) || err.code != ERR_PERMANENT)
            fail_msg("mail %zu was built", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mail_is_read_back_as_it_was_meant),
        cmocka_unit_test(test_every_line_is_ascii_short_and_ends_in_crlf),
        cmocka_unit_test(test_a_retry_carries_the_same_message_id),
        cmocka_unit_test(test_a_name_may_hold_anything_but_line_breaks),
        cmocka_unit_test(test_without_a_name_the_address_stands_alone),
        cmocka_unit_test(test_headers_with_line_breaks_and_bad_addresses_are_refused_for_good),
    };
    mime_global_init();
    return cmocka_run_group_tests(tests, start, stop);
}
