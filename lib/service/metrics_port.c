#include "service/metrics_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "service/log.h"
#include "service/metrics.h"

enum {
    BACKLOG = 16,
    CONNECTION_MS = 2000, /* from its beginning to its end */
    TEXT_MAX = 2 * 1024 * 1024,
    PAUSE_MS = 100 /* after a failure to accept, such as a want of descriptors */
};

struct metrics_port {
    int listening, stop; /* stop: an event descriptor */
    pthread_t thread;
};

/* ---- one request ---- */

int metrics_request_status(struct text head)
{
    static const char LINE_1[] = " HTTP/1.";
    const char *end = head.n ? memmem(head.p, head.n, "\r\n\r\n", 4) : NULL;
    if (!end)
        return head.n < METRICS_HEAD_MAX ? 0 : 400;
    struct text line = {head.p, (size_t)((const char *)memchr(head.p, '\r', head.n) - head.p)};
    const char *version = memmem(line.p, line.n, LINE_1, sizeof LINE_1 - 1);
    if (!version || version == line.p)
        return 400;
    line.n = (size_t)(version - line.p);
    if (!text_starts(line, TEXT("GET ")))
        return memchr(line.p, ' ', line.n) ? 405 : 400;
    struct text path = text_slice(line, 4, line.n);
    return text_eq(path, TEXT("/metrics")) || text_starts(path, TEXT("/metrics?")) ? 200 : 404;
}

static bool ready(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left = deadline_ms - clock_monotonic_ms();
    return left > 0 && poll(&p, 1, (int)left) == 1;
}

static int read_request(int fd, int64_t deadline_ms)
{
    char head[METRICS_HEAD_MAX];
    size_t n = 0;
    int status = 0;
    while (!status && ready(fd, POLLIN, deadline_ms)) {
        ssize_t got = recv(fd, head + n, sizeof head - n, MSG_DONTWAIT);
        if (got <= 0)
            break;
        n += (size_t)got;
        status = metrics_request_status((struct text){head, n});
    }
    return status;
}

static void send_all(int fd, struct text t, int64_t deadline_ms)
{
    while (t.n && ready(fd, POLLOUT, deadline_ms)) {
        ssize_t n = send(fd, t.p, t.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return;
        t = text_slice(t, (size_t)n, t.n);
    }
}

static void answer(int fd, int status, int64_t deadline_ms)
{
    AUTO(buf) struct buf body, head;
    buf_init(&body, TEXT_MAX);
    buf_init(&head, 256);
    if (status == 200)
        metrics_write(&body);
    buf_printf(&head,
               "HTTP/1.0 %d %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n\r\n",
               status, status == 200 ? "OK" : "Refused", body.n);
    if (body.failed || head.failed)
        return;
    send_all(fd, buf_view(&head), deadline_ms);
    if (body.n)
        send_all(fd, buf_view(&body), deadline_ms);
}

/* A close while bytes wait unread would reset the connection, and the answer with it. */
static void drain(int fd, int64_t deadline_ms)
{
    char bytes[1024];
    shutdown(fd, SHUT_WR);
    while (ready(fd, POLLIN, deadline_ms) && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

static void serve(int fd)
{
    int64_t deadline_ms = clock_monotonic_ms() + CONNECTION_MS;
    int status = read_request(fd, deadline_ms);
    if (status) {
        answer(fd, status, deadline_ms);
        drain(fd, deadline_ms);
    }
    close(fd);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct metrics_port *p = arg;
    log_thread_name("metrics");
    for (;;) {
        struct pollfd fds[] = {{.fd = p->stop, .events = POLLIN}, {.fd = p->listening, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            break;
        int fd = fds[1].revents ? accept4(p->listening, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            serve(fd);
        else if (fds[1].revents)
            poll(fds, 1, PAUSE_MS);
    }
    return NULL;
}

/* ---- life ---- */

static int listen_on(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0 &&
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void release(struct metrics_port *p)
{
    if (p->listening >= 0)
        close(p->listening);
    if (p->stop >= 0)
        close(p->stop);
    free(p);
}

struct metrics_port *metrics_port_start(int port, struct err *err)
{
    struct metrics_port *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the metrics' port");
        return NULL;
    }
    p->listening = listen_on(port);
    p->stop = eventfd(0, EFD_CLOEXEC);
    if (p->listening >= 0 && p->stop >= 0 && pthread_create(&p->thread, NULL, run, p) == 0)
        return p;
    err_set(err, ERR_INTERNAL, "Port %d for the metrics cannot be opened", port);
    err_cause(err, "errno %d", errno);
    release(p);
    return NULL;
}

struct metrics_port *metrics_port_configured(int64_t port)
{
    struct err err = {0};
    struct metrics_port *p = port ? metrics_port_start((int)port, &err) : NULL;
    if (port && !p)
        log_err(LOG_WARN, "metrics", "they are not served", &err);
    return p;
}

void metrics_port_stop(struct metrics_port *p)
{
    uint64_t one = 1;
    if (!p)
        return;
    if (write(p->stop, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(p->thread, NULL);
    release(p);
}
