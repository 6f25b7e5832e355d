#include "http/auth.h"

#include <inttypes.h>

#include "http/limits.h"
#include "service/log.h"

enum { CACHED_WHAT_MAX = 300 };

struct text cookie_value(struct text header, struct text name)
{
    struct text pair;
    while (text_split(&header, ';', &pair)) {
        pair = text_trim(pair);
        if (pair.n > name.n && pair.p[name.n] == '=' && memcmp(pair.p, name.p, name.n) == 0)
            return text_slice(pair, name.n + 1, pair.n);
    }
    return TEXT_NONE;
}

struct text auth_token(const struct params *params, bool *from_cookie)
{
    const struct text scheme = TEXT("Bearer ");
    struct text header = params->authorization;
    *from_cookie = false;
    if (header.n >= scheme.n && text_eq_nocase(text_slice(header, 0, scheme.n), scheme))
        return text_trim(text_slice(header, scheme.n, header.n));
    struct text token = cookie_value(params->cookie, TEXT("mm_token"));
    if (!token.n)
        return TEXT_NONE;
    *from_cookie = true;
    return token;
}

char *session_to_cache(const struct session_row *row, struct arena *mem)
{
    return arena_printf(mem, "%" PRId64 " %s %d", row->household_id, row->currency, row->admin ? 1 : 0);
}

bool session_from_cache(struct text value, struct session_row *row)
{
    struct text household, currency, admin;
    *row = (struct session_row){0};
    if (!text_split(&value, ' ', &household) || !text_split(&value, ' ', &currency) || !text_split(&value, ' ', &admin))
        return false;
    if (!text_to_int64(household, &row->household_id) || !currency_find(currency) || admin.n != 1)
        return false;
    memcpy(row->currency, currency.p, 3);
    row->admin = admin.p[0] == '1';
    return true;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

static bool unauthorized(struct err *err)
{
    return err_set(err, ERR_UNAUTHORIZED, "There is no valid session");
}

/* The slot of a cached route's answer: by path and query. False when this request is not one to cache. */
static bool answer_slot(struct exchange *x, int64_t household, struct cache_slot *slot)
{
    const struct call *call = &x->call;
    if (!call->route->cached || call->path.n + call->raw_query.n > CACHED_WHAT_MAX)
        return false;
    char *what = arena_printf(x->mem, "answer:%" PRId64 ":%.*s?%.*s", household, TEXT_ARG(call->path),
                              TEXT_ARG(call->raw_query));
    *slot = (struct cache_slot){.owner = CACHE_HOUSEHOLD, .owner_id = household, .what = what};
    return what != NULL;
}

/* One round trip: session, cached answer, limits. A Redis that is down leaves everything a miss, and the strict limits
 * to the process. */
static bool ask_redis(struct exchange *x, const struct token_claims *claims, struct err *err)
{
    struct rate_limit limits[RATE_LIMITS_MAX];
    struct rate_verdict verdicts[RATE_LIMITS_MAX];
    struct redis_command command;
    struct redis_reply reply;
    size_t n;
    char *what = arena_printf(x->mem, "session:%s", claims->session_id);
    if (!what)
        return no_memory(err);
    x->cache[0] = (struct cache_slot){.owner = CACHE_USER, .owner_id = claims->user_id, .what = what};
    x->answer_cacheable = answer_slot(x, claims->household_id, &x->cache[1]);
    size_t slots = x->answer_cacheable ? 2 : 1;
    if (!limits_of_account(x, claims->user_id, limits, &n) || (n && !rate_command_all(limits, n, x->mem, &command)))
        return no_memory(err);
    struct err down;
    bool up = cache_read(x->app->redis, x->cache, slots, &command, n > 0, &reply, x->mem, &down);
    if (up && n)
        rate_verdicts(limits, n, &reply, verdicts);
    return limits_judge(x, limits, n, up ? verdicts : NULL, err);
}

static bool find_session(struct exchange *x, const struct token_claims *claims, struct session_row *row,
                         struct err *err)
{
    struct call *call = &x->call;
    if (x->cache[0].hit && session_from_cache(x->cache[0].value, row))
        return true;
    struct err fault = {0};
    if (!call_db(call, err))
        return false;
    if (!session_find(call->scope.db, claims->session_id, claims->user_id, call->scope.now_ms, x->mem, row, &fault)) {
        if (fault.code == ERR_NOT_FOUND)
            return unauthorized(err);
        *err = fault;
        return false;
    }
    char *value = session_to_cache(row, x->mem);
    if (value)
        cache_write(x->app->redis, &x->cache[0], text_of(value), x->mem);
    return true;
}

static bool enter(struct exchange *x, const struct token_claims *claims, const struct session_row *row, struct err *err)
{
    struct call *call = &x->call;
    call->scope.currency = currency_find(text_of(row->currency));
    if (!call->scope.currency)
        return err_set(err, ERR_INTERNAL, "The household's currency is unknown");
    /* A cached answer was asked for under the token's household. */
    if (row->household_id != claims->household_id) {
        x->answer_cacheable = false;
        x->cache[1].hit = false;
    }
    call->scope.household_id = row->household_id;
    call->scope.user_id = claims->user_id;
    memcpy(call->session_id, claims->session_id, sizeof(call->session_id));
    call->signed_in = true;
    call->admin = row->admin;
    return true;
}

/* Reads the token and finds its session. */
static bool identify(struct exchange *x, struct err *err)
{
    struct token_claims claims;
    struct session_row row;
    if (!x->call.token.n)
        return unauthorized(err);
    if (!token_verify_memo(&x->tokens, x->app->token_keys, x->call.token, x->call.scope.now_ms / 1000, &claims, err))
        return false;
    return ask_redis(x, &claims, err) && find_session(x, &claims, &row, err) && enter(x, &claims, &row, err);
}

bool authenticate(struct exchange *x, struct err *err)
{
    struct call *call = &x->call;
    enum auth auth = call->route->auth;
    call->token = auth_token(&x->in.params, &call->from_cookie);
    if (auth == AUTH_PUBLIC)
        return true;
    if (auth == AUTH_OPTIONAL) {
        struct err ignored = {0};
        if (!call->token.n || identify(x, &ignored))
            return true;
        call->token_unchecked = ignored.code != ERR_UNAUTHORIZED;
        if (call->token_unchecked)
            log_err(LOG_INFO, "http", "a token on a public path could not be checked", &ignored);
        return true;
    }
    if (!identify(x, err))
        return false;
    return auth != AUTH_ADMIN || call->admin || err_set(err, ERR_FORBIDDEN, "Only for administrators");
}
