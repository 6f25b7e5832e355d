/* link: -Wl,--wrap=db_pool_cut */
/* The hard limit of jobs. */
#include "check.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "watchdog.h"

enum { LOOKS = 3, DEADLINE_MS = 20000 };

static struct worker worker = {.config = {.worker_handlers = 2}};
static atomic_int_least64_t cut_at_ms;
static atomic_int looks;

size_t __wrap_db_pool_cut(struct db_pool *pool, int64_t now_ms);

size_t __wrap_db_pool_cut(struct db_pool *pool, int64_t now_ms)
{
    (void)pool;
    cut_at_ms = now_ms;
    looks++;
    return 0;
}

static struct watchdog *start(void)
{
    struct err err = {0};
    struct watchdog *d = watchdog_start(&worker, &err);
    assert_non_null(d);
    return d;
}

static void test_jobs_over_their_limit_are_cut_off_all_the_time(void **state)
{
    (void)state;
    const struct timespec pause = {.tv_nsec = 5 * 1000000};
    int64_t began_ms = clock_monotonic_ms();
    struct watchdog *d = start();
    while (looks < LOOKS && clock_monotonic_ms() < began_ms + DEADLINE_MS)
        nanosleep(&pause, NULL);
    watchdog_stop(d);
    assert_true(looks >= LOOKS);
    assert_in_range(cut_at_ms, began_ms, clock_monotonic_ms());
}

static void test_only_a_handler_that_does_not_come_back_is_stuck(void **state)
{
    (void)state;
    struct watchdog *d = start();
    int64_t later_ms = clock_monotonic_ms() + JOB_STUCK_MS + 1000;
    assert_false(watchdog_sees_stuck(d, later_ms));
    watchdog_begin(d, 1);
    assert_false(watchdog_sees_stuck(d, clock_monotonic_ms() + JOB_STUCK_MS - 5000));
    assert_true(watchdog_sees_stuck(d, clock_monotonic_ms() + JOB_STUCK_MS + 1));
    watchdog_end(d, 1);
    assert_false(watchdog_sees_stuck(d, 2 * later_ms));
    watchdog_stop(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_over_their_limit_are_cut_off_all_the_time),
        cmocka_unit_test(test_only_a_handler_that_does_not_come_back_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
