/* The log writes to file descriptor 2, which is a pipe here. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/log.h"

static int saved_stderr, reader;

static int set_up(void **state)
{
    int ends[2];
    (void)state;
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    if (saved_stderr < 0 || pipe(ends) != 0)
        return -1;
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    fcntl(reader, F_SETFL, O_NONBLOCK);
    log_open(LOG_INFO, true, NULL);
    log_thread_name("main");
    log_request_id("");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(reader);
    return 0;
}

/* All that was written so far. */
static size_t drain(char *out, size_t cap)
{
    size_t n = 0;
    for (ssize_t got; n + 1 < cap && (got = read(reader, out + n, cap - 1 - n)) > 0;)
        n += (size_t)got;
    out[n] = '\0';
    return n;
}

static size_t lines_in(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

static void test_a_line_carries_thread_logger_and_request(void **state)
{
    (void)state;
    char out[4096];
    log_thread_name("req-3");
    log_request_id("abc123");
    log_info("http", "%s %d", "done", 200);
    drain(out, sizeof out);
    assert_int_equal(lines_in(out), 1);
    assert_non_null(strstr(out, "req-3"));
    assert_non_null(strstr(out, "abc123"));
    assert_non_null(strstr(out, "http"));
    assert_non_null(strstr(out, "done 200"));
}

static void test_text_lines_are_in_the_zone(void **state)
{
    (void)state;
    char out[4096];
    struct zone *zone = zone_load("Asia/Ho_Chi_Minh");
    log_open(LOG_INFO, false, zone);
    log_warn("relay", "slow");
    drain(out, sizeof out);
    assert_non_null(strstr(out, "[main] WARN  relay - slow\n"));
    log_open(LOG_INFO, true, NULL);
    zone_free(zone);
}

static void test_lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    char out[4096];
    log_at(LOG_DEBUG, "x", "quiet");
    assert_int_equal(drain(out, sizeof out), 0);
    log_open(LOG_ERROR, true, NULL);
    log_warn("x", "quiet");
    assert_int_equal(drain(out, sizeof out), 0);
    log_error("x", "loud");
    drain(out, sizeof out);
    assert_int_equal(lines_in(out), 1);
}

static void test_user_text_cannot_forge_a_line(void **state)
{
    (void)state;
    char out[4096];
    log_info("http", "path=%s", "/x\n2026-01-01 00:00:00.000 [main] ERROR forged - line");
    drain(out, sizeof out);
    assert_int_equal(lines_in(out), 1);
}

static void test_a_message_of_control_characters_still_fits_one_write(void **state)
{
    (void)state;
    char message[2000], out[8192];
    memset(message, 1, sizeof message - 1);
    message[sizeof message - 1] = '\0';
    log_info("x", "%s", message);
    size_t n = drain(out, sizeof out);
    assert_in_range(n, 100, 4096);
    assert_int_equal(lines_in(out), 1);
    assert_int_equal(out[n - 1], '\n');
}

static void test_a_message_of_two_megabytes_is_cut_and_marked(void **state)
{
    (void)state;
    enum { BYTES = 2 * 1024 * 1024 };
    char out[8192], *message = malloc(BYTES + 1);
    assert_non_null(message);
    for (size_t i = 0; i < BYTES; i += 2)
        memcpy(message + i, "é", 2); /* a cut in the middle of a letter would show */
    message[BYTES] = '\0';
    struct zone *zone = zone_load("Asia/Ho_Chi_Minh");
    for (int json = 0; json < 2; json++) {
        log_open(LOG_INFO, json, zone);
        log_info("x", "%s%s", json ? "" : "-", message);
        size_t n = drain(out, sizeof out);
        assert_in_range(n, 1000, 4096);
        assert_true(text_is_utf8(text_of(out)));
        assert_int_equal(lines_in(out), 1);
        assert_non_null(
            strstr(out, json ? "... [cut, 2097152 bytes in all]\"}\n" : "... [cut, 2097153 bytes in all]\n"));
        assert_null(strstr(out, "\\x"));
    }
    memset(message, 1, BYTES);
    log_info("x", "%s", message);
    assert_in_range(drain(out, sizeof out), 100, 4096);
    assert_non_null(strstr(out, "... [cut, 2097152 bytes in all]"));
    log_open(LOG_INFO, true, NULL);
    zone_free(zone);
    free(message);
}

struct copies {
    char text[4096];
    int64_t at_ms;
};

static void keep_copy(void *to, int64_t at_ms, struct text line)
{
    struct copies *c = to;
    size_t n = strlen(c->text);
    memcpy(c->text + n, line.p, line.n);
    c->text[n + line.n] = '\0';
    c->at_ms = at_ms;
}

static void test_a_copy_gets_every_line_even_one_that_stderr_lost(void **state)
{
    (void)state;
    char out[4096];
    static struct copies copies;
    log_copy_to(keep_copy, &copies);
    log_info("x", "first");
    drain(out, sizeof out);
    assert_string_equal(copies.text, out);
    assert_true(copies.at_ms > 0);
    log_keep_here(true);
    log_info("x", "second");
    log_keep_here(false);
    log_event(77, TEXT("an event\n"));
    close(reader);
    reader = -1;
    log_info("x", "third");
    log_copy_to(NULL, NULL);
    log_info("x", "fourth");
    assert_int_equal(lines_in(copies.text), 3);
    assert_null(strstr(copies.text, "second"));
    assert_non_null(strstr(copies.text, "\nan event\n"));
    assert_non_null(strstr(copies.text, "third"));
    /* The count of what was lost goes with the next reader. */
    tear_down(NULL);
    assert_int_equal(set_up(NULL), 0);
    log_info("x", "fifth");
    log_info("x", "sixth");
}

static void test_a_failure_is_told_with_code_detail_and_cause(void **state)
{
    (void)state;
    char out[4096];
    struct err err = {0};
    err_set(&err, ERR_UNAVAILABLE, "The database cannot be reached.");
    err_cause(&err, "jar.find: 2013 lost");
    log_err(LOG_WARN, "http", "GET /jars", &err);
    drain(out, sizeof out);
    assert_non_null(strstr(out, err_row(ERR_UNAVAILABLE)->name));
    assert_non_null(strstr(out, "The database cannot be reached."));
    assert_non_null(strstr(out, "jar.find: 2013 lost"));
}

static void test_a_full_pipe_loses_lines_and_tells_how_many(void **state)
{
    (void)state;
    static char out[1 << 20];
    char filler[1500];
    size_t written = 0;
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (int i = 0; i < 200; i++)
        log_info("x", "%s", filler);
    drain(out, sizeof out);
    written = lines_in(out);
    assert_in_range(written, 1, 199);
    log_info("x", "first after");
    log_info("x", "second after");
    drain(out, sizeof out);
    char expected[64];
    snprintf(expected, sizeof expected, "%zu log lines were lost", 200 - written);
    assert_non_null(strstr(out, "first after"));
    assert_non_null(strstr(out, expected));
    assert_non_null(strstr(out, "second after"));
}

static void test_a_write_never_waits_and_other_writers_of_the_pipe_keep_their_ways(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_open(LOG_INFO, true, NULL);
    assert_true(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
    log_info("http", "heard");
    char out[256];
    assert_true(read(ends[0], out, sizeof out) > 10);
    close(ends[0]);
    close(ends[1]);
}

static void *write_lines(void *name)
{
    log_thread_name(name);
    for (int i = 0; i < 50; i++)
        log_info("x", "a line of %s that stays whole", (const char *)name);
    return NULL;
}

static void test_lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    static char out[1 << 17];
    pthread_t threads[4];
    static char names[4][8] = {"one", "two", "three", "four"};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_lines, names[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    drain(out, sizeof out);
    assert_int_equal(lines_in(out), 200);
    for (char *line = out, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        assert_int_equal(line[0], '{');
        assert_int_equal(end[-1], '}');
        assert_non_null(strstr(line, "that stays whole"));
    }
}

#define TEST_CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST_CASE(test_a_line_carries_thread_logger_and_request),
        TEST_CASE(test_text_lines_are_in_the_zone),
        TEST_CASE(test_lines_below_the_level_are_not_written),
        TEST_CASE(test_user_text_cannot_forge_a_line),
        TEST_CASE(test_a_message_of_control_characters_still_fits_one_write),
        TEST_CASE(test_a_message_of_two_megabytes_is_cut_and_marked),
        TEST_CASE(test_a_copy_gets_every_line_even_one_that_stderr_lost),
        TEST_CASE(test_a_failure_is_told_with_code_detail_and_cause),
        TEST_CASE(test_a_full_pipe_loses_lines_and_tells_how_many),
        TEST_CASE(test_a_write_never_waits_and_other_writers_of_the_pipe_keep_their_ways),
        TEST_CASE(test_lines_of_many_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
