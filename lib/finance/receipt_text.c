/* The text of a printed receipt: who sold, when and where, then lines of items until the total. */
#include "base/attr.h"
#include "base/date.h"
#include "finance/nova/fold.h"
#include "finance/nova/words.h"
#include "finance/receipt.h"
#include "finance/receipt_line.h"

enum { LINES_MAX = 2000, LINE_MAX = 400 /* bytes; what is beyond is cut */, EXTRAS_MAX = 8 };

/* What a line is about, by the words that it begins with; the longest that fits counts. */
enum topic {
    TOPIC_NONE,
    TOPIC_SKIP,
    TOPIC_SKIP_ANY, /* whatever follows a single word */
    TOPIC_SUBTOTAL,
    TOPIC_EXTRA, /* tax, charge: money on top of the items */
    TOPIC_DISCOUNT,
    TOPIC_TOTAL,
    TOPIC_SELLER,
    TOPIC_PLACE,
    TOPIC_TITLE
};

static const struct {
    enum topic topic;
    const char *words; /* folded, by '|' */
} TOPICS[] = {
    {TOPIC_SUBTOTAL,
     "tam tinh|cong tien hang|tong tien hang|tien hang|cong|tong truoc thue|tong chua thue|tong tien chua thue|thanh tien truoc thue|thanh tien chua thue|subtotal|sub total|total before tax|net amount"},
    {TOPIC_EXTRA,
     "vat|vat amount|thue|thue vat|tien thue|thue gtgt|tien thue gtgt|tong tien thue|thue suat|thue suat gtgt|tax|tax amount|sales tax|gst|service charge|service fee|phi dich vu|phi phuc vu|phi giao hang|"
     "phi van chuyen|phi ship|phi dong goi|phi nen tang|phu thu|phu phi|shipping|shipping fee|delivery|delivery fee|tip|gratuity|total vat|total tax"},
    {TOPIC_DISCOUNT,
     "giam gia|giam|chiet khau|tong giam|tong giam gia|tong chiet khau|tong tien da giam|khuyen mai|uu dai|voucher|ma giam gia|discount|coupon|promotion|savings|total discount|member discount"},
    {TOPIC_TOTAL,
     "tong cong|tong tien|tong thanh toan|tong tien thanh toan|tong cong tien thanh toan|tong so tien|tong so tien thanh toan|tong|thanh toan|phai tra|phai thu|can thanh toan|khach phai tra|"
     "so tien thanh toan|tien phai tra|cong tien thanh toan|total|grand total|total due|total amount|amount due|balance due|to pay|total payment|total to pay"},
    {TOPIC_SKIP,
     "tong so luong|tong sl|tong so mon|total items|total qty|total quantity|so luong|sl|tien khach|tien khach dua|khach dua|khach tra|khach thanh toan|tien khach tra|tien mat|tien thua|tien thoi|tien thoi lai|"
     "thoi lai|tra lai|tien tra lai|change|change due|cash|cash tendered|paid|amount paid|tendered|card|credit card|debit card|chuyen khoan|diem|diem tich luy|points|ma so thue|tax code|tax id|vat no|vat reg|"
     "so hd|so hoa don|hoa don so|ky hieu|mau so|invoice|invoice no|receipt no|receipt|order|order no|so phieu|ma hd|ma don hang|bill no|bill|phone|dt|sdt|dien thoai|so dien thoai|thu ngan|cashier|"
     "nhan vien|server|ban so|so ban|table|ngay|date|gio vao|gio ra|gio|time|stk|so tai khoan|tai khoan|account|bang chu|so tien bang chu|so tien viet bang chu|viet bang chu|cam on|thank you|thanks|stt|"
     "ten hang|ten hang hoa|mat hang|ten mon|item|description|qty|don gia|thanh tien|trang|page|khach hang|nguoi mua|nguoi mua hang|ho ten nguoi mua hang|customer|hinh thuc thanh toan|"
     "phuong thuc thanh toan|payment method|ma giao dich|ma khach hang|ma tra cuu|so|quay|guests"},
    {TOPIC_SKIP_ANY, "visa|mastercard|momo|zalopay|vnpay|hotline|fax|website|www|email|wifi|mst|tel|nvbh"},
    {TOPIC_SELLER, "don vi ban hang|nguoi ban|ten nguoi ban|ten don vi ban|seller|merchant|sold by|cua hang|store"},
    {TOPIC_PLACE, "dia chi|address|dc|d c|addr"},
    {TOPIC_TITLE,
     "hoa don|hoa don ban le|hoa don ban hang|hoa don gia tri gia tang|hoa don thanh toan|hoa don gtgt|hoa don tinh tien|hoa don tien|phieu|phieu thanh toan|phieu tinh tien|phieu tam tinh|bien lai|"
     "tax invoice|sales receipt|cash receipt|cong hoa xa hoi|doc lap|ban the hien"},
};

struct reading {
    const struct receipt_context *ctx;
    struct receipt *out;
    struct arena *scratch;           /* of one line */
    struct text first_line, pending; /* a name whose numbers stand on the next line */
    enum topic pending_topic;
    int64_t extras, discounts;
    struct receipt_item extra[EXTRAS_MAX];
    size_t extra_count;
    bool seller_told, ended;
};

/* A word alone is a label only where no further word follows: "Giò: 9h", not "Giò lụa"; "Thuế 8%", not "Thuê xe". */
static bool is_label_of_one(const struct words *w, size_t next)
{
    return next >= w->n || w->v[next].sign || w->v[next].number;
}

/* *length: how many words of the line it takes. */
static enum topic topic_of(const struct words *w, size_t *first, size_t *length)
{
    enum topic best = TOPIC_NONE;
    *first = 0;
    while (*first < w->n && (w->v[*first].sign || w->v[*first].number))
        (*first)++;
    *length = 0;
    for (size_t i = 0; i < ARRAY_LEN(TOPICS); i++) {
        struct text rest = text_of(TOPICS[i].words), one;
        while (text_split(&rest, '|', &one)) {
            char phrase[64];
            snprintf(phrase, sizeof(phrase), "%.*s", TEXT_ARG(one));
            size_t n = words_at(w, *first, phrase);
            if (n > *length && (n > 1 || TOPICS[i].topic == TOPIC_SKIP_ANY || is_label_of_one(w, *first + n))) {
                *length = n;
                best = TOPICS[i].topic;
            }
        }
    }
    return best;
}

static bool is_colon(const struct word *word)
{
    return word->sign && text_eq(word->t, TEXT(":"));
}

/* Behind the label and what is said of it in brackets: "Địa chỉ (Address): 1 Trần Phú". w->n: there is no colon. */
static size_t colon_behind(const struct words *w, size_t at)
{
    enum { FAR = 6 };
    for (size_t i = at; i < w->n && i < at + FAR; i++)
        if (is_colon(&w->v[i]))
            return i;
    return w->n;
}

/* What stands behind the label. */
static struct text value_of(struct text line, const struct words *w, size_t first, size_t length)
{
    size_t at = first + length, colon = colon_behind(w, at);
    at = colon < w->n ? colon : at;
    while (at < w->n && w->v[at].sign)
        at++;
    return at < w->n ? text_slice(line, w->v[at].from, line.n) : TEXT_NONE;
}

/* The first column of a line. */
static struct text column(struct text line)
{
    enum { GAP = 3 };
    struct text t = text_trim(line);
    for (size_t i = 0, run = 0; i < t.n; i++) {
        run = t.p[i] == ' ' || t.p[i] == '\t' ? run + 1 : 0;
        if (run == GAP)
            return text_trim(text_slice(t, 0, i));
    }
    return t;
}

static struct text last_column(struct text line)
{
    struct text first = column(line), t = text_trim(line);
    while (first.n && first.n < t.n) {
        t = text_trim(text_slice(t, first.n, t.n));
        first = column(t);
    }
    return t;
}

static size_t letters(struct text t)
{
    size_t n = 0;
    for (size_t at = 0, length; at < t.n; at += length) {
        uint32_t c = 0;
        length = text_decode(t, at, &c);
        if (!length) {
            length = 1;
            continue;
        }
        n += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 0xBF;
    }
    return n;
}

static bool is_label(struct text name)
{
    return name.n && (name.p[name.n - 1] == ':' || name.p[name.n - 1] == '#');
}

static void add_extra(struct reading *r, struct text name, int64_t amount)
{
    if (r->extra_count == EXTRAS_MAX || !money_add(r->extras, amount, &r->extras))
        return;
    while (is_label(name))
        name.n--;
    r->extra[r->extra_count++] =
        (struct receipt_item){.name = receipt_clean(name, RECEIPT_NAME_MAX, r->out, r->ctx), .amount = amount};
}

/* Money that is no item. */
static void take_money(struct reading *r, enum topic topic, const struct receipt_line *line)
{
    if (topic == TOPIC_TOTAL) {
        r->out->total = line->amount;
        r->ended = true;
    } else if (topic == TOPIC_DISCOUNT) {
        if (!money_add(r->discounts, line->amount, &r->discounts))
            r->discounts = 0;
    } else if (topic == TOPIC_EXTRA) {
        add_extra(r, last_column(line->name), line->amount);
    }
}

static bool is_money_topic(enum topic topic)
{
    return topic == TOPIC_TOTAL || topic == TOPIC_DISCOUNT || topic == TOPIC_EXTRA || topic == TOPIC_SUBTOTAL;
}

static void take_item(struct reading *r, const struct receipt_line *line)
{
    struct text name = line->name.n ? line->name : r->pending;
    r->pending = TEXT_NONE;
    if (line->negative) {
        if (!money_add(r->discounts, line->amount, &r->discounts))
            r->discounts = 0;
        return;
    }
    if (!r->ended && letters(name) >= 2 && !is_label(name) && receipt_add(r->out, name, line->amount, 0, r->ctx) &&
        r->out->count == 1 && !r->out->merchant.n)
        r->out->merchant = r->first_line;
}

/* A line without an amount may name the seller, or the item whose numbers follow. */
static void take_words(struct reading *r, struct text line, const struct receipt_line *parsed)
{
    struct text name = column(line);
    r->pending = TEXT_NONE;
    if (letters(name) < 2 || is_label(name))
        return;
    name = receipt_clean(name, RECEIPT_NAME_MAX, r->out, r->ctx);
    if (!parsed->numbers)
        r->pending = name;
    if (!r->first_line.n && !r->out->count)
        r->first_line = name;
}

/* Day and month changed: "03/05/2026" of a till that prints the month first. */
static int32_t swapped(int32_t date)
{
    int32_t other = 0;
    return date_make(date / 10000, date % 100, date / 100 % 100, &other) ? other : 0;
}

static void take_date(struct reading *r, int32_t date)
{
    int32_t today = r->ctx->today;
    if (!date || r->out->date)
        return;
    if (!receipt_date_plausible(date, today))
        date = swapped(date);
    if (date && receipt_date_plausible(date, today))
        r->out->date = date;
}

/* "TỔNG CÔNG TY ĐIỆN LỰC" begins like a total and goes on like a name. */
static bool goes_on(const struct words *w, size_t behind, const struct receipt_line *parsed)
{
    return !parsed->numbers && colon_behind(w, behind) == w->n && behind + 2 <= w->n;
}

static enum topic line_topic(struct reading *r, const struct words *w, const struct receipt_line *parsed, size_t *first,
                             size_t *length)
{
    enum topic topic = topic_of(w, first, length);
    if (is_money_topic(topic) && goes_on(w, *first + *length, parsed))
        topic = TOPIC_NONE;
    if (topic == TOPIC_SELLER && colon_behind(w, *first + *length) == w->n)
        topic = TOPIC_NONE;
    /* The numbers of a label on the line before. */
    if (topic == TOPIC_NONE && !parsed->name.n && is_money_topic(r->pending_topic))
        topic = r->pending_topic;
    r->pending_topic = is_money_topic(topic) && !parsed->has_amount ? topic : TOPIC_NONE;
    return topic;
}

static void take_line(struct reading *r, struct text line)
{
    struct words *w = words_of(line, r->scratch);
    struct text folded = nova_fold(line, r->scratch);
    size_t first, length;
    if (!w || !folded.p)
        r->out->starved = true;
    if (!w || !folded.n)
        return;
    struct receipt_line parsed = receipt_line_read(line, r->ctx->currency);
    enum topic topic = line_topic(r, w, &parsed, &first, &length);
    int32_t date = receipt_date(folded);
    take_date(r, date);
    if (topic == TOPIC_SELLER && !r->seller_told) {
        struct text value = receipt_clean(value_of(line, w, first, length), RECEIPT_NAME_MAX, r->out, r->ctx);
        r->seller_told = value.n > 0;
        r->out->merchant = value.n ? value : r->out->merchant;
    } else if (topic == TOPIC_PLACE && !r->out->location.n) {
        r->out->location = receipt_clean(value_of(line, w, first, length), RECEIPT_PLACE_MAX, r->out, r->ctx);
    } else if (is_money_topic(topic)) {
        if (parsed.has_amount)
            take_money(r, topic, &parsed);
    } else if (topic == TOPIC_NONE && !date && !receipt_has_time(line)) {
        if (parsed.has_amount)
            take_item(r, &parsed);
        else
            take_words(r, line, &parsed);
    }
}

static void read_lines(struct reading *r, struct text text)
{
    struct text line;
    for (size_t i = 0; i < LINES_MAX && text_split(&text, '\n', &line); i++) {
        take_line(r, text_slice(line, 0, line.n < LINE_MAX ? line.n : LINE_MAX));
        arena_reset(r->scratch);
    }
}

static int64_t sum_of(const struct receipt *r)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!money_add(sum, r->items[i].amount, &sum))
            return 0;
    return sum;
}

/* Taxes and charges are items of their own where only they explain the total. */
static void add_extras(struct reading *r)
{
    struct receipt *out = r->out;
    int64_t with = 0, sum = sum_of(out);
    if (!out->total || !sum || sum == out->total || !money_add(sum, r->extras, &with) ||
        !money_sub(with, r->discounts, &with) || with != out->total)
        return;
    for (size_t i = 0; i < r->extra_count; i++)
        (void)receipt_add(out, r->extra[i].name, r->extra[i].amount, 0, r->ctx);
}

bool receipt_read_text(struct text text, const struct receipt_context *ctx, struct receipt *out, struct err *err)
{
    struct arena *scratch = arena_new(64 * 1024, 256 * 1024);
    struct reading r = {.ctx = ctx, .out = out, .scratch = scratch};
    *out = (struct receipt){0};
    if (receipt_is_foreign(text, ctx->currency)) {
        arena_free(scratch);
        return receipt_foreign(err);
    }
    if (!scratch)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    read_lines(&r, text);
    arena_free(scratch);
    if (!out->merchant.n)
        out->merchant = r.first_line;
    add_extras(&r);
    /* Only the total could be read. */
    if (!out->count && out->total)
        (void)receipt_add(out, out->merchant.n ? out->merchant : TEXT("Hóa đơn"), out->total, 0, ctx);
    return receipt_settle(out, err);
}
