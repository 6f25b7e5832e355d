/* Programs with limits: what they read and write, and how each limit ends them. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/subprocess.h"

static int input(const char *bytes)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    return fd;
}

struct outcome {
    bool ok;
    int exit_code;
    struct err err;
    struct buf out;
};

static struct outcome run(const char *const *argv, const char *bytes, size_t output_max, int timeout_ms)
{
    int fd = input(bytes);
    const struct subprocess p = {
        .argv = argv, .stdin_fd = fd, .timeout_ms = timeout_ms, .cpu_seconds = 1, .memory_bytes = 256 * 1024 * 1024};
    struct outcome o = {0};
    buf_init(&o.out, output_max);
    o.ok = subprocess_run(&p, &o.out, &o.exit_code, &o.err);
    close(fd);
    return o;
}

#define RUN(bytes, output_max, timeout_ms, ...)                                                                        \
    run((const char *const[]){__VA_ARGS__, NULL}, (bytes), (output_max), (timeout_ms))

static void test_a_program_reads_its_file_from_the_beginning(void **state)
{
    (void)state;
    struct outcome o = RUN("hello\n", 1024, 5000, "cat", "/dev/stdin");
    assert_true(o.ok);
    assert_int_equal(o.exit_code, 0);
    assert_text(buf_view(&o.out), "hello\n");
    buf_release(&o.out);
}

static void test_its_exit_code_is_told(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 5000, "sh", "-c", "exit 3");
    assert_true(o.ok);
    assert_int_equal(o.exit_code, 3);
    buf_release(&o.out);
}

static void test_no_setting_and_no_descriptor_reaches_it(void **state)
{
    (void)state;
    setenv("JWT_KEYS", "secret", 1);
    int other = dup2(STDERR_FILENO, 50);
    struct outcome o = RUN("", 4096, 5000, "sh", "-c", "env; [ -e /proc/self/fd/50 ] && echo leaked");
    close(other);
    assert_true(o.ok);
    assert_null(strstr(o.out.p, "JWT_KEYS"));
    assert_null(strstr(o.out.p, "leaked"));
    assert_non_null(strstr(o.out.p, "LC_ALL=C.UTF-8"));
    buf_release(&o.out);
}

static void test_output_has_a_limit(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 5000, "yes");
    assert_false(o.ok);
    assert_int_equal(o.err.code, ERR_PAYLOAD_TOO_LARGE);
    buf_release(&o.out);
}

static void test_time_has_a_limit(void **state)
{
    (void)state;
    int64_t begun = clock_monotonic_ms();
    struct outcome o = RUN("", 1024, 200, "sleep", "30");
    assert_false(o.ok);
    assert_int_equal(o.err.code, ERR_TIMEOUT);
    assert_true(clock_monotonic_ms() - begun < 5000);
    buf_release(&o.out);
}

static void test_what_it_started_ends_with_it(void **state)
{
    (void)state;
    /* The grandchild holds the pipe open. */
    struct outcome o = RUN("", 1024, 200, "sh", "-c", "sleep 30 & echo begun");
    assert_false(o.ok);
    assert_int_equal(o.err.code, ERR_TIMEOUT);
    buf_release(&o.out);
}

static void test_a_closed_output_is_no_end(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 200, "sh", "-c", "exec >&-; sleep 30");
    assert_false(o.ok);
    assert_int_equal(o.err.code, ERR_TIMEOUT);
    buf_release(&o.out);
}

static void test_processor_time_has_a_limit(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 20000, "sh", "-c", "while :; do :; done");
    assert_true(o.ok);
    assert_true(o.exit_code >= 128);
    buf_release(&o.out);
}

static void test_memory_has_a_limit(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 10000, "dd", "if=/dev/zero", "of=/dev/stdout", "bs=1G", "count=1");
    assert_true(o.ok);
    assert_int_not_equal(o.exit_code, 0);
    buf_release(&o.out);
}

static void test_the_kernel_ends_it_before_us(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 5000, "cat", "/proc/self/oom_score_adj");
    assert_true(o.ok);
    assert_text(buf_view(&o.out), "1000\n");
    buf_release(&o.out);
}

static void test_it_writes_no_file(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "/tmp/mm-subprocess-%d", (int)getpid());
    struct outcome o = RUN("x", 1024, 5000, "cp", "/proc/cpuinfo", path);
    assert_true(o.ok);
    assert_int_not_equal(o.exit_code, 0);
    unlink(path);
    buf_release(&o.out);
}

static void test_a_program_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct outcome o = RUN("", 1024, 5000, "no-such-program-here");
    assert_false(o.ok);
    assert_int_equal(o.err.code, ERR_UNAVAILABLE);
    buf_release(&o.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_reads_its_file_from_the_beginning),
        cmocka_unit_test(test_its_exit_code_is_told),
        cmocka_unit_test(test_no_setting_and_no_descriptor_reaches_it),
        cmocka_unit_test(test_output_has_a_limit),
        cmocka_unit_test(test_time_has_a_limit),
        cmocka_unit_test(test_what_it_started_ends_with_it),
        cmocka_unit_test(test_a_closed_output_is_no_end),
        cmocka_unit_test(test_processor_time_has_a_limit),
        cmocka_unit_test(test_memory_has_a_limit),
        cmocka_unit_test(test_the_kernel_ends_it_before_us),
        cmocka_unit_test(test_it_writes_no_file),
        cmocka_unit_test(test_a_program_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
