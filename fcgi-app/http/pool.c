#include "http/pool.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bell.h"
#include "nova/assistant.h"
#include "base/clock.h"
#include "http/bulkhead.h"
#include "http/exchange.h"
#include "service/log.h"

enum {
    LOOK_EVERY_MS = 1000,
    ACCEPT_BACK_OFF_MS = 50, /* no descriptors or memory: what is at work will give some back */
    THREAD_STACK = 512 * 1024,
    DRAIN_MAX = 36 * 1024 * 1024, /* more than nginx lets through */
    FILES_WAITING = 32,
    HISTORY_THREADS = 4,
    HISTORY_WAITING = 64,
    EXPORT_THREADS = 2, /* a spreadsheet takes a processor for as long as it is made */
    EXPORT_WAITING = 8,
    FILE_PIECE = 64 * 1024,
    CANCEL_BEFORE_MS = 2000 /* of a stop's time: conversations that still wait for a provider are ended then */
};

/* One request with its connection; it may end on another thread than the one that took it. */
struct job {
    struct bulkhead_item item; /* first */
    struct exchange exchange;
    FCGX_Request request;
};

struct pool {
    struct app *app;
    int listen_fd, stop_fd;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of `running` */
    pthread_cond_t ended;
    size_t running;
    size_t started;
    struct bulkhead *lanes[LANE_COUNT]; /* NULL: the request thread runs the handler itself */
    pthread_t threads[];                /* config.api_threads */
};

struct thread_start {
    struct pool *pool;
    struct job *job;
    int number;
};

bool pool_socket_ok(int fd)
{
    int listening = 0;
    socklen_t n = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 && listening;
}

static size_t read_body(void *from, char *out, size_t n)
{
    size_t got = 0;
    while (got < n) {
        int part = FCGX_GetStr(out + got, n - got > INT32_MAX ? INT32_MAX : (int)(n - got), from);
        if (part <= 0)
            break;
        got += (size_t)part;
    }
    return got;
}

static void put(FCGX_Stream *out, const struct buf *b)
{
    if (b->n)
        FCGX_PutStr(b->p, (int)b->n, out);
}

static bool write_now(void *to, struct text bytes)
{
    return FCGX_PutStr(bytes.p, (int)bytes.n, to) == (int)bytes.n && FCGX_FFlush(to) == 0;
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
    if (!job)
        return;
    FCGX_Free(&job->request, 1);
    exchange_release(&job->exchange);
    free(job);
}

static struct job *job_new(const struct pool *pool, struct err *err)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job && exchange_init(&job->exchange, pool->app, err)) {
        if (FCGX_InitRequest(&job->request, pool->listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) == 0)
            return job;
        exchange_release(&job->exchange);
    }
    free(job);
    err_set(err, ERR_NO_MEMORY, "Not enough memory for a request");
    return NULL;
}

/* What an early answer left unread, up to the record that ends it: a socket closed with bytes in it resets the answer.
 */
static void drain(FCGX_Stream *in)
{
    char trash[4096];
    for (size_t left = DRAIN_MAX / sizeof(trash); left && FCGX_GetStr(trash, sizeof(trash), in) > 0; left--)
        ;
}

/* Cut short when the file cannot be read or nobody takes it any more: the length in the head tells the client. */
static void send_file(FCGX_Stream *out, const struct response *res)
{
    char piece[FILE_PIECE];
    int64_t at = 0;
    while (at < res->file_size) {
        ssize_t n = pread(res->file_fd, piece, sizeof(piece), (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || FCGX_PutStr(piece, (int)n, out) != (int)n)
            return;
        at += n;
    }
}

static void send_body(struct job *job)
{
    if (job->exchange.res.has_file)
        send_file(job->request.out, &job->exchange.res);
    else
        put(job->request.out, &job->exchange.body);
}

/* A client that went away is nobody's fault; the log at the edge has it. */
static void send_answer(struct job *job)
{
    struct exchange *x = &job->exchange;
    drain(job->request.in);
    put(job->request.out, &x->head);
    if (!x->is_head && x->res.status != 204 && x->res.status != 304)
        send_body(job);
    FCGX_Finish_r(&job->request);
    exchange_reset(x);
    log_request_id("");
}

static void run_in_lane(struct bulkhead_item *item)
{
    struct job *job = (struct job *)(void *)item;
    log_request_id(job->exchange.request_id);
    if (exchange_left_ms(&job->exchange) > 0)
        dispatch_finish(&job->exchange);
    else
        dispatch_refuse(&job->exchange);
    send_answer(job);
    job_free(job);
}

/* What may wait long for others goes to its lane with its connection; this thread goes on with a fresh job. */
static bool hand_over(struct pool *pool, struct job **job)
{
    struct err err = {0};
    struct bulkhead *lane = pool->lanes[(*job)->exchange.call.route->lane];
    if (!lane) {
        dispatch_finish(&(*job)->exchange);
        return false;
    }
    struct job *fresh = job_new(pool, &err);
    if (!fresh || !bulkhead_push(lane, &(*job)->item)) {
        job_free(fresh);
        dispatch_refuse(&(*job)->exchange);
        return false;
    }
    *job = fresh;
    log_request_id("");
    return true;
}

static void serve(struct pool *pool, struct job **job)
{
    struct exchange *x = &(*job)->exchange;
    FCGX_Request *request = &(*job)->request;
    params_read((const char *const *)request->envp, &x->in.params);
    x->in.read_body = read_body;
    x->in.from = request->in;
    x->in.write = write_now;
    x->in.to = request->out;
    if (dispatch_begin(x) || !hand_over(pool, job))
        send_answer(*job);
}

static void pause_ms(long ms)
{
    struct timespec wait = {.tv_nsec = ms * 1000000};
    nanosleep(&wait, NULL);
}

/* An epoll set of the thread's own: EPOLLEXCLUSIVE wakes one waiter of all threads and processes for a connection,
 * poll() would wake all. */
static int open_waiter(const struct pool *pool)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event connection = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = pool->listen_fd};
    struct epoll_event stop = {.events = EPOLLIN, .data.fd = pool->stop_fd};
    if (set >= 0 && (epoll_ctl(set, EPOLL_CTL_ADD, pool->listen_fd, &connection) != 0 ||
                     epoll_ctl(set, EPOLL_CTL_ADD, pool->stop_fd, &stop) != 0)) {
        close(set);
        return -1;
    }
    return set;
}

/* True when a connection may wait. A sibling that was woken for one and then killed or frozen never takes it, so every
 * thread looks by itself now and then. */
static bool wait_for_work(const struct pool *pool, int set)
{
    struct epoll_event events[2];
    int n = epoll_wait(set, events, 2, LOOK_EVERY_MS);
    if (n < 0 && errno != EINTR)
        pause_ms(ACCEPT_BACK_OFF_MS);
    bool connection = n == 0;
    for (int i = 0; i < n; i++)
        connection = connection || events[i].data.fd == pool->listen_fd;
    return connection;
}

/* A thread that was woken for a connection takes it even when it is to stop: nobody else is woken for it. */
static void accept_loop(struct pool *pool, struct job **job, int set)
{
    bool woken = false;
    while (woken || !atomic_load(&pool->stopping)) {
        int rc = FCGX_Accept_r(&(*job)->request);
        woken = false;
        if (rc == 0) {
            serve(pool, job);
        } else if (rc == -EAGAIN) { /* the socket does not block, and a sibling may have been faster */
            woken = wait_for_work(pool, set);
        } else {
            if (rc != -EINTR)
                log_warn("http", "no connection could be accepted: error %d", -rc);
            pause_ms(ACCEPT_BACK_OFF_MS);
        }
    }
}

static void thread_ended(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
}

static void *thread_main(void *arg)
{
    struct thread_start *start = arg;
    struct pool *pool = start->pool;
    char name[16];
    snprintf(name, sizeof(name), "req-%d", start->number);
    log_thread_name(name);
    int set = open_waiter(pool);
    if (set < 0) {
        log_error("http", "a request thread could not begin");
    } else {
        accept_loop(pool, &start->job, set);
        close(set);
    }
    job_free(start->job);
    free(start);
    thread_ended(pool);
    return NULL;
}

static bool start_thread(struct pool *pool, int number, struct err *err)
{
    struct thread_start *start = calloc(1, sizeof(*start));
    pthread_attr_t attr;
    if (!start || !(start->job = job_new(pool, err))) {
        free(start);
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request threads");
    }
    start->pool = pool;
    start->number = number;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    int rc = pthread_create(&pool->threads[pool->started], &attr, thread_main, start);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        pool->started++;
        pool->running++;
        return true;
    }
    job_free(start->job);
    free(start);
    return err_set(err, ERR_INTERNAL, "A thread could not be started: error %d", rc);
}

/* How long libfcgi waits for the first bytes of a connection; after the answer it need not wait for the peer's end,
 * since all that the peer sent was read. */
static bool init_library(struct err *err)
{
    setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "1000", 1);
    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
    if (FCGX_Init() != 0)
        return err_set(err, ERR_INTERNAL, "libfcgi could not be initialised");
    /* It has its own ideas about signals, which are ours to handle. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    return true;
}

static bool is_used(enum lane lane)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (ROUTES[i].lane == lane)
            return true;
    return false;
}

static bool start_lane(struct pool *pool, enum lane lane, const char *name, int64_t threads, int64_t waiting,
                       struct err *err)
{
    if (!threads || !is_used(lane))
        return true;
    pool->lanes[lane] = bulkhead_start(name, (size_t)threads, (size_t)waiting, run_in_lane, err);
    return pool->lanes[lane] != NULL;
}

static bool start_lanes(struct pool *pool, struct err *err)
{
    const struct config *config = &pool->app->config;
    return start_lane(pool, LANE_CHAT, "chat", config->chat_threads, config->chat_waiting, err) &&
           start_lane(pool, LANE_HISTORY, "history", config->chat_threads ? HISTORY_THREADS : 0, HISTORY_WAITING,
                      err) &&
           start_lane(pool, LANE_FILES, "files", config->upload_threads, FILES_WAITING, err) &&
           start_lane(pool, LANE_RECEIPTS, "receipts", config->receipt_threads, FILES_WAITING, err) &&
           start_lane(pool, LANE_EXPORTS, "exports", EXPORT_THREADS, EXPORT_WAITING, err);
}

/* False when some work in the lanes did not end in time. */
static bool stop_lanes(struct pool *pool, int64_t deadline)
{
    bool ended = bulkhead_drain(pool->lanes[LANE_CHAT], deadline - CANCEL_BEFORE_MS);
    ended = bulkhead_drain(pool->lanes[LANE_RECEIPTS], deadline - CANCEL_BEFORE_MS) && ended;
    if (!ended) {
        assistant_cancel(pool->app->assistant);
        ended = bulkhead_drain(pool->lanes[LANE_CHAT], deadline);
        ended = bulkhead_drain(pool->lanes[LANE_RECEIPTS], deadline) && ended;
    }
    ended = bulkhead_drain(pool->lanes[LANE_HISTORY], deadline) && ended;
    ended = bulkhead_drain(pool->lanes[LANE_FILES], deadline) && ended;
    ended = bulkhead_drain(pool->lanes[LANE_EXPORTS], deadline) && ended;
    for (size_t i = 0; ended && i < LANE_COUNT; i++)
        bulkhead_free(pool->lanes[i]);
    return ended;
}

struct pool *pool_start(struct app *app, int listen_fd, struct err *err)
{
    struct pool *pool = calloc(1, sizeof(*pool) + (size_t)app->config.api_threads * sizeof(pthread_t));
    if (!pool || !init_library(err)) {
        free(pool);
        return NULL;
    }
    pool->app = app;
    pool->listen_fd = listen_fd;
    pool->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&pool->lock, NULL);
    bell_cond_init(&pool->ended);
    int flags = fcntl(listen_fd, F_GETFL);
    bool ok = pool->stop_fd >= 0 && flags >= 0 && fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) == 0;
    if (!ok)
        err_set(err, ERR_INTERNAL, "The listening socket could not be prepared: error %d", errno);
    ok = ok && start_lanes(pool, err);
    pthread_mutex_lock(&pool->lock);
    for (int i = 1; ok && i <= (int)app->config.api_threads; i++)
        ok = start_thread(pool, i, err);
    pthread_mutex_unlock(&pool->lock);
    if (ok)
        return pool;
    pool_stop(pool, 1000);
    return NULL;
}

bool pool_stop(struct pool *pool, int wait_ms)
{
    uint64_t one = 1;
    int64_t deadline = clock_monotonic_ms() + wait_ms;
    if (!pool)
        return true;
    atomic_store(&pool->stopping, true);
    if (pool->stop_fd >= 0 && write(pool->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        log_warn("http", "the request threads could not be woken");
    pthread_mutex_lock(&pool->lock);
    while (pool->running && bell_cond_wait(&pool->ended, &pool->lock, deadline))
        ;
    bool all = pool->running == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!all || !stop_lanes(pool, deadline))
        return false;
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    if (pool->stop_fd >= 0)
        close(pool->stop_fd);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return true;
}
