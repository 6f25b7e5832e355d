#include "service/password.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

/* OWASP's argon2id profile with two passes. */
enum { OPSLIMIT = 2, MEMLIMIT = 19 * 1024 * 1024, RETRY_AFTER_S = 1 };

static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash fits");

/* One hash at a time bounds the memory of a burst of sign-ins to one hash, and their number keeps the wait short. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    bool busy;
    int waiting, waiting_max;
    char dummy[PASSWORD_HASH_MAX]; /* of a random password: what an unknown account is checked against */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER, .waiting_max = PASSWORD_WAITING_MAX};

static bool gate_enter(struct err *err)
{
    pthread_mutex_lock(&gate.lock);
    if (gate.busy && gate.waiting >= gate.waiting_max) {
        int waiting = gate.waiting;
        pthread_mutex_unlock(&gate.lock);
        err_set(err, ERR_UNAVAILABLE, "Too many sign-ins at the moment.");
        err->retry_after_seconds = RETRY_AFTER_S;
        return err_cause(err, "password: %d are waiting already", waiting);
    }
    gate.waiting++;
    while (gate.busy)
        pthread_cond_wait(&gate.freed, &gate.lock);
    gate.waiting--;
    gate.busy = true;
    pthread_mutex_unlock(&gate.lock);
    return true;
}

static void gate_leave(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.busy = false;
    pthread_cond_signal(&gate.freed);
    pthread_mutex_unlock(&gate.lock);
}

static bool no_memory(struct err *err)
{
    err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    return err_cause(err, "password: argon2id");
}

void password_leave_free(int64_t threads)
{
    int64_t half = threads / 2;
    pthread_mutex_lock(&gate.lock);
    gate.waiting_max = half < 1 ? 1 : half < PASSWORD_WAITING_MAX ? (int)half : PASSWORD_WAITING_MAX;
    pthread_mutex_unlock(&gate.lock);
}

bool password_init(struct err *err)
{
    char random[16];
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "libsodium cannot be used on this machine.");
    randombytes_buf(random, sizeof random);
    if (!gate.dummy[0] &&
        crypto_pwhash_str_alg(gate.dummy, random, sizeof random, OPSLIMIT, MEMLIMIT, crypto_pwhash_ALG_ARGON2ID13))
        return no_memory(err);
    return true;
}

bool password_hash(struct text password, char out[PASSWORD_HASH_MAX], struct err *err)
{
    if (!gate_enter(err))
        return false;
    int failed = crypto_pwhash_str_alg(out, password.p, password.n, OPSLIMIT, MEMLIMIT, crypto_pwhash_ALG_ARGON2ID13);
    gate_leave();
    return !failed || no_memory(err);
}

bool password_verify(struct text password, struct text hash, bool *ok, struct err *err)
{
    char stored[PASSWORD_HASH_MAX];
    bool known = hash.n && hash.n < sizeof stored;
    if (!gate_enter(err))
        return false;
    if (known)
        memcpy(stored, hash.p, hash.n);
    stored[known ? hash.n : 0] = '\0';
    int failed = crypto_pwhash_str_verify(known ? stored : gate.dummy, password.p ? password.p : "", password.n);
    gate_leave();
    *ok = known && !failed;
    return true;
}
