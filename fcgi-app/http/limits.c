#include "http/limits.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "base/date.h"

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS };

bool limit_verdict(struct rate_verdict verdict, struct err *err)
{
    if (verdict.allowed)
        return true;
    err_set(err, ERR_RATE_LIMITED, "Too many requests; try again in %d s", verdict.retry_after_seconds);
    err->retry_after_seconds = verdict.retry_after_seconds;
    return false;
}

/* What the account's limits are, by the route's rate. */
struct account_rate {
    const char *name;
    size_t per_minute;    /* offset of the setting */
    bool strict;          /* counted without Redis too */
    bool own_route;       /* each route counts for itself */
    bool daily;           /* and all such routes together by the day */
    size_t block_seconds; /* offset of the setting: how long a refusal lasts; 0: as the rate says */
};

#define AT(member) offsetof(struct config, member)

static const struct account_rate ACCOUNT_RATES[] = {
    [RATE_API] = {"api", AT(rate_api_per_minute), false, false, false},
    [RATE_AI] = {"ai", AT(rate_chat_per_minute), true, true, false},
    [RATE_CHAT] = {"chat", AT(rate_chat_per_minute), true, true, true},
    [RATE_GEMINI_CHAT] = {"gemini-chat", AT(rate_gemini_chat_per_minute), true, false, true},
    [RATE_TIPS] = {"tips", AT(rate_tips_per_minute), true, false, false},
    [RATE_EXPORTS] = {"exports", AT(rate_exports_per_minute), true, false, false, AT(rate_exports_block_seconds)},
};

bool limits_count_account(enum rate rate)
{
    return rate >= RATE_API && rate <= RATE_EXPORTS;
}

static int64_t setting(const struct config *config, size_t offset)
{
    return *(const int64_t *)(const void *)((const char *)config + offset);
}

static struct rate_policy api_policy(const struct config *config)
{
    return (struct rate_policy){"api", config->rate_api_per_minute, MINUTE_MS, false};
}

bool limits_of_account(const struct exchange *x, int64_t user_id, struct rate_limit out[RATE_LIMITS_MAX], size_t *n)
{
    const struct route *route = x->call.route;
    const struct config *config = &x->app->config;
    *n = 0;
    if (!limits_count_account(route->rate))
        return true;
    const struct account_rate *row = &ACCOUNT_RATES[route->rate];
    char *user = arena_printf(x->mem, "user|%" PRId64, user_id);
    char *subject = row->own_route && user ? arena_printf(x->mem, "%s|%s", route->path, user) : user;
    if (!subject)
        return false;
    int64_t block_ms = row->block_seconds ? setting(config, row->block_seconds) * 1000 : 0;
    out[(*n)++] = (struct rate_limit){{row->name, setting(config, row->per_minute), MINUTE_MS, row->strict, block_ms},
                                      text_of(subject)};
    if (row->daily)
        out[(*n)++] = (struct rate_limit){{"chat-day", config->rate_chat_per_day, DAY_MS, true}, text_of(user)};
    return true;
}

/* When what is shut opens again (contract 1.3). */
static void tell_block(const struct exchange *x, int seconds, struct err *err)
{
    char until[INSTANT_TEXT_MAX];
    instant_format(x->call.scope.now_ms + seconds * INT64_C(1000), until);
    snprintf(err->extra, sizeof(err->extra), "\"blockedUntil\":\"%s\"", until);
}

bool limits_judge(struct exchange *x, const struct rate_limit *limits, size_t n, const struct rate_verdict *verdicts,
                  struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct rate_policy *policy = &limits[i].policy;
        if (!verdicts && !policy->strict_local)
            continue;
        struct rate_verdict v =
            verdicts ? verdicts[i]
                     : rate_local_check(x->app->rate_local, policy, limits[i].subject, x->call.scope.now_ms);
        if (policy->strict_local)
            x->verdicts[x->verdict_count++] = (struct told_limit){*policy, v};
        ok = limit_verdict(v, err);
        if (!ok && policy->block_ms)
            tell_block(x, v.retry_after_seconds, err);
    }
    return ok;
}

/* The body's field that names the account, lower-cased by its row (FK_EMAIL). TEXT_NONE when there is none. */
static struct text account_of_body(const struct call *call)
{
    const struct body_def *def = call->route->body;
    if (!def || !def->rate_field || !call->body)
        return TEXT_NONE;
    for (const struct field *row = def->fields; row->name; row++)
        if (strcmp(row->name, def->rate_field) == 0)
            return *(const struct text *)(const void *)((const char *)call->body + row->offset);
    return TEXT_NONE;
}

static size_t policies(struct exchange *x, struct rate_limit out[RATE_LIMITS_MAX])
{
    const struct config *config = &x->app->config;
    const struct call *call = &x->call;
    if (call->route->rate == RATE_API) {
        out[0] = (struct rate_limit){api_policy(config), call->client_address};
        return 1;
    }
    /* Each route counts for itself: a sign-in that was refused must not close the way to a new password. */
    char *address = arena_printf(x->mem, "%s|%.*s", call->route->path, TEXT_ARG(call->client_address));
    if (!address)
        return 0;
    out[0] = (struct rate_limit){{"sign-in-address", config->rate_sign_in_address_per_minute, MINUTE_MS, true},
                                 text_of(address)};
    struct text account = account_of_body(call);
    if (!account.n)
        return 1;
    char *both = arena_printf(x->mem, "%s|%.*s", address, TEXT_ARG(account));
    if (!both)
        return 0;
    bool resend = call->route->rate == RATE_CODE_RESEND;
    out[1] = (struct rate_limit){{resend ? "code-resend" : "sign-in",
                                  resend ? config->rate_otp_resend_per_minute : config->rate_sign_in_per_minute,
                                  MINUTE_MS, true},
                                 text_of(both)};
    return 2;
}

static bool check_locally(struct exchange *x, const struct rate_limit *limit, struct err *err)
{
    return !limit->policy.strict_local ||
           limit_verdict(rate_local_check(x->app->rate_local, &limit->policy, limit->subject, x->call.scope.now_ms),
                         err);
}

bool limits_by_address(struct exchange *x, struct err *err)
{
    struct rate_limit limits[RATE_LIMITS_MAX];
    struct redis_command commands[RATE_LIMITS_MAX];
    struct redis_reply replies[RATE_LIMITS_MAX];
    size_t n = policies(x, limits);
    if (n == 0)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    for (size_t i = 0; i < n; i++)
        if (!rate_command(&limits[i].policy, limits[i].subject, x->mem, &commands[i]))
            return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    struct err down;
    bool up = redis_call(x->app->redis, commands, n, x->mem, replies, &down);
    for (size_t i = 0; i < n; i++)
        if (up ? !limit_verdict(rate_verdict(&limits[i].policy, &replies[i]), err) : !check_locally(x, &limits[i], err))
            return false;
    return true;
}
