#include "handlers/registration.h"

#include "base/fields.h"
#include "finance/account.h"
#include "http/own_tx.h"
#include "service/password.h"

/* ---- POST /register ---- */

struct register_body {
    struct text full_name, email, password, image;
};

static const struct field REGISTER_FIELDS[] = {
    FIELD_TEXT("fullName", struct register_body, full_name, 0, 1, 255),
    FIELD_EMAIL("email", struct register_body, email, FF_REQUIRED),
    FIELD_TEXT("password", struct register_body, password, FF_RAW, PASSWORD_MIN, PASSWORD_MAX),
    FIELD_TEXT("profileImageUrl", struct register_body, image, 0, 1, 500), FIELD_END};
const struct body_def REGISTER_BODY = {
    .fields = REGISTER_FIELDS, .size = sizeof(struct register_body), .rate_field = "email"};

struct registration {
    struct user_new user;
    const struct currency *currency;
};

static bool register_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct registration *r = arg;
    return account_register(scope, &r->user, r->currency, err);
}

static void write_registered(struct response *res, const struct register_body *b)
{
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_put_str(j, "message", "Đăng ký thành công. Vui lòng kiểm tra email để lấy mã kích hoạt.");
    json_key(j, "user");
    json_begin_object(j);
    json_put_text(j, "fullName", b->full_name);
    json_put_text(j, "email", b->email);
    json_put_text(j, "profileImageUrl", b->image);
    json_end_object(j);
    json_end_object(j);
}

bool registration_register(struct call *call, struct response *res, struct err *err)
{
    const struct register_body *b = call->body;
    char hash[PASSWORD_HASH_MAX];
    /* Hashed before anything is known of the address, so that it tells nothing by its time. */
    if (b->password.n && !password_hash(b->password, hash, err))
        return false;
    struct registration r = {.currency = call->app->config.currency,
                             .user = {.email = b->email,
                                      .full_name = b->full_name.p ? b->full_name : TEXT(""),
                                      .password_hash = b->password.n ? text_of(hash) : TEXT_NONE,
                                      .profile_image_url = b->image}};
    if (!own_tx(call, register_tx, &r, err))
        return false;
    res->status = 201;
    write_registered(res, b);
    return true;
}

/* ---- POST /register/cancel ---- */

struct email_input {
    struct text email;
};

static const struct field EMAIL_FIELDS[] = {FIELD_EMAIL("email", struct email_input, email, FF_REQUIRED), FIELD_END};
const struct query_def CANCEL_QUERY = {EMAIL_FIELDS, sizeof(struct email_input)};
const struct body_def RESEND_BODY = {.fields = EMAIL_FIELDS, .size = sizeof(struct email_input), .rate_field = "email"};

static bool cancel_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct email_input *in = arg;
    return account_cancel(scope, in->email, err);
}

bool registration_cancel(struct call *call, struct response *res, struct err *err)
{
    struct email_input in = *(const struct email_input *)call->query;
    if (!own_tx(call, cancel_tx, &in, err))
        return false;
    response_message(res, "Đã hủy đăng ký.");
    return true;
}

/* ---- GET /activate ---- */

struct activate_query {
    struct text token;
};

static const struct field ACTIVATE_FIELDS[] = {FIELD_TEXT("token", struct activate_query, token, 0, 1, 255), FIELD_END};
const struct query_def ACTIVATE_QUERY = {ACTIVATE_FIELDS, sizeof(struct activate_query)};

struct opening {
    char hash[OTP_HASH_TEXT];
    bool email_changed;
};

static bool open_link_tx(struct scope *scope, void *arg, struct err *err)
{
    struct opening *o = arg;
    return account_open_link(scope, o->hash, &o->email_changed, err);
}

/* A client of the contract puts this body straight on its page, so it is plain text whatever comes. */
static bool plain(struct response *res, int status, const char *text)
{
    res->status = status;
    res->content_type = "text/plain; charset=utf-8";
    res->no_store = true;
    buf_str(res->body, text);
    return true;
}

bool registration_open_link(struct call *call, struct response *res, struct err *err)
{
    const struct activate_query *q = call->query;
    struct opening o = {0};
    otp_link_hash(q->token, o.hash);
    if (q->token.n && !call->is_head && own_tx(call, open_link_tx, &o, err))
        return plain(res, 200,
                     o.email_changed ? "Địa chỉ email mới đã được xác nhận."
                                     : "Tài khoản đã được kích hoạt. Bạn có thể đăng nhập.");
    if (err->code != ERR_NONE && err->code != ERR_NOT_FOUND)
        return false;
    err_clear(err);
    return plain(res, 404, "Liên kết không hợp lệ hoặc đã hết hạn.");
}

/* ---- POST /verify-activation ---- */

struct verify_body {
    struct text email, otp;
};

static const struct field VERIFY_FIELDS[] = {FIELD_EMAIL("email", struct verify_body, email, FF_REQUIRED),
                                             FIELD_TEXT("otp", struct verify_body, otp, FF_REQUIRED, 1, 16), FIELD_END};
const struct body_def VERIFY_BODY = {
    .fields = VERIFY_FIELDS, .size = sizeof(struct verify_body), .rate_field = "email"};

struct activation {
    int64_t user_id;
    char hash[OTP_HASH_TEXT];
};

static bool activate_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct activation *a = arg;
    return account_activate(scope, a->user_id, a->hash, err);
}

bool registration_verify(struct call *call, struct response *res, struct err *err)
{
    const struct verify_body *b = call->body;
    struct activation a;
    if (!call_db(call, err) ||
        !account_check_code(&call->scope, b->email, OTP_ACTIVATE, b->otp, &a.user_id, a.hash, err) ||
        !own_tx(call, activate_tx, &a, err))
        return false;
    response_message(res, "Tài khoản đã được kích hoạt.");
    return true;
}

/* ---- POST /otp/resend ---- */

static bool resend_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct email_input *in = arg;
    return account_resend(scope, in->email, err);
}

bool registration_resend(struct call *call, struct response *res, struct err *err)
{
    struct email_input in = *(const struct email_input *)call->body;
    if (!own_tx(call, resend_tx, &in, err))
        return false;
    response_message(res, "Nếu địa chỉ này đang chờ kích hoạt, mã mới sẽ được gửi đến email.");
    return true;
}

/* ---- PUT /complete-profile ---- */

struct complete_body {
    struct text email, full_name, password;
};

static const struct field COMPLETE_FIELDS[] = {
    FIELD_EMAIL("email", struct complete_body, email, FF_REQUIRED),
    FIELD_TEXT("fullName", struct complete_body, full_name, FF_REQUIRED, 1, 255),
    FIELD_TEXT("password", struct complete_body, password, FF_REQUIRED | FF_RAW, PASSWORD_MIN, PASSWORD_MAX),
    FIELD_END};
const struct body_def COMPLETE_BODY = {
    .fields = COMPLETE_FIELDS, .size = sizeof(struct complete_body), .rate_field = "email"};

struct completion {
    const struct complete_body *body;
    char hash[PASSWORD_HASH_MAX];
};

static bool complete_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct completion *c = arg;
    return account_complete(scope, c->body->email, c->body->full_name, text_of(c->hash), err);
}

bool registration_complete(struct call *call, struct response *res, struct err *err)
{
    struct completion c = {.body = call->body};
    if (!password_hash(c.body->password, c.hash, err) || !own_tx(call, complete_tx, &c, err))
        return false;
    response_message(res, "Hồ sơ đã được hoàn tất. Bạn có thể đăng nhập.");
    return true;
}

/* ---- pages of older mails ---- */

bool registration_gone(struct call *call, struct response *res, struct err *err)
{
    (void)call;
    (void)res;
    return err_set(err, ERR_GONE, "This page has moved to the web client");
}
