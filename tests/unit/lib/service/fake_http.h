/*
 * A scripted HTTP server on the loopback: the n-th request gets the n-th reply of the script, whatever it asks, and is
 * kept to be looked at. A request beyond the script gets 500. One thread a connection; connections are kept alive.
 */
#ifndef TESTS_SERVICE_FAKE_HTTP_H
#define TESTS_SERVICE_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct fake_reply {
    int status;          /* 0: 200 */
    const char *headers; /* whole lines with CRLF, or NULL */
    const char *body;    /* or NULL */
    bool hang;           /* no answer until fake_http_stop() */
    bool truncate;       /* promises ten bytes more than it sends, then closes */
    bool close_silently; /* closes without a byte */
};

struct fake_request {
    char *head; /* request line and headers, with a NUL */
    char *body;
    size_t body_n;
    unsigned connection; /* counts from 1 */
};

struct fake_http;
struct fake_http *fake_http_start(void);
void fake_http_stop(struct fake_http *f);
/* "http://127.0.0.1:port" and "127.0.0.1:port"; live as long as the server. */
const char *fake_http_url(const struct fake_http *f);
const char *fake_http_host(const struct fake_http *f);
/* Replaces the script and forgets the requests so far. The rows must live on. */
void fake_http_script(struct fake_http *f, const struct fake_reply *replies, size_t n);
/* Waits until n requests have come since the script; ends the test when they do not. */
void fake_http_wait(struct fake_http *f, size_t n);
size_t fake_http_count(struct fake_http *f);
/* The i-th request since the script (from 0); it must have come. */
struct fake_request fake_http_request(struct fake_http *f, size_t i);
/* True when the head of the i-th request holds `part`. */
bool fake_http_head_has(struct fake_http *f, size_t i, const char *part);

#endif
