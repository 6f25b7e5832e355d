#include "service/rate_limit.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "service/digest.h"

enum { SUBJECT_TEXT = 32, WINDOW = 16 };

/* ---- Redis ---- */

static struct text number(int64_t v, struct arena *mem)
{
    return text_of(arena_printf(mem, "%" PRId64, v));
}

bool rate_command_all(const struct rate_limit *limits, size_t n, struct arena *mem, struct redis_command *cmd)
{
    struct text keys[RATE_LIMITS_MAX], args[3 * RATE_LIMITS_MAX];
    assert(n <= RATE_LIMITS_MAX);
    for (size_t i = 0; i < n; i++) {
        char digest[DIGEST_TEXT];
        digest_hex(limits[i].subject, digest);
        keys[i] = text_of(arena_printf(mem, "mm:r:%s:%.*s", limits[i].policy.name, SUBJECT_TEXT, digest));
        args[3 * i] = number(limits[i].policy.burst, mem);
        args[3 * i + 1] = number(limits[i].policy.period_ms, mem);
        args[3 * i + 2] = number(limits[i].policy.block_ms, mem);
        if (!keys[i].p || !args[3 * i].p || !args[3 * i + 1].p || !args[3 * i + 2].p)
            return false;
    }
    redis_script(cmd, "gcra", n, keys, 3 * n, args);
    return true;
}

bool rate_command(const struct rate_policy *policy, struct text subject, struct arena *mem, struct redis_command *cmd)
{
    const struct rate_limit one = {*policy, subject};
    return rate_command_all(&one, 1, mem, cmd);
}

static int seconds_up(int64_t ms)
{
    return (int)((ms + 999) / 1000);
}

static struct rate_verdict verdict(const struct rate_policy *policy, bool allowed, int64_t remaining, int64_t retry_ms,
                                   int64_t reset_ms)
{
    struct rate_verdict v = {
        .allowed = allowed, .limit = policy->burst, .remaining = remaining, .reset_seconds = seconds_up(reset_ms)};
    if (!allowed)
        v.retry_after_seconds = retry_ms > 0 ? seconds_up(retry_ms) : 1;
    return v;
}

void rate_verdicts(const struct rate_limit *limits, size_t n, const struct redis_reply *reply, struct rate_verdict *out)
{
    bool usable = reply->kind == REDIS_LIST && reply->count == 4 * n;
    for (size_t i = 0; usable && i < 4 * n; i++)
        usable = reply->list[i].kind == REDIS_INT;
    for (size_t i = 0; i < n; i++) {
        const struct rate_policy *policy = &limits[i].policy;
        const struct redis_reply *v = usable ? reply->list + 4 * i : NULL;
        /* An answer of another form: what guards passwords stays shut. */
        out[i] = v ? verdict(policy, v[0].i == 1, v[1].i, v[2].i, v[3].i)
                   : verdict(policy, !policy->strict_local, 0, policy->period_ms, policy->period_ms);
    }
}

struct rate_verdict rate_verdict(const struct rate_policy *policy, const struct redis_reply *reply)
{
    const struct rate_limit one = {.policy = *policy};
    struct rate_verdict out;
    rate_verdicts(&one, 1, reply, &out);
    return out;
}

/* ---- in the process ---- */

struct slot {
    uint64_t subject;
    int64_t full_at_us; /* the slot is free when this has passed */
    bool shut;          /* until then, whatever is asked */
};

struct rate_local {
    pthread_mutex_t lock;
    unsigned char key[crypto_shorthash_KEYBYTES]; /* so that nobody can aim at another's slot */
    size_t slots;
    struct slot table[];
};

struct rate_local *rate_local_new(size_t slots)
{
    static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash is one number");
    if (slots < WINDOW)
        slots = WINDOW;
    if (slots > SIZE_MAX / sizeof(struct slot) / 2)
        return NULL;
    struct rate_local *l = calloc(1, sizeof *l + slots * sizeof l->table[0]);
    if (!l)
        return NULL;
    l->slots = slots;
    random_bytes(l->key, sizeof l->key);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void rate_local_free(struct rate_local *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Policies have keys of their own: their names are part of what is hashed. */
static uint64_t subject_hash(const struct rate_local *l, const struct rate_policy *policy, struct text subject)
{
    uint64_t parts[2], sum;
    crypto_shorthash((unsigned char *)&parts[0], (const unsigned char *)policy->name, strlen(policy->name), l->key);
    crypto_shorthash((unsigned char *)&parts[1], (const unsigned char *)(subject.p ? subject.p : ""), subject.n,
                     l->key);
    crypto_shorthash((unsigned char *)&sum, (const unsigned char *)parts, sizeof parts, l->key);
    return sum;
}

/* The subject's slot, else a free one near its place, else NULL. */
static struct slot *find_slot(struct rate_local *l, uint64_t subject, int64_t now_us)
{
    struct slot *unused = NULL;
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *s = &l->table[(subject % l->slots + i) % l->slots];
        if (s->full_at_us > now_us && s->subject == subject)
            return s;
        if (s->full_at_us <= now_us && !unused)
            unused = s;
    }
    if (unused)
        *unused = (struct slot){.subject = subject, .full_at_us = now_us};
    return unused;
}

/* The arithmetic of gcra.lua. */
static struct rate_verdict local_check(struct slot *s, const struct rate_policy *policy, int64_t now_us)
{
    int64_t period = policy->period_ms * 1000, interval = period > policy->burst ? period / policy->burst : 1;
    int64_t next = s->full_at_us + interval, wait = next - period - now_us;
    if (!s->shut && wait > 0 && policy->block_ms) {
        s->shut = true;
        s->full_at_us = now_us + policy->block_ms * 1000;
    }
    int64_t full_in_ms = (s->full_at_us - now_us + 999) / 1000;
    if (s->shut)
        return verdict(policy, false, 0, full_in_ms, full_in_ms);
    if (wait > 0)
        return verdict(policy, false, 0, (wait + 999) / 1000, full_in_ms);
    s->full_at_us = next;
    return verdict(policy, true, (period - (next - now_us)) / interval, 0, (next - now_us + 999) / 1000);
}

struct rate_verdict rate_local_check(struct rate_local *l, const struct rate_policy *policy, struct text subject,
                                     int64_t now_ms)
{
    struct rate_verdict v;
    uint64_t hash = subject_hash(l, policy, subject);
    pthread_mutex_lock(&l->lock);
    struct slot *s = find_slot(l, hash, now_ms * 1000);
    v = s ? local_check(s, policy, now_ms * 1000) : verdict(policy, false, 0, policy->period_ms, policy->period_ms);
    pthread_mutex_unlock(&l->lock);
    return v;
}

/* ---- both ---- */

struct rate_verdict rate_check(struct redis *r, struct rate_local *l, const struct rate_policy *policy,
                               struct text subject, struct arena *mem, int64_t now_ms)
{
    struct redis_command cmd;
    struct redis_reply reply;
    struct err ignored;
    if (rate_command(policy, subject, mem, &cmd) && redis_call(r, &cmd, 1, mem, &reply, &ignored))
        return rate_verdict(policy, &reply);
    if (policy->strict_local)
        return rate_local_check(l, policy, subject, now_ms);
    return verdict(policy, true, policy->burst, 0, 0);
}
