#include "lib/service/fake_http.h"

#include "base/bell.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUESTS_MAX = 64, CONNECTIONS_MAX = 64, INPUT_MAX = 9 * 1024 * 1024, WAIT_MS = 20000 };

struct connection {
    struct fake_http *f;
    pthread_t thread;
    int fd;
    unsigned number;
};

struct fake_http {
    int fd;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    const struct fake_reply *replies;
    size_t reply_count, count;
    struct fake_request requests[REQUESTS_MAX];
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
};

/* ---- one request ---- */

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    unsigned long n = 0;
    return at && sscanf(at + 17, "%lu", &n) == 1 ? n : 0;
}

/* Reads one request into a fresh buffer: head, NUL, body. False at the connection's end. */
static bool read_request(int fd, struct fake_request *out)
{
    char *p = calloc(1, INPUT_MAX + 1);
    size_t n = 0, head = 0, body = 0;
    while (p && n < INPUT_MAX && (head == 0 || n < head + body)) {
        ssize_t got = recv(fd, p + n, INPUT_MAX - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        char *end = head == 0 ? memmem(p, n, "\r\n\r\n", 4) : NULL;
        if (end) {
            head = (size_t)(end - p) + 4;
            end[3] = '\0';
            body = content_length(p);
        }
    }
    if (!p || head == 0 || n < head + body) {
        free(p);
        return false;
    }
    *out = (struct fake_request){.head = p, .body = p + head, .body_n = body};
    return true;
}

/* Keeps the request and gives its reply. */
static struct fake_reply take(struct fake_http *f, const struct fake_request *req)
{
    static const struct fake_reply BEYOND = {.status = 500, .body = "beyond the script"};
    pthread_mutex_lock(&f->lock);
    struct fake_reply reply = f->count < f->reply_count ? f->replies[f->count] : BEYOND;
    if (f->count < REQUESTS_MAX)
        f->requests[f->count++] = *req;
    else
        free(req->head);
    pthread_cond_broadcast(&f->changed);
    while (reply.hang && !f->stopping)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    return reply;
}

static bool answer(int fd, const struct fake_reply *r)
{
    const char *body = r->body ? r->body : "";
    size_t n = strlen(body);
    char *text = NULL;
    if (r->hang || r->close_silently)
        return false;
    int size = asprintf(&text, "HTTP/1.1 %d Told\r\nContent-Length: %zu\r\n%s\r\n%s", r->status ? r->status : 200,
                        n + (r->truncate ? 10 : 0), r->headers ? r->headers : "", body);
    bool ok = size > 0 && send(fd, text, (size_t)size, MSG_NOSIGNAL) == size;
    free(text);
    return ok && !r->truncate;
}

static void *serve(void *user)
{
    struct connection *c = user;
    struct fake_request req;
    for (bool open = true; open && read_request(c->fd, &req);) {
        req.connection = c->number;
        struct fake_reply reply = take(c->f, &req);
        open = answer(c->fd, &reply);
    }
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

/* ---- the server ---- */

static void *accept_loop(void *user)
{
    struct fake_http *f = user;
    for (int fd; (fd = accept(f->fd, NULL, NULL)) >= 0;) {
        pthread_mutex_lock(&f->lock);
        bool take_it = !f->stopping && f->connection_count < CONNECTIONS_MAX;
        if (take_it) {
            struct connection *c = &f->connections[f->connection_count];
            *c = (struct connection){.f = f, .fd = fd, .number = (unsigned)f->connection_count + 1};
            take_it = pthread_create(&c->thread, NULL, serve, c) == 0;
            f->connection_count += take_it ? 1 : 0;
        }
        pthread_mutex_unlock(&f->lock);
        if (!take_it)
            close(fd);
    }
    return NULL;
}

struct fake_http *fake_http_start(void)
{
    struct fake_http *f = calloc(1, sizeof(*f));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    assert_non_null(f);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(f->fd, 32), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    pthread_mutex_init(&f->lock, NULL);
    bell_cond_init(&f->changed);
    assert_int_equal(pthread_create(&f->thread, NULL, accept_loop, f), 0);
    return f;
}

static void forget_requests(struct fake_http *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->requests[i].head);
    f->count = 0;
}

void fake_http_stop(struct fake_http *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->fd);
    for (size_t i = 0; i < f->connection_count; i++)
        shutdown(f->connections[i].fd, SHUT_RDWR);
    for (size_t i = 0; i < f->connection_count; i++) {
        pthread_join(f->connections[i].thread, NULL);
        close(f->connections[i].fd);
    }
    forget_requests(f);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f);
}

const char *fake_http_url(const struct fake_http *f)
{
    return f->url;
}

const char *fake_http_host(const struct fake_http *f)
{
    return f->url + strlen("http://");
}

void fake_http_script(struct fake_http *f, const struct fake_reply *replies, size_t n)
{
    pthread_mutex_lock(&f->lock);
    forget_requests(f);
    f->replies = replies;
    f->reply_count = n;
    pthread_mutex_unlock(&f->lock);
}

size_t fake_http_count(struct fake_http *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->count;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void fake_http_wait(struct fake_http *f, size_t n)
{
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    pthread_mutex_lock(&f->lock);
    while (f->count < n && bell_cond_wait(&f->changed, &f->lock, until))
        continue;
    size_t have = f->count;
    pthread_mutex_unlock(&f->lock);
    if (have < n)
        fail_msg("%zu requests instead of %zu", have, n);
}

struct fake_request fake_http_request(struct fake_http *f, size_t i)
{
    pthread_mutex_lock(&f->lock);
    struct fake_request req = i < f->count ? f->requests[i] : (struct fake_request){0};
    pthread_mutex_unlock(&f->lock);
    if (!req.head)
        fail_msg("request %zu did not come", i);
    return req;
}

bool fake_http_head_has(struct fake_http *f, size_t i, const char *part)
{
    return strstr(fake_http_request(f, i).head, part) != NULL;
}
