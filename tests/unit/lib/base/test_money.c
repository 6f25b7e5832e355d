#include "check.h"

#include <stdlib.h>

#include "base/money.h"
#include "random.h"

static const struct currency *currency(const char *code)
{
    const struct currency *cur = currency_find(text_of(code));
    assert_non_null(cur);
    return cur;
}

static void test_currencies_have_the_exponents_of_iso_4217(void **state)
{
    (void)state;
    assert_int_equal(currency("VND")->exponent, 0);
    assert_int_equal(currency("JPY")->exponent, 0);
    assert_int_equal(currency("USD")->exponent, 2);
    assert_int_equal(currency("KWD")->exponent, 3);
    assert_null(currency_find(TEXT("XXX")));
    assert_null(currency_find(TEXT("vnd")));
    assert_null(currency_find(TEXT("")));
    assert_null(currency_find(TEXT_NONE));
}

static void test_amounts_are_read_from_their_text(void **state)
{
    (void)state;
    static const struct {
        const char *code, *text;
        enum money_fault fault;
        int64_t minor;
    } CASES[] = {
        {"VND", "150000", MONEY_OK, 150000},
        {"VND", "0", MONEY_OK, 0},
        {"VND", "-0", MONEY_OK, 0},
        {"VND", "007", MONEY_OK, 7},
        {"VND", "1.0", MONEY_OK, 1},
        {"VND", "1.000000000000000000000000000000", MONEY_OK, 1},
        {"VND", "-12", MONEY_OK, -12},
        {"VND", "9999999999999", MONEY_OK, 9999999999999},
        {"VND", "10000000000000", MONEY_TOO_LARGE, 0},
        {"VND", "-10000000000000", MONEY_TOO_LARGE, 0},
        {"VND", "9223372036854775807", MONEY_TOO_LARGE, 0},
        {"VND", "123456789012345678901234567890", MONEY_TOO_LARGE, 0},
        {"VND", "1500.5", MONEY_TOO_FINE, 0},
        {"VND", "0.01", MONEY_TOO_FINE, 0},
        {"USD", "12.5", MONEY_OK, 1250},
        {"USD", "-12.50", MONEY_OK, -1250},
        {"USD", "0.01", MONEY_OK, 1},
        {"USD", "0.010", MONEY_OK, 1},
        {"USD", "0.001", MONEY_TOO_FINE, 0},
        {"USD", "9999999999999.99", MONEY_OK, 999999999999999},
        {"USD", "10000000000000", MONEY_TOO_LARGE, 0},
        {"USD", "99999999999999999999", MONEY_TOO_LARGE, 0},
        {"KWD", "1.234", MONEY_OK, 1234},
        {"KWD", "9999999999999.991", MONEY_TOO_LARGE, 0},
        {"VND", "", MONEY_NOT_A_NUMBER, 0},
        {"VND", "-", MONEY_NOT_A_NUMBER, 0},
        {"VND", "+1", MONEY_NOT_A_NUMBER, 0},
        {"VND", " 1", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1 ", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1e5", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1E5", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1.", MONEY_NOT_A_NUMBER, 0},
        {"VND", ".5", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1,000", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1.000.000", MONEY_NOT_A_NUMBER, 0},
        {"VND", "NaN", MONEY_NOT_A_NUMBER, 0},
        {"VND", "Infinity", MONEY_NOT_A_NUMBER, 0},
        {"VND", "0x10", MONEY_NOT_A_NUMBER, 0},
        {"VND", "--1", MONEY_NOT_A_NUMBER, 0},
        {"VND", "1đ", MONEY_NOT_A_NUMBER, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t minor = 4711;
        enum money_fault fault = money_parse(text_of(CASES[i].text), currency(CASES[i].code), &minor);
        if (fault != CASES[i].fault || minor != (fault == MONEY_OK ? CASES[i].minor : 4711))
            fail_msg("%s %s: fault %d, %lld", CASES[i].code, CASES[i].text, (int)fault, (long long)minor);
    }
    int64_t minor;
    assert_int_equal(money_parse(TEXT("1\0"), currency("VND"), &minor), MONEY_NOT_A_NUMBER);
}

static void test_amounts_are_written_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *code, *text;
        int64_t minor;
    } CASES[] = {
        {"VND", "0", 0},
        {"VND", "150000", 150000},
        {"VND", "-1", -1},
        {"USD", "0.00", 0},
        {"USD", "0.05", 5},
        {"USD", "-12.50", -1250},
        {"USD", "-0.01", -1},
        {"KWD", "1.234", 1234},
        {"VND", "9223372036854775807", INT64_MAX},
        {"VND", "-9223372036854775808", INT64_MIN},
        {"USD", "-92233720368547758.08", INT64_MIN},
    };
    char out[MONEY_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        size_t n = money_format(CASES[i].minor, currency(CASES[i].code), out);
        assert_string_equal(out, CASES[i].text);
        assert_int_equal(n, strlen(CASES[i].text));
    }
}

static void test_what_was_written_reads_back(void **state)
{
    (void)state;
    static const char *const CODES[] = {"VND", "USD", "KWD"};
    struct random r = random_seeded(3);
    for (int round = 0; round < 30000; round++) {
        const struct currency *cur = currency(CODES[round % 3]);
        int64_t minor = random_magnitude(&r) % (money_max(cur) + 1) * (round % 2 ? 1 : -1);
        int64_t back = 1;
        char out[MONEY_TEXT_MAX];
        size_t n = money_format(minor, cur, out);
        assert_int_equal(money_parse((struct text){out, n}, cur, &back), MONEY_OK);
        assert_true(back == minor);
    }
}

static void test_people_get_grouped_digits(void **state)
{
    (void)state;
    char out[64];
    size_t n = money_format_human(1500000, currency("VND"), true, out, sizeof(out));
    assert_string_equal(out, "1.500.000 ₫");
    assert_int_equal(n, strlen(out));
    money_format_human(1500000, currency("VND"), false, out, sizeof(out));
    assert_string_equal(out, "1,500,000 VND");
    money_format_human(-123456, currency("USD"), false, out, sizeof(out));
    assert_string_equal(out, "-1,234.56 USD");
    money_format_human(-12345678, currency("USD"), true, out, sizeof(out));
    assert_string_equal(out, "-123.456,78 USD");
    money_format_human(999, currency("VND"), true, out, sizeof(out));
    assert_string_equal(out, "999 ₫");
    money_format_human(INT64_MIN, currency("USD"), false, out, sizeof(out));
    assert_string_equal(out, "-92,233,720,368,547,758.08 USD");
    assert_int_equal(money_format_human(1, currency("VND"), true, out, 3), 0);
    assert_string_equal(out, "");
}

static void test_sums_notice_overflow(void **state)
{
    (void)state;
    int64_t v = 4711;
    assert_false(money_add(INT64_MAX, 1, &v));
    assert_false(money_sub(INT64_MIN, 1, &v));
    assert_int_equal(v, 4711);
    assert_true(money_add(INT64_MAX, -1, &v));
    assert_true(v == INT64_MAX - 1);
    assert_true(money_sub(-1, INT64_MAX, &v));
    assert_true(v == INT64_MIN);
}

static void test_splitting_by_the_default_jars_keeps_every_dong(void **state)
{
    (void)state;
    static const int64_t WEIGHTS[] = {5500, 1000, 1000, 1000, 1000, 500};
    int64_t parts[6];
    assert_true(money_split(10000000, WEIGHTS, 6, 10000, parts));
    static const int64_t EVEN[] = {5500000, 1000000, 1000000, 1000000, 1000000, 500000};
    assert_memory_equal(parts, EVEN, sizeof(parts));
    assert_true(money_split(99, WEIGHTS, 6, 10000, parts));
    /* 54.45 9.9 9.9 9.9 9.9 4.95: the largest fractions get what the floors left */
    static const int64_t ODD[] = {54, 10, 10, 10, 10, 5};
    assert_memory_equal(parts, ODD, sizeof(parts));
}

static void test_ties_go_to_the_earlier_part(void **state)
{
    (void)state;
    static const int64_t WEIGHTS[] = {1, 1, 1, 1};
    static const int64_t EXPECTED[] = {3, 3, 2, 2};
    int64_t parts[4];
    assert_true(money_split(10, WEIGHTS, 4, 4, parts));
    assert_memory_equal(parts, EXPECTED, sizeof(parts));
}

static void test_weights_below_the_whole_leave_a_rest(void **state)
{
    (void)state;
    static const int64_t WEIGHTS[] = {3333, 3333};
    int64_t parts[2];
    assert_true(money_split(100, WEIGHTS, 2, 10000, parts));
    assert_int_equal(parts[0], 33); /* 66.66 rounded down to 66 */
    assert_int_equal(parts[1], 33);
    assert_true(money_split(1, WEIGHTS, 2, 10000, parts));
    assert_int_equal(parts[0] + parts[1], 0);
}

static void test_weights_above_the_whole_are_scaled_down(void **state)
{
    (void)state;
    static const int64_t WEIGHTS[] = {10000, 5000};
    int64_t parts[2];
    assert_true(money_split(300, WEIGHTS, 2, 10000, parts));
    assert_int_equal(parts[0], 200);
    assert_int_equal(parts[1], 100);
}

static void test_a_split_for_nobody_or_of_nonsense_is_refused(void **state)
{
    (void)state;
    static const int64_t NEGATIVE[] = {1, -1};
    static const int64_t ZERO[] = {0, 0};
    static const int64_t MANY[MONEY_SPLIT_MAX + 1] = {1};
    int64_t parts[MONEY_SPLIT_MAX + 1] = {9, 9};
    assert_false(money_split(-1, ZERO, 2, 100, parts));
    assert_false(money_split(1, NEGATIVE, 2, 100, parts));
    assert_false(money_split(1, ZERO, 2, 0, parts));
    assert_false(money_split(1, ZERO, 2, -5, parts));
    assert_false(money_split(1, MANY, MONEY_SPLIT_MAX + 1, 100, parts));
    assert_true(money_split(5, ZERO, 2, 100, parts));
    assert_int_equal(parts[0] + parts[1], 0);
    assert_true(money_split(0, ZERO, 2, 0, parts));
    assert_true(money_split(5, NULL, 0, 100, NULL));
}

static void test_the_largest_amounts_do_not_overflow(void **state)
{
    (void)state;
    int64_t weights[MONEY_SPLIT_MAX], parts[MONEY_SPLIT_MAX];
    for (size_t i = 0; i < MONEY_SPLIT_MAX; i++)
        weights[i] = INT64_MAX;
    assert_true(money_split(INT64_MAX, weights, MONEY_SPLIT_MAX, 1, parts));
    int64_t sum = 0;
    for (size_t i = 0; i < MONEY_SPLIT_MAX; i++)
        assert_true(money_add(sum, parts[i], &sum));
    assert_true(sum == INT64_MAX);
}

__extension__ typedef __int128 wide;

/* For any split: the sum is the exact one rounded down, and no part is a whole unit away from its exact share. */
static void check_split(int64_t total, const int64_t *weights, size_t count, int64_t whole)
{
    int64_t parts[16];
    wide sum = 0, given = 0;
    assert_true(money_split(total, weights, count, whole, parts));
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    wide divisor = sum > whole ? sum : whole;
    for (size_t i = 0; i < count; i++) {
        wide exact = (wide)total * weights[i];
        assert_true(parts[i] >= 0);
        assert_true((wide)parts[i] * divisor > exact - divisor && (wide)parts[i] * divisor < exact + divisor);
        given += parts[i];
    }
    assert_true(given == (wide)total * sum / divisor);
}

static void test_random_splits_lose_nothing_and_invent_nothing(void **state)
{
    (void)state;
    struct random r = random_seeded(4);
    for (int round = 0; round < 20000; round++) {
        int64_t weights[16];
        size_t count = 1 + (size_t)random_up_to(&r, 16);
        for (size_t i = 0; i < count; i++)
            weights[i] = round % 2 ? random_up_to(&r, 3000) : random_magnitude(&r) >> 8;
        check_split(random_magnitude(&r), weights, count, 1 + (round % 2 ? 9999 : random_magnitude(&r) >> 4));
    }
}

static void test_percentages_are_rounded_half_up_to_basis_points(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int32_t basis_points;
    } CASES[] = {
        {"55", true, 5500},
        {"12.5", true, 1250},
        {"9.899999999", true, 990},
        {"9.904999999", true, 990},
        {"9.905", true, 991},
        {"99.995", true, 10000},
        {"0", true, 0},
        {"0.004", true, 0},
        {"0.005", true, 1},
        {"-1", true, -100},
        {"5.551115123125783e-17", true, 0},
        {"1e2", true, 10000},
        {"1.5E+1", true, 1500},
        {"1500e-2", true, 1500},
        {"5e-3", true, 1},
        {"4e-3", true, 0},
        {"0e999999999999", true, 0},
        {"1e-999999999999", true, 0},
        {"007", true, 700},
        {"21474836.47", true, INT32_MAX},
        {"21474836.474", true, INT32_MAX},
        {"21474836.475", false, 0},
        {"21474836.48", false, 0},
        {"1e999999999999", false, 0},
        {"123456789012345678901234567890", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"5.", false, 0},
        {".5", false, 0},
        {"5%", false, 0},
        {"e5", false, 0},
        {"5e", false, 0},
        {"5e+", false, 0},
        {"5e1.0", false, 0},
        {"NaN", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int32_t v = 4711;
        bool ok = percent_parse(text_of(CASES[i].text), &v);
        if (ok != CASES[i].ok || v != (ok ? CASES[i].basis_points : 4711))
            fail_msg("%s: %d %d", CASES[i].text, ok, v);
    }
}

static void test_percentages_are_written_without_useless_zeros(void **state)
{
    (void)state;
    static const struct {
        int32_t basis_points;
        const char *text;
    } CASES[] = {
        {5500, "55"}, {1250, "12.5"}, {990, "9.9"},  {991, "9.91"},  {0, "0"},
        {1, "0.01"},  {10, "0.1"},    {-50, "-0.5"}, {10000, "100"}, {INT32_MIN, "-21474836.48"},
    };
    char out[MONEY_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(percent_format(CASES[i].basis_points, out), strlen(CASES[i].text));
        assert_string_equal(out, CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_currencies_have_the_exponents_of_iso_4217),
        cmocka_unit_test(test_amounts_are_read_from_their_text),
        cmocka_unit_test(test_amounts_are_written_exactly),
        cmocka_unit_test(test_what_was_written_reads_back),
        cmocka_unit_test(test_people_get_grouped_digits),
        cmocka_unit_test(test_sums_notice_overflow),
        cmocka_unit_test(test_splitting_by_the_default_jars_keeps_every_dong),
        cmocka_unit_test(test_ties_go_to_the_earlier_part),
        cmocka_unit_test(test_weights_below_the_whole_leave_a_rest),
        cmocka_unit_test(test_weights_above_the_whole_are_scaled_down),
        cmocka_unit_test(test_a_split_for_nobody_or_of_nonsense_is_refused),
        cmocka_unit_test(test_the_largest_amounts_do_not_overflow),
        cmocka_unit_test(test_random_splits_lose_nothing_and_invent_nothing),
        cmocka_unit_test(test_percentages_are_rounded_half_up_to_basis_points),
        cmocka_unit_test(test_percentages_are_written_without_useless_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
