/*
 * One request and its answer with the memory they use; a thread keeps one and uses it again and again. It knows no
 * FastCGI: the pool fills `in` and sends `head` and `res.body`, a test does the same from memory.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/call.h"
#include "http/params.h"
#include "http/route.h"
#include "http/stream.h"

enum {
    ARENA_FIRST_BLOCK = 64 * 1024,
    ARENA_MAX = 16 * 1024 * 1024, /* a list of 10,000 rows (about 10 MiB as JSON) needs less */
    RESPONSE_BODY_MAX = 16 * 1024 * 1024,
    /* Room from the start, so that an error, or the answer to what is committed already, needs no memory any more. */
    RESPONSE_BODY_FIRST = 4 * 1024,
    RESPONSE_HEAD_FIRST = 2 * 1024,
    RESPONSE_BODY_KEPT = 64 * 1024, /* a buffer grown beyond it is given back after the request */
    RESPONSE_HEAD_MAX = 8 * 1024,   /* nginx's fastcgi_buffer_size */
    REQUEST_ID_MAX = 64,
    REQUEST_DEADLINE_MS = 14 * 1000 /* the contract: 15 s for the mobile client's routes */
};

/* Reads up to n bytes of the body; fewer only at its end. */
typedef size_t body_read_fn(void *from, char *out, size_t n);

/* Sends at once; false when the client is gone. */
typedef bool body_write_fn(void *to, struct text bytes);

struct request {
    struct params params;
    body_read_fn *read_body;
    void *from;
    body_write_fn *write; /* NULL: answers are not streamed */
    void *to;
};

/* What the RateLimit fields tell. */
struct told_limit {
    struct rate_policy policy;
    struct rate_verdict verdict;
};

struct exchange {
    struct app *app;
    struct arena *mem;
    struct request in;
    struct call call;
    struct response res;
    struct buf body, head;
    struct text raw_body; /* in the arena */
    struct json_doc *doc; /* texts of the body's struct may point into it */
    char request_id[REQUEST_ID_MAX + 1];
    int64_t began_us;           /* monotonic */
    int64_t deadline_ms;        /* monotonic */
    bool is_head;               /* HEAD: no body is sent */
    struct cache_slot cache[2]; /* session, and the answer of a cached route */
    bool answer_cacheable;      /* cache[1] was asked for and missed */
    struct stream stream;
    struct token_memo tokens; /* stays between requests */
    struct told_limit verdicts[RATE_LIMITS_MAX];
    size_t verdict_count;
};

bool exchange_init(struct exchange *x, struct app *app, struct err *err) MUST_CHECK;
void exchange_release(struct exchange *x);
/* After the answer was sent: everything of this request goes. */
void exchange_reset(struct exchange *x);
/* What is left of the request's time; 0 when it passed. */
int exchange_left_ms(const struct exchange *x);

/* dispatch.c: answers x->in; fills head, res.status and res.body. Never fails: errors are answers. */
void dispatch(struct exchange *x);
/* The same in two steps: false when the handler has yet to run, in the route's lane. It holds no connection meanwhile.
 */
bool dispatch_begin(struct exchange *x);
void dispatch_finish(struct exchange *x);
/* Instead of dispatch_finish: 503, since nobody can run the handler. */
void dispatch_refuse(struct exchange *x);
/* The head of an answer whose body is streamed: status 200, no length. */
void dispatch_stream_head(struct exchange *x);

/* command.c: runs a WRITES handler as one transaction. */
bool command_run(struct exchange *x, struct err *err) MUST_CHECK;

#endif
