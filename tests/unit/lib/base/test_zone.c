#include "check.h"

#include <stdlib.h>
#include <time.h>

#include "base/attr.h"
#include "base/date.h"

static int64_t instant(const char *text)
{
    int64_t ms = 0;
    assert_true(instant_parse(text_of(text), &ms));
    return ms;
}

static void test_the_day_in_vietnam_begins_seven_hours_before_utc(void **state)
{
    (void)state;
    struct zone *z = zone_load("Asia/Ho_Chi_Minh");
    assert_non_null(z);
    assert_int_equal(zone_date(z, instant("2026-03-28T16:59:59.999Z")), 20260328);
    assert_int_equal(zone_date(z, instant("2026-03-28T17:00:00.000Z")), 20260329);
    assert_int_equal(zone_date(z, instant("2026-12-31T17:00:00.000Z")), 20270101);
    assert_int_equal(zone_date(z, instant("2099-12-31T17:00:00.000Z")), 21000101);
    struct instant_parts p = zone_split(z, instant("2026-03-28T02:15:30.123Z"));
    assert_int_equal(p.hour, 9);
    assert_int_equal(p.minute, 15);
    assert_int_equal(p.second, 30);
    assert_int_equal(p.millis, 123);
    zone_free(z);
}

static void test_utc_is_always_known(void **state)
{
    (void)state;
    struct zone *z = zone_load("UTC");
    assert_non_null(z);
    assert_int_equal(zone_date(z, -1), 19691231);
    assert_int_equal(zone_date(z, 0), 19700101);
    zone_free(z);
}

static void test_names_that_are_no_zone_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "Asia",
                                      "Asia/Nowhere",
                                      "../../../etc/passwd",
                                      "/etc/passwd",
                                      "zone.tab",
                                      "Asia/Ho_Chi_Minh ",
                                      "Asia//../UTC",
                                      "a;b"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct zone *z = zone_load(BAD[i]);
        if (z)
            fail_msg("%s", BAD[i]);
    }
    assert_null(zone_load(NULL));
    zone_free(NULL);
}

/* Zones with summer time, rules that changed, half hours, and both hemispheres. */
static void test_zones_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"America/New_York", "Europe/Berlin",     "Asia/Kolkata",   "Australia/Sydney",
                                        "Asia/Ho_Chi_Minh", "America/Sao_Paulo", "Pacific/Chatham"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        struct zone *z = zone_load(NAMES[i]);
        if (!z)
            continue; /* no tz database on this machine: only the fixed zones are there */
        setenv("TZ", NAMES[i], 1);
        tzset();
        int64_t end = instant("2037-06-01T00:00:00Z") / 1000;
        for (int64_t s = 0; s < end; s += 5 * 3600 + 17) {
            time_t t = (time_t)s;
            struct tm tm;
            localtime_r(&t, &tm);
            struct instant_parts p = zone_split(z, s * 1000);
            if (p.hour != tm.tm_hour || p.minute != tm.tm_min || p.day != tm.tm_mday)
                fail_msg("%s at %lld", NAMES[i], (long long)s);
        }
        zone_free(z);
    }
    unsetenv("TZ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_day_in_vietnam_begins_seven_hours_before_utc),
        cmocka_unit_test(test_utc_is_always_known),
        cmocka_unit_test(test_names_that_are_no_zone_are_refused),
        cmocka_unit_test(test_zones_agree_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
