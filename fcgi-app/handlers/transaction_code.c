#include "handlers/transaction_code.h"

#include "finance/transaction_code.h"

static const struct field REQUEST_FIELDS[] = {
    FIELD_CHOICE("actionType", struct transaction_code_request, action, FF_REQUIRED, TRANSACTION_ACTIONS),
    FIELD_TEXT("name", struct transaction_code_request, name, 0, 0, 255),
    {.name = "categoryId",
     .kind = FK_ID,
     .flags = FF_ZERO_IS_NULL,
     .offset = offsetof(struct transaction_code_request, category_id),
     .given_offset = FIELD_NO_GIVEN},
    FIELD_MONEY("amount", struct transaction_code_request, amount, 0, 1),
    FIELD_DATE("date", struct transaction_code_request, date, 0),
    FIELD_ID("incomeId", struct transaction_code_request, income_id, 0),
    FIELD_ID("expenseId", struct transaction_code_request, expense_id, 0),
    FIELD_ID("goalId", struct transaction_code_request, goal_id, 0),
    FIELD_TEXT("note", struct transaction_code_request, note, FF_MULTILINE, 0, 2000),
    FIELD_END,
};

const struct body_def CODE_REQUEST_BODY = {.fields = REQUEST_FIELDS, .size = sizeof(struct transaction_code_request)};

/* POST /transactions/otp/request   body: actionType, name?, categoryId?, amount?, date?, incomeId?, expenseId?,
 * goalId?, note?   200: {otpRequestId, ...}; the code comes by mail   errors: 404, 422, 429 */
bool transaction_code_request(struct call *call, struct response *res, struct err *err)
{
    const struct transaction_code_request *body = call->body;
    struct transaction_code code;
    if (!transaction_code_ask(&call->scope, body, &code, err))
        return false;
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_put_str(j, "otpRequestId", code.id);
    json_put_str(j, "actionType", TRANSACTION_ACTIONS[body->action]);
    json_put_str(j, "maskedEmail", code.masked_email);
    json_put_instant(j, "otpExpiresAt", code.expires_ms);
    json_put_instant(j, "resendAvailableAt", code.resend_ms);
    json_put_str(j, "message", "Mã xác thực đã được gửi đến email của bạn.");
    json_end_object(j);
    return true;
}

struct verify_body {
    struct text request, code;
};

static const struct field VERIFY_FIELDS[] = {
    FIELD_TEXT("otpRequestId", struct verify_body, request, FF_REQUIRED, 1, 64),
    FIELD_TEXT("otpCode", struct verify_body, code, FF_REQUIRED, 1, 16),
    FIELD_END,
};

const struct body_def CODE_VERIFY_BODY = {.fields = VERIFY_FIELDS, .size = sizeof(struct verify_body)};

/* POST /transactions/otp/verify   body: otpRequestId, otpCode   200: {transactionAuthorizationToken, ...}   errors:
 * 404, 422 wrong_code. Each try counts, whatever becomes of the answer. */
bool transaction_code_check(struct call *call, struct response *res, struct err *err)
{
    const struct verify_body *body = call->body;
    struct authorization made;
    if (!call_db(call, err) || !transaction_code_verify(&call->scope, body->request, body->code, &made, err))
        return false;
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_put_str(j, "transactionAuthorizationToken", made.token);
    json_put_instant(j, "authorizationExpiresAt", made.expires_ms);
    json_put_str(j, "message", "Xác thực thành công.");
    json_end_object(j);
    res->no_store = true;
    return true;
}
