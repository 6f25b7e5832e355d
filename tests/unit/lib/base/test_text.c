#include "check.h"

#include "base/attr.h"
#include "base/text.h"
#include "random.h"

static void test_utf8_is_what_rfc_3629_allows(void **state)
{
    (void)state;
    static const struct {
        struct text t;
        bool ok;
    } CASES[] = {
        {{"", 0}, true},
        {{"plain ASCII of some length", 26}, true},
        {{"Tiền lương 🍜", 19}, true},
        {{"\xC2\x80", 2}, true},
        {{"\xED\x9F\xBF", 3}, true},
        {{"\xEE\x80\x80", 3}, true},
        {{"\xF4\x8F\xBF\xBF", 4}, true},
        {{"\xC0\x80", 2}, false},         /* overlong NUL */
        {{"\xC1\xBF", 2}, false},         /* overlong */
        {{"\xE0\x9F\xBF", 3}, false},     /* overlong */
        {{"\xF0\x8F\xBF\xBF", 4}, false}, /* overlong */
        {{"\xED\xA0\x80", 3}, false},     /* surrogate */
        {{"\xF4\x90\x80\x80", 4}, false}, /* above U+10FFFF */
        {{"\xF5\x80\x80\x80", 4}, false},
        {{"\x80", 1}, false},
        {{"\xFF", 1}, false},
        {{"12345678\xE1\xBA", 10}, false}, /* cut */
        {{"\xE1\xBA"
          "a",
          3},
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (text_is_utf8(CASES[i].t) != CASES[i].ok)
            fail_msg("case %zu", i);
}

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned LEAD[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(LEAD[n] | c);
    return n;
}

static void test_every_code_point_but_surrogates_decodes_to_itself(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[4];
        uint32_t back = 0;
        size_t n = encode(c, bytes);
        bool legal = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
        size_t got = text_decode((struct text){bytes, n}, 0, &back);
        if (got != (legal ? n : 0) || (legal && back != c))
            fail_msg("U+%04X", (unsigned)c);
    }
}

static void test_random_bytes_are_read_within_their_length(void **state)
{
    (void)state;
    struct random r = random_seeded(2);
    for (int round = 0; round < 20000; round++) {
        char bytes[13]; /* exactly as long as the text, so that ASan sees any step beyond it */
        size_t n = (size_t)random_up_to(&r, sizeof(bytes) + 1);
        char *p = bytes + sizeof(bytes) - n;
        for (size_t i = 0; i < n; i++)
            p[i] = (char)random_next(&r);
        struct text t = {p, n};
        struct text trimmed = text_trim(t);
        assert_true(trimmed.n <= n);
        assert_true(text_length(t) <= n);
        (void)text_has_control(t, true);
        (void)text_is_email(t);
        (void)text_is_utf8(t);
    }
}

static void test_trimming_takes_all_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_text(text_trim(TEXT(" \t\r\n a b \v\f ")), "a b");
    assert_text(text_trim(TEXT("\u00A0\u3000Ăn trưa\u2003\uFEFF")), "Ăn trưa");
    assert_text(text_trim(TEXT("   ")), "");
    assert_text(text_trim(TEXT("\u2028")), "");
    assert_text(text_trim(TEXT("")), "");
    assert_text(text_trim(TEXT("\u200Bx")), "\u200Bx");
}

static void test_length_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(text_length(TEXT("")), 0);
    assert_int_equal(text_length(TEXT("Tiền")), 4);
    assert_int_equal(text_length(TEXT("🍜🍜")), 2);
}

static void test_control_characters_are_found(void **state)
{
    (void)state;
    assert_false(text_has_control(TEXT("Lương tháng 3 🍜"), false));
    assert_true(text_has_control(TEXT("a\nb"), false));
    assert_false(text_has_control(TEXT("a\nb\tc\r\n"), true));
    assert_true(text_has_control(TEXT("a\0b"), true));
    assert_true(text_has_control(TEXT("\x7F"), true));
    assert_true(text_has_control(TEXT("\x1B[31m"), true));
    assert_true(text_has_control(TEXT("\xC2\x85"), true));
    assert_true(text_has_control(TEXT("\xC2\x9F"), false));
    assert_false(text_has_control(TEXT("\u00A0"), false));
}

static void test_integers_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        struct text t;
        bool ok;
        int64_t v;
    } CASES[] = {
        {{"0", 1}, true, 0},
        {{"-0", 2}, true, 0},
        {{"007", 3}, true, 7},
        {{"-12", 3}, true, -12},
        {{"9223372036854775807", 19}, true, INT64_MAX},
        {{"-9223372036854775808", 20}, true, INT64_MIN},
        {{"9223372036854775808", 19}, false, 0},
        {{"-9223372036854775809", 20}, false, 0},
        {{"99999999999999999999999", 23}, false, 0},
        {{"", 0}, false, 0},
        {{"-", 1}, false, 0},
        {{"+1", 2}, false, 0},
        {{" 1", 2}, false, 0},
        {{"1.0", 3}, false, 0},
        {{"1\0", 2}, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t v = 4711;
        bool ok = text_to_int64(CASES[i].t, &v);
        if (ok != CASES[i].ok || v != (ok ? CASES[i].v : 4711))
            fail_msg("case %zu", i);
    }
}

static void test_mail_addresses_are_plausible(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"a@b.vn", "ten.ho+thu@mail.example.com", "x_y-z'1@a-b.c-d.io", "1@2.3a"};
    static const char *const BAD[] = {
        "",         "a",         "@",          "a@b",       "@b.vn",
        "a@",       "a@b.",      "a@.vn",      "a@b..vn",   ".a@b.vn",
        "a.@b.vn",  "a..b@c.vn", "a b@c.vn",   "a@b c.vn",  "a@b@c.vn",
        "a@-b.vn",  "a@b-.vn",   "a@1.2.3.4",  "a\n@b.vn",  "a@b.vn\r\nBcc: x@y.vn",
        "a,b@c.vn", "<a@b.vn>",  "\"a\"@b.vn", "tiền@b.vn", "a@việt.vn",
    };
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        if (!text_is_email(text_of(GOOD[i])))
            fail_msg("%s", GOOD[i]);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (text_is_email(text_of(BAD[i])))
            fail_msg("%s", BAD[i]);
    assert_false(text_is_email(TEXT("a\0@b.vn")));
}

static void test_mail_addresses_keep_the_sizes_of_smtp(void **state)
{
    (void)state;
    char address[400];
    memset(address, 'a', sizeof(address));
    address[64] = '@';
    memcpy(address + 65 + 63, ".vn", 4);
    assert_true(text_is_email(text_of(address)));
    memmove(address + 1, address, strlen(address) + 1);
    assert_false(text_is_email(text_of(address)));
    memset(address, 'a', sizeof(address));
    address[10] = '@';
    for (size_t i = 20; i < 300; i += 10)
        address[i] = '.';
    assert_true(text_is_email((struct text){address, 254}));
    assert_false(text_is_email((struct text){address, 255}));
}

static void test_splitting_gives_empty_pieces_too(void **state)
{
    (void)state;
    struct text rest = TEXT("a,,b,"), piece;
    static const char *const PIECES[] = {"a", "", "b", ""};
    for (size_t i = 0; i < ARRAY_LEN(PIECES); i++) {
        assert_true(text_split(&rest, ',', &piece));
        assert_text(piece, PIECES[i]);
    }
    assert_false(text_split(&rest, ',', &piece));
    rest = TEXT("");
    assert_true(text_split(&rest, ',', &piece));
    assert_false(text_split(&rest, ',', &piece));
}

static void test_comparisons_know_lengths(void **state)
{
    (void)state;
    assert_true(text_eq(TEXT(""), TEXT_NONE));
    assert_false(text_eq(TEXT("a"), TEXT("a\0")));
    assert_true(text_eq_nocase(TEXT("AbC"), TEXT("aBc")));
    assert_false(text_eq_nocase(TEXT("a"), TEXT("b")));
    assert_true(text_starts(TEXT("abc"), TEXT("ab")));
    assert_false(text_starts(TEXT("a"), TEXT("ab")));
    assert_true(text_eq_secret(TEXT("secret"), TEXT("secret")));
    assert_false(text_eq_secret(TEXT("secret"), TEXT("secreT")));
    assert_false(text_eq_secret(TEXT("secret"), TEXT("secrets")));
    assert_text(text_slice(TEXT("abc"), 1, 99), "bc");
    assert_text(text_slice(TEXT("abc"), 5, 4), "");
}

static void test_lower_case_needs_room(void **state)
{
    (void)state;
    char out[4];
    assert_true(text_lower(TEXT("AbZ"), out, sizeof(out)));
    assert_string_equal(out, "abz");
    assert_false(text_lower(TEXT("abcd"), out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_is_what_rfc_3629_allows),
        cmocka_unit_test(test_every_code_point_but_surrogates_decodes_to_itself),
        cmocka_unit_test(test_random_bytes_are_read_within_their_length),
        cmocka_unit_test(test_trimming_takes_all_white_space_at_both_ends),
        cmocka_unit_test(test_length_counts_code_points),
        cmocka_unit_test(test_control_characters_are_found),
        cmocka_unit_test(test_integers_are_read_exactly),
        cmocka_unit_test(test_mail_addresses_are_plausible),
        cmocka_unit_test(test_mail_addresses_keep_the_sizes_of_smtp),
        cmocka_unit_test(test_splitting_gives_empty_pieces_too),
        cmocka_unit_test(test_comparisons_know_lengths),
        cmocka_unit_test(test_lower_case_needs_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
