#include "handlers/receipt.h"

#include <assert.h>

#include "base/attr.h"
#include "finance/expense.h"
#include "http/own_tx.h"
#include "http/upload.h"
#include "receipt/analyzer.h"
#include "views/view.h"

/* ---- POST /expenses/import-receipt/analyze ---- */

enum { RECEIPT_BYTES_MAX = 10 * 1024 * 1024 /* the contract, 1.6 */ };

const struct upload_def RECEIPT_UPLOAD = {.max_bytes = RECEIPT_BYTES_MAX, .types = MEDIA_IMAGES | MEDIA_BIT(MEDIA_PDF)};

static const struct text NAMELESS = TEXT_INIT("Hóa đơn");

static bool categorize(struct call *call, struct receipt *r, const struct receipt_context *ctx, struct err *err)
{
    struct scope *s = &call->scope;
    struct category_list list;
    bool ok = call_db(call, err) && category_list(s->db, s->household_id, s->mem, &list, err);
    call_db_done(call);
    return ok && receipt_categorize(r, &list, ctx, err);
}

static void put_found_item(struct json_out *j, const struct receipt_item *item, const struct receipt *r,
                           const struct currency *cur)
{
    json_begin_object(j);
    json_put_text(j, "name", item->name);
    json_put_money(j, "amount", item->amount, cur);
    json_put_id(j, "categoryId", item->category_id);
    json_put_text(j, "categoryHint", item->category_hint);
    json_put_text(j, "icon", item->icon);
    json_put_date(j, "date", item->date ? item->date : r->date);
    json_end_object(j);
}

static void put_found(struct json_out *j, const struct receipt *r, const struct currency *cur)
{
    json_begin_object(j);
    json_put_text(j, "merchant", r->merchant.n ? r->merchant : NAMELESS);
    json_put_text(j, "location", r->location);
    json_put_date(j, "receiptDate", r->date);
    json_put_int(j, "detectedItemCount", (int64_t)r->count);
    json_put_null(j, "receiptImageUrl"); /* nothing is kept */
    json_key(j, "items");
    json_begin_array(j);
    for (size_t i = 0; i < r->count; i++)
        put_found_item(j, &r->items[i], r, cur);
    json_end_array(j);
    json_end_object(j);
}

/* POST /expenses/import-receipt/analyze   multipart: file   200: {merchant, location, receiptDate, detectedItemCount,
 * receiptImageUrl, items[]}, nothing is saved   errors: 413, 415, 422 receipt_unreadable, receipt_unsupported; 503 */
bool receipt_analyze_post(struct call *call, struct response *res, struct err *err)
{
    const struct receipt_context ctx = {call->scope.currency, call->scope.today, call->scope.mem};
    struct receipt *r = arena_new_of(call->scope.mem, struct receipt);
    if (!r)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!receipt_analyze(call, &ctx, r, err) || !categorize(call, r, &ctx, err))
        return false;
    put_found(&res->json, r, call->scope.currency);
    return true;
}

/* ---- POST /expenses/import-receipt/confirm ---- */

struct item_body {
    struct text name, icon;
    int64_t amount, category_id;
    int32_t date;
};

static const struct field ITEM_FIELDS[] = {
    FIELD_TEXT("name", struct item_body, name, FF_REQUIRED, 1, 255),
    FIELD_MONEY("amount", struct item_body, amount, FF_REQUIRED, 1),
    FIELD_ID("categoryId", struct item_body, category_id, FF_ZERO_IS_NULL),
    FIELD_TEXT("icon", struct item_body, icon, 0, 0, 500),
    FIELD_DATE("date", struct item_body, date, 0),
    FIELD_END,
};

struct receipt_body {
    struct text merchant, location, image_url;
    int64_t jar_id;
    int32_t date;
    struct field_list items;
};

static const struct field FIELDS[] = {
    FIELD_TEXT("merchant", struct receipt_body, merchant, 0, 0, RECEIPT_NAME_MAX),
    FIELD_TEXT("location", struct receipt_body, location, 0, 0, RECEIPT_PLACE_MAX),
    FIELD_DATE("receiptDate", struct receipt_body, date, 0),
    FIELD_ID("jarId", struct receipt_body, jar_id, FF_ZERO_IS_NULL),
    FIELD_TEXT("receiptImageUrl", struct receipt_body, image_url, 0, 0, 500),
    FIELD_LIST("items", struct receipt_body, items, FF_REQUIRED, ITEM_FIELDS, struct item_body, 1, RECEIPT_ITEMS_MAX),
    FIELD_END,
};

const struct body_def RECEIPT_BODY = {.fields = FIELDS, .size = sizeof(struct receipt_body)};

static_assert((int)RECEIPT_ITEMS_MAX <= (int)EXPENSE_SET_MAX, "a receipt is one set");

static struct expense_input input_of(const struct receipt_body *body, const struct item_body *item)
{
    return (struct expense_input){.name = item->name,
                                  .icon = item->icon,
                                  .receipt_location = body->location.n ? body->location : body->merchant,
                                  .receipt_image_url = body->image_url,
                                  .category_id = item->category_id,
                                  .jar_id = body->jar_id,
                                  .amount = item->amount,
                                  .occurred_on = item->date ? item->date : body->date};
}

static void put_imported(struct json_out *j, const struct receipt_body *body, const struct transaction *rows,
                         size_t count, const struct currency *cur)
{
    json_begin_object(j);
    json_put_text(j, "merchant", body->merchant);
    json_put_date(j, "receiptDate", body->date);
    json_put_int(j, "detectedItemCount", (int64_t)count);
    json_put_int(j, "importedCount", (int64_t)count);
    json_key(j, "importedExpenses");
    json_begin_array(j);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(j);
        expense_write_members(j, &rows[i], cur);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

/* POST /expenses/import-receipt/confirm   body: merchant?, location?, receiptDate?, jarId?, receiptImageUrl?, items[]
 * 200: {merchant, receiptDate, detectedItemCount, importedCount, importedExpenses[]}, all or none   errors: 404, 422 */
bool receipt_confirm_post(struct call *call, struct response *res, struct err *err)
{
    const struct receipt_body *body = call->body;
    const struct item_body *items = body->items.items;
    size_t count = body->items.count;
    struct expense_input *in = arena_array(call->scope.mem, count, sizeof(*in));
    struct transaction *rows = arena_array(call->scope.mem, count, sizeof(*rows));
    if (!in || !rows)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    for (size_t i = 0; i < count; i++)
        in[i] = input_of(body, &items[i]);
    if (!expense_add_set(&call->scope, in, count, rows, err))
        return false;
    put_imported(&res->json, body, rows, count, call->scope.currency);
    return true;
}
