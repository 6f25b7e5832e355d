#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "service/log.h"
#include "service/metrics.h"
#include "service/metrics_internal.h"
#include "service/metrics_port.h"

static const char *const ROUTES[] = {"GET /jars", "POST /jars"};
static const char *const JOBS[] = {"transaction.large"};

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/mm-metrics-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_close();
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static void open_as(enum program program, const char *where)
{
    struct err err = {0};
    struct metrics_options opts = {.program = program,
                                   .dir = where,
                                   .routes = ROUTES,
                                   .route_count = ARRAY_LEN(ROUTES),
                                   .jobs = JOBS,
                                   .job_count = ARRAY_LEN(JOBS)};
    assert_true(metrics_open(&opts, &err));
}

static char text[256 * 1024];

static const char *written(void)
{
    AUTO(buf) struct buf out;
    buf_init(&out, sizeof text - 1);
    metrics_write(&out);
    assert_false(out.failed);
    snprintf(text, sizeof text, "%.*s", TEXT_ARG(buf_view(&out)));
    return text;
}

#define assert_line(line) assert_non_null(strstr(written(), line "\n"))
#define assert_no_line(part) assert_null(strstr(written(), part))

/* In a process of its own, which ends without a word. */
static void in_a_child(void (*work)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_counts_are_written_by_their_labels(void **state)
{
    (void)state;
    open_as(PROGRAM_API, NULL);
    metric_add(METRIC_REQUESTS, 0, metric_status(200), 2);
    metric_add(METRIC_REQUESTS, 0, metric_status(204), 1);
    metric_add(METRIC_REQUESTS, 1, metric_status(503), 1);
    metric_add(METRIC_REQUESTS, ARRAY_LEN(ROUTES), metric_status(404), 1);
    metric_add(METRIC_REQUESTS, 99999, metric_status(404), 1);
    metric_add(METRIC_CACHE, METRIC_SESSIONS, 1, 5);
    metric_add(METRIC_DB_WAITS, 0, 0, 3);
    assert_line("# TYPE moneymanager_requests_total counter");
    assert_line("moneymanager_requests_total{route=\"GET /jars\",status=\"2xx\"} 3");
    assert_line("moneymanager_requests_total{route=\"POST /jars\",status=\"5xx\"} 1");
    assert_line("moneymanager_requests_total{route=\"other\",status=\"4xx\"} 2");
    assert_no_line("route=\"GET /jars\",status=\"3xx\"");
    assert_line("moneymanager_cache_total{cache=\"sessions\",result=\"hit\"} 5");
    assert_line("moneymanager_database_pool_waits_total 3");
    assert_line("moneymanager_database_pool_wait_timeouts_total 0");
    assert_line("moneymanager_processes 1");
    assert_no_line("jobs_total");
}

static void test_a_histogram_is_cumulative_and_in_seconds(void **state)
{
    (void)state;
    open_as(PROGRAM_API, NULL);
    metric_time(METRIC_REQUEST_SECONDS, 0, 900);
    metric_time(METRIC_REQUEST_SECONDS, 0, 1000);
    metric_time(METRIC_REQUEST_SECONDS, 0, 1001);
    metric_time(METRIC_REQUEST_SECONDS, 0, 70 * 1000000);
    assert_line("# TYPE moneymanager_request_seconds histogram");
    assert_line("moneymanager_request_seconds_bucket{route=\"GET /jars\",le=\"0.0010\"} 2");
    assert_line("moneymanager_request_seconds_bucket{route=\"GET /jars\",le=\"0.0025\"} 3");
    assert_line("moneymanager_request_seconds_bucket{route=\"GET /jars\",le=\"10.0000\"} 3");
    assert_line("moneymanager_request_seconds_bucket{route=\"GET /jars\",le=\"+Inf\"} 4");
    assert_line("moneymanager_request_seconds_sum{route=\"GET /jars\"} 70.002901");
    assert_line("moneymanager_request_seconds_count{route=\"GET /jars\"} 4");
    assert_no_line("request_seconds_count{route=\"POST /jars\"}");
}

static void test_each_status_has_its_class(void **state)
{
    (void)state;
    static const struct {
        int status;
        size_t index;
    } CASES[] = {{100, 0}, {0, 0}, {200, 1}, {299, 1}, {304, 2}, {404, 3}, {499, 3}, {500, 4}, {599, 4}, {999, 4}};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_int_equal(metric_status(CASES[i].status), CASES[i].index);
}

/* ---- several processes ---- */

static void count_and_die(void)
{
    open_as(PROGRAM_API, dir);
    metric_add(METRIC_REQUESTS, 0, 1, 10);
    metric_set(METRIC_MEMORY, 0, 1000);
    metric_set(METRIC_OUTBOX_AGE, 0, 77);
}

static void test_counts_outlive_their_process_and_gauges_do_not(void **state)
{
    (void)state;
    open_as(PROGRAM_API, dir);
    metric_add(METRIC_REQUESTS, 0, 1, 1);
    metric_set(METRIC_MEMORY, 0, 50);
    in_a_child(count_and_die);
    in_a_child(count_and_die);
    assert_line("moneymanager_requests_total{route=\"GET /jars\",status=\"2xx\"} 21");
    assert_line("moneymanager_resident_memory_bytes 50");
    assert_line("moneymanager_processes 1");
    assert_no_line("outbox_age_seconds 77");
}

static int to_child[2], from_child[2];

static void stay(void)
{
    char c = 'x';
    open_as(PROGRAM_API, dir);
    metric_set(METRIC_MEMORY, 0, 1000);
    metric_set(METRIC_OUTBOX_AGE, 0, 77);
    metric_set(METRIC_UP, METRIC_UP_SQS, 1);
    if (write(from_child[1], &c, 1) != 1 || read(to_child[0], &c, 1) != 1)
        _exit(1);
}

static void test_gauges_of_living_processes_go_together_as_their_row_says(void **state)
{
    (void)state;
    int status;
    char c;
    assert_true(pipe(to_child) == 0 && pipe(from_child) == 0);
    open_as(PROGRAM_API, dir);
    pid_t child = fork();
    if (child == 0) {
        stay();
        _exit(0);
    }
    assert_int_equal(read(from_child[0], &c, 1), 1);
    metric_set(METRIC_MEMORY, 0, 50);
    metric_set(METRIC_OUTBOX_AGE, 0, 7);
    metric_set(METRIC_UP, METRIC_UP_SQS, 0);
    metric_set(METRIC_UP, METRIC_UP_S3, 1);
    assert_line("moneymanager_processes 2");
    assert_line("moneymanager_resident_memory_bytes 1050");
    assert_line("moneymanager_outbox_age_seconds 77");
    assert_line("moneymanager_dependency_up{dependency=\"sqs\"} 0");
    assert_line("moneymanager_dependency_up{dependency=\"s3\"} 1");
    assert_no_line("dependency=\"redis\"");
    assert_int_equal(write(to_child[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_line("moneymanager_resident_memory_bytes 50");
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(from_child[i]);
    }
}

static void open_and_die(void)
{
    open_as(PROGRAM_API, dir);
    metric_set(METRIC_MEMORY, 0, 1);
    if (!strstr(written(), "moneymanager_resident_memory_bytes 1\n"))
        _exit(1);
}

static void test_places_of_dead_processes_are_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < PROCESSES_MAX + 5; i++)
        in_a_child(open_and_die);
}

static size_t files_in(const char *where)
{
    size_t n = 0;
    DIR *d = opendir(where);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_another_program_or_version_has_a_file_of_its_own(void **state)
{
    (void)state;
    static const char *const OTHER_ROUTES[] = {"GET /jars", "PUT /jars"};
    struct err err = {0};
    struct metrics_options opts = {
        .program = PROGRAM_API, .dir = dir, .routes = OTHER_ROUTES, .route_count = ARRAY_LEN(OTHER_ROUTES)};
    open_as(PROGRAM_API, dir);
    metrics_close();
    open_as(PROGRAM_API, dir);
    metrics_close();
    assert_int_equal(files_in(dir), 1);
    open_as(PROGRAM_WORKER, dir);
    metric_add(METRIC_JOBS, 0, 2, 1);
    assert_line("moneymanager_jobs_total{job=\"transaction.large\",result=\"retried\"} 1");
    assert_no_line("requests_total");
    metrics_close();
    assert_int_equal(files_in(dir), 2);
    assert_true(metrics_open(&opts, &err));
    assert_int_equal(files_in(dir), 3);
}

static void test_a_folder_that_is_not_there_is_told_and_nothing_counts(void **state)
{
    (void)state;
    struct err err = {0};
    struct metrics_options opts = {.program = PROGRAM_API, .dir = "/nonexistent", .routes = ROUTES};
    assert_false(metrics_open(&opts, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    metric_add(METRIC_REQUESTS, 0, 1, 1);
    metric_time(METRIC_REQUEST_SECONDS, 0, 1);
    metric_set(METRIC_MEMORY, 0, 1);
    metrics_refresh(NULL);
    assert_string_equal(written(), "");
}

enum { THREADS = 4, EACH = 20000 };

static void *count_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        metric_add(METRIC_REQUESTS, 0, 1, 1);
        metric_time(METRIC_REQUEST_SECONDS, 1, 300);
    }
    return NULL;
}

static void test_no_count_of_many_threads_is_lost(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    open_as(PROGRAM_API, dir);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_line("moneymanager_requests_total{route=\"GET /jars\",status=\"2xx\"} 80000");
    assert_line("moneymanager_request_seconds_count{route=\"POST /jars\"} 80000");
    assert_line("moneymanager_request_seconds_sum{route=\"POST /jars\"} 24.000000");
}

/* ---- the last minute ---- */

static void test_a_window_holds_what_came_since_the_last(void **state)
{
    (void)state;
    struct metrics_window w;
    open_as(PROGRAM_API, NULL);
    metrics_window_take(&w); /* of the tests before */
    metric_add(METRIC_REQUESTS, 0, metric_status(200), 98);
    metric_add(METRIC_REQUESTS, 0, metric_status(503), 2);
    for (int i = 0; i < 98; i++)
        metric_time(METRIC_REQUEST_SECONDS, 0, 700);
    metric_time(METRIC_REQUEST_SECONDS, 0, 20 * 1000);
    metric_time(METRIC_REQUEST_SECONDS, 0, 3 * 1000000);
    metrics_refresh(NULL);
    metrics_window_take(&w);
    assert_int_equal(w.requests, 100);
    assert_int_equal(w.errors, 2);
    assert_in_range(w.p99_ms, 10, 25); /* the second slowest */
    assert_int_equal(w.lines_lost, 0);
    assert_in_range(w.memory_bytes, 1 << 20, INT64_C(1) << 40);
    metrics_window_take(&w);
    assert_int_equal(w.requests + w.errors + w.p99_ms, 0);
    metric_time(METRIC_REQUEST_SECONDS, 0, 90 * 1000000);
    metrics_window_take(&w);
    assert_int_equal(w.p99_ms, 10000); /* no more is known of the last bucket */
}

/* ---- the port ---- */

static void test_only_a_get_of_metrics_is_answered(void **state)
{
    (void)state;
    static char endless[METRICS_HEAD_MAX];
    static const struct {
        const char *head;
        int status;
    } CASES[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /metrics?a=b HTTP/1.0\r\n\r\n", 200},
        {"GET /metricsx HTTP/1.0\r\n\r\n", 404},
        {"GET / HTTP/1.0\r\n\r\n", 404},
        {"GET  HTTP/1.0\r\n\r\n", 404},
        {"POST /metrics HTTP/1.1\r\n\r\n", 405},
        {"get /metrics HTTP/1.1\r\n\r\n", 405},
        {"GET /metrics\r\n\r\n", 400},
        {" HTTP/1.1\r\n\r\n", 400},
        {"GET HTTP/1.1\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"\x16\x03\x01\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (metrics_request_status(text_of(CASES[i].head)) != CASES[i].status)
            fail_msg("case %zu: %d", i, metrics_request_status(text_of(CASES[i].head)));
    memset(endless, 'a', sizeof endless);
    assert_int_equal(metrics_request_status((struct text){endless, sizeof endless - 1}), 0);
    assert_int_equal(metrics_request_status((struct text){endless, sizeof endless}), 400);
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int dial(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* The whole answer, in `text`. */
static const char *ask(int port, const char *request)
{
    int fd = dial(port);
    size_t n = 0;
    assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
    for (ssize_t got; (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    close(fd);
    return text;
}

static void test_the_port_answers_and_a_silent_client_is_left_soon(void **state)
{
    (void)state;
    struct err err = {0};
    int port = free_port();
    open_as(PROGRAM_API, NULL);
    metric_add(METRIC_REQUESTS, 0, 1, 42);
    struct metrics_port *p = metrics_port_start(port, &err);
    assert_non_null(p);
    int silent = dial(port);
    int64_t begin = clock_monotonic_ms();
    const char *answer = ask(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_in_range(clock_monotonic_ms() - begin, 0, 15000);
    assert_non_null(strstr(answer, "HTTP/1.0 200 OK\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(answer, "moneymanager_requests_total{route=\"GET /jars\",status=\"2xx\"} 42\n"));
    assert_non_null(strstr(ask(port, "GET /etc/passwd HTTP/1.1\r\n\r\n"), "HTTP/1.0 404 "));
    assert_non_null(strstr(ask(port, "DELETE /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.0 405 "));
    close(silent);
    metrics_port_stop(p);
}

static void test_processes_share_the_port_and_a_foreign_one_is_told(void **state)
{
    (void)state;
    struct err err = {0};
    int port = free_port();
    struct metrics_port *first = metrics_port_start(port, &err), *second = metrics_port_start(port, &err);
    assert_true(first && second);
    metrics_port_stop(first);
    metrics_port_stop(second);
    int foreign = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    setsockopt(foreign, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_true(bind(foreign, (struct sockaddr *)&at, sizeof at) == 0 && listen(foreign, 1) == 0);
    assert_null(metrics_port_start(port, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    close(foreign);
    assert_null(metrics_port_configured(0));
    metrics_port_stop(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts_are_written_by_their_labels),
        TEST(test_a_histogram_is_cumulative_and_in_seconds),
        TEST(test_each_status_has_its_class),
        TEST(test_counts_outlive_their_process_and_gauges_do_not),
        TEST(test_gauges_of_living_processes_go_together_as_their_row_says),
        TEST(test_places_of_dead_processes_are_used_again),
        TEST(test_another_program_or_version_has_a_file_of_its_own),
        TEST(test_a_folder_that_is_not_there_is_told_and_nothing_counts),
        TEST(test_no_count_of_many_threads_is_lost),
        TEST(test_a_window_holds_what_came_since_the_last),
        TEST(test_only_a_get_of_metrics_is_answered),
        TEST(test_the_port_answers_and_a_silent_client_is_left_soon),
        TEST(test_processes_share_the_port_and_a_foreign_one_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
