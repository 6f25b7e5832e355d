#include "http/limits.h"

#include <inttypes.h>

enum { MINUTE_MS = 60 * 1000 };

bool limit_verdict(struct rate_verdict verdict, struct err *err)
{
    if (verdict.allowed)
        return true;
    err_set(err, ERR_RATE_LIMITED, "Too many requests; try again in %d s", verdict.retry_after_seconds);
    err->retry_after_seconds = verdict.retry_after_seconds;
    return false;
}

static struct rate_policy api_policy(const struct config *config)
{
    return (struct rate_policy){"api", config->rate_api_per_minute, MINUTE_MS, false};
}

size_t limits_of_account(const struct exchange *x, int64_t user_id, struct limit out[LIMITS_MAX])
{
    if (x->call.route->rate != RATE_API)
        return 0;
    char *subject = arena_printf(x->mem, "user|%" PRId64, user_id);
    if (!subject)
        return 0;
    out[0] = (struct limit){api_policy(&x->app->config), text_of(subject)};
    return 1;
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

static size_t policies(struct exchange *x, struct limit out[LIMITS_MAX])
{
    const struct config *config = &x->app->config;
    const struct call *call = &x->call;
    if (call->route->rate == RATE_API) {
        out[0] = (struct limit){api_policy(config), call->client_address};
        return 1;
    }
    /* Each route counts for itself: a sign-in that was refused must not close the way to a new password. */
    char *address = arena_printf(x->mem, "%s|%.*s", call->route->path, TEXT_ARG(call->client_address));
    if (!address)
        return 0;
    out[0] =
        (struct limit){{"sign-in-address", config->rate_sign_in_address_per_minute, MINUTE_MS, true}, text_of(address)};
    struct text account = account_of_body(call);
    if (!account.n)
        return 1;
    char *both = arena_printf(x->mem, "%s|%.*s", address, TEXT_ARG(account));
    if (!both)
        return 0;
    bool resend = call->route->rate == RATE_CODE_RESEND;
    out[1] =
        (struct limit){{resend ? "code-resend" : "sign-in",
                        resend ? config->rate_otp_resend_per_minute : config->rate_sign_in_per_minute, MINUTE_MS, true},
                       text_of(both)};
    return 2;
}

static bool check_locally(struct exchange *x, const struct limit *limit, struct err *err)
{
    return !limit->policy.strict_local ||
           limit_verdict(rate_local_check(x->app->rate_local, &limit->policy, limit->subject, x->call.scope.now_ms),
                         err);
}

bool limits_by_address(struct exchange *x, struct err *err)
{
    struct limit limits[LIMITS_MAX];
    struct redis_command commands[LIMITS_MAX];
    struct redis_reply replies[LIMITS_MAX];
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
