#include "handlers/income.h"

#include "finance/income.h"
#include "finance/transaction_code.h"
#include "finance/undo.h"
#include "views/money_body.h"
#include "views/period.h"
#include "views/view.h"

struct income_body {
    struct text name, icon, note, authorization;
    int64_t category_id, amount;
    int32_t date;
    struct field_list allocations;
    bool icon_given, note_given;
};

static const struct field ALLOCATION_FIELDS[] = {
    FIELD_ID("jarId", struct allocation, jar_id, FF_REQUIRED),
    FIELD_MONEY("amount", struct allocation, amount, FF_REQUIRED, 0),
    FIELD_END,
};

static const struct field FIELDS[] = {
    FIELD_TEXT("name", struct income_body, name, FF_REQUIRED, 1, 255),
    FIELD_ID("categoryId", struct income_body, category_id, FF_REQUIRED),
    FIELD_MONEY("amount", struct income_body, amount, FF_REQUIRED, 1),
    FIELD_DATE("date", struct income_body, date, 0),
    FIELD_TEXT_GIVEN("icon", struct income_body, icon, icon_given, 0, 500),
    FIELD_TEXT_GIVEN("note", struct income_body, note, note_given, FF_MULTILINE, 2000),
    FIELD_LIST("allocations", struct income_body, allocations, 0, ALLOCATION_FIELDS, struct allocation, 0, JAR_MAX),
    FIELD_TEXT("transactionAuthorizationToken", struct income_body, authorization, 0, 0, 2000),
    FIELD_END,
};

const struct body_def INCOME_BODY = {.fields = FIELDS, .size = sizeof(struct income_body)};

/* Rows of one income follow each other, one for each allocation. */
struct income_rows {
    struct call *call;
    struct response *res;
    struct page page;
    int64_t current; /* id of the income being read; 0 before the first */
    bool open;       /* it is being written */
};

static bool write_income_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct income_rows *rows = to;
    const struct currency *cur = rows->call->scope.currency;
    struct transaction t = transaction_income_from_row(row);
    if (t.id != rows->current) {
        if (rows->open)
            income_write_end(&rows->res->json);
        rows->current = t.id;
        rows->open = page_takes(&rows->page, &t);
        if (rows->open)
            income_write_begin(&rows->res->json, &t, cur);
    }
    if (rows->open && t.entry_id)
        income_write_allocation(&rows->res->json, t.entry_id, t.id, t.entry_jar_id, t.entry_jar_name, t.entry_amount,
                                cur);
    return true;
}

/* GET /incomes   q: month?, year?, all?, limit?, cursor?, page?, size?   200: Income[], newest first */
bool incomes_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct transaction_filter f = {.kind = KIND_INCOME};
    struct income_rows rows = {.call = call, .res = res};
    if (!period_filter(call, call->query, &f, &rows.page, err))
        return false;
    json_begin_array(&res->json);
    if (!transaction_income_list(s->db, s->household_id, &f, s->mem, write_income_row, &rows, err))
        return false;
    if (rows.open)
        income_write_end(&res->json);
    json_end_array(&res->json);
    return page_finish(call, res, &rows.page, err);
}

static struct income_input input_of(const struct income_body *body, const struct transaction *was)
{
    return (struct income_input){.name = body->name,
                                 .icon = body->icon_given || !was ? body->icon : was->icon,
                                 .note = body->note_given || !was ? body->note : was->note,
                                 .category_id = body->category_id,
                                 .amount = body->amount,
                                 .occurred_on = body->date,
                                 .allocations_given = body->allocations.given,
                                 .allocations = body->allocations.items,
                                 .allocation_count = body->allocations.count};
}

/* POST /incomes   body: name, categoryId, amount, date?, icon?, note?, allocations?   201: Income   errors: 404
 * category or jar, 422 */
bool income_post(struct call *call, struct response *res, struct err *err)
{
    const struct income_body *body = call->body;
    struct income_input in = input_of(body, NULL);
    struct income_result made;
    if (!income_add(&call->scope, &in, &made, err) ||
        !authorization_spend(&call->scope, ACTION_INCOME, &made.income, body->authorization, err))
        return false;
    income_write_json(&res->json, &made, call->scope.currency);
    return response_etag(call, res, made.income.version, err) &&
           response_created(call, res, "incomes", made.income.id, err);
}

/* PUT /incomes/{id}   body: as POST; without allocations the old shares keep their proportion   200: Income   errors:
 * 404, 412, 422 */
bool income_put(struct call *call, struct response *res, struct err *err)
{
    const struct income_body *body = call->body;
    struct transaction was;
    struct income_result now;
    if (!authorization_none(body->authorization, err) || !find_alive(call, KIND_INCOME, &was, err) ||
        !call_if_match(call, was.version, err))
        return false;
    struct income_input in = input_of(body, &was);
    if (!income_change(&call->scope, &in, &was, &now, err))
        return false;
    income_write_json(&res->json, &now, call->scope.currency);
    return response_etag(call, res, now.income.version, err);
}

/* DELETE /incomes/{id}   204   errors: 404, 412. Takes its allocations back out of the jars. */
bool income_delete(struct call *call, struct response *res, struct err *err)
{
    return delete_transaction(call, res, KIND_INCOME, err);
}
