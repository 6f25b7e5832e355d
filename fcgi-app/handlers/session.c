#include "handlers/session.h"

#include "base/fields.h"
#include "base/id.h"
#include "finance/account.h"
#include "http/own_tx.h"
#include "http/session_cookie.h"
#include "views/profile.h"
#include "service/password.h"
#include "store/session.h"

/* ---- POST /login ---- */

struct login_body {
    struct text email, password;
};

static const struct field LOGIN_FIELDS[] = {
    FIELD_EMAIL("email", struct login_body, email, FF_REQUIRED),
    FIELD_TEXT("password", struct login_body, password, FF_REQUIRED | FF_RAW, 1, PASSWORD_MAX), FIELD_END};
const struct body_def LOGIN_BODY = {.fields = LOGIN_FIELDS, .size = sizeof(struct login_body), .rate_field = "email"};

/* An address without an account gives an empty user: its password costs the same time and never fits. */
static bool find_user(struct call *call, struct text email, struct user_row *user, struct err *err)
{
    struct err miss = {0};
    *user = (struct user_row){.status = USER_DISABLED};
    if (!call_db(call, err))
        return false;
    bool ok = user_find_by_email(call->scope.db, email, call->scope.mem, user, &miss) || miss.code == ERR_NOT_FOUND;
    if (!ok)
        *err = miss;
    call_db_done(call);
    return ok;
}

static bool not_activated(const struct user_row *user, struct err *err)
{
    AUTO(buf) struct buf extra;
    struct json_out j;
    err_set(err, ERR_NOT_ACTIVATED, "The account has not been activated yet");
    buf_init(&extra, sizeof(err->extra) - 1);
    buf_str(&extra, "\"needsActivation\":true,\"email\":");
    json_out_init(&j, &extra);
    json_text(&j, user->email);
    if (!extra.failed)
        memcpy(err->extra, extra.p, extra.n + 1);
    return false;
}

static bool verify(const struct user_row *user, struct text password, struct err *err)
{
    bool ok;
    if (!password_verify(password, user->password_hash, &ok, err))
        return false;
    if (!ok || user->status == USER_DISABLED)
        return err_set(err, ERR_INVALID_CREDENTIALS, "Wrong e-mail or password");
    return user->status == USER_ACTIVE || not_activated(user, err);
}

struct sign_in {
    struct user_row user;
    struct session_grant grant;
};

static bool sign_in_tx(struct scope *scope, void *arg, struct err *err)
{
    struct sign_in *s = arg;
    return account_sign_in(scope, &s->user, s->grant.session_id, err);
}

/* The token before its session, so that no session is left behind that nobody knows. NULL on failure. */
static const char *start_session(struct call *call, struct response *res, struct sign_in *s, struct err *err)
{
    s->grant = (struct session_grant){.user_id = s->user.id,
                                      .household_id = s->user.household_id,
                                      .admin = s->user.admin,
                                      .expires_at_ms = call->scope.now_ms + SESSION_LIFE_MS};
    uuid7(call->scope.now_ms, s->grant.session_id);
    const char *token = session_grant(call, res, &s->grant, err);
    return token && own_tx(call, sign_in_tx, s, err) ? token : NULL;
}

bool session_login(struct call *call, struct response *res, struct err *err)
{
    const struct login_body *b = call->body;
    struct sign_in s;
    const char *token;
    if (!find_user(call, b->email, &s.user, err) || !verify(&s.user, b->password, err) ||
        !(token = start_session(call, res, &s, err)))
        return false;
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_put_str(j, "message", "Đăng nhập thành công.");
    json_put_str(j, "token", token);
    json_key(j, "user");
    profile_write_json(j, &s.user, false);
    json_end_object(j);
    return true;
}

/* ---- POST /auth/google ---- */

struct google_body {
    struct text id_token;
};

static const struct field GOOGLE_FIELDS[] = {FIELD_TEXT("idToken", struct google_body, id_token, FF_REQUIRED, 1, 8192),
                                             FIELD_END};
const struct body_def GOOGLE_BODY = {.fields = GOOGLE_FIELDS, .size = sizeof(struct google_body)};

bool session_google(struct call *call, struct response *res, struct err *err)
{
    (void)call;
    (void)res;
    return err_set(err, ERR_UNAVAILABLE, "Sign-in with Google is not configured");
}

/* ---- POST /logout ---- */

bool session_logout(struct call *call, struct response *res, struct err *err)
{
    /* A session that may go on must not be called ended. */
    if (call->token_unchecked)
        return err_set(err, ERR_UNAVAILABLE, "The session could not be looked up");
    if (call->signed_in) {
        if (!call_db(call, err) ||
            !session_revoke(call->scope.db, call->session_id, call->scope.user_id, call->scope.now_ms, err))
            return false;
        call_db_done(call);
        cache_move(call->app->redis, CACHE_USER, call->scope.user_id, call->scope.mem);
    }
    session_cookie_clear(res);
    response_message(res, "Đã đăng xuất.");
    return true;
}
