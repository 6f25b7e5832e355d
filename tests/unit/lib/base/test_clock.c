#include "check.h"

#include "base/clock.h"

static void test_the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_monotonic_us();
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_monotonic_ms() >= last / 1000);
}

static void test_work_takes_processor_time(void **state)
{
    (void)state;
    int64_t start = clock_thread_cpu_us();
    volatile unsigned v = 0;
    while (clock_thread_cpu_us() - start < 100)
        v++;
    assert_true(clock_thread_cpu_us() > start);
}

static void test_the_wall_clock_is_after_this_program_was_written(void **state)
{
    (void)state;
    assert_true(clock_now_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_monotonic_clock_never_goes_back),
        cmocka_unit_test(test_work_takes_processor_time),
        cmocka_unit_test(test_the_wall_clock_is_after_this_program_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
