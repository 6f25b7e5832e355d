/* What a model says is on a receipt: untrusted JSON, read by field tables. */
#include "base/attr.h"
#include "base/fields.h"
#include "finance/receipt.h"

struct head {
    struct text merchant, location;
    int64_t total;
    int32_t date;
};

/* One row at a time, so that one bad member does not cost the others. */
static const struct field MERCHANT[] = {FIELD_TEXT("merchant", struct head, merchant, 0, 0, RECEIPT_NAME_MAX),
                                        FIELD_END};
static const struct field LOCATION[] = {FIELD_TEXT("location", struct head, location, 0, 0, RECEIPT_PLACE_MAX),
                                        FIELD_END};
static const struct field DATE[] = {FIELD_DATE("receiptDate", struct head, date, 0), FIELD_END};
static const struct field TOTAL[] = {FIELD_MONEY("total", struct head, total, 0, 0), FIELD_END};
static const struct field *const HEAD[] = {MERCHANT, LOCATION, DATE, TOTAL};

struct line {
    struct text name, category;
    int64_t amount;
    int32_t date;
};

static const struct field LINE[] = {
    FIELD_TEXT("name", struct line, name, FF_REQUIRED, 1, RECEIPT_NAME_MAX),
    FIELD_MONEY("amount", struct line, amount, FF_REQUIRED, 1),
    FIELD_TEXT("category", struct line, category, 0, 0, RECEIPT_NAME_MAX),
    FIELD_DATE("date", struct line, date, 0),
    FIELD_END,
};

static int32_t plausible(int32_t date, int32_t today)
{
    return date && receipt_date_plausible(date, today) ? date : 0;
}

static bool read_line(const struct json_node *v, const struct field_ctx *fields, const struct receipt_context *ctx,
                      struct receipt *out, struct err *err)
{
    struct line line = {0};
    struct err fault = {0};
    if (!fields_read_json(LINE, v, &line, fields, &fault)) {
        if (fault.code == ERR_VALIDATION)
            return true;
        *err = fault;
        return false;
    }
    if (receipt_add(out, line.name, line.amount, plausible(line.date, ctx->today), ctx))
        out->items[out->count - 1].category_hint = line.category;
    return true;
}

bool receipt_read_json(const struct json_node *v, const struct receipt_context *ctx, struct receipt *out,
                       struct err *err)
{
    struct field_ctx fields = {.mem = ctx->mem, .currency = ctx->currency};
    struct head head = {0};
    const struct json_node *items = NULL;
    *out = (struct receipt){0};
    if (json_kind(v) != JSON_OBJECT)
        return err_set(err, ERR_RECEIPT_UNREADABLE, "There is no receipt in the file");
    for (size_t i = 0; i < ARRAY_LEN(HEAD); i++) {
        struct err fault = {0};
        if (!fields_read_json(HEAD[i], v, &head, &fields, &fault) && fault.code != ERR_VALIDATION) {
            *err = fault;
            return false;
        }
    }
    out->merchant = head.merchant;
    out->location = head.location;
    out->date = plausible(head.date, ctx->today);
    out->total = head.total;
    if (!json_get(v, "items", &items) || json_kind(items) != JSON_ARRAY)
        items = NULL;
    for (size_t i = 0; i < json_count(items) && i < RECEIPT_ITEMS_MAX; i++)
        if (!read_line(json_at(items, i), &fields, ctx, out, err))
            return false;
    return receipt_settle(out, err);
}
