/* The log goes to a file in the place of stderr, its copy to a scripted server. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "lib/service/fake_http.h"
#include "service/emf.h"
#include "service/http.h"
#include "service/log.h"
#include "service/log_ship.h"

enum { SMALL = 16 * 1024, DEADLINE_MS = 20 * 1000 };

static const struct fake_reply TAKEN = {.body = "{}"};
static const struct fake_reply TROUBLE = {.status = 400,
                                          .body = "{\"__type\":\"ThrottlingException\",\"message\":\"slow\"}"};
static const struct fake_reply BAD = {.status = 400,
                                      .body = "{\"__type\":\"InvalidParameterException\",\"message\":\"bad\"}"};

static struct fake_http *server;
static struct zone *zone;
static int saved_stderr, file;

static int set_up(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    server = fake_http_start();
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    file = open("/tmp", O_RDWR | O_TMPFILE, 0600);
    if (saved_stderr < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
        return -1;
    zone = zone_load("Asia/Ho_Chi_Minh");
    log_open(LOG_INFO, false, zone);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(file);
    log_open(LOG_INFO, false, NULL);
    zone_free(zone);
    fake_http_stop(server);
    return 0;
}

static struct log_ship *start(size_t bytes)
{
    struct err err = {0};
    struct log_ship_options opts = {.group = "/aws/ec2/app",
                                    .stream = "backend-logs/host/7",
                                    .region = "r",
                                    .endpoint_url = fake_http_url(server),
                                    .buffer_bytes = bytes};
    struct log_ship *s = log_ship_start(&opts, &err);
    assert_non_null(s);
    return s;
}

static void on_stderr(char *out, size_t cap)
{
    ssize_t n = pread(file, out, cap - 1, 0);
    assert_true(n >= 0);
    out[n] = '\0';
}

/* How many of the requests so far hold `part` in their body. */
static size_t sent_with(const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < fake_http_count(server); i++) {
        struct fake_request req = fake_http_request(server, i);
        n += memmem(req.body, req.body_n, part, strlen(part)) != NULL;
    }
    return n;
}

static void await_sent(const char *part)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (!sent_with(part)) {
        if (clock_monotonic_ms() > deadline)
            fail_msg("\"%s\" was not sent", part);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void test_lines_are_on_stderr_and_in_the_group(void **state)
{
    (void)state;
    char here[4096];
    const struct fake_reply script[] = {TAKEN, TAKEN};
    fake_http_script(server, script, 2);
    struct log_ship *s = start(SMALL);
    log_info("http", "the first line");
    await_sent("the first line");
    log_error("http", "the last line");
    log_ship_stop(s);
    assert_int_equal(sent_with("the last line"), 1);
    assert_int_equal(sent_with("[main] ERROR http - the last line\""), 1); /* without its line end */
    on_stderr(here, sizeof here);
    assert_non_null(strstr(here, "the first line\n"));
    assert_non_null(strstr(here, "the last line\n"));
    log_info("http", "after the end");
}

static void test_metrics_are_events_of_their_own_and_not_on_stderr(void **state)
{
    (void)state;
    char here[4096];
    const struct fake_reply script[] = {TAKEN, TAKEN};
    const struct emf_metric rows[] = {{"OutboxAgeSeconds", "Seconds", 12}, {"RequestErrors5xx", "Count", 0}};
    struct err err = {0};
    const struct json_node *events = NULL;
    fake_http_script(server, script, 2);
    struct log_ship *s = start(SMALL);
    emf_send(1700000000123, rows, 2);
    await_sent("OutboxAgeSeconds");
    log_ship_stop(s);
    on_stderr(here, sizeof here);
    assert_string_equal(here, "");
    struct fake_request req = fake_http_request(server, 0);
    AUTO(json_doc) struct json_doc *doc = json_parse((struct text){req.body, req.body_n}, &err);
    assert_non_null(doc);
    assert_true(json_get(json_root(doc), "logEvents", &events));
    assert_text(
        json_get_text(json_at(events, 0), "message"),
        "{\"_aws\":{\"Timestamp\":1700000000123,\"CloudWatchMetrics\":[{\"Namespace\":\"MoneyManager\","
        "\"Dimensions\":[[]],\"Metrics\":[{\"Name\":\"OutboxAgeSeconds\",\"Unit\":\"Seconds\"},"
        "{\"Name\":\"RequestErrors5xx\",\"Unit\":\"Count\"}]}]},\"OutboxAgeSeconds\":12,\"RequestErrors5xx\":0}");
}

static void test_lines_wait_for_a_group_that_is_throttled(void **state)
{
    (void)state;
    char here[8192];
    const struct fake_reply script[] = {TROUBLE, TAKEN, TAKEN};
    fake_http_script(server, script, ARRAY_LEN(script));
    struct log_ship *s = start(SMALL);
    log_info("http", "a patient line");
    fake_http_wait(server, 2);
    assert_int_equal(sent_with("a patient line"), 2);
    log_ship_stop(s);
    /* Its own trouble is told here, once, and not there. */
    on_stderr(here, sizeof here);
    const char *told = strstr(here, "the log group takes no lines");
    assert_non_null(told);
    assert_null(strstr(told + 1, "the log group takes no lines"));
    assert_int_equal(sent_with("takes no lines"), 0);
}

static void test_a_batch_that_is_refused_is_dropped_and_counted(void **state)
{
    (void)state;
    const struct fake_reply script[] = {BAD, TAKEN, TAKEN, TAKEN};
    int64_t before = log_ship_lost();
    fake_http_script(server, script, ARRAY_LEN(script));
    struct log_ship *s = start(SMALL);
    log_info("http", "a bad line");
    fake_http_wait(server, 1);
    log_info("http", "a good line");
    await_sent("a good line");
    await_sent("1 log lines did not reach the log group so far: 0 found the buffer full, 1 were refused");
    log_ship_stop(s);
    assert_int_equal(log_ship_lost() - before, 1);
    assert_int_equal(sent_with("a bad line"), 1);
}

static void test_a_dead_group_costs_lines_and_never_time(void **state)
{
    (void)state;
    enum { LINES = 2000 };
    static char here[LINES * 256];
    const struct fake_reply script[] = {{.hang = true}};
    int64_t before = log_ship_lost(), begin, slowest = 0;
    fake_http_script(server, script, 1);
    struct log_ship *s = start(SMALL);
    log_info("http", "the one that hangs");
    fake_http_wait(server, 1);
    for (int i = 0; i < LINES; i++) {
        begin = clock_monotonic_ms();
        log_info("http", "line %d, of about a hundred bytes, so that the ring of sixteen kilobytes is full soon", i);
        int64_t took = clock_monotonic_ms() - begin;
        slowest = took > slowest ? took : slowest;
    }
    /* Far below the ten seconds that the call may hang. */
    assert_in_range(slowest, 0, 2000);
    on_stderr(here, sizeof here);
    assert_non_null(strstr(here, "line 1999,"));
    assert_in_range(log_ship_lost() - before, LINES - 16 * 1024 / 100, LINES - 1);
    begin = clock_monotonic_ms();
    log_ship_stop(s);
    assert_in_range(clock_monotonic_ms() - begin, 1900, 8000);
    on_stderr(here, sizeof here);
    assert_non_null(strstr(here, "log lines did not reach the log group before the end"));
}

static void test_many_lines_go_in_few_calls(void **state)
{
    (void)state;
    enum { LINES = 3000, CALLS_MAX = 40 };
    struct fake_reply script[CALLS_MAX];
    for (size_t i = 0; i < CALLS_MAX; i++)
        script[i] = TAKEN;
    fake_http_script(server, script, CALLS_MAX);
    struct log_ship *s = start(1024 * 1024);
    for (int i = 0; i < LINES; i++)
        log_info("http", "line <%d>", i);
    log_ship_stop(s);
    size_t found = 0;
    for (int i = 0; i < LINES; i++) {
        char line[32];
        snprintf(line, sizeof line, "line <%d>", i);
        found += sent_with(line);
    }
    assert_int_equal(found, LINES);
    assert_in_range(fake_http_count(server), 2, CALLS_MAX);
}

static void test_without_a_group_there_is_no_copy(void **state)
{
    (void)state;
    struct config none = {0};
    const struct emf_metric row = {"OutboxAgeSeconds", "Seconds", 12};
    assert_null(log_ship_configured(&none));
    emf_send(1, &row, 1);
    log_ship_stop(NULL);
}

static void test_settings_that_cannot_be_used_leave_the_programs_running(void **state)
{
    (void)state;
    char here[4096];
    struct config bad = {.log_group = "g",
                         .log_stream_prefix = "p",
                         .log_ship_buffer_kb = 16,
                         .aws_region = "r",
                         .aws_endpoint_url_logs = "http://"};
    assert_null(log_ship_configured(&bad));
    on_stderr(here, sizeof here);
    assert_non_null(strstr(here, "the log is not copied"));
}

static void test_the_settings_name_the_stream(void **state)
{
    (void)state;
    char host[64] = "", stream[160];
    const struct fake_reply script[] = {TAKEN, TAKEN};
    struct config c = {.log_group = "g", .log_stream_prefix = "prefix", .log_ship_buffer_kb = 16, .aws_region = "r"};
    c.aws_endpoint_url = fake_http_url(server);
    gethostname(host, sizeof host - 1);
    snprintf(stream, sizeof stream, "\"logStreamName\":\"prefix/%s/%ld\"", host, (long)getpid());
    fake_http_script(server, script, 2);
    struct log_ship *s = log_ship_configured(&c);
    assert_non_null(s);
    log_info("main", "started");
    await_sent(stream);
    log_ship_stop(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    struct err err = {0};
    const struct CMUnitTest tests[] = {
        TEST(test_lines_are_on_stderr_and_in_the_group),
        TEST(test_metrics_are_events_of_their_own_and_not_on_stderr),
        TEST(test_lines_wait_for_a_group_that_is_throttled),
        TEST(test_a_batch_that_is_refused_is_dropped_and_counted),
        TEST(test_a_dead_group_costs_lines_and_never_time),
        TEST(test_many_lines_go_in_few_calls),
        TEST(test_without_a_group_there_is_no_copy),
        TEST(test_settings_that_cannot_be_used_leave_the_programs_running),
        TEST(test_the_settings_name_the_stream),
    };
    return http_global_init(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
