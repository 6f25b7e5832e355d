#include "handlers/expense.h"

#include "finance/expense.h"
#include "finance/transaction_code.h"
#include "views/money_body.h"
#include "views/period.h"
#include "views/view.h"

struct expense_body {
    struct text name, icon, note, receipt_location, receipt_image_url, authorization;
    int64_t category_id, jar_id, amount;
    int32_t date;
    bool icon_given, note_given, jar_given, location_given, image_given;
};

static const struct field FIELDS[] = {
    FIELD_TEXT("name", struct expense_body, name, FF_REQUIRED, 1, 255),
    FIELD_ID("categoryId", struct expense_body, category_id, FF_REQUIRED),
    FIELD_MONEY("amount", struct expense_body, amount, FF_REQUIRED, 1),
    FIELD_DATE("date", struct expense_body, date, 0),
    FIELD_ID_GIVEN("jarId", struct expense_body, jar_id, jar_given, 0),
    FIELD_TEXT_GIVEN("icon", struct expense_body, icon, icon_given, 0, 500),
    FIELD_TEXT_GIVEN("note", struct expense_body, note, note_given, FF_MULTILINE, 2000),
    FIELD_TEXT_GIVEN("receiptLocation", struct expense_body, receipt_location, location_given, 0, 500),
    FIELD_TEXT_GIVEN("receiptImageUrl", struct expense_body, receipt_image_url, image_given, 0, 500),
    FIELD_TEXT("transactionAuthorizationToken", struct expense_body, authorization, 0, 0, 2000),
    FIELD_END,
};

const struct body_def EXPENSE_BODY = {.fields = FIELDS, .size = sizeof(struct expense_body)};

struct expense_rows {
    struct call *call;
    struct response *res;
    struct page page;
};

static bool write_expense_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct expense_rows *rows = to;
    struct transaction t = transaction_from_row(row);
    if (!page_takes(&rows->page, &t))
        return true;
    json_begin_object(&rows->res->json);
    expense_write_members(&rows->res->json, &t, rows->call->scope.currency);
    json_end_object(&rows->res->json);
    return true;
}

/* GET /expenses   q: month?, year?, all?, limit?, cursor?, page?, size?   200: Expense[], newest first */
bool expenses_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct transaction_filter f = {.kind = KIND_EXPENSE};
    struct expense_rows rows = {.call = call, .res = res};
    if (!period_filter(call, call->query, &f, &rows.page, err))
        return false;
    json_begin_array(&res->json);
    if (!transaction_list(s->db, s->household_id, &f, s->mem, write_expense_row, &rows, err))
        return false;
    json_end_array(&res->json);
    return page_finish(call, res, &rows.page, err);
}

/* There are no budgets yet, so none is exceeded. */
static void write_budget_status(struct json_out *j, const struct transaction *t, const struct currency *cur)
{
    json_begin_object(j);
    json_put_bool(j, "hasBudget", false);
    json_put_bool(j, "exceeded", false);
    json_put_bool(j, "isExceeded", false);
    json_put_bool(j, "warning", false);
    json_put_bool(j, "isWarning", false);
    json_put_int(j, "usageRatio", 0);
    json_put_null(j, "amountLimit");
    json_put_money(j, "totalSpent", 0, cur);
    json_put_text(j, "categoryName", t->category_name);
    json_end_object(j);
}

static bool answer(struct call *call, struct response *res, const struct transaction *t, struct err *err)
{
    struct json_out *j = &res->json;
    json_begin_object(j);
    expense_write_members(j, t, call->scope.currency);
    json_key(j, "budgetStatus");
    write_budget_status(j, t, call->scope.currency);
    json_end_object(j);
    return response_etag(call, res, t->version, err);
}

/* What a change does not mention stays as it was. */
static struct expense_input input_of(const struct expense_body *body, const struct transaction *was)
{
    return (struct expense_input){
        .name = body->name,
        .icon = body->icon_given || !was ? body->icon : was->icon,
        .note = body->note_given || !was ? body->note : was->note,
        .receipt_location = body->location_given || !was ? body->receipt_location : was->receipt_location,
        .receipt_image_url = body->image_given || !was ? body->receipt_image_url : was->receipt_image_url,
        .category_id = body->category_id,
        .jar_id = body->jar_given || !was ? body->jar_id : was->jar_id,
        .amount = body->amount,
        .occurred_on = body->date,
    };
}

/* POST /expenses   body: name, categoryId, amount, date?, jarId?, icon?, note?, receipt…?   201: Expense with
 * budgetStatus   errors: 404, 422 */
bool expense_post(struct call *call, struct response *res, struct err *err)
{
    const struct expense_body *body = call->body;
    struct expense_input in = input_of(body, NULL);
    struct transaction made;
    return expense_add(&call->scope, &in, &made, err) &&
           authorization_spend(&call->scope, ACTION_EXPENSE, &made, body->authorization, err) &&
           answer(call, res, &made, err) && response_created(call, res, "expenses", made.id, err);
}

/* PUT /expenses/{id}   body: as POST   200: as POST   errors: 404, 412, 422 */
bool expense_put(struct call *call, struct response *res, struct err *err)
{
    const struct expense_body *body = call->body;
    struct transaction t;
    if (!authorization_none(body->authorization, err) || !find_alive(call, KIND_EXPENSE, &t, err) ||
        !call_if_match(call, t.version, err))
        return false;
    struct expense_input in = input_of(body, &t);
    return expense_change(&call->scope, &in, &t, err) && answer(call, res, &t, err);
}

/* DELETE /expenses/{id}   204   errors: 404, 412. Refunds the jar. */
bool expense_delete(struct call *call, struct response *res, struct err *err)
{
    return delete_transaction(call, res, KIND_EXPENSE, err);
}
