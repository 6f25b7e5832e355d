#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/clock.h"
#include "base/id.h"
#include "http/exchange.h"
#include "http/turns.h"
#include "relay.h"
#include "service/log.h"
#include "store/audit.h"
#include "store/household.h"
#include "store/idempotency.h"

enum {
    ATTEMPTS_MAX = 5,       /* of a transaction that met a deadlock */
    BACK_OFF_MS = 10,       /* the first wait at most; doubled */
    LOOK_UP_TRIES_MAX = 20, /* after a lost COMMIT, within the request's deadline */
    LOOK_UP_PAUSE_MS = 500,
    TURN_WAIT_MS = 5000, /* as the database's own wait for the household's lock */
    ROUTE_TEXT_MAX = 96
};

struct command {
    struct exchange *x;
    char route[ROUTE_TEXT_MAX];      /* "POST /jars/transfer" */
    char hash[IDEMPOTENCY_HASH_MAX]; /* "" when there is no key */
    bool commit_lost;                /* an earlier attempt may have happened */
};

/* ---- idempotency ---- */

static bool key_is_readable(struct text key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < 0x20 || key.p[i] > 0x7E)
            return false;
    return key.n <= IDEMPOTENCY_KEY_MAX;
}

static bool hash_request(const struct exchange *x, char out[IDEMPOTENCY_HASH_MAX])
{
    const struct text parts[] = {x->call.path, TEXT("?"), x->call.raw_query, TEXT("\n"), x->raw_body};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++)
        ok = !parts[i].n || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok)
        hex_encode(digest, sizeof(digest), out);
    return ok;
}

static bool has_key(const struct command *c)
{
    return c->hash[0] != '\0';
}

/* Only headers that a handler may have set; the names must be constants again, since a response keeps them as given. */
static const char *known_header(struct text name)
{
    static const char *const NAMES[] = {"Location", "ETag", "Link"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (text_eq(name, text_of(NAMES[i])))
            return NAMES[i];
    return NULL;
}

static void replay(struct response *res, const struct idempotency_row *row)
{
    struct text lines = row->headers, line, name;
    response_reset(res);
    res->status = row->status;
    while (text_split(&lines, '\n', &line)) {
        if (!text_split(&line, ':', &name) || !known_header(name))
            continue;
        response_header(res, known_header(name), text_trim(line));
    }
    response_header(res, "Idempotency-Replayed", TEXT("true"));
    buf_text(res->body, row->body);
}

/* *replayed when the answer is there already. */
static bool find_earlier(struct command *c, bool *replayed, struct err *err)
{
    struct exchange *x = c->x;
    struct idempotency_row row;
    *replayed = false;
    if (!has_key(c))
        return true;
    if (!idempotency_find(x->call.scope.db, x->call.scope.user_id, c->route, x->call.idempotency_key, x->mem, &row,
                          replayed, err))
        return false;
    if (*replayed && !text_eq(row.request_hash, text_of(c->hash)))
        return err_set(err, ERR_IDEMPOTENCY_MISMATCH, "The key was used for another request");
    if (*replayed)
        replay(&x->res, &row);
    return true;
}

static bool keep_answer(struct command *c, struct err *err)
{
    struct exchange *x = c->x;
    if (!has_key(c) || x->res.status < 200 || x->res.status > 299)
        return true;
    struct buf lines;
    buf_init(&lines, IDEMPOTENCY_HEADERS_MAX);
    for (size_t i = 0; i < x->res.header_count; i++)
        if (known_header(text_of(x->res.headers[i].name)))
            buf_printf(&lines, "%s: %.*s\n", x->res.headers[i].name, TEXT_ARG(x->res.headers[i].value));
    struct idempotency_row row = {.request_hash = text_of(c->hash),
                                  .status = x->res.status,
                                  .headers = lines.n ? buf_view(&lines) : TEXT(""),
                                  .body = x->body.n ? buf_view(&x->body) : TEXT("")};
    bool ok = lines.failed ? err_set(err, ERR_INTERNAL, "The answer's headers are too long to be kept")
                           : idempotency_insert(x->call.scope.db, x->call.scope.user_id, c->route,
                                                x->call.idempotency_key, &row, x->call.scope.now_ms, err);
    buf_release(&lines);
    return ok;
}

/* ---- one attempt ---- */

static bool waited_too_long(const struct command *c, struct err *err)
{
    if (has_key(c))
        return err_set(err, ERR_IDEMPOTENCY_IN_PROGRESS, "The same request may still be running");
    return err_set(err, ERR_TIMEOUT, "Other changes of this household were in the way for too long");
}

/* The lock is the first statement, so a deadlock here can only be its wait limit: a twin, or a long queue before this
 * household. */
static bool lock_household(const struct command *c, struct err *err)
{
    return household_lock(c->x->call.scope.db, c->x->call.scope.household_id, err) ||
           (err->code == ERR_DEADLOCK && waited_too_long(c, err));
}

/* Inside the transaction, under the household's lock. *done when an earlier attempt or an earlier request did it all.
 */
static bool run_handler(struct command *c, bool *done, struct err *err)
{
    struct exchange *x = c->x;
    struct call *call = &x->call;
    *done = false;
    /* The lock waited for the lost transaction's end, so now its audit row decides. */
    if (c->commit_lost) {
        if (!audit_exists(call->scope.db, call->scope.household_id, call->command_id, done, err))
            return false;
        if (*done)
            return true;
        c->commit_lost = false;
    }
    if (!find_earlier(c, done, err))
        return false;
    if (*done)
        return true;
    response_reset(&x->res);
    call->scope.outbox_rows = 0;
    call->discard = false;
    if (!call->route->handler(call, &x->res, err))
        return false;
    if (call->discard) {
        *done = true;
        return true;
    }
    return keep_answer(c, err) && audit_insert(call->scope.db, call->scope.household_id, call->scope.user_id,
                                               call->command_id, c->route, call->scope.now_ms, err);
}

static bool attempt(struct command *c, struct err *err)
{
    struct call *call = &c->x->call;
    bool done;
    if (!call_db(call, err))
        return false;
    AUTO(tx) struct tx *tx = tx_begin(call->scope.db, err);
    if (!tx || !lock_household(c, err) || !run_handler(c, &done, err))
        return false;
    /* Done before, so what this transaction did so far is only the lock; or nothing of it is to be kept. */
    return done || tx_commit(tx, err);
}

/* ---- attempts ---- */

static void give_back(struct call *call)
{
    db_give(call->scope.db);
    call->scope.db = NULL;
}

static void pause_ms(uint32_t ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

/* After a lost COMMIT: asks on fresh connections until it is known, and runs the command again when it did not happen.
 */
static bool settle(struct command *c, struct err *err)
{
    struct err last = *err;
    c->commit_lost = true;
    for (int i = 0; i < LOOK_UP_TRIES_MAX && exchange_left_ms(c->x) > LOOK_UP_PAUSE_MS; i++) {
        give_back(&c->x->call);
        err_clear(err);
        if (attempt(c, err))
            return true;
        if (!err_is_transient(err) && err->code != ERR_COMMIT_UNKNOWN)
            return false;
        c->commit_lost = c->commit_lost || err->code == ERR_COMMIT_UNKNOWN;
        last = *err;
        pause_ms(LOOK_UP_PAUSE_MS);
    }
    err_set(err, ERR_UNAVAILABLE,
            "It is not known whether the change was made; ask again with the same Idempotency-Key");
    return err_cause(err, "%s", last.cause);
}

static bool run_attempts(struct command *c, struct err *err)
{
    uint32_t wait = BACK_OFF_MS;
    for (int i = 1;; i++, wait *= 2) {
        if (attempt(c, err))
            return true;
        if (err->code == ERR_COMMIT_UNKNOWN)
            return settle(c, err);
        if (err->code != ERR_DEADLOCK || i == ATTEMPTS_MAX || exchange_left_ms(c->x) == 0)
            return false;
        give_back(&c->x->call);
        pause_ms(1 + random_below(wait));
        err_clear(err);
    }
}

static bool command_init(struct command *c, struct exchange *x, struct err *err)
{
    struct call *call = &x->call;
    *c = (struct command){.x = x};
    snprintf(c->route, sizeof(c->route), "%s %s", method_name(call->route->method), call->route->path);
    uuid7(call->scope.now_ms, call->command_id);
    if (!call->route->idempotent || !call->idempotency_key.n)
        return true;
    if (!key_is_readable(call->idempotency_key))
        return err_set(err, ERR_BAD_REQUEST, "Idempotency-Key may have %d visible characters at most",
                       IDEMPOTENCY_KEY_MAX);
    return hash_request(x, c->hash) || err_set(err, ERR_INTERNAL, "The request could not be hashed");
}

/* The household's turn; whoever has to wait for it gives its connection back meanwhile. */
static bool take_turn(struct command *c, struct err *err)
{
    struct exchange *x = c->x;
    if (turn_take(x->app->turns, x->call.scope.household_id, 0))
        return true;
    give_back(&x->call);
    return turn_take(x->app->turns, x->call.scope.household_id, TURN_WAIT_MS) || waited_too_long(c, err);
}

bool command_run(struct exchange *x, struct err *err)
{
    struct command c;
    if (!command_init(&c, x, err) || !take_turn(&c, err))
        return false;
    bool ok = run_attempts(&c, err);
    /* Turn and connection go back before anything that waits for others. */
    turn_give(x->app->turns, x->call.scope.household_id);
    give_back(&x->call);
    if (!ok)
        return false;
    cache_move(x->app->redis, CACHE_HOUSEHOLD, x->call.scope.household_id, x->mem);
    if (x->call.scope.outbox_rows > 0 && !x->call.discard)
        relay_wake(x->app->relay);
    return true;
}
