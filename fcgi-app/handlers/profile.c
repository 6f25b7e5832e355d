#include "handlers/profile.h"

#include <inttypes.h>

#include "base/fields.h"
#include "base/id.h"
#include "finance/account.h"
#include "http/limits.h"
#include "http/own_tx.h"
#include "http/session_cookie.h"
#include "views/profile.h"
#include "service/password.h"
#include "store/session.h"

/* ---- GET /profile ---- */

static bool find_self(struct call *call, struct user_row *user, struct err *err)
{
    return call_db(call, err) && user_find(call->scope.db, call->scope.user_id, call->scope.mem, user, err);
}

bool profile_show(struct call *call, struct response *res, struct err *err)
{
    struct user_row user;
    if (!find_self(call, &user, err))
        return false;
    profile_write_json(&res->json, &user, false);
    return true;
}

/* ---- PUT /profile ---- */

struct profile_body {
    struct text full_name, email, image, current_password, new_password;
    bool image_given;
};

static const struct field PROFILE_FIELDS[] = {
    FIELD_TEXT("fullName", struct profile_body, full_name, FF_REQUIRED, 1, 255),
    FIELD_EMAIL("email", struct profile_body, email, FF_REQUIRED),
    {.name = "profileImageUrl",
     .kind = FK_TEXT,
     .offset = offsetof(struct profile_body, image),
     .given_offset = offsetof(struct profile_body, image_given),
     .min = 1,
     .max = 500},
    FIELD_TEXT("currentPassword", struct profile_body, current_password, FF_RAW, 1, PASSWORD_MAX),
    FIELD_TEXT("newPassword", struct profile_body, new_password, FF_RAW, PASSWORD_MIN, PASSWORD_MAX),
    FIELD_END};
const struct body_def PROFILE_BODY = {.fields = PROFILE_FIELDS, .size = sizeof(struct profile_body)};

struct change {
    struct account_change wanted;
    struct user_row user; /* before, then after */
    struct session_grant grant;
    char hash[PASSWORD_HASH_MAX];
};

/* A stolen session must not be a way to guess the password. */
static bool limit_guesses(struct call *call, struct err *err)
{
    struct rate_policy policy = {"password", call->app->config.rate_sign_in_per_minute, 60 * 1000, true};
    char *subject = arena_printf(call->scope.mem, "user|%" PRId64, call->scope.user_id);
    if (!subject)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    return limit_verdict(rate_check(call->app->redis, call->app->rate_local, &policy, text_of(subject), call->scope.mem,
                                    call->scope.now_ms),
                         err);
}

static bool confirm_password(struct call *call, const struct user_row *user, struct text password, struct err *err)
{
    bool ok;
    if (!password.n)
        return err_field(err, "currentPassword", "Vui lòng nhập mật khẩu hiện tại.");
    if (!limit_guesses(call, err) || !password_verify(password, user->password_hash, &ok, err))
        return false;
    return ok || err_field(err, "currentPassword", "Mật khẩu hiện tại không đúng.");
}

/* The session of this token goes on, with the time it has left; a new password gets a new one. */
static bool keep_session(struct call *call, struct change *c, struct err *err)
{
    struct session_row session;
    if (!session_find(call->scope.db, call->session_id, c->user.id, call->scope.now_ms, call->scope.mem, &session, err))
        return err->code == ERR_NOT_FOUND ? err_set(err, ERR_UNAUTHORIZED, "The session has ended") : false;
    c->grant = (struct session_grant){.user_id = session.user_id,
                                      .household_id = session.household_id,
                                      .admin = session.admin,
                                      .expires_at_ms = session.expires_at_ms};
    memcpy(c->grant.session_id, call->session_id, sizeof(c->grant.session_id));
    return true;
}

static bool prepare_password(struct call *call, struct text password, struct change *c, struct err *err)
{
    if (!password_hash(password, c->hash, err))
        return false;
    uuid7(call->scope.now_ms, c->grant.session_id);
    c->grant.expires_at_ms = call->scope.now_ms + SESSION_LIFE_MS;
    c->wanted.new_password_hash = text_of(c->hash);
    c->wanted.new_session_id = c->grant.session_id;
    return true;
}

static bool prepare(struct call *call, const struct profile_body *b, struct change *c, struct err *err)
{
    bool found = find_self(call, &c->user, err) && keep_session(call, c, err);
    call_db_done(call);
    if (!found)
        return false;
    bool new_email = !text_eq(b->email, c->user.email);
    c->wanted = (struct account_change){.full_name = b->full_name,
                                        .profile_image_url = b->image_given ? b->image : c->user.profile_image_url,
                                        .new_email = new_email ? b->email : TEXT_NONE};
    if ((new_email || b->new_password.n) && !confirm_password(call, &c->user, b->current_password, err))
        return false;
    return !b->new_password.n || prepare_password(call, b->new_password, c, err);
}

static bool change_tx(struct scope *scope, void *arg, struct err *err)
{
    struct change *c = arg;
    return account_change(scope, &c->wanted, &c->user, err);
}

bool profile_change(struct call *call, struct response *res, struct err *err)
{
    struct change c;
    const char *token;
    /* The token before the change: once that is committed, nothing may keep its new session from the user. */
    if (!prepare(call, call->body, &c, err) || !(token = session_grant(call, res, &c.grant, err)) ||
        !own_tx(call, change_tx, &c, err))
        return false;
    if (c.wanted.new_session_id)
        cache_move(call->app->redis, CACHE_USER, c.user.id, call->scope.mem);
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_put_str(j, "token", token);
    json_key(j, "user");
    profile_write_json(j, &c.user, c.wanted.new_email.n > 0);
    json_end_object(j);
    return true;
}

/* ---- plans: not sold, so one for all ---- */

struct auto_renew_body {
    bool enabled;
};

static const struct field AUTO_RENEW_FIELDS[] = {FIELD_BOOL("enabled", struct auto_renew_body, enabled, FF_REQUIRED),
                                                 FIELD_END};
const struct body_def AUTO_RENEW_BODY = {.fields = AUTO_RENEW_FIELDS, .size = sizeof(struct auto_renew_body)};

bool profile_auto_renew(struct call *call, struct response *res, struct err *err)
{
    return profile_show(call, res, err);
}

bool profile_plans(struct call *call, struct response *res, struct err *err)
{
    static const char PLAN[] =
        "[{\"id\":1,\"planId\":\"premium\",\"displayName\":\"Premium\","
        "\"description\":\"Mọi tính năng, cho mọi tài khoản.\",\"amount\":0,\"subscriptionPlan\":\"PREMIUM\","
        "\"cycleLabel\":\"12 tháng\",\"cycleMonths\":12,\"badge\":\"Miễn phí\",\"icon\":\"Sparkles\","
        "\"accent\":\"#7C3AED\",\"features\":[\"Không giới hạn danh mục, giao dịch và hũ\","
        "\"Báo cáo, bộ lọc nâng cao và xuất Excel\",\"Dự báo và giao dịch định kỳ\",\"Trợ lý Nova\"],"
        "\"displayOrder\":1}]";
    (void)call;
    (void)err;
    json_raw(&res->json, text_of(PLAN));
    return true;
}

bool profile_payments(struct call *call, struct response *res, struct err *err)
{
    (void)call;
    (void)err;
    json_begin_array(&res->json);
    json_end_array(&res->json);
    return true;
}
