/* Receipts: whatever a file says, items have names and amounts of the contract, and add up to a total that was
 * believed. */
#include "fuzz.h"

#include "finance/receipt.h"

enum { TODAY = 20260310 };

static void check(const struct receipt *r, const struct receipt_context *ctx)
{
    CHECK(r->count > 0 && r->count <= RECEIPT_ITEMS_MAX);
    CHECK(!r->date || receipt_date_plausible(r->date, TODAY));
    for (size_t i = 0; i < r->count; i++) {
        const struct receipt_item *item = &r->items[i];
        CHECK(item->amount > 0 && item->amount <= money_max(ctx->currency));
        CHECK(item->name.n && text_is_utf8(item->name) && !text_has_control(item->name, false));
        CHECK(text_length(item->name) <= RECEIPT_NAME_MAX);
    }
}

static void read_model(struct text all, const struct receipt_context *ctx, struct receipt *r)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(all, &err);
    if (doc && receipt_read_json(json_root(doc), ctx, r, &err))
        check(r, ctx);
    json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = fuzz_copy(data, size), all = whole;
    struct arena *mem = fuzz_arena();
    struct receipt *r = arena_new_of(mem, struct receipt);
    unsigned reader = fuzz_choice(&all, 3), dollars = fuzz_choice(&all, 2);
    const struct receipt_context ctx = {currency_find(dollars ? TEXT("USD") : TEXT("VND")), TODAY, mem};
    struct err err = {0};
    if (reader == 2)
        read_model(all, &ctx, r);
    else if (reader ? receipt_read_invoice(all, &ctx, r, &err) : receipt_read_text(all, &ctx, r, &err))
        check(r, &ctx);
    CHECK(err.code == ERR_NONE || err.code == ERR_RECEIPT_UNREADABLE || err.code == ERR_VALIDATION);
    fuzz_free(whole);
    return 0;
}
