#include "service/redis.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "service/redis_internal.h"

enum { PROBE_EVERY_MS = 1000, POOL_MAX = 64, EPOCH_BYTES = 8 };

struct redis {
    struct redis_options opts;
    struct redis_address address;
    void *tls;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    redisContext *idle[POOL_MAX]; /* a stack */
    size_t idle_count;
    size_t open;         /* busy + idle */
    uint64_t generation; /* connections of an older one are closed, not kept */
    bool down;
    bool probing;
    bool epoch_due; /* moves of generations may have been lost: nothing in Redis is believed before the epoch is new */
    int64_t next_probe_ms;
};

/* What a caller holds. */
struct held {
    redisContext *c;
    uint64_t generation;
    bool probe; /* this caller found Redis down and tries it */
};

struct redis *redis_open(const struct redis_options *opts, struct err *err)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r) {
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
        return NULL;
    }
    r->opts = *opts;
    if (!redis_url_parse(opts->url, &r->address, err) || !redis_tls_new(&r->address, opts->ca_file, &r->tls, err)) {
        free(r);
        return NULL;
    }
    r->opts.url = r->opts.ca_file = NULL; /* the caller's; not needed any more */
    if (!r->opts.pool_size || r->opts.pool_size > POOL_MAX)
        r->opts.pool_size = r->opts.pool_size ? POOL_MAX : 1;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->freed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void close_idle(struct redis *r)
{
    while (r->idle_count) {
        redisFree(r->idle[--r->idle_count]);
        r->open--;
    }
}

void redis_close(struct redis *r)
{
    if (!r)
        return;
    close_idle(r);
    redis_tls_free(r->tls);
    pthread_cond_destroy(&r->freed);
    pthread_mutex_destroy(&r->lock);
    explicit_bzero(&r->address, sizeof r->address);
    free(r);
}

/* Under the lock. */
static void set_down(struct redis *r, int64_t next_probe_ms)
{
    r->down = true;
    r->epoch_due = true;
    r->next_probe_ms = next_probe_ms;
    r->generation++;
    close_idle(r);
    pthread_cond_broadcast(&r->freed);
}

/* Under the lock: the right to use Redis at all. */
static bool may_try(struct redis *r, struct held *held, struct err *err)
{
    if (!r->down)
        return true;
    if (r->probing || clock_monotonic_ms() < r->next_probe_ms)
        return redis_unavailable(err, "down since the last attempt");
    r->probing = held->probe = true;
    return true;
}

static struct timespec deadline_of(int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

/* Under the lock. A full pool says nothing about Redis: the caller is refused, the state stays. */
static bool wait_for_slot(struct redis *r, struct err *err)
{
    if (r->idle_count || r->open < r->opts.pool_size)
        return true;
    struct timespec until = deadline_of(r->opts.pool_wait_ms);
    while (!r->idle_count && r->open >= r->opts.pool_size)
        if (pthread_cond_timedwait(&r->freed, &r->lock, &until) == ETIMEDOUT)
            return redis_unavailable(err, "no free connection in time");
    return true;
}

/* Under the lock. A closed idle connection tells of a restart or a failover: then the rest is not believed either. */
static redisContext *pop_idle(struct redis *r)
{
    if (!r->idle_count)
        return NULL;
    if (!redis_looks_alive(r->idle[r->idle_count - 1])) {
        set_down(r, clock_monotonic_ms());
        return NULL;
    }
    return r->idle[--r->idle_count];
}

static bool take_slot(struct redis *r, struct held *held, struct err *err)
{
    if (!may_try(r, held, err))
        return false;
    if (!wait_for_slot(r, err))
        return false;
    held->c = pop_idle(r);
    /* It may have gone down while this caller waited or looked. */
    if (!held->c && !held->probe && !may_try(r, held, err))
        return false;
    r->open += !held->c;
    held->generation = r->generation;
    return true;
}

/* Ends a caller's turn. `lost`: the connection failed (or none could be made). */
static void give(struct redis *r, struct held *held, bool lost)
{
    redisContext *closing = NULL;
    pthread_mutex_lock(&r->lock);
    if (held->probe) {
        r->probing = false;
        /* Due again when another connection failed since the epoch was renewed. */
        r->down = lost || r->epoch_due;
    }
    bool keep = held->c && !lost && held->generation == r->generation;
    if (keep) {
        r->idle[r->idle_count++] = held->c;
    } else {
        closing = held->c;
        r->open--;
    }
    /* A connection from before the last failure brings no news. */
    if (lost && held->generation == r->generation)
        set_down(r, clock_monotonic_ms() + PROBE_EVERY_MS);
    pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
    if (closing)
        redisFree(closing);
}

static void give_up_probe(struct redis *r, struct held *held)
{
    if (held->probe)
        r->probing = false;
}

/* Others are kept out (down, probing) until the new epoch is there. */
static bool renew_epoch(struct redis *r, redisContext *c, struct err *err)
{
    char epoch[2 * EPOCH_BYTES + 1];
    random_hex(EPOCH_BYTES, epoch);
    redisReply *reply = redisCommand(c, "SET mm:epoch %s", epoch);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (!ok)
        return redis_unavailable(err, "the epoch cannot be set");
    pthread_mutex_lock(&r->lock);
    r->epoch_due = false;
    pthread_mutex_unlock(&r->lock);
    return true;
}

static bool connect_slot(struct redis *r, struct held *held, struct err *err)
{
    if (!held->c)
        held->c = redis_connect(&r->address, &r->opts, r->tls, err);
    return held->c && (!held->probe || renew_epoch(r, held->c, err));
}

bool redis_call(struct redis *r, const struct redis_command *commands, size_t n, struct arena *mem,
                struct redis_reply *replies, struct err *err)
{
    struct held held = {0};
    bool lost = false;

    pthread_mutex_lock(&r->lock);
    bool taken = take_slot(r, &held, err);
    if (!taken)
        give_up_probe(r, &held);
    pthread_mutex_unlock(&r->lock);
    if (!taken)
        return false;
    if (!connect_slot(r, &held, err)) {
        give(r, &held, true);
        return false;
    }
    bool ok = redis_pipe(held.c, commands, n, mem, replies, &lost, err);
    give(r, &held, lost);
    return ok;
}

bool redis_is_up(const struct redis *r)
{
    struct redis *lockable = (struct redis *)(uintptr_t)r;
    pthread_mutex_lock(&lockable->lock);
    bool up = !r->down;
    pthread_mutex_unlock(&lockable->lock);
    return up;
}

bool redis_ping(struct redis *r, int64_t *latency_us, struct err *err)
{
    struct redis_command ping = {.argc = 1, .argv = {TEXT("PING")}};
    struct redis_reply reply;
    struct arena *mem = arena_new(256, 4096);
    int64_t before = clock_monotonic_us();
    if (!mem)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    bool ok = redis_call(r, &ping, 1, mem, &reply, err);
    if (ok && latency_us)
        *latency_us = clock_monotonic_us() - before;
    arena_free(mem);
    return ok;
}
