#include "finance/transaction_code.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "finance/events.h"
#include "store/category.h"
#include "store/otp.h"
#include "store/user_contact.h"

enum { TOKEN_BYTES = 32, EVENT_DATA_MAX = 4096 };

const char *const TRANSACTION_ACTIONS[] = {
    [ACTION_INCOME] = "INCOME",
    [ACTION_EXPENSE] = "EXPENSE",
    [ACTION_DELETE_INCOME] = "DELETE_INCOME",
    [ACTION_DELETE_EXPENSE] = "DELETE_EXPENSE",
    [ACTION_CONTRIBUTION] = "SAVING_GOAL_CONTRIBUTION",
    NULL,
};

static bool check_transaction(struct scope *s, int64_t id, int64_t kind, struct err *err)
{
    struct transaction t;
    if (!transaction_find(s->db, s->household_id, id, s->mem, &t, err))
        return false;
    return (t.kind == kind && !t.deleted_at_ms) || err_set(err, ERR_NOT_FOUND, "There is no such transaction");
}

static bool check_category(struct scope *s, int64_t id, struct err *err)
{
    struct category category;
    return !id || category_find(s->db, s->household_id, id, s->mem, &category, err);
}

static bool check_amount(const struct transaction_code_request *in, struct err *err)
{
    return in->amount > 0 || err_field(err, "amount", "Vui lòng nhập số tiền");
}

/* The parts of a request that the write will be held against. */
static bool values_of(struct scope *s, const struct transaction_code_request *in, struct transaction_code_values *out,
                      struct err *err)
{
    *out = (struct transaction_code_values){.action = TRANSACTION_ACTIONS[in->action],
                                            .category_id = in->category_id,
                                            .amount = in->amount,
                                            .occurred_on = in->date,
                                            .name = in->name,
                                            .note = in->note};
    switch (in->action) {
    case ACTION_INCOME:
    case ACTION_EXPENSE: return check_amount(in, err) && check_category(s, in->category_id, err);
    case ACTION_DELETE_INCOME:
        out->transaction_id = in->income_id;
        return (in->income_id || err_field(err, "incomeId", "Vui lòng chọn khoản thu")) &&
               check_transaction(s, in->income_id, KIND_INCOME, err);
    case ACTION_DELETE_EXPENSE:
        out->transaction_id = in->expense_id;
        return (in->expense_id || err_field(err, "expenseId", "Vui lòng chọn khoản chi")) &&
               check_transaction(s, in->expense_id, KIND_EXPENSE, err);
    default:
        return check_amount(in, err) && (in->goal_id ? err_set(err, ERR_NOT_FOUND, "There is no such saving goal")
                                                     : err_field(err, "goalId", "Vui lòng chọn mục tiêu"));
    }
}

static bool check_pause(struct scope *s, const char *action, struct err *err)
{
    int64_t wait_ms;
    if (!transaction_code_wait(s->db, s->household_id, s->user_id, action, TRANSACTION_CODE_PAUSE_MS, s->now_ms,
                               &wait_ms, err))
        return false;
    if (!wait_ms)
        return true;
    err_set(err, ERR_RATE_LIMITED, "A code was sent just now");
    err->retry_after_seconds = (int)((wait_ms + 999) / 1000);
    return false;
}

static bool record(struct scope *s, const char *id, const struct transaction_code_values *v, struct err *err)
{
    AUTO(buf) struct buf data;
    struct json_out j;
    buf_init(&data, EVENT_DATA_MAX);
    json_out_init(&j, &data);
    json_begin_object(&j);
    json_put_str(&j, "purpose", OTP_TRANSACTION);
    json_put_str(&j, "request", id);
    json_put_str(&j, "action", v->action);
    json_put_int(&j, "amount", v->amount);
    json_put_text(&j, "name", v->name.p ? v->name : TEXT(""));
    json_end_object(&j);
    if (data.failed)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for an event");
    return event_record(s, EVENT_OTP_REQUESTED, s->user_id, buf_view(&data), NULL, err);
}

char *mask_email(struct text email, struct arena *mem)
{
    size_t at = 0;
    while (at < email.n && email.p[at] != '@')
        at++;
    size_t shown = at > 2 ? 2 : at ? 1 : 0;
    return arena_printf(mem, "%.*s***%.*s", (int)shown, email.p, (int)(email.n - at), email.p + at);
}

bool transaction_code_ask(struct scope *s, const struct transaction_code_request *in, struct transaction_code *out,
                          struct err *err)
{
    struct transaction_code_values values;
    struct user_contact contact;
    if (!values_of(s, in, &values, err) || !check_pause(s, values.action, err) ||
        !user_contact_find(s->db, s->household_id, s->user_id, s->mem, &contact, err))
        return false;
    uuid7(s->now_ms, out->id);
    out->expires_ms = s->now_ms + TRANSACTION_CODE_LIFE_MS;
    out->resend_ms = s->now_ms + TRANSACTION_CODE_PAUSE_MS;
    out->masked_email = mask_email(contact.email, s->mem);
    if (!out->masked_email)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    struct transaction_code_key key = {s->household_id, s->user_id, text_of(out->id)};
    return transaction_code_insert(s->db, &key, &values, s->now_ms, out->expires_ms, err) &&
           record(s, out->id, &values, err);
}

bool transaction_code_verify(struct scope *s, struct text id, struct text code, struct authorization *out,
                             struct err *err)
{
    struct transaction_code_key key = {s->household_id, s->user_id, id};
    char purpose[UUID_TEXT_MAX], code_hash[OTP_HASH_TEXT], token_hash[OTP_HASH_TEXT];
    unsigned char bytes[TOKEN_BYTES];
    if (!uuid_is_valid(id))
        return err_set(err, ERR_NOT_FOUND, "There is no such request for a code");
    snprintf(purpose, sizeof purpose, "%.*s", TEXT_ARG(id));
    otp_hash(code, s->user_id, purpose, code_hash);
    random_bytes(bytes, sizeof bytes);
    base64url_encode(bytes, sizeof bytes, out->token, sizeof out->token);
    otp_link_hash(text_of(out->token), token_hash);
    out->expires_ms = s->now_ms + AUTHORIZATION_LIFE_MS;
    return transaction_code_try(s->db, &key, TRANSACTION_CODE_TRIES, s->now_ms, err) &&
           transaction_code_accept(s->db, &key, code_hash, token_hash, out->expires_ms, err);
}

bool authorization_spend(struct scope *s, enum transaction_action action, const struct transaction *t,
                         struct text token, struct err *err)
{
    char hash[OTP_HASH_TEXT];
    bool spent = false;
    if (!token.n)
        return true;
    otp_link_hash(token, hash);
    struct transaction_code_values values = {.action = TRANSACTION_ACTIONS[action],
                                             .transaction_id = t->id,
                                             .category_id = t->category_id,
                                             .amount = t->amount,
                                             .occurred_on = t->occurred_on,
                                             .name = t->name,
                                             .note = t->note};
    if (!transaction_code_spend(s->db, s->household_id, s->user_id, hash, &values, s->now_ms, &spent, err))
        return false;
    return spent || err_field(err, "transactionAuthorizationToken", "Mã xác thực giao dịch không hợp lệ");
}
