#include "handlers/password_reset.h"

#include "base/fields.h"
#include "finance/account.h"
#include "http/own_tx.h"
#include "service/password.h"

/* ---- POST /forgot-password ---- */

struct forgot_body {
    struct text email;
};

static const struct field FORGOT_FIELDS[] = {FIELD_EMAIL("email", struct forgot_body, email, FF_REQUIRED), FIELD_END};
const struct body_def FORGOT_BODY = {
    .fields = FORGOT_FIELDS, .size = sizeof(struct forgot_body), .rate_field = "email"};

static bool request_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct forgot_body *b = arg;
    return account_request_reset(scope, b->email, err);
}

bool password_reset_request(struct call *call, struct response *res, struct err *err)
{
    struct forgot_body b = *(const struct forgot_body *)call->body;
    if (!own_tx(call, request_tx, &b, err))
        return false;
    response_message(res, "Nếu địa chỉ này có tài khoản, mã đặt lại mật khẩu sẽ được gửi đến email.");
    return true;
}

/* ---- POST /verify-reset-otp ---- */

struct code_body {
    struct text email, otp;
};

static const struct field CODE_FIELDS[] = {FIELD_EMAIL("email", struct code_body, email, FF_REQUIRED),
                                           FIELD_TEXT("otp", struct code_body, otp, FF_REQUIRED, 1, 16), FIELD_END};
const struct body_def RESET_CODE_BODY = {
    .fields = CODE_FIELDS, .size = sizeof(struct code_body), .rate_field = "email"};

bool password_reset_verify(struct call *call, struct response *res, struct err *err)
{
    const struct code_body *b = call->body;
    int64_t user_id;
    char hash[OTP_HASH_TEXT];
    if (!call_db(call, err) || !account_check_code(&call->scope, b->email, OTP_RESET, b->otp, &user_id, hash, err))
        return false;
    response_message(res, "Mã xác thực hợp lệ.");
    return true;
}

/* ---- POST /reset-password ---- */

struct reset_body {
    struct text email, otp, token, new_password;
};

static const struct field RESET_FIELDS[] = {
    FIELD_EMAIL("email", struct reset_body, email, 0), FIELD_TEXT("otp", struct reset_body, otp, 0, 1, 16),
    FIELD_TEXT("token", struct reset_body, token, 0, 1, 255),
    FIELD_TEXT("newPassword", struct reset_body, new_password, FF_REQUIRED | FF_RAW, PASSWORD_MIN, PASSWORD_MAX),
    FIELD_END};
const struct body_def RESET_BODY = {.fields = RESET_FIELDS, .size = sizeof(struct reset_body), .rate_field = "email"};

struct reset {
    int64_t user_id;
    char proof[OTP_HASH_TEXT]; /* of the code or of the link's token */
    char password_hash[PASSWORD_HASH_MAX];
};

static bool reset_tx(struct scope *scope, void *arg, struct err *err)
{
    const struct reset *r = arg;
    return account_reset_password(scope, r->user_id, r->proof, text_of(r->password_hash), err);
}

/* Either a token alone, or address and code. */
static bool whole(const struct reset_body *b, struct err *err)
{
    if (b->token.n)
        return true;
    bool ok = b->email.n || err_field(err, "email", "Vui lòng nhập email.");
    return (b->otp.n || err_field(err, "otp", "Vui lòng nhập mã xác thực.")) && ok;
}

static bool find_proof(struct call *call, const struct reset_body *b, struct reset *r, struct err *err)
{
    if (!call_db(call, err))
        return false;
    if (!b->token.n)
        return account_check_code(&call->scope, b->email, OTP_RESET, b->otp, &r->user_id, r->proof, err);
    otp_link_hash(b->token, r->proof);
    return account_check_reset_link(&call->scope, r->proof, &r->user_id, err);
}

bool password_reset_apply(struct call *call, struct response *res, struct err *err)
{
    const struct reset_body *b = call->body;
    struct reset r;
    if (!whole(b, err) || !find_proof(call, b, &r, err))
        return false;
    call_db_done(call);
    if (!password_hash(b->new_password, r.password_hash, err) || !own_tx(call, reset_tx, &r, err))
        return false;
    cache_move(call->app->redis, CACHE_USER, r.user_id, call->scope.mem);
    response_message(res, "Mật khẩu đã được đặt lại. Vui lòng đăng nhập.");
    return true;
}
