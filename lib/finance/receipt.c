#include "finance/receipt.h"

#include "base/date.h"
#include "finance/nova/names.h"

enum {
    RECEIPT_YEARS = 10, /* an older date is a misread one */
    SCRATCH_FIRST = 64 * 1024,
    SCRATCH_MAX = 32 * 1024 * 1024 /* 1,000 categories of the longest names */
};

struct text receipt_clean(struct text t, size_t max, struct receipt *r, const struct receipt_context *ctx)
{
    char *out = arena_alloc(ctx->mem, t.n + 1);
    size_t n = 0, count = 0;
    if (!out)
        r->starved = true;
    if (!out || !t.p)
        return TEXT_NONE;
    for (size_t at = 0; at < t.n && count < max;) {
        uint32_t c = 0;
        size_t length = text_decode(t, at, &c);
        if (!length) {
            at++; /* not UTF-8 */
            continue;
        }
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xA0;
        bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
        if (blank) {
            if (n && out[n - 1] != ' ') {
                out[n++] = ' ';
                count++;
            }
        } else if (!control) {
            memcpy(out + n, t.p + at, length);
            n += length;
            count++;
        }
        at += length;
    }
    struct text clean = text_trim((struct text){out, n});
    return clean.n ? clean : TEXT_NONE;
}

bool receipt_foreign(struct err *err)
{
    return err_field(err, "file", "Hóa đơn ghi bằng một đồng tiền khác với sổ của bạn.");
}

bool receipt_date_plausible(int32_t date, int32_t today)
{
    int32_t days = date_days(today) - date_days(date);
    /* A till may be in a zone where it is tomorrow. */
    return days >= -1 && days <= RECEIPT_YEARS * 366;
}

bool receipt_add(struct receipt *r, struct text name, int64_t amount, int32_t date, const struct receipt_context *ctx)
{
    struct text clean = receipt_clean(name, RECEIPT_NAME_MAX, r, ctx);
    if (!clean.n || amount <= 0 || amount > money_max(ctx->currency) || r->count == RECEIPT_ITEMS_MAX)
        return false;
    r->items[r->count++] = (struct receipt_item){.name = clean, .amount = amount, .date = date};
    return true;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

static bool nothing(struct err *err)
{
    return err_set(err, ERR_RECEIPT_UNREADABLE, "No items with amounts were found in the file");
}

/* A part that rounds to nothing would be an item without an amount. */
static void drop_empty(struct receipt *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].amount > 0)
            r->items[kept++] = r->items[i];
    r->count = kept;
}

/* Only a difference that taxes or discounts explain is shared out: at least half and at most twice the total. */
static bool explains(int64_t sum, int64_t total)
{
    return total > 0 && sum != total && sum / 2 <= total && total / 2 <= sum;
}

bool receipt_settle(struct receipt *r, struct err *err)
{
    int64_t weights[RECEIPT_ITEMS_MAX], parts[RECEIPT_ITEMS_MAX], sum = 0;
    if (r->starved)
        return no_memory(err);
    if (!r->count)
        return nothing(err);
    for (size_t i = 0; i < r->count; i++) {
        weights[i] = r->items[i].amount;
        if (!money_add(sum, weights[i], &sum))
            return nothing(err);
    }
    if (explains(sum, r->total) && money_split(r->total, weights, r->count, sum, parts)) {
        for (size_t i = 0; i < r->count; i++)
            r->items[i].amount = parts[i];
        drop_empty(r);
    }
    return r->count || nothing(err);
}

/* ---- categories ---- */

static const struct category *category_of(const struct category_list *list, int64_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return &list->items[i];
    return NULL;
}

static bool categorize(struct receipt_item *item, const struct category_list *list, const struct nova_context *nova,
                       struct arena *scratch, struct err *err)
{
    /* A model's own word goes before the item's name. */
    struct text asked[] = {item->category_hint, item->name};
    for (size_t i = 0; i < ARRAY_LEN(asked) && !item->category_id; i++) {
        struct text hint = TEXT_NONE;
        if (!asked[i].n)
            continue;
        struct words *w = words_of(asked[i], scratch);
        if (!w)
            return no_memory(err);
        item->category_id = name_find(w, nova->categories, nova->category_count, CATEGORY_EXPENSE, 0, scratch).id;
        if (!item->category_id && topic_find(w, nova, CATEGORY_EXPENSE, NOVA_VI, &item->category_id, &hint, scratch) &&
            !item->category_hint.n)
            item->category_hint = hint;
    }
    const struct category *own = category_of(list, item->category_id);
    if (own) {
        item->category_hint = own->name;
        item->icon = own->icon;
    }
    return true;
}

bool receipt_categorize(struct receipt *r, const struct category_list *categories, const struct receipt_context *ctx,
                        struct err *err)
{
    struct nova_name *names = arena_array(ctx->mem, categories->count + 1, sizeof(*names));
    /* An item is compared with every category, which takes memory each time. */
    struct arena *scratch = arena_new(SCRATCH_FIRST, SCRATCH_MAX);
    bool ok = (names && scratch) || no_memory(err);
    for (size_t i = 0; ok && i < categories->count; i++)
        names[i] = (struct nova_name){categories->items[i].id, categories->items[i].name, categories->items[i].type};
    const struct nova_context nova = {
        .today = ctx->today, .currency = ctx->currency, .categories = names, .category_count = categories->count};
    for (size_t i = 0; ok && i < r->count; i++) {
        ok = categorize(&r->items[i], categories, &nova, scratch, err);
        arena_reset(scratch);
    }
    arena_free(scratch);
    return ok;
}
