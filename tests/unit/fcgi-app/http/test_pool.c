/* The request threads over a real socket, spoken to in FastCGI. Also worth a run under TSan (make unit VARIANT=tsan
 * ONLY=pool). */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/pool.h"

enum { THREADS = 4, CLIENTS = 8, REQUESTS = 40, STOP_MS = 10 * 1000, ANSWER_MAX = 4096 };
enum { STOPS = 400, PATIENCE_MS = 10 * 1000 };
enum { FCGI_BEGIN = 1, FCGI_PARAMS = 4, FCGI_STDIN = 5 };

struct fixture {
    struct app app;
    struct pool *pool;
    int listen_fd;
    char folder[64], path[96];
};

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 128), 0);
    return fd;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    snprintf(f->folder, sizeof(f->folder), "/tmp/mm-pool-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
    f->listen_fd = listen_at(f->path);
    f->app.config.zone = zone_load("Asia/Ho_Chi_Minh");
    f->app.config.currency = currency_find(TEXT("VND"));
    f->app.config.api_threads = THREADS;
    f->pool = pool_start(&f->app, f->listen_fd, &err);
    assert_non_null(f->pool);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    assert_true(pool_stop(f->pool, STOP_MS));
    close(f->listen_fd);
    unlink(f->path);
    rmdir(f->folder);
    zone_free(f->app.config.zone);
    free(f);
    return 0;
}

static int connect_to(const struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 20};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void put_record(struct buf *out, int type, struct text content)
{
    const unsigned char head[8] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(content.n >> 8), (unsigned char)content.n};
    buf_put(out, head, sizeof(head));
    buf_text(out, content);
}

static void put_param(struct buf *out, const char *name, const char *value)
{
    buf_char(out, (char)strlen(name));
    buf_char(out, (char)strlen(value));
    buf_str(out, name);
    buf_str(out, value);
}

static void put_request(struct buf *out, const char *method, const char *path)
{
    static const char BEGIN[8] = {0, 1};
    struct buf params;
    buf_init(&params, 1024);
    put_param(&params, "REQUEST_METHOD", method);
    put_param(&params, "SCRIPT_NAME", path);
    put_record(out, FCGI_BEGIN, (struct text){BEGIN, sizeof(BEGIN)});
    put_record(out, FCGI_PARAMS, buf_view(&params));
    put_record(out, FCGI_PARAMS, TEXT(""));
    put_record(out, FCGI_STDIN, TEXT(""));
    buf_release(&params);
}

/* The raw records of the answer; its texts stand in them in one piece. */
static bool ask(const struct fixture *f, const char *path, char answer[ANSWER_MAX])
{
    struct buf request;
    size_t n = 0;
    ssize_t got = -1;
    int fd = connect_to(f);
    buf_init(&request, 4096);
    put_request(&request, "GET", path);
    bool ok = fd >= 0 && write(fd, request.p, request.n) == (ssize_t)request.n;
    while (ok && n < ANSWER_MAX - 1 && (got = read(fd, answer + n, ANSWER_MAX - 1 - n)) > 0)
        n += (size_t)got;
    for (size_t i = 0; i < n; i++)
        if (!answer[i])
            answer[i] = ' ';
    answer[n] = '\0';
    buf_release(&request);
    if (fd >= 0)
        close(fd);
    return ok && got == 0;
}

static void *ask_often(void *arg)
{
    char answer[ANSWER_MAX];
    for (int i = 0; i < REQUESTS; i++) {
        bool known = i % 2 == 0;
        const char *status = known ? "Status: 200 OK" : "Status: 404 Not Found";
        if (!ask(arg, known ? "/api/v1.0/health" : "/api/v1.0/nothing", answer) || !strstr(answer, status))
            return arg;
    }
    return NULL;
}

static void test_many_requests_at_once_are_all_answered(void **state)
{
    struct fixture *f = *state;
    pthread_t clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, ask_often, f), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        void *failed;
        pthread_join(clients[i], &failed);
        assert_null(failed);
    }
}

static void test_an_answer_is_whole(void **state)
{
    struct fixture *f = *state;
    char answer[ANSWER_MAX];
    assert_true(ask(f, "/api/v1.0/health", answer));
    assert_non_null(strstr(answer, "Content-Length: 15\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\n{\"status\":\"ok\"}"));
}

static void test_a_silent_peer_does_not_hold_the_others_up(void **state)
{
    struct fixture *f = *state;
    char answer[ANSWER_MAX];
    int silent[THREADS - 1];
    for (size_t i = 0; i < THREADS - 1; i++)
        silent[i] = connect_to(f);
    assert_true(ask(f, "/api/v1.0/health", answer));
    for (size_t i = 0; i < THREADS - 1; i++)
        close(silent[i]);
}

static void test_a_stopped_pool_leaves_the_socket_to_its_siblings(void **state)
{
    struct fixture *f = *state;
    char answer[ANSWER_MAX];
    struct err err = {0};
    assert_true(pool_stop(f->pool, STOP_MS));
    int waiting = connect_to(f);
    assert_true(waiting >= 0);
    f->pool = pool_start(&f->app, f->listen_fd, &err);
    assert_non_null(f->pool);
    assert_true(ask(f, "/api/v1.0/health", answer));
    close(waiting);
}

static void *stop_pool(void *arg)
{
    return pool_stop(arg, STOP_MS) ? NULL : arg;
}

/* The kernel wakes one waiter of all processes for a connection; one that is about to stop must not keep it from the
 * others. */
static void test_a_pool_that_stops_hands_on_what_it_was_woken_for(void **state)
{
    struct fixture *f = *state;
    char answer[ANSWER_MAX];
    struct err err = {0};
    for (int i = 0; i < STOPS; i++) {
        pthread_t stopper;
        void *failed;
        struct pool *sibling = pool_start(&f->app, f->listen_fd, &err);
        assert_non_null(sibling);
        assert_true(ask(f, "/api/v1.0/health", answer));
        assert_int_equal(pthread_create(&stopper, NULL, stop_pool, f->pool), 0);
        f->pool = sibling;
        int64_t begin = clock_monotonic_ms();
        for (int n = 0; n < 3; n++)
            assert_true(ask(f, "/api/v1.0/health", answer));
        assert_true(clock_monotonic_ms() - begin < PATIENCE_MS);
        pthread_join(stopper, &failed);
        assert_null(failed);
    }
}

static void test_only_a_listening_socket_will_do(void **state)
{
    struct fixture *f = *state;
    int fd = connect_to(f);
    assert_true(pool_socket_ok(f->listen_fd));
    assert_false(pool_socket_ok(fd));
    assert_false(pool_socket_ok(-1));
    close(fd);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_many_requests_at_once_are_all_answered),
        WITH_FIXTURE(test_an_answer_is_whole),
        WITH_FIXTURE(test_a_silent_peer_does_not_hold_the_others_up),
        WITH_FIXTURE(test_a_stopped_pool_leaves_the_socket_to_its_siblings),
        WITH_FIXTURE(test_a_pool_that_stops_hands_on_what_it_was_woken_for),
        WITH_FIXTURE(test_only_a_listening_socket_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
