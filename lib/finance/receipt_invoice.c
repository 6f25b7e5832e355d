/*
 * Vietnamese e-invoices: HDon/DLHDon with TTChung (NLap: day, DVTTe: currency) and NDHDon, which holds NBan (seller),
 * DSHHDVu/HHDVu (lines) and TToan (totals). Source: decision 1450/QD-TCT, annex on the data of invoices.
 */
#include "base/attr.h"
#include "base/date.h"
#include "finance/receipt.h"
#include "service/xml.h"

enum { PATH_MAX_BYTES = 512, VALUE_MAX = 2000 };

/* Kinds of a line (TChat). */
enum { LINE_GOODS = '1', LINE_PROMOTION = '2', LINE_DISCOUNT = '3', LINE_NOTE = '4' };

struct value {
    char p[VALUE_MAX];
    size_t n;
};

struct invoice {
    const struct receipt_context *ctx;
    struct receipt *out;
    char path[PATH_MAX_BYTES];
    size_t path_n;
    struct value value; /* of the innermost element */
    struct text name, kind;
    int64_t amount;
    bool has_currency, foreign;
};

static struct text path_of(const struct invoice *v)
{
    return (struct text){v->path, v->path_n};
}

static struct text clean(const struct invoice *v, size_t max)
{
    return receipt_clean((struct text){v->value.p, v->value.n}, max, v->out, v->ctx);
}

/* "58000.000000": digits finer than the currency has are cut off, for the invoice's total rounds them too. */
static int64_t amount_of(const struct invoice *v)
{
    int64_t minor = 0;
    struct text t = text_trim((struct text){v->value.p, v->value.n});
    const char *point = t.n ? memchr(t.p, '.', t.n) : NULL;
    if (point) {
        size_t whole = (size_t)(point - t.p), digits = (size_t)v->ctx->currency->exponent;
        size_t end = digits ? whole + 1 + digits : whole;
        t = text_slice(t, 0, end < t.n ? end : t.n);
    }
    return money_parse(t, v->ctx->currency, &minor) == MONEY_OK ? minor : 0;
}

/* ---- what the elements mean ---- */

static void take_seller(struct invoice *v)
{
    v->out->merchant = clean(v, RECEIPT_NAME_MAX);
}

static void take_place(struct invoice *v)
{
    v->out->location = clean(v, RECEIPT_PLACE_MAX);
}

static void take_day(struct invoice *v)
{
    int32_t date;
    struct text t = clean(v, DATE_TEXT_MAX);
    if (date_parse(t, &date) && receipt_date_plausible(date, v->ctx->today))
        v->out->date = date;
}

static void take_currency(struct invoice *v)
{
    v->foreign = !text_eq_nocase(clean(v, 8), text_of(v->ctx->currency->code));
    v->has_currency = true;
}

static void take_total(struct invoice *v)
{
    v->out->total = amount_of(v);
}

static void take_name(struct invoice *v)
{
    v->name = clean(v, RECEIPT_NAME_MAX);
}

static void take_kind(struct invoice *v)
{
    v->kind = clean(v, 1);
}

static void take_line_amount(struct invoice *v)
{
    v->amount = amount_of(v);
}

static void take_line(struct invoice *v)
{
    char kind = v->kind.n ? v->kind.p[0] : LINE_GOODS;
    if (kind != LINE_DISCOUNT && kind != LINE_NOTE)
        (void)receipt_add(v->out, v->name, v->amount, 0, v->ctx);
    v->name = v->kind = TEXT_NONE;
    v->amount = 0;
}

static const struct {
    const char *path; /* how it ends */
    void (*take)(struct invoice *v);
} ELEMENTS[] = {
    {"/TTChung/NLap", take_day},         {"/TTChung/DVTTe", take_currency}, {"/NBan/Ten", take_seller},
    {"/NBan/DChi", take_place},          {"/HHDVu/THHDVu", take_name},      {"/HHDVu/TChat", take_kind},
    {"/HHDVu/ThTien", take_line_amount}, {"/DSHHDVu/HHDVu", take_line},     {"/TToan/TgTTTBSo", take_total},
};

static bool ends_with(struct text t, struct text end)
{
    return t.n >= end.n && memcmp(t.p + t.n - end.n, end.p, end.n) == 0;
}

/* ---- walking ---- */

static bool open_element(void *to, struct text name, struct err *err)
{
    struct invoice *v = to;
    if (v->path_n + 1 + name.n > sizeof(v->path))
        return err_set(err, ERR_BAD_REQUEST, "The names of the XML are too long");
    v->path[v->path_n++] = '/';
    memcpy(v->path + v->path_n, name.p, name.n);
    v->path_n += name.n;
    v->value.n = 0;
    return true;
}

static bool add_text(void *to, struct text piece, struct err *err)
{
    struct invoice *v = to;
    (void)err;
    size_t room = sizeof(v->value.p) - v->value.n, n = piece.n < room ? piece.n : room;
    memcpy(v->value.p + v->value.n, piece.p, n);
    v->value.n += n;
    return true;
}

static bool close_element(void *to, struct text name, struct err *err)
{
    struct invoice *v = to;
    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(ELEMENTS); i++)
        if (ends_with(path_of(v), text_of(ELEMENTS[i].path)))
            ELEMENTS[i].take(v);
    v->path_n -= name.n + 1;
    v->value.n = 0;
    return true;
}

static bool unreadable(struct err *err, const char *why)
{
    return err_set(err, ERR_RECEIPT_UNREADABLE, "%s", why);
}

bool receipt_read_invoice(struct text xml, const struct receipt_context *ctx, struct receipt *out, struct err *err)
{
    static const struct xml_handler HANDLER = {open_element, add_text, close_element};
    struct invoice *v = arena_new_of(ctx->mem, struct invoice);
    *out = (struct receipt){0};
    if (!v)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    v->ctx = ctx;
    v->out = out;
    if (!xml_read(xml, &HANDLER, v, err))
        return err->code == ERR_BAD_REQUEST ? unreadable(err, "The invoice's XML cannot be read") : false;
    if (v->foreign)
        return receipt_foreign(err);
    if (!out->count && out->total)
        (void)receipt_add(out, out->merchant, out->total, 0, ctx);
    return receipt_settle(out, err);
}
