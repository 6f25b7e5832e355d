#include "service/aws/credentials.h"

#include "base/bell.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/pace.h"
#include "service/aws/credentials_source.h"

#include <openssl/crypto.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 1000, /* botocore's for IMDS, with one attempt */
    REFRESH_BEFORE_MS = 15 * 60 * 1000,
    REFRESH_SOONEST_MS = 60 * 1000, /* or half of the time left, when that is less */
    REFRESH_PAUSE_MS = 1000,
    REFRESH_LATEST_MS = 60 * 60 * 1000,
    RETRY_FIRST_MS = 500,
    RETRY_MOST_MS = 60 * 1000,
    RENEW_EVERY_MS = 10 * 1000,
    RESPONSE_MAX = 64 * 1024,
    ARENA_MAX = 512 * 1024,
    CALLS_A_FETCH = 5, /* token, role, document, and a new token and try after a 401 */
};

struct aws_credentials {
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* the thread: stop or renew */
    pthread_cond_t fetched; /* the others: an attempt ended */
    pthread_t thread;
    bool has_thread, stop, renew;
    uint64_t attempts;
    int64_t renewed_at_ms;            /* monotonic; of the last renewal on demand */
    int64_t fetch_limit_ms;           /* the longest that one fetch takes */
    struct aws_keys keys;             /* generation 0: none yet */
    struct err last;                  /* why the last attempt failed; ERR_NONE after a success */
    struct credentials_source source; /* the thread's alone */
    struct http *http;
    struct arena *mem;
};

void aws_keys_wipe(struct aws_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

struct sigv4_keys aws_keys_view(const struct aws_keys *keys)
{
    return (struct sigv4_keys){.access_key_id = text_of(keys->access_key_id),
                               .secret_access_key = text_of(keys->secret_access_key),
                               .session_token = *keys->session_token ? text_of(keys->session_token) : TEXT_NONE};
}

struct aws_credentials_options aws_credentials_environment(void)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    return (struct aws_credentials_options){
        .access_key_id = getenv("AWS_ACCESS_KEY_ID"),
        .secret_access_key = getenv("AWS_SECRET_ACCESS_KEY"),
        .session_token = getenv("AWS_SESSION_TOKEN"),
        .container_relative_uri = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        .container_full_uri = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        .container_token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        .container_token_file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        .imds_endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        .imds_disabled = disabled && text_eq_nocase(text_of(disabled), TEXT("true")),
    };
}

int64_t credentials_refresh_at(int64_t now_ms, int64_t expires_at_ms)
{
    if (expires_at_ms == 0)
        return now_ms + REFRESH_LATEST_MS;
    int64_t at = expires_at_ms - REFRESH_BEFORE_MS;
    int64_t half = (expires_at_ms - now_ms) / 2;
    int64_t soonest = now_ms + (half < REFRESH_SOONEST_MS ? half : REFRESH_SOONEST_MS);
    at = at < soonest ? soonest : at;
    return at < now_ms + REFRESH_PAUSE_MS ? now_ms + REFRESH_PAUSE_MS : at;
}

static bool is_valid(const struct aws_keys *keys)
{
    return keys->generation > 0 && (keys->expires_at_ms == 0 || clock_now_ms() < keys->expires_at_ms);
}

/* ---- the thread ---- */

/* Under the lock: keeps the new set or the reason; says when to fetch again, in ms from now. */
static int64_t attempt_end(struct aws_credentials *c, bool ok, struct aws_keys *fresh, const struct err *why,
                           int64_t *failures)
{
    c->attempts++;
    c->renew = false;
    pthread_cond_broadcast(&c->fetched);
    if (!ok) {
        c->last = *why;
        return pace_backoff_ms(RETRY_FIRST_MS, ++*failures, RETRY_MOST_MS, random_below(256));
    }
    *failures = 0;
    err_clear(&c->last);
    fresh->generation = c->keys.generation + 1;
    c->keys = *fresh;
    int64_t now = clock_now_ms();
    return credentials_refresh_at(now, fresh->expires_at_ms) - now;
}

/* A source in trouble may go on handing out a set that has ended: that is no success. */
static bool fetch(struct aws_credentials *c, struct aws_keys *fresh, struct err *why)
{
    arena_reset(c->mem);
    if (!credentials_source_fetch(&c->source, c->http, c->mem, fresh, why))
        return false;
    if (fresh->expires_at_ms == 0 || fresh->expires_at_ms > clock_now_ms())
        return true;
    err_set(why, ERR_UNAVAILABLE, "There are no credentials for AWS");
    return err_cause(why, "credentials: the source handed out a set that has expired");
}

static void *refresh_thread(void *user)
{
    struct aws_credentials *c = user;
    int64_t failures = 0;
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        pthread_mutex_unlock(&c->lock);
        struct aws_keys fresh = {0};
        struct err why = {0};
        bool ok = fetch(c, &fresh, &why);
        pthread_mutex_lock(&c->lock);
        int64_t until = clock_monotonic_ms() + attempt_end(c, ok, &fresh, &why, &failures);
        aws_keys_wipe(&fresh);
        while (!c->stop && !c->renew && clock_monotonic_ms() < until)
            bell_cond_wait(&c->wake, &c->lock, until);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- opening ---- */

static bool is_static(const struct aws_credentials_options *opts)
{
    return opts->access_key_id && *opts->access_key_id && opts->secret_access_key && *opts->secret_access_key;
}

static bool static_init(struct aws_credentials *c, const struct aws_credentials_options *opts, struct err *err)
{
    const char *token = opts->session_token ? opts->session_token : "";
    size_t id_n = strlen(opts->access_key_id), secret_n = strlen(opts->secret_access_key), token_n = strlen(token);
    if (id_n >= AWS_KEY_MAX || secret_n >= AWS_KEY_MAX || token_n >= AWS_TOKEN_MAX)
        return err_set(err, ERR_INTERNAL, "The AWS keys in the environment are too long");
    memcpy(c->keys.access_key_id, opts->access_key_id, id_n);
    memcpy(c->keys.secret_access_key, opts->secret_access_key, secret_n);
    memcpy(c->keys.session_token, token, token_n);
    c->keys.generation = 1;
    return true;
}

static bool fetched_init(struct aws_credentials *c, const struct aws_credentials_options *opts, struct err *err)
{
    int timeout_ms = opts->timeout_ms > 0 ? opts->timeout_ms : TIMEOUT_MS;
    struct http_options http = {
        .connect_timeout_ms = timeout_ms, .total_timeout_ms = timeout_ms, .response_max = RESPONSE_MAX, .handles = 1};
    c->fetch_limit_ms = (int64_t)timeout_ms * CALLS_A_FETCH;
    if (!credentials_source_init(&c->source, opts, err))
        return false;
    if (!(c->http = http_open(&http, err)))
        return false;
    if (!(c->mem = arena_new(RESPONSE_MAX, ARENA_MAX)))
        return err_set(err, ERR_NO_MEMORY, "There is no memory for the AWS credentials");
    if (pthread_create(&c->thread, NULL, refresh_thread, c) != 0)
        return err_set(err, ERR_INTERNAL, "The thread of the AWS credentials cannot be started");
    c->has_thread = true;
    return true;
}

struct aws_credentials *aws_credentials_open(const struct aws_credentials_options *opts, struct err *err)
{
    struct aws_credentials *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, ERR_NO_MEMORY, "There is no memory for the AWS credentials");
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    bell_cond_init(&c->wake);
    bell_cond_init(&c->fetched);
    if (is_static(opts) ? static_init(c, opts, err) : fetched_init(c, opts, err))
        return c;
    aws_credentials_close(c);
    return NULL;
}

void aws_credentials_close(struct aws_credentials *c)
{
    if (!c)
        return;
    if (c->has_thread) {
        http_cancel(c->http);
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        pthread_cond_broadcast(&c->wake);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    http_close(c->http);
    arena_free(c->mem);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->wake);
    pthread_cond_destroy(&c->fetched);
    OPENSSL_cleanse(c, sizeof(*c));
    free(c);
}

/* ---- use ---- */

/* Under the lock: waits until `attempts` attempts have ended, or for as long as one may take. */
static void wait_attempts(struct aws_credentials *c, uint64_t attempts)
{
    int64_t until = clock_monotonic_ms() + c->fetch_limit_ms;
    while (!c->stop && c->attempts < attempts && clock_monotonic_ms() < until)
        bell_cond_wait(&c->fetched, &c->lock, until);
}

bool aws_credentials_get(struct aws_credentials *c, struct aws_keys *out, struct err *err)
{
    pthread_mutex_lock(&c->lock);
    if (c->has_thread)
        wait_attempts(c, 1);
    bool ok = is_valid(&c->keys);
    if (ok)
        *out = c->keys;
    else if (c->last.code != ERR_NONE)
        *err = c->last;
    else
        err_set(err, ERR_UNAVAILABLE, "There are no valid credentials for AWS yet");
    pthread_mutex_unlock(&c->lock);
    return ok;
}

bool aws_credentials_renew(struct aws_credentials *c, uint64_t refused_generation)
{
    pthread_mutex_lock(&c->lock);
    int64_t now = clock_monotonic_ms();
    bool may = c->has_thread && (c->renewed_at_ms == 0 || now - c->renewed_at_ms >= RENEW_EVERY_MS);
    if (c->keys.generation == refused_generation && (may || c->renew)) {
        if (!c->renew)
            c->renewed_at_ms = now;
        c->renew = true;
        pthread_cond_broadcast(&c->wake);
        wait_attempts(c, c->attempts + 1);
    }
    bool newer = c->keys.generation > refused_generation && is_valid(&c->keys);
    pthread_mutex_unlock(&c->lock);
    return newer;
}
