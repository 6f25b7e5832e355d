/*
 * The cache protocol over Redis (design.md section 3): values carry the generation of their owner and the epoch inside,
 * so that a move of the generation makes all older values worthless at once. One MGET brings epoch, generations and
 * values. Keys: mm:epoch · mm:g:h<household> · mm:g:u<user> (random tokens, set after COMMIT, kept a day)
 *       mm:v:h<household>:<what> · mm:v:u<user>:<what> -> "<epoch>.<generation>\n<value>", TTL 30 s.
 * A token that is not there (never set, evicted, flushed) is chosen anew by the next reader, so an old value is never
 * believed again.
 */
#ifndef SERVICE_CACHE_H
#define SERVICE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "service/redis.h"

enum { CACHE_TTL_S = 30, CACHE_VALUE_MAX = 256 * 1024, CACHE_STAMP_MAX = 96 };

enum cache_owner { CACHE_HOUSEHOLD, CACHE_USER };

struct cache_slot {
    enum cache_owner owner;
    int64_t owner_id;
    const char *what; /* key part, e.g. "categories", "session:<sid>" */
    /* filled by cache_read */
    char stamp[CACHE_STAMP_MAX];    /* "<epoch>.<generation>" as it was before the database read; "" when Redis is down:
                                       then cache_write does nothing */
    bool new_epoch, new_generation; /* chosen by cache_read; cache_write tells Redis */
    bool hit;
    struct text value;
};

enum { CACHE_SLOTS_MAX = 4 };

/* Reads all slots, with `extra` further commands in the same round trip (rate limits); their replies go to
   extra_replies. False only when Redis is down (*err says so); slots then are misses. */
bool cache_read(struct redis *r, struct cache_slot *slots, size_t n, const struct redis_command *extra, size_t extra_n,
                struct redis_reply *extra_replies, struct arena *mem, struct err *err);
/* Stores what was read from MySQL after cache_read, under the generation seen before. Best effort. */
void cache_write(struct redis *r, const struct cache_slot *slot, struct text value, struct arena *mem);
/* After COMMIT: a new generation for this owner. Best effort: a lost move is healed by the TTL and the epoch. */
void cache_move(struct redis *r, enum cache_owner owner, int64_t owner_id, struct arena *mem);

#endif
