/* Bodies of multipart/form-data, whole and cut at every place. */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "http/multipart.h"

static bool begin(void *to, const struct multipart_part *part, struct err *err)
{
    (void)err;
    buf_printf(to, "[%.*s|%.*s|%.*s:", TEXT_ARG(part->name), TEXT_ARG(part->file_name), TEXT_ARG(part->content_type));
    return true;
}

static bool data(void *to, struct text bytes, struct err *err)
{
    (void)err;
    buf_text(to, bytes);
    return true;
}

static bool end(void *to, struct err *err)
{
    (void)err;
    buf_char(to, ']');
    return true;
}

static const struct multipart_handler HANDLER = {begin, data, end};

/* Feeds the body in two pieces, from a copy of the exact size of each. */
static bool read_in_two(struct text body, size_t cut, struct buf *seen, struct err *err)
{
    struct multipart m;
    const struct text pieces[] = {text_slice(body, 0, cut), text_slice(body, cut, body.n)};
    bool ok = true;
    buf_init(seen, 64 * 1024);
    multipart_init(&m, TEXT("xYz"), &HANDLER, seen);
    for (size_t i = 0; ok && i < 2; i++) {
        char *copy = malloc(pieces[i].n + 1);
        if (pieces[i].n)
            memcpy(copy, pieces[i].p, pieces[i].n);
        ok = multipart_feed(&m, (struct text){copy, pieces[i].n}, err);
        free(copy);
    }
    return ok && multipart_finish(&m, err);
}

static void assert_reads(struct text body, const char *expected)
{
    for (size_t cut = 0; cut <= body.n; cut++) {
        struct buf seen;
        struct err err = {0};
        if (!read_in_two(body, cut, &seen, &err))
            fail_msg("cut at %zu: %s", cut, err.detail);
        assert_text(buf_view(&seen), expected);
        buf_release(&seen);
    }
}

static void assert_refused(struct text body)
{
    for (size_t cut = 0; cut <= body.n; cut++) {
        struct buf seen;
        struct err err = {0};
        assert_false(read_in_two(body, cut, &seen, &err));
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        buf_release(&seen);
    }
}

#define FILE_HEAD "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
#define FIELD_HEAD "Content-Disposition: form-data; name=\"kind\"\r\n\r\n"

static void test_parts_come_whole_wherever_the_body_is_cut(void **state)
{
    (void)state;
    assert_reads(TEXT("--xYz\r\n" FIELD_HEAD "receipt\r\n--xYz\r\n" FILE_HEAD "\x89PNG\r\n\x1a\n\r\n--xYz--\r\n"),
                 "[kind||:receipt][file|a.png|image/png:\x89PNG\r\n\x1a\n]");
}

static void test_what_looks_like_the_beginning_of_a_boundary_is_content(void **state)
{
    (void)state;
    assert_reads(TEXT("--xYz\r\n" FIELD_HEAD "\r\n-\r\n--\r\n--x\r\r\n--xY\r\n--xYz--"),
                 "[kind||:\r\n-\r\n--\r\n--x\r\r\n--xY]");
}

static void test_preamble_epilogue_and_padding_are_no_content(void **state)
{
    (void)state;
    assert_reads(TEXT("ignored --xYz\r\n--xYz \t\r\n" FIELD_HEAD "a\r\n--xYz--\r\nalso \r\n--xYz\r\n ignored"),
                 "[kind||:a]");
}

static void test_an_empty_part_is_a_part(void **state)
{
    (void)state;
    assert_reads(TEXT("--xYz\r\n" FILE_HEAD "\r\n--xYz--"), "[file|a.png|image/png:]");
}

static void test_no_part_at_all_is_no_fault(void **state)
{
    (void)state;
    assert_reads(TEXT("--xYz--\r\n"), "");
}

static void test_names_lose_their_escapes(void **state)
{
    (void)state;
    assert_reads(TEXT("--xYz\r\ncontent-disposition: FORM-DATA; filename=\"C:\\a \\\"b\\\" %22c%22; name=x.png\" ; "
                      "Name=\"file\"\r\n\r\n1\r\n--xYz--"),
                 "[file|C:\\a \"b\" \"c\"; name=x.png|:1]");
    assert_reads(TEXT("--xYz\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\n1\r\n--xYz--"),
                 "[file|a.csv|:1]");
    assert_reads(TEXT("--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--xYz--"),
                 "[file||:]");
}

static void test_broken_bodies_are_refused(void **state)
{
    (void)state;
    static const struct text BAD[] = {
        TEXT_INIT(""),
        TEXT_INIT("{}"),
        TEXT_INIT("--xYz"),
        TEXT_INIT("--xYz-"),
        TEXT_INIT("--xYz\r\n"),
        TEXT_INIT("--xYz\r\n" FIELD_HEAD "cut"),
        TEXT_INIT("--xYz\r\n" FIELD_HEAD "cut\r\n--xYz"),
        TEXT_INIT("--xYz\r\n" FIELD_HEAD "a\r\n--xYzz\r\n" FIELD_HEAD "b\r\n--xYz--"),
        TEXT_INIT("--xYz\r\n\r\na\r\n--xYz--"),
        TEXT_INIT("--xYz\r\nContent-Disposition: form-data\r\n\r\na\r\n--xYz--"),
        TEXT_INIT("--xYz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\na\r\n--xYz--"),
        TEXT_INIT("--xYz\r\nContent-Disposition: form-data; name=\"\"\r\n\r\na\r\n--xYz--"),
        TEXT_INIT("--xYz\r\n"
                  "no colon\r\n" FIELD_HEAD "a\r\n--xYz--"),
        TEXT_INIT("--xYz\r\n"
                  "Content-Transfer-Encoding: base64\r\n" FIELD_HEAD "YQ==\r\n--xYz--"),
        TEXT_INIT("--xYz\n" FIELD_HEAD "a\r\n--xYz--"),
        TEXT_INIT("--xYz\r\nContent-Disposition: form-data; name=\"a\"\n\n\r\na\r\n--xYz--"),
        TEXT_INIT("--xYz\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\na\r\n--xYz--"),
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_refused(BAD[i]);
}

static void test_the_head_of_a_part_and_the_number_of_parts_have_limits(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_str(&body, "--xYz\r\nX: ");
    for (int i = 0; i < MULTIPART_HEAD_MAX; i++)
        buf_char(&body, 'a');
    buf_str(&body, "\r\n" FIELD_HEAD "a\r\n--xYz--");
    assert_refused(buf_view(&body));
    for (int parts = MULTIPART_PARTS_MAX; parts <= MULTIPART_PARTS_MAX + 1; parts++) {
        struct buf seen;
        struct err err = {0};
        buf_reset(&body);
        for (int i = 0; i < parts; i++)
            buf_str(&body, "--xYz\r\n" FIELD_HEAD "a\r\n");
        buf_str(&body, "--xYz--");
        assert_int_equal(read_in_two(buf_view(&body), 7, &seen, &err), parts == MULTIPART_PARTS_MAX);
        buf_release(&seen);
    }
    buf_release(&body);
}

static bool refuse(void *to, const struct multipart_part *part, struct err *err)
{
    (void)to;
    (void)part;
    return err_set(err, ERR_PAYLOAD_TOO_LARGE, "no");
}

static void test_a_handlers_refusal_ends_the_reading(void **state)
{
    (void)state;
    static const struct multipart_handler REFUSING = {refuse, data, end};
    struct multipart m;
    struct err err = {0};
    multipart_init(&m, TEXT("xYz"), &REFUSING, NULL);
    assert_false(multipart_feed(&m, TEXT("--xYz\r\n" FIELD_HEAD "a"), &err));
    assert_int_equal(err.code, ERR_PAYLOAD_TOO_LARGE);
}

static void test_boundaries_are_read_from_the_content_type(void **state)
{
    (void)state;
    static const struct {
        const char *type, *boundary;
    } ROWS[] = {
        {"multipart/form-data; boundary=----WebKitFormBoundaryAbC", "----WebKitFormBoundaryAbC"},
        {"Multipart/Form-Data;charset=utf-8; Boundary=\"a b:c\"", "a b:c"},
        {"multipart/form-data ; boundary=a;x=y", "a"},
    };
    static const char *const NONE[] = {
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        "application/json",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
        "multipart/form-data; xboundary=a",
        ""};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_text(multipart_boundary(text_of(ROWS[i].type)), ROWS[i].boundary);
    for (size_t i = 0; i < ARRAY_LEN(NONE); i++)
        assert_int_equal(multipart_boundary(text_of(NONE[i])).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_come_whole_wherever_the_body_is_cut),
        cmocka_unit_test(test_what_looks_like_the_beginning_of_a_boundary_is_content),
        cmocka_unit_test(test_preamble_epilogue_and_padding_are_no_content),
        cmocka_unit_test(test_an_empty_part_is_a_part),
        cmocka_unit_test(test_no_part_at_all_is_no_fault),
        cmocka_unit_test(test_names_lose_their_escapes),
        cmocka_unit_test(test_broken_bodies_are_refused),
        cmocka_unit_test(test_the_head_of_a_part_and_the_number_of_parts_have_limits),
        cmocka_unit_test(test_a_handlers_refusal_ends_the_reading),
        cmocka_unit_test(test_boundaries_are_read_from_the_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
