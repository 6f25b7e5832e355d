/*
 * Redis: cache and limits, may be gone at any time. A small pool of connections; one call is one round trip
 * (pipelined). After any fault the connection is thrown away, the client counts as down, and one caller a second tries
 * again (others fail at once, so a dead Redis costs a request nothing). When it comes back after a failure the epoch is
 * bumped before anything is believed (cache.h reads the epoch with each value). READONLY, LOADING, MASTERDOWN count as
 * connection faults. The program must ignore SIGPIPE: hiredis writes to its sockets plainly.
 */
#ifndef SERVICE_REDIS_H
#define SERVICE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct redis_options {
    const char *url;     /* redis://[user:password@]host:port/db, rediss://..., unix:///path?db=0 */
    const char *ca_file; /* for rediss://; NULL: system store */
    size_t pool_size;
    int connect_timeout_ms, io_timeout_ms, pool_wait_ms;
};

struct redis;
struct redis *redis_open(const struct redis_options *opts, struct err *err) MUST_CHECK; /* does not connect yet */
void redis_close(struct redis *r);

enum { REDIS_ARGS_MAX = 12, REDIS_PIPELINE_MAX = 4 };

struct redis_command {
    size_t argc;
    struct text argv[REDIS_ARGS_MAX];
};

enum redis_reply_kind { REDIS_NIL, REDIS_INT, REDIS_TEXT, REDIS_LIST };

struct redis_reply {
    enum redis_reply_kind kind;
    int64_t i;
    struct text t;            /* copied into the arena */
    struct redis_reply *list; /* elements, in the arena */
    size_t count;
};

/* Sends all commands in one write and reads all replies: one round trip. ERR_UNAVAILABLE when Redis is down. */
bool redis_call(struct redis *r, const struct redis_command *commands, size_t n, struct arena *mem,
                struct redis_reply *replies, struct err *err) MUST_CHECK;

/* Lua: fills a command for EVALSHA of an embedded script (lib/service/lua/<name>.lua); redis_call answers NOSCRIPT by
 * one EVAL of the same. */
void redis_script(struct redis_command *cmd, const char *script_name, size_t key_count, const struct text *keys,
                  size_t arg_count, const struct text *args);

bool redis_is_up(const struct redis *r);
bool redis_ping(struct redis *r, int64_t *latency_us, struct err *err) MUST_CHECK;

#endif
