#include "http/session_cookie.h"

#include "store/session.h"

/* The web client lives on another site, so the cookie must travel across sites: SameSite=None, which browsers take with
 * Secure only. */
#define COOKIE_FLAGS "; Path=/; HttpOnly; Secure; SameSite=None"

const char *session_grant(struct call *call, struct response *res, const struct session_grant *grant, struct err *err)
{
    struct token_claims claims = {.user_id = grant->user_id,
                                  .household_id = grant->household_id,
                                  .admin = grant->admin,
                                  .issued_s = call->scope.now_ms / 1000,
                                  .expires_s = grant->expires_at_ms / 1000};
    memcpy(claims.session_id, grant->session_id, sizeof(claims.session_id));
    const char *token = token_sign(call->app->token_keys, &claims, call->scope.mem, err);
    if (!token)
        return NULL;
    char *cookie = arena_printf(call->scope.mem, "mm_token=%s; Max-Age=%d" COOKIE_FLAGS, token, SESSION_LIFE_MS / 1000);
    if (!cookie) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the answer");
        return NULL;
    }
    response_header(res, "Set-Cookie", text_of(cookie));
    res->no_store = true;
    return token;
}

void session_cookie_clear(struct response *res)
{
    response_header(res, "Set-Cookie", TEXT("mm_token=; Max-Age=0" COOKIE_FLAGS));
    res->no_store = true;
}
