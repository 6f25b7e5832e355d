#include "check.h"

#include <time.h>

#include "base/attr.h"
#include "base/date.h"
#include "random.h"

static void test_dates_exist_and_lie_in_the_contracts_years(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t ymd; /* 0: refused */
    } CASES[] = {
        {"2026-03-28", 20260328},
        {"1970-01-01", 19700101},
        {"2100-12-31", 21001231},
        {"2024-02-29", 20240229},
        {"2000-02-29", 20000229},
        {"2023-02-29", 0},
        {"2100-02-29", 0},
        {"2026-04-31", 0},
        {"2026-00-10", 0},
        {"2026-13-10", 0},
        {"2026-01-00", 0},
        {"2026-01-32", 0},
        {"1969-12-31", 0},
        {"2101-01-01", 0},
        {"2026-3-28", 0},
        {"26-03-28", 0},
        {"2026/03/28", 0},
        {"2026-03-28 ", 0},
        {"2026-03-28T00:00:00Z", 0},
        {"", 0},
        {"-026-03-28", 0},
        {"2026-+3-28", 0},
        {"20260328", 0},
        {"aaaa-bb-cc", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int32_t ymd = 4711;
        bool ok = date_parse(text_of(CASES[i].text), &ymd);
        if (ok != (CASES[i].ymd != 0) || ymd != (ok ? CASES[i].ymd : 4711))
            fail_msg("%s", CASES[i].text);
    }
}

static void test_months_are_read_and_written(void **state)
{
    (void)state;
    static const char *const BAD[] = {"2026-00", "2026-13", "2026-3", "1969-12", "2101-01", "202603", "", "2026-03-01"};
    int32_t ym = 0;
    char out[DATE_TEXT_MAX];
    assert_true(month_parse(TEXT("2026-03"), &ym));
    assert_int_equal(ym, 202603);
    assert_int_equal(month_format(ym, out), 7);
    assert_string_equal(out, "2026-03");
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (month_parse(text_of(BAD[i]), &ym))
            fail_msg("%s", BAD[i]);
    assert_int_equal(date_format(20260305, out), 10);
    assert_string_equal(out, "2026-03-05");
}

static void test_every_day_from_1970_to_2100_counts_up_by_one(void **state)
{
    (void)state;
    int32_t days = 0;
    for (int year = 1970; year <= 2100; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= days_in_month(year, month); day++, days++) {
                int32_t ymd = 0;
                assert_true(date_make(year, month, day, &ymd));
                assert_int_equal(date_days(ymd), days);
                assert_int_equal(date_from_days(days), ymd);
            }
        }
    }
    assert_int_equal(date_from_days(-1), 19691231);
    assert_int_equal(date_days(19691231), -1);
}

static void test_months_are_added_across_years(void **state)
{
    (void)state;
    assert_int_equal(month_add(202612, 1), 202701);
    assert_int_equal(month_add(202601, -1), 202512);
    assert_int_equal(month_add(202603, 0), 202603);
    assert_int_equal(month_add(202603, 24), 202803);
    assert_int_equal(month_add(202603, -27), 202312);
    assert_int_equal(month_first_day(202602), 20260201);
    assert_int_equal(month_last_day(202602), 20260228);
    assert_int_equal(month_last_day(202402), 20240229);
    assert_int_equal(date_month(20260328), 202603);
    assert_int_equal(days_in_month(2026, 13), 0);
}

static void test_instants_are_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } CASES[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1774664130123, "2026-03-28T02:15:30.123Z"},
        {951868800000, "2000-03-01T00:00:00.000Z"},
    };
    char out[INSTANT_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t back = 1;
        assert_int_equal(instant_format(CASES[i].ms, out), strlen(CASES[i].text));
        assert_string_equal(out, CASES[i].text);
        assert_true(instant_parse(text_of(out), &back));
        assert_true(back == CASES[i].ms);
    }
    assert_true(instant_format(INT64_MAX, out) < INSTANT_TEXT_MAX);
    assert_true(instant_format(INT64_MIN, out) < INSTANT_TEXT_MAX);
}

static void test_instants_are_read_with_any_offset_and_fraction(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } CASES[] = {
        {"2026-03-28T02:15:30Z", 1774664130000},
        {"2026-03-28t02:15:30z", 1774664130000},
        {"2026-03-28 02:15:30Z", 1774664130000},
        {"2026-03-28T09:15:30.123+07:00", 1774664130123},
        {"2026-03-27T21:15:30.1-05:00", 1774664130100},
        {"2026-03-28T02:15:30.123999999Z", 1774664130123},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2026-03-28T02:15:30", -1},
        {"2026-03-28T02:15:30.Z", -1},
        {"2026-03-28T02:15Z", -1},
        {"2026-03-28T24:00:00Z", -1},
        {"2026-03-28T02:60:00Z", -1},
        {"2026-03-28T02:15:61Z", -1},
        {"2026-02-30T02:15:30Z", -1},
        {"2026-03-28T02:15:30+24:00", -1},
        {"2026-03-28T02:15:30+07:60", -1},
        {"2026-03-28T02:15:30+0700", -1},
        {"2026-03-28T02:15:30Zx", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t ms = -1;
        bool ok = instant_parse(text_of(CASES[i].text), &ms);
        if (ok != (CASES[i].ms != -1) || ms != CASES[i].ms)
            fail_msg("%s: %lld", CASES[i].text, (long long)ms);
    }
}

static void test_random_instants_agree_with_the_c_library(void **state)
{
    (void)state;
    struct random r = random_seeded(5);
    for (int round = 0; round < 20000; round++) {
        int64_t ms = random_magnitude(&r) % 100000000000000 * (round % 2 ? 1 : -1);
        time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        struct instant_parts p = instant_split(ms);
        assert_int_equal(p.year, tm.tm_year + 1900);
        assert_int_equal(p.month, tm.tm_mon + 1);
        assert_int_equal(p.day, tm.tm_mday);
        assert_int_equal(p.hour * 3600 + p.minute * 60 + p.second, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        assert_true(instant_join(p) == ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_exist_and_lie_in_the_contracts_years),
        cmocka_unit_test(test_months_are_read_and_written),
        cmocka_unit_test(test_every_day_from_1970_to_2100_counts_up_by_one),
        cmocka_unit_test(test_months_are_added_across_years),
        cmocka_unit_test(test_instants_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(test_instants_are_read_with_any_offset_and_fraction),
        cmocka_unit_test(test_random_instants_agree_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
