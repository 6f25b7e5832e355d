/* link: -Wl,--wrap=clock_monotonic_ms,--wrap=_exit,--wrap=db_pool_cut */
/* The hard limit of jobs, by a clock that the test moves. */
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "watchdog.h"

enum { LOOKS = 3, DEADLINE_MS = 20000 };

static atomic_int_least64_t ahead_ms, cut_at_ms;
static atomic_int looks, exits;

int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);
void __wrap__exit(int code);
size_t __wrap_db_pool_cut(struct db_pool *pool, int64_t now_ms);

int64_t __wrap_clock_monotonic_ms(void)
{
    return __real_clock_monotonic_ms() + ahead_ms;
}

void __wrap__exit(int code)
{
    assert_int_equal(code, EXIT_FAILURE);
    exits++;
}

size_t __wrap_db_pool_cut(struct db_pool *pool, int64_t now_ms)
{
    (void)pool;
    cut_at_ms = now_ms;
    looks++;
    return 0;
}

static struct watchdog *start(void)
{
    static struct worker worker = {.config = {.worker_handlers = 2}};
    struct err err = {0};
    struct watchdog *d = watchdog_start(&worker, &err);
    assert_non_null(d);
    return d;
}

/* The thread looked often enough to have seen what went before. */
static void await_looks(void)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000000};
    int64_t until = __real_clock_monotonic_ms() + DEADLINE_MS;
    int least = looks + LOOKS;
    while (looks < least && __real_clock_monotonic_ms() < until)
        nanosleep(&pause, NULL);
    assert_true(looks >= least);
}

static int fresh(void **state)
{
    (void)state;
    ahead_ms = 0;
    looks = exits = 0;
    return 0;
}

static void test_jobs_over_their_limit_are_cut_off_all_the_time(void **state)
{
    (void)state;
    struct watchdog *d = start();
    await_looks();
    watchdog_stop(d);
    assert_true(cut_at_ms <= __real_clock_monotonic_ms());
    assert_int_equal(exits, 0);
}

static void test_a_handler_that_never_comes_back_ends_the_program(void **state)
{
    (void)state;
    struct watchdog *d = start();
    watchdog_begin(d, 1);
    ahead_ms = JOB_STUCK_MS - 5000;
    await_looks();
    assert_int_equal(exits, 0);
    ahead_ms = JOB_STUCK_MS + 1000;
    await_looks();
    assert_true(exits > 0);
    watchdog_stop(d);
}

static void test_handlers_that_end_and_idle_ones_do_not(void **state)
{
    (void)state;
    struct watchdog *d = start();
    watchdog_begin(d, 0);
    watchdog_end(d, 0);
    ahead_ms = 100 * JOB_STUCK_MS;
    await_looks();
    watchdog_stop(d);
    assert_int_equal(exits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_jobs_over_their_limit_are_cut_off_all_the_time, fresh),
        cmocka_unit_test_setup(test_a_handler_that_never_comes_back_ends_the_program, fresh),
        cmocka_unit_test_setup(test_handlers_that_end_and_idle_ones_do_not, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
