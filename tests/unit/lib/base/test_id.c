#include "check.h"

#include "base/attr.h"
#include "base/id.h"
#include "random.h"

static void test_uuids_have_version_7_and_the_time(void **state)
{
    (void)state;
    char id[UUID_TEXT_MAX];
    uuid7(0x0192A3B4C5D6, id);
    assert_true(uuid_is_valid(text_of(id)));
    assert_memory_equal(id, "0192a3b4-c5d6-7", 15);
    assert_non_null(strchr("89ab", id[19]));
}

static void test_uuids_of_one_thread_sort_by_age(void **state)
{
    (void)state;
    char last[UUID_TEXT_MAX] = "", id[UUID_TEXT_MAX];
    int64_t now = 1774664130123;
    /* Many in one millisecond (more than the counter holds), and a clock that steps back a little. */
    for (int i = 0; i < 20000; i++) {
        uuid7(now - i % 3, id);
        if (strcmp(id, last) <= 0)
            fail_msg("%s after %s", id, last);
        memcpy(last, id, sizeof(last));
    }
    uuid7(now + 60000, id);
    assert_true(strcmp(id, last) > 0);
}

static void test_a_clock_set_far_back_is_believed(void **state)
{
    (void)state;
    char id[UUID_TEXT_MAX];
    uuid7(INT64_C(0x0300000000000), id);
    uuid7(INT64_C(0x0200000000000), id);
    assert_memory_equal(id, "20000000-0000-7", 15);
}

static void test_uuid_texts_are_checked(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "0192a3b4-c5d6-7000-8000-00000000000",
                                      "0192a3b4-c5d6-7000-8000-0000000000000",
                                      "0192a3b4xc5d6-7000-8000-000000000000",
                                      "0192a3b4-c5d6-7000-8000-00000000000g",
                                      "{192a3b4-c5d6-7000-8000-00000000000}"};
    assert_true(uuid_is_valid(TEXT("0192A3B4-c5d6-7000-8000-0123456789ab")));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(uuid_is_valid(text_of(BAD[i])));
}

static void test_random_numbers_stay_below_their_bound(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int i = 0; i < 2000; i++) {
        uint32_t v = random_below(10);
        assert_in_range(v, 0, 9);
        seen |= 1u << v;
    }
    assert_int_equal(seen, 0x3FF);
    assert_int_equal(random_below(0), 0);
    assert_int_equal(random_below(1), 0);
    assert_true(random_below(UINT32_MAX) < UINT32_MAX);
}

static void test_random_hex_has_two_digits_a_byte(void **state)
{
    (void)state;
    char a[201], b[201];
    random_hex(100, a);
    random_hex(100, b);
    assert_int_equal(strlen(a), 200);
    assert_int_equal(strspn(a, "0123456789abcdef"), 200);
    assert_string_not_equal(a, b);
    random_hex(0, a);
    assert_string_equal(a, "");
    hex_encode("\x00\xAB\xFF", 3, a);
    assert_string_equal(a, "00abff");
}

static void test_base64url_has_the_values_of_rfc_4648(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *coded;
    } CASES[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF", "-_8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char coded[32], plain[32];
        size_t n = 99;
        assert_int_equal(base64url_encode(CASES[i].plain, strlen(CASES[i].plain), coded, sizeof(coded)),
                         strlen(CASES[i].coded));
        assert_string_equal(coded, CASES[i].coded);
        assert_true(base64url_decode(text_of(coded), plain, sizeof(plain), &n));
        assert_int_equal(n, strlen(CASES[i].plain));
        assert_memory_equal(plain, CASES[i].plain, n);
    }
}

static void test_only_the_one_true_spelling_decodes(void **state)
{
    (void)state;
    static const char *const BAD[] = {"Zg==", "Z", "Zm9v!", "Zm+v", "Zm/v", "Zm 9v", "Zh", "Zm9", "Zm9vY"};
    char out[16];
    size_t n;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (base64url_decode(text_of(BAD[i]), out, sizeof(out), &n))
            fail_msg("%s", BAD[i]);
    assert_false(base64url_decode(TEXT("Zm9vYmFy"), out, 5, &n));
    assert_true(base64url_decode(TEXT("Zm9vYmFy"), out, 6, &n));
    assert_int_equal(base64url_encode("abc", 3, out, 4), 0);
    assert_string_equal(out, "");
}

static void test_random_bytes_survive_base64url(void **state)
{
    (void)state;
    struct random r = random_seeded(6);
    for (int round = 0; round < 5000; round++) {
        unsigned char bytes[64], back[64];
        char coded[90];
        size_t n = (size_t)random_up_to(&r, 65), m = 0;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)random_next(&r);
        size_t length = base64url_encode(bytes, n, coded, (n * 4 + 2) / 3 + 1);
        assert_true(base64url_decode((struct text){coded, length}, back, sizeof(back), &m));
        assert_int_equal(m, n);
        assert_memory_equal(back, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuids_have_version_7_and_the_time),
        cmocka_unit_test(test_uuids_of_one_thread_sort_by_age),
        cmocka_unit_test(test_a_clock_set_far_back_is_believed),
        cmocka_unit_test(test_uuid_texts_are_checked),
        cmocka_unit_test(test_random_numbers_stay_below_their_bound),
        cmocka_unit_test(test_random_hex_has_two_digits_a_byte),
        cmocka_unit_test(test_base64url_has_the_values_of_rfc_4648),
        cmocka_unit_test(test_only_the_one_true_spelling_decodes),
        cmocka_unit_test(test_random_bytes_survive_base64url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
