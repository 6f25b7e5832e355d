#include "handlers/transaction.h"

#include "finance/expense.h"
#include "finance/income.h"
#include "finance/undo.h"
#include "views/money_body.h"
#include "views/period.h"
#include "views/view.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 200 };

struct transactions_query {
    int64_t kind, category_id, jar_id, min_amount, max_amount, limit;
    int32_t from, to;
    struct text keyword, cursor;
    bool kind_given;
};

static const struct field QUERY_FIELDS[] = {
    {.name = "kind",
     .kind = FK_CHOICE,
     .offset = offsetof(struct transactions_query, kind),
     .given_offset = offsetof(struct transactions_query, kind_given),
     .choices = TRANSACTION_KINDS},
    FIELD_DATE("from", struct transactions_query, from, 0),
    FIELD_DATE("to", struct transactions_query, to, 0),
    FIELD_ID("categoryId", struct transactions_query, category_id, 0),
    FIELD_ID("jarId", struct transactions_query, jar_id, 0),
    FIELD_TEXT("keyword", struct transactions_query, keyword, 0, 0, 255),
    FIELD_MONEY("minAmount", struct transactions_query, min_amount, 0, 0),
    FIELD_MONEY("maxAmount", struct transactions_query, max_amount, 0, 0),
    FIELD_INT("limit", struct transactions_query, limit, 0, 1, LIMIT_MAX),
    FIELD_TEXT("cursor", struct transactions_query, cursor, 0, 1, 64),
    FIELD_END,
};

struct transaction_body {
    struct text name, icon, note, receipt_location, receipt_image_url;
    int64_t category_id, jar_id, amount;
    int32_t date;
    bool category_given, icon_given, note_given, jar_given, location_given, image_given;
};

static const struct field BODY_FIELDS[] = {
    FIELD_TEXT("name", struct transaction_body, name, FF_REQUIRED, 1, 255),
    FIELD_ID_GIVEN("categoryId", struct transaction_body, category_id, category_given, 0),
    FIELD_MONEY("amount", struct transaction_body, amount, FF_REQUIRED, 1),
    FIELD_DATE("date", struct transaction_body, date, 0),
    FIELD_ID_GIVEN("jarId", struct transaction_body, jar_id, jar_given, 0),
    FIELD_TEXT_GIVEN("icon", struct transaction_body, icon, icon_given, 0, 500),
    FIELD_TEXT_GIVEN("note", struct transaction_body, note, note_given, FF_MULTILINE, 2000),
    FIELD_TEXT_GIVEN("receiptLocation", struct transaction_body, receipt_location, location_given, 0, 500),
    FIELD_TEXT_GIVEN("receiptImageUrl", struct transaction_body, receipt_image_url, image_given, 0, 500),
    FIELD_END,
};

const struct query_def TRANSACTIONS_QUERY = {.fields = QUERY_FIELDS, .size = sizeof(struct transactions_query)};
const struct body_def TRANSACTION_BODY = {
    .fields = BODY_FIELDS, .size = sizeof(struct transaction_body), .strict = true};

struct transaction_rows {
    struct call *call;
    struct response *res;
    struct page page;
};

static bool write_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct transaction_rows *rows = to;
    struct transaction t = transaction_from_row(row);
    if (page_takes(&rows->page, &t))
        transaction_write_json(&rows->res->json, &t, rows->call->scope.currency);
    return true;
}

static bool filter_of(const struct transactions_query *q, struct transaction_filter *f, struct page *page,
                      struct err *err)
{
    int64_t before = 0;
    if (q->cursor.n && !cursor_read(q->cursor, &before, &f->before_id, err))
        return false;
    page->left = q->limit ? q->limit : LIMIT_DEFAULT;
    f->kind = q->kind_given ? q->kind : -1;
    f->from = q->from;
    f->to = q->to;
    f->category_id = q->category_id;
    f->jar_id = q->jar_id;
    f->keyword = q->keyword;
    f->min_amount = q->min_amount;
    f->max_amount = q->max_amount;
    f->before_date = (int32_t)before;
    f->limit = page->left + 1;
    return true;
}

/* GET /transactions   q: kind?, from?, to?, categoryId?, jarId?, keyword?, minAmount?, maxAmount?, limit?, cursor? 200:
 * Transaction[], newest first */
bool transactions_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct transaction_filter f = {0};
    struct transaction_rows rows = {.call = call, .res = res};
    if (!filter_of(call->query, &f, &rows.page, err))
        return false;
    json_begin_array(&res->json);
    if (!transaction_list(s->db, s->household_id, &f, s->mem, write_row, &rows, err))
        return false;
    json_end_array(&res->json);
    return page_finish(call, res, &rows.page, err);
}

static bool answer(struct call *call, struct response *res, const struct transaction *t, struct err *err)
{
    transaction_write_json(&res->json, t, call->scope.currency);
    return response_etag(call, res, t->version, err);
}

/* GET /transactions/{id}   200: Transaction with ETag   errors: 404 */
bool transaction_get(struct call *call, struct response *res, struct err *err)
{
    struct transaction t;
    return find_alive(call, -1, &t, err) && answer(call, res, &t, err);
}

/* What a change does not mention stays as it was. */
static struct expense_input merged(const struct transaction_body *body, const struct transaction *was)
{
    return (struct expense_input){
        .name = body->name,
        .icon = body->icon_given ? body->icon : was->icon,
        .note = body->note_given ? body->note : was->note,
        .receipt_location = body->location_given ? body->receipt_location : was->receipt_location,
        .receipt_image_url = body->image_given ? body->receipt_image_url : was->receipt_image_url,
        .category_id = body->category_given ? body->category_id : was->category_id,
        .jar_id = body->jar_given ? body->jar_id : was->jar_id,
        .amount = body->amount,
        .occurred_on = body->date ? body->date : was->occurred_on};
}

static bool change_income(struct call *call, const struct expense_input *in, struct transaction *t, struct err *err)
{
    struct income_input income = {.name = in->name,
                                  .icon = in->icon,
                                  .note = in->note,
                                  .category_id = in->category_id,
                                  .amount = in->amount,
                                  .occurred_on = in->occurred_on};
    struct income_result result;
    if (!income_change(&call->scope, &income, t, &result, err))
        return false;
    *t = result.income;
    return true;
}

static bool change_transfer(struct call *call, const struct expense_input *in, struct transaction *t, struct err *err)
{
    struct transaction was = *t;
    t->name = in->name;
    t->icon = in->icon;
    t->note = in->note;
    t->amount = in->amount;
    t->occurred_on = in->occurred_on;
    return transfer_change(&call->scope, &was, t, err);
}

/* Fields that the kind does not have. */
static bool check_kind_fields(const struct transaction_body *body, const struct transaction *t, struct err *err)
{
    bool fits = true;
    if (t->kind != KIND_EXPENSE && body->jar_given && body->jar_id)
        fits = err_field(err, "jarId", "Chỉ khoản chi mới có hũ chi trả");
    if (t->kind == KIND_TRANSFER && body->category_given && body->category_id)
        fits = err_field(err, "categoryId", "Khoản chuyển không có danh mục");
    if (t->kind != KIND_TRANSFER && body->category_given && !body->category_id)
        fits = err_field(err, "categoryId", "Không được để trống");
    return fits;
}

/* PUT /transactions/{id}   body: the kind's fields; what is absent stays   200: Transaction   errors: 404, 412, 422 */
bool transaction_put(struct call *call, struct response *res, struct err *err)
{
    const struct transaction_body *body = call->body;
    struct transaction t;
    if (!find_alive(call, -1, &t, err) || !call_if_match(call, t.version, err) || !check_kind_fields(body, &t, err))
        return false;
    struct expense_input in = merged(body, &t);
    bool changed = t.kind == KIND_EXPENSE  ? expense_change(&call->scope, &in, &t, err)
                   : t.kind == KIND_INCOME ? change_income(call, &in, &t, err)
                                           : change_transfer(call, &in, &t, err);
    return changed && answer(call, res, &t, err);
}

/* DELETE /transactions/{id}   204   errors: 404, 412. Can be undone for 30 days. */
bool transaction_delete(struct call *call, struct response *res, struct err *err)
{
    return delete_transaction(call, res, -1, err);
}

/* POST /transactions/{id}/restore   200: Transaction   errors: 404 not deleted or too long ago, 409 its category is
 * gone */
bool transaction_undelete(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct transaction t;
    return transaction_find(s->db, s->household_id, call->ids[0], s->mem, &t, err) &&
           call_if_match(call, t.version, err) && transaction_restore(s, &t, err) && answer(call, res, &t, err);
}
