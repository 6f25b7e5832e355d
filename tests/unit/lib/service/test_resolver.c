/* What the C library's resolver makes of our limits. */
#include <resolv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "service/resolver.h"

/* The library reads the options once a process. */
static void expect(int seconds, int tries)
{
    pid_t child = fork();
    int status = -1;
    if (child == 0) {
        struct __res_state state = {0};
        resolver_limit();
        _exit(res_ninit(&state) == 0 && state.retrans == seconds && state.retry == tries ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_a_name_server_that_is_silent_is_waited_for_twice_a_second(void **state)
{
    (void)state;
    unsetenv("RES_OPTIONS");
    expect(1, 2);
}

static void test_what_the_machine_says_comes_first(void **state)
{
    (void)state;
    setenv("RES_OPTIONS", "timeout:3 attempts:1", 1);
    expect(3, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_server_that_is_silent_is_waited_for_twice_a_second),
        cmocka_unit_test(test_what_the_machine_says_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
