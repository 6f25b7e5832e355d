#include "service/http.h"

#include "base/clock.h"
#include "lib/service/fake_http.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_http *server;
static struct arena *mem;

enum { SHORT_MS = 300, LONG_MS = 20000 };

static int setup(void **state)
{
    (void)state;
    server = fake_http_start();
    mem = arena_new(16 * 1024, 8 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fake_http_stop(server);
    arena_free(mem);
    return 0;
}

static struct http *client(size_t response_max, size_t handles, int total_ms)
{
    struct http_options opts = {
        .connect_timeout_ms = SHORT_MS, .total_timeout_ms = total_ms, .response_max = response_max, .handles = handles};
    struct err err = {0};
    struct http *h = http_open(&opts, &err);
    assert_non_null(h);
    return h;
}

static bool get(struct http *h, const char *url, struct http_response *res, struct err *err)
{
    struct http_request req = {.method = "GET", .url = url, .body = TEXT_NONE};
    return http_call(h, &req, mem, res, err);
}

static void fails(struct http *h, const char *url, const char *cause)
{
    struct http_response res;
    struct err err = {0};
    assert_false(get(h, url, &res, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    if (!strstr(err.cause, cause))
        fail_msg("'%s' in '%s'", cause, err.cause);
}

static void test_a_call_sends_method_headers_and_body_and_brings_the_answer(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 418, .headers = "X-Some-Thing:  a value \r\nDate: today\r\n", .body = "{\"a\":1}"}};
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    char url[128];
    snprintf(url, sizeof(url), "%s/path/../x?q=1", fake_http_url(server));
    struct http_header headers[] = {{"Content-Type", TEXT("text/x")}, {"X-Empty", TEXT("")}};
    struct http_request req = {
        .method = "POST", .url = url, .headers = headers, .header_count = 2, .body = TEXT("a\0b")};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_int_equal(res.status, 418);
    assert_string_equal(res.body.p, "{\"a\":1}");
    assert_string_equal(http_header_value(&res, "x-some-thing").p, "a value");
    assert_null(http_header_value(&res, "absent").p);
    struct fake_request got = fake_http_request(server, 0);
    assert_memory_equal(got.head, "POST /path/../x?q=1 HTTP/1.1\r\n", 30);
    assert_non_null(strstr(got.head, "Content-Type: text/x\r\n"));
    assert_non_null(strstr(got.head, "X-Empty:"));
    assert_null(strcasestr(got.head, "expect:"));
    assert_int_equal(got.body_n, 3);
    assert_memory_equal(got.body, "a\0b", 3);
    http_close(h);
}

static void test_a_large_body_goes_out_without_waiting_for_100_continue(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "ok"}};
    enum { SIZE = 2 * 1024 * 1024 };
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    char *body = malloc(SIZE);
    assert_non_null(body);
    memset(body, 'x', SIZE);
    struct http_request req = {.method = "PUT", .url = fake_http_url(server), .body = {body, SIZE}};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_int_equal(fake_http_request(server, 0).body_n, SIZE);
    assert_null(strcasestr(fake_http_request(server, 0).head, "expect:"));
    assert_non_null(strstr(fake_http_request(server, 0).head, "PUT / HTTP/1.1"));
    free(body);
    http_close(h);
}

static void test_a_put_without_a_body_says_so(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "token"}};
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    struct http_request req = {.method = "PUT", .url = fake_http_url(server)};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_true(fake_http_head_has(server, 0, "Content-Length: 0"));
    http_close(h);
}

/* ---- bodies from a file ---- */

enum { FILE_BYTES = 300 * 1000 };

static int file_of_bytes(void)
{
    char name[] = "/tmp/mm-http-XXXXXX", *p = malloc(FILE_BYTES);
    int fd = mkstemp(name);
    assert_true(fd >= 0 && p);
    unlink(name);
    for (size_t i = 0; i < FILE_BYTES; i++)
        p[i] = (char)('a' + i % 23);
    assert_int_equal(write(fd, p, FILE_BYTES), FILE_BYTES);
    free(p);
    return fd;
}

static void assert_sent(size_t request, size_t offset, size_t size)
{
    char line[64];
    struct fake_request sent = fake_http_request(server, request);
    snprintf(line, sizeof(line), "Content-Length: %zu\r\n", size);
    assert_non_null(strstr(sent.head, line));
    assert_null(strcasestr(sent.head, "\r\nExpect:"));
    assert_null(strcasestr(sent.head, "\r\nTransfer-Encoding:"));
    assert_int_equal(sent.body_n, size);
    for (size_t i = 0; i < size; i++) {
        if (sent.body[i] != (char)('a' + (offset + i) % 23))
            fail_msg("byte %zu differs", i);
    }
}

static void test_a_file_is_sent_from_its_offset_with_its_length(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 200}, {.status = 200}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(1000, 1, LONG_MS);
    struct http_source file = {.fd = file_of_bytes(), .offset = 1000, .size = FILE_BYTES - 2000};
    const struct http_request req = {.method = "PUT", .url = fake_http_url(server), .file = &file};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_true(fake_http_head_has(server, 0, "PUT / HTTP/1.1\r\n"));
    assert_sent(0, 1000, FILE_BYTES - 2000);
    assert_int_equal(lseek(file.fd, 0, SEEK_CUR), FILE_BYTES); /* as its writer left it */
    file.size = 0;
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_sent(1, 0, 0);
    close(file.fd);
    http_close(h);
}

static void test_a_file_is_sent_again_from_its_beginning_when_a_kept_connection_was_closed(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 200}, {.close_silently = true}, {.status = 201}};
    fake_http_script(server, SCRIPT, 3);
    struct http *h = client(1000, 1, LONG_MS);
    const struct http_source file = {.fd = file_of_bytes(), .size = FILE_BYTES};
    const struct http_request req = {.method = "PUT", .url = fake_http_url(server), .file = &file};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_true(http_call(h, &req, mem, &res, &err));
    assert_int_equal(res.status, 201);
    assert_sent(2, 0, FILE_BYTES);
    close(file.fd);
    http_close(h);
}

static void test_a_file_that_is_shorter_than_told_is_our_fault(void **state)
{
    (void)state;
    struct http *h = client(1000, 1, LONG_MS);
    const struct http_source file = {.fd = file_of_bytes(), .size = FILE_BYTES + 1};
    const struct http_request req = {.method = "PUT", .url = fake_http_url(server), .file = &file};
    struct http_response res;
    struct err err = {0};
    assert_false(http_call(h, &req, mem, &res, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    close(file.fd);
    http_close(h);
}

static void test_connections_are_kept_for_the_next_call(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "1"}, {.body = "2"}, {.body = "3"}};
    fake_http_script(server, SCRIPT, 3);
    struct http *h = client(1000, 4, LONG_MS);
    struct http_response res;
    struct err err = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_true(get(h, fake_http_url(server), &res, &err));
        assert_int_equal(fake_http_request(server, i).connection, 1);
    }
    assert_string_equal(res.body.p, "3");
    http_close(h);
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 302, .headers = "Location: /elsewhere\r\n"}};
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    assert_true(get(h, fake_http_url(server), &res, &err));
    assert_int_equal(res.status, 302);
    assert_int_equal(fake_http_count(server), 1);
    http_close(h);
}

static void test_proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "direct"}};
    fake_http_script(server, SCRIPT, 1);
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    struct http *h = client(1000, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    assert_true(get(h, fake_http_url(server), &res, &err));
    assert_string_equal(res.body.p, "direct");
    unsetenv("http_proxy");
    http_close(h);
}

static void test_other_protocols_are_refused(void **state)
{
    (void)state;
    struct http *h = client(1000, 1, LONG_MS);
    fails(h, "file:///etc/hostname", "rotocol");
    http_close(h);
}

static void test_a_body_beyond_the_limit_is_no_answer(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "0123456789"}, {.body = "01234567890"}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(10, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    assert_true(get(h, fake_http_url(server), &res, &err));
    fails(h, fake_http_url(server), "larger than 10 bytes");
    http_close(h);
}

static void test_a_truncated_body_is_no_answer(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "half", .truncate = true}};
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    fails(h, fake_http_url(server), "");
    http_close(h);
}

static void test_a_silent_server_is_no_answer(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.close_silently = true}, {.close_silently = true}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(1000, 1, LONG_MS);
    fails(h, fake_http_url(server), "");
    fails(h, "http://127.0.0.1:1/", "onnect");
    http_close(h);
}

static void test_the_total_time_out_ends_a_call_that_hangs(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}, {.hang = true}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(1000, 1, SHORT_MS);
    fails(h, fake_http_url(server), "");
    struct http_request req = {.method = "GET", .url = fake_http_url(server), .total_timeout_ms = SHORT_MS};
    struct http *patient = client(1000, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    int64_t start = clock_monotonic_ms();
    assert_false(http_call(patient, &req, mem, &res, &err));
    assert_true(clock_monotonic_ms() - start < LONG_MS);
    http_close(patient);
    http_close(h);
}

static void test_a_header_that_could_start_another_line_is_refused(void **state)
{
    (void)state;
    struct http *h = client(1000, 1, LONG_MS);
    const struct http_header bad[] = {{"X-A", TEXT("v\r\nX-B: w")}, {"X-A", TEXT("v\0w")}, {"X-A\n", TEXT("v")}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_request req = {
            .method = "GET", .url = fake_http_url(server), .headers = &bad[i], .header_count = 1};
        struct http_response res;
        struct err err = {0};
        assert_false(http_call(h, &req, mem, &res, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    assert_int_equal(fake_http_count(server), 0);
    http_close(h);
}

static void test_the_cause_never_holds_the_query_of_a_url(void **state)
{
    (void)state;
    struct http *h = client(1000, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    assert_false(get(h, "http://127.0.0.1:1/key?X-Amz-Signature=abc", &res, &err));
    assert_null(strstr(err.cause, "abc"));
    assert_non_null(strstr(err.cause, "127.0.0.1:1"));
    http_close(h);
}

static void test_headers_beyond_the_limit_are_dropped(void **state)
{
    (void)state;
    char lines[2048] = "";
    for (int i = 0; i < 40; i++)
        snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "X-N%d: %d\r\n", i, i);
    struct fake_reply script[] = {{.headers = lines, .body = "ok"}};
    fake_http_script(server, script, 1);
    struct http *h = client(1000, 1, LONG_MS);
    struct http_response res;
    struct err err = {0};
    assert_true(get(h, fake_http_url(server), &res, &err));
    assert_int_equal(res.header_count, HTTP_HEADERS_MAX);
    assert_string_equal(http_header_value(&res, "x-n3").p, "3");
    assert_string_equal(res.body.p, "ok");
    http_close(h);
}

static void test_no_memory_in_the_arena_is_told(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.headers = "X-A: b\r\n", .body = "body"},
                                               {.headers = "X-A: b\r\n", .body = "body"}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(1000, 1, LONG_MS);
    for (long n = 0; n < 6; n += 5) { /* in the headers, then in the body */
        struct http_response res;
        struct err err = {0};
        arena_fail_after(mem, n == 0 ? 0 : 4);
        assert_false(get(h, fake_http_url(server), &res, &err));
        assert_int_equal(err.code, ERR_NO_MEMORY);
    }
    arena_fail_after(mem, -1);
    http_close(h);
}

/* ---- several threads ---- */

struct caller {
    struct http *h;
    bool cancellable, ok;
    struct err err;
    struct arena *mem;
    pthread_t thread;
};

static void *call_thread(void *user)
{
    struct caller *c = user;
    struct http_request req = {.method = "GET", .url = fake_http_url(server), .cancellable = c->cancellable};
    struct http_response res;
    c->ok = http_call(c->h, &req, c->mem, &res, &c->err);
    return NULL;
}

static void caller_start(struct caller *c, struct http *h, bool cancellable)
{
    *c = (struct caller){.h = h, .cancellable = cancellable, .mem = arena_new(4096, 1024 * 1024)};
    assert_non_null(c->mem);
    assert_int_equal(pthread_create(&c->thread, NULL, call_thread, c), 0);
}

static void caller_end(struct caller *c)
{
    pthread_join(c->thread, NULL);
    arena_free(c->mem);
}

static void test_a_call_without_a_free_handle_waits_only_so_long(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}};
    fake_http_script(server, SCRIPT, 1);
    struct http *h = client(1000, 1, LONG_MS);
    struct caller busy;
    caller_start(&busy, h, true);
    fake_http_wait(server, 1);
    fails(h, fake_http_url(server), "all 1 handles are in use");
    http_cancel(h);
    caller_end(&busy);
    http_close(h);
}

static void test_cancel_ends_the_calls_that_allow_it_and_no_others(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}, {.body = "fine"}};
    fake_http_script(server, SCRIPT, 2);
    struct http *h = client(1000, 2, 2 * LONG_MS);
    struct caller poll;
    caller_start(&poll, h, true);
    fake_http_wait(server, 1);
    int64_t start = clock_monotonic_ms();
    http_cancel(h);
    caller_end(&poll);
    assert_true(clock_monotonic_ms() - start < LONG_MS);
    assert_false(poll.ok);
    assert_int_equal(poll.err.code, ERR_UNAVAILABLE);
    assert_true(http_cancelled(h));
    struct http_response res;
    struct err err = {0};
    struct http_request later = {.method = "GET", .url = fake_http_url(server), .cancellable = true};
    assert_false(http_call(h, &later, mem, &res, &err));
    assert_true(get(h, fake_http_url(server), &res, &err));
    http_close(h);
}

static void test_many_threads_share_few_handles(void **state)
{
    (void)state;
    static struct fake_reply script[32];
    struct caller callers[16];
    for (size_t i = 0; i < ARRAY_LEN(script); i++)
        script[i].body = "ok";
    fake_http_script(server, script, ARRAY_LEN(script));
    struct http_options opts = {
        .connect_timeout_ms = LONG_MS, .total_timeout_ms = LONG_MS, .response_max = 100, .handles = 3};
    struct err err = {0};
    struct http *h = http_open(&opts, &err);
    assert_non_null(h);
    for (size_t i = 0; i < ARRAY_LEN(callers); i++)
        caller_start(&callers[i], h, false);
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        caller_end(&callers[i]);
        assert_true(callers[i].ok);
    }
    for (size_t i = 0; i < ARRAY_LEN(callers); i++)
        assert_true(fake_http_request(server, i).connection <= 3);
    http_close(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err err = {0};
    if (!http_global_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(test_a_call_sends_method_headers_and_body_and_brings_the_answer),
        TEST(test_a_large_body_goes_out_without_waiting_for_100_continue),
        TEST(test_a_put_without_a_body_says_so),
        TEST(test_a_file_is_sent_from_its_offset_with_its_length),
        TEST(test_a_file_is_sent_again_from_its_beginning_when_a_kept_connection_was_closed),
        TEST(test_a_file_that_is_shorter_than_told_is_our_fault),
        TEST(test_connections_are_kept_for_the_next_call),
        TEST(test_redirects_are_not_followed),
        TEST(test_proxies_of_the_environment_are_not_used),
        TEST(test_other_protocols_are_refused),
        TEST(test_a_body_beyond_the_limit_is_no_answer),
        TEST(test_a_truncated_body_is_no_answer),
        TEST(test_a_silent_server_is_no_answer),
        TEST(test_the_total_time_out_ends_a_call_that_hangs),
        TEST(test_a_header_that_could_start_another_line_is_refused),
        TEST(test_the_cause_never_holds_the_query_of_a_url),
        TEST(test_headers_beyond_the_limit_are_dropped),
        TEST(test_no_memory_in_the_arena_is_told),
        TEST(test_a_call_without_a_free_handle_waits_only_so_long),
        TEST(test_cancel_ends_the_calls_that_allow_it_and_no_others),
        TEST(test_many_threads_share_few_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
