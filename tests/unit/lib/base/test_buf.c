#include "check.h"

#include "base/buf.h"
#include "random.h"

static void test_pieces_are_joined(void **state)
{
    (void)state;
    AUTO(buf) struct buf b;
    buf_init(&b, 1000);
    buf_str(&b, "a");
    buf_str(&b, NULL);
    buf_text(&b, TEXT("bc"));
    buf_text(&b, TEXT_NONE);
    buf_char(&b, '-');
    buf_printf(&b, "%s=%d", "n", 7);
    assert_text(buf_view(&b), "abc-n=7");
    assert_int_equal(b.p[b.n], '\0');
    buf_reset(&b);
    assert_text(buf_view(&b), "");
}

static void test_integers_are_written_whole(void **state)
{
    (void)state;
    static const int64_t CASES[] = {0, 1, -1, 9, 10, 1234567890, INT64_MAX, INT64_MIN};
    AUTO(buf) struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "%lld", (long long)CASES[i]);
        buf_reset(&b);
        buf_int(&b, CASES[i]);
        assert_text(buf_view(&b), expected);
    }
}

static void test_reserved_room_is_used_without_moving(void **state)
{
    (void)state;
    AUTO(buf) struct buf b;
    buf_init(&b, 1000);
    assert_true(buf_reserve(&b, 900));
    const char *p = b.p;
    for (int i = 0; i < 900; i++)
        buf_char(&b, 'x');
    assert_ptr_equal(b.p, p);
    assert_false(b.failed);
    assert_false(buf_reserve(&b, 1001));
    assert_false(b.failed);
    assert_int_equal(b.n, 900);
}

static void test_a_full_buffer_fails_and_stays_failed(void **state)
{
    (void)state;
    AUTO(buf) struct buf b;
    buf_init(&b, 5);
    buf_str(&b, "12345");
    assert_false(b.failed);
    buf_char(&b, '6');
    assert_true(b.failed);
    buf_str(&b, "");
    buf_printf(&b, "%d", 1);
    assert_text(buf_view(&b), "12345");
    buf_reset(&b);
    assert_false(b.failed);
    buf_str(&b, "ab");
    assert_text(buf_view(&b), "ab");
}

static void test_growing_keeps_what_was_written(void **state)
{
    (void)state;
    AUTO(buf) struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, (char)('a' + i % 26));
    assert_false(b.failed);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    buf_char(&b, 'x');
    assert_true(b.failed);
}

static void test_uri_encoding_keeps_unreserved_characters_only(void **state)
{
    (void)state;
    AUTO(buf) struct buf b;
    buf_init(&b, 1000);
    buf_uri(&b, TEXT("AZaz09-._~ /+=&%ế"), false);
    assert_text(buf_view(&b), "AZaz09-._~%20%2F%2B%3D%26%25%E1%BA%BF");
    buf_reset(&b);
    buf_uri(&b, TEXT("a/b c"), true);
    assert_text(buf_view(&b), "a/b%20c");
}

static void test_an_empty_buffer_is_an_empty_text(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_text(buf_view(&b), "");
    buf_release(&b);
    buf_release(&b);
    buf_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_joined),
        cmocka_unit_test(test_integers_are_written_whole),
        cmocka_unit_test(test_reserved_room_is_used_without_moving),
        cmocka_unit_test(test_a_full_buffer_fails_and_stays_failed),
        cmocka_unit_test(test_growing_keeps_what_was_written),
        cmocka_unit_test(test_uri_encoding_keeps_unreserved_characters_only),
        cmocka_unit_test(test_an_empty_buffer_is_an_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
