#include "views/money_body.h"

#include "finance/transaction_code.h"
#include "finance/undo.h"

struct delete_body {
    struct text authorization;
};

static const struct field DELETE_FIELDS[] = {
    FIELD_TEXT("transactionAuthorizationToken", struct delete_body, authorization, 0, 0, 2000),
    FIELD_END,
};

const struct body_def DELETE_BODY = {.fields = DELETE_FIELDS, .size = sizeof(struct delete_body), .optional = true};

static bool spend_for_delete(struct call *call, const struct transaction *t, struct err *err)
{
    const struct delete_body *body = call->body;
    return !body ||
           authorization_spend(&call->scope, t->kind == KIND_INCOME ? ACTION_DELETE_INCOME : ACTION_DELETE_EXPENSE, t,
                               body->authorization, err);
}

bool find_alive(struct call *call, int64_t kind, struct transaction *out, struct err *err)
{
    struct transaction t;
    if (!transaction_find(call->scope.db, call->scope.household_id, call->ids[0], call->scope.mem, &t, err))
        return false;
    if (t.deleted_at_ms || (kind >= 0 && t.kind != kind))
        return err_set(err, ERR_NOT_FOUND, "There is no such transaction");
    *out = t;
    return true;
}

bool delete_transaction(struct call *call, struct response *res, int64_t kind, struct err *err)
{
    struct transaction t;
    if (!find_alive(call, kind, &t, err) || !call_if_match(call, t.version, err) || !spend_for_delete(call, &t, err) ||
        !transaction_remove(&call->scope, &t, err))
        return false;
    response_no_content(res);
    return true;
}

bool authorization_none(struct text token, struct err *err)
{
    return !token.n || err_field(err, "transactionAuthorizationToken", "Mã xác thực giao dịch không hợp lệ");
}
