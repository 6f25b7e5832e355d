/* The circuit breaker of the consumer. */
#include "check.h"

#include "breaker.h"

static void test_closed_allows_every_idle_handler(void **state)
{
    (void)state;
    struct breaker b = {0};
    assert_int_equal(breaker_allows(&b, 4, 0), 4);
    assert_int_equal(breaker_allows(&b, 1, 3), 1);
    assert_int_equal(breaker_allows(&b, 0, 4), 0);
}

static void test_a_failure_opens_it_and_the_wait_grows_to_its_limit(void **state)
{
    (void)state;
    struct breaker b = {0};
    assert_true(breaker_failed(&b, 1000, 0));
    assert_int_equal(breaker_allows(&b, 4, 0), 0);
    assert_int_equal(b.check_at_ms, 1000 + BREAKER_FIRST_MS);
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        assert_false(breaker_failed(&b, 1000, 0));
        assert_true(b.check_at_ms >= last);
        last = b.check_at_ms;
    }
    assert_int_equal(last, 1000 + BREAKER_MAX_MS);
}

static void test_half_open_tries_one_message_at_a_time(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_failed(&b, 0, 0);
    breaker_check_passed(&b);
    assert_int_equal(breaker_allows(&b, 4, 0), 1);
    assert_int_equal(breaker_allows(&b, 3, 1), 0);
    assert_true(breaker_succeeded(&b));
    assert_int_equal(breaker_allows(&b, 4, 0), 4);
}

static void test_a_failed_try_opens_it_again(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_failed(&b, 0, 0);
    breaker_check_passed(&b);
    breaker_failed(&b, 0, 0);
    assert_int_equal(breaker_allows(&b, 4, 0), 0);
}

static void test_a_job_from_before_the_failure_does_not_close_it(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_failed(&b, 0, 0);
    assert_false(breaker_succeeded(&b));
    assert_int_equal(breaker_allows(&b, 4, 0), 0);
}

static void test_a_passed_check_changes_nothing_while_closed(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_check_passed(&b);
    assert_int_equal(breaker_allows(&b, 4, 0), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_allows_every_idle_handler),
        cmocka_unit_test(test_a_failure_opens_it_and_the_wait_grows_to_its_limit),
        cmocka_unit_test(test_half_open_tries_one_message_at_a_time),
        cmocka_unit_test(test_a_failed_try_opens_it_again),
        cmocka_unit_test(test_a_job_from_before_the_failure_does_not_close_it),
        cmocka_unit_test(test_a_passed_check_changes_nothing_while_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
