#include "finance/nova/understand.h"

#include "finance/nova/amount.h"
#include "finance/nova/names.h"
#include "finance/nova/when.h"
#include "finance/nova/words.h"
#include "store/category.h"

static const char *const INTENT_NAMES[INTENT_COUNT] = {
    [INTENT_CREATE_EXPENSE] = "CREATE_EXPENSE",   [INTENT_CREATE_INCOME] = "CREATE_INCOME",
    [INTENT_CREATE_CATEGORY] = "CREATE_CATEGORY", [INTENT_CREATE_JAR] = "CREATE_JAR",
    [INTENT_UPDATE_EXPENSE] = "UPDATE_EXPENSE",   [INTENT_UPDATE_INCOME] = "UPDATE_INCOME",
    [INTENT_UPDATE_CATEGORY] = "UPDATE_CATEGORY", [INTENT_UPDATE_JAR] = "UPDATE_JAR",
    [INTENT_DELETE_EXPENSE] = "DELETE_EXPENSE",   [INTENT_DELETE_INCOME] = "DELETE_INCOME",
    [INTENT_DELETE_CATEGORY] = "DELETE_CATEGORY", [INTENT_DELETE_JAR] = "DELETE_JAR",
    [INTENT_TRANSFER_JAR] = "TRANSFER_JAR",
};

const char *nova_intent_name(enum nova_intent_kind kind)
{
    if (kind == INTENT_UNKNOWN)
        return "INVALID_REQUEST";
    return INTENT_NAMES[kind] ? INTENT_NAMES[kind] : "ANSWER_QUESTION";
}

enum nova_intent_kind nova_intent_of_name(struct text name)
{
    for (int kind = 0; kind < INTENT_COUNT; kind++)
        if (INTENT_NAMES[kind] && text_eq(name, text_of(INTENT_NAMES[kind])))
            return (enum nova_intent_kind)kind;
    return INTENT_UNKNOWN;
}

bool nova_intent_is_command(enum nova_intent_kind kind)
{
    return kind >= INTENT_CREATE_EXPENSE && kind < INTENT_COUNT;
}

/* ---- vocabulary; all folded ---- */

static const char *const ENGLISH[] = {
    "the",       "how",      "much",         "did",     "i",           "my",       "what",   "is",      "spend",
    "spent",     "this",     "last",         "month",   "week",        "on",       "for",    "in",      "can",
    "left",      "add",      "delete",       "remove",  "create",      "update",   "change", "lunch",   "dinner",
    "breakfast", "coffee",   "yesterday",    "today",   "salary",      "category", "jar",    "expense", "income",
    "hello",     "hi",       "thanks",       "help",    "please",      "from",     "to",     "paid",    "bought",
    "transfer",  "show",     "list",         "biggest", "compare",     "with",     "of",     "and",     "groceries",
    "taxi",      "received", "earned",       "rent",    "afford",      "balance",  "movie",  "tickets", "books",
    "shoes",     "thousand", "million",      "rename",  "move",        "have",     "do",     "got",     "a",
    "an",        "half",     "fifty",        "tuition", "book",        "shoes",    "bonus",  "parking", "beer",
    "doctor",    "gas",      "bus",          "food",    "snacks",      "clothes",  "phone",  "pets",    "travel",
    "fun",       "shopping", "transactions", "recent",  "electricity", "week",     "days",   "ago",     NULL};
static const char *const VIETNAMESE[] = {
    "bao", "nhieu", "tien",  "thang", "hom",   "qua",  "nay",  "chi",   "tieu", "mua",  "an",   "cho",    "cua",
    "toi", "trieu", "nghin", "ngan",  "luong", "hu",   "danh", "muc",   "them", "xoa",  "sua",  "chuyen", "con",
    "lai", "duoc",  "khong", "la",    "va",    "tu",   "sang", "truoc", "tuan", "ngay", "nam",  "het",    "co",
    "tr",  "cu",    "nua",   "ruoi",  "xin",   "chao", "cam",  "on",    "giup", "thu",  "nhap", "khoan",  NULL};

static const char *const GREETING[] = {"xin chao", "chao", "chao ban",     "hello",        "hi",
                                       "hey",      "alo",  "good morning", "good evening", NULL};
static const char *const THANKS[] = {"cam on", "cam on ban", "cam on nhe", "thank you", "thanks",
                                     "thank",  "tks",        "thx",        NULL};
static const char *const HELP[] = {
    "giup",      "help",        "huong dan", "lam duoc gi", "biet lam gi", "what can you do", "how do you work",
    "ban la ai", "who are you", NULL};

static const char *const DELETE[] = {"xoa", "xoa bo", "huy", "delete", "remove", "erase", NULL};
static const char *const RENAME[] = {"doi ten", "rename", NULL};
static const char *const UPDATE[] = {"sua",    "cap nhat", "doi",  "thay doi", "chinh", "chinh sua",
                                     "update", "change",   "edit", "set",      NULL};
static const char *const BECOMES[] = {"thanh", "to", "into", NULL};
static const char *const CREATE[] = {"them", "tao",    "ghi",    "ghi lai", "ghi nhan", "nhap", "lap",
                                     "add",  "create", "record", "log",     "new",      "make", NULL};
static const char *const TRANSFER[] = {"chuyen", "chuyen khoan", "transfer", "move", NULL};

static const char *const A_CATEGORY[] = {"danh muc", "hang muc", "nhom chi", "nhom thu", "category", NULL};
static const char *const A_JAR[] = {"hu", "lo", "jar", "quy", NULL};
static const char *const AN_INCOME[] = {"khoan thu nhap", "thu nhap", "khoan thu", "income", "tien vao", NULL};
static const char *const AN_EXPENSE[] = {"khoan chi tieu", "khoan chi", "chi tieu",    "chi phi", "expense",
                                         "tien ra",        "giao dich", "transaction", NULL};

static const char *const QUESTION[] = {
    "bao nhieu", "bao nhiu",    "may",      "?",        "the nao", "ra sao",   "nhu nao",   "gi",       "khong",
    "ko",        "hay khong",   "how much", "how many", "what",    "which",    "show",      "list",     "liet ke",
    "cho xem",   "cho toi xem", "xem",      "cho biet", "hoi",     "tong",     "tong cong", "total",    "can i",
    "do i",      "did i",       "is there", "so sanh",  "compare", "thong ke", "tell me",   "where",    "am i",
    "lon nhat",  "nhieu nhat",  "cao nhat", "biggest",  "largest", "highest",  "gan day",   "gan nhat", "moi nhat",
    "latest",    "recent",      "so du",    "balance",  "con lai", "left",     NULL};
static const char *const AFFORD[] = {"co du tien",  "du tien",      "mua duoc", "mua noi",   "co nen mua",
                                     "co the mua",  "can i afford", "afford",   "can i buy", "co du",
                                     "mua co duoc", "duoc khong",   "duoc ko",  NULL};
static const char *const COMPARE[] = {
    "so sanh",         "so voi",          "compare",        "compared",       "versus", "vs",
    "hon thang truoc", "than last month", "more than last", "less than last", NULL};
static const char *const BIGGEST[] = {"lon nhat", "nhieu nhat", "cao nhat",       "ton nhat", "biggest",
                                      "largest",  "highest",    "most expensive", "top",      NULL};
static const char *const LATEST[] = {"gan day", "gan nhat", "moi nhat",  "vua roi", "latest",  "recent",
                                     "liet ke", "list",     "danh sach", "lich su", "history", NULL};
static const char *const LEFT[] = {"con lai",  "con bao nhieu", "con may", "con",     "left",  "remaining", "remain",
                                   "moi ngay", "per day",       "a day",   "han muc", "limit", NULL};
static const char *const BALANCE[] = {"so du",
                                      "tong tien",
                                      "tong so tien",
                                      "con bao nhieu tien",
                                      "co bao nhieu tien",
                                      "dang co bao nhieu",
                                      "tai san",
                                      "balance",
                                      "how much money do i have",
                                      "how much do i have",
                                      "how much money",
                                      "con bao nhieu",
                                      "con may",
                                      NULL};
static const char *const SPENT[] = {"chi",      "tieu",     "xai",     "ton",  "het", "chi tieu", "spend", "spent",
                                    "spending", "expenses", "expense", "cost", "pay", "paid",     NULL};
static const char *const EARNED[] = {"thu nhap", "kiem",   "kiem duoc", "thu duoc", "nhan duoc", "thu ve",
                                     "earn",     "earned", "income",    "make",     "made",      "receive",
                                     "received", "luong",  "salary",    NULL};

static const char *const INCOME_WORDS[] = {
    "nhan",     "nhan luong", "nhan duoc", "thu ve",     "thu nhap",  "kiem duoc", "duoc tra",
    "duoc cho", "duoc tang",  "ban duoc",  "lanh luong", "income",    "received",  "receive",
    "earned",   "got paid",   "was paid",  "sold",       "hoan tien", "refund",    NULL};
static const char *const FILLERS[] = {
    "toi",     "minh",        "tui",   "em",    "anh",    "vua",  "moi",  "da",    "hay",   "giup",    "giup toi",
    "cho toi", "gium",        "nhe",   "nha",   "oi",     "nova", "het",  "mat",   "gia",   "so tien", "tien",
    "voi gia", "voi so tien", "ngay",  "vao",   "luc",    "cua",  "la",   "thanh", "trong", "tu",      "please",
    "for me",  "i",           "just",  "my",    "the",    "for",  "on",   "of",    "to",    "with",    "an",
    "a",       "at",          "spent", "spend", "bought", "buy",  "paid", "pay",   "me",    "cost",    "costs",
    "was",     "in",          "from",  "as",    "amount", "up",   "is",   "it",    "that",  NULL};
/* Of the fillers these carry meaning in Vietnamese names ("an trua", "tien dien") and go only at the ends or in English
 * sentences. */
static const char *const KEPT_IN_VIETNAMESE[] = {"an", "tien", "a",    "to",    "in",  "on",  "i",   "me", "my", "the",
                                                 "at", "moi",  "it",   "la",    "em",  "anh", "gia", "of", "as", "up",
                                                 "is", "pay",  "cost", "thanh", "mat", "vao", "cua", NULL};

/* ---- helpers ---- */

static size_t count_of(const struct words *w, const char *const *list)
{
    size_t n = 0;
    for (; *list; list++)
        for (size_t i = 0; i < w->n; i++)
            n += text_eq(w->v[i].t, text_of(*list));
    return n;
}

static bool has_vietnamese_letters(struct text t)
{
    for (size_t at = 0; at < t.n;) {
        uint32_t c;
        size_t n = text_decode(t, at, &c);
        if (n && ((c >= 0x00C0 && c <= 0x01B0) || (c >= 0x1EA0 && c <= 0x1EF9) || (c >= 0x0300 && c <= 0x036F)))
            return true;
        at += n ? n : 1;
    }
    return false;
}

static enum nova_language language_of(const struct words *w)
{
    if (has_vietnamese_letters(w->sentence))
        return NOVA_VI;
    return count_of(w, ENGLISH) > count_of(w, VIETNAMESE) ? NOVA_EN : NOVA_VI;
}

/* Verbs count at the beginning, or behind a few words of politeness. */
static const char *const POLITE[] = {"hay", "giup", "toi", "minh", "em",     "vui", "long", "lam",
                                     "on",  "nova", "oi",  "cho",  "please", "can", "you",  "could",
                                     "i",   "want", "to",  "muon", "nho",    "ban", ",",    NULL};

static bool is_polite(struct text word)
{
    for (const char *const *p = POLITE; *p; p++)
        if (text_eq(word, text_of(*p)))
            return true;
    return false;
}

static bool begins_with(const struct words *w, const char *const *phrases)
{
    size_t at = 0;
    for (;; at++) {
        for (const char *const *p = phrases; *p; p++)
            if (words_at(w, at, *p))
                return true;
        if (at >= w->n || !is_polite(w->v[at].t))
            return false;
    }
}

struct reading {
    struct words *w;
    const struct nova_context *ctx;
    struct arena *mem;
    struct nova_intent *out;
    bool certain_amount;
};

/* ---- what a command is about ---- */

enum thing { THING_NONE, THING_CATEGORY, THING_JAR, THING_INCOME, THING_EXPENSE };

static enum thing thing_of(const struct reading *r)
{
    if (words_any(r->w, A_CATEGORY))
        return THING_CATEGORY;
    if (words_any(r->w, AN_INCOME))
        return THING_INCOME;
    if (words_any(r->w, AN_EXPENSE))
        return THING_EXPENSE;
    return words_any(r->w, A_JAR) ? THING_JAR : THING_NONE;
}

static enum nova_intent_kind kind_of(enum thing thing, enum nova_intent_kind expense, enum nova_intent_kind income,
                                     enum nova_intent_kind category, enum nova_intent_kind jar)
{
    switch (thing) {
    case THING_CATEGORY: return category;
    case THING_JAR: return jar;
    case THING_INCOME: return income;
    default: return expense;
    }
}

static bool is_income(const struct reading *r)
{
    return words_any(r->w, INCOME_WORDS) || (words_at(r->w, 0, "thu") && !r->w->v[0].used) || topic_is_income(r->w);
}

/* ---- names ---- */

static void use_match(struct reading *r, struct name_match m)
{
    words_use(r->w, m.at, m.count);
}

static const struct nova_name *by_id(const struct nova_name *names, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].id == id)
            return &names[i];
    return NULL;
}

/* A jar counts where "hũ" or "jar" stands before its name, or its whole name does. */
static struct name_match find_jar(const struct reading *r, size_t from)
{
    return name_find(r->w, r->ctx->jars, r->ctx->jar_count, -1, from, r->mem);
}

static void find_category(struct reading *r, int64_t type, bool use)
{
    struct nova_intent *out = r->out;
    struct name_match m = name_find(r->w, r->ctx->categories, r->ctx->category_count, type, 0, r->mem);
    if (m.id) {
        out->category_id = m.id;
        out->category_hint = by_id(r->ctx->categories, r->ctx->category_count, m.id)->name;
        if (use)
            use_match(r, m);
        return;
    }
    int64_t id;
    struct text hint;
    if (topic_find(r->w, r->ctx, type, out->language, &id, &hint, r->mem)) {
        const struct nova_name *known = by_id(r->ctx->categories, r->ctx->category_count, id);
        out->category_id = id;
        out->category_hint = known ? known->name : hint;
    }
}

static void use_fillers(struct reading *r)
{
    for (const char *const *filler = FILLERS; *filler; filler++) {
        bool kept = false;
        for (const char *const *k = KEPT_IN_VIETNAMESE; *k; k++)
            kept = kept || (r->out->language == NOVA_VI && text_eq(text_of(*k), text_of(*filler)));
        for (size_t at = 0; !kept && at < r->w->n; at++)
            words_use(r->w, at, words_at(r->w, at, *filler));
    }
}

static bool is_hollow(struct text word)
{
    static const char *const HOLLOW[] = {"het",   "mat",  "gia", "vao", "luc",  "la",   "cho", "o",
                                         "tai",   "la.",  "nhe", "nha", "va",   "tu",   "cua", "ve",
                                         "trong", "tien", "roi", "toi", "minh", "ngay", "the", "for",
                                         "on",    "at",   "to",  "and", "from", "i",    NULL};
    for (const char *const *h = HOLLOW; *h; h++)
        if (text_eq(word, text_of(*h)))
            return true;
    return false;
}

/* Little words at the ends of what is left are no part of a name ("ăn trưa hết" -> "ăn trưa"). */
static void trim_ends(struct words *w)
{
    for (size_t i = 0; i < w->n && (w->v[i].used || w->v[i].sign || is_hollow(w->v[i].t)); i++)
        if (!(text_eq(w->v[i].t, TEXT("tien")) && i + 1 < w->n && !w->v[i + 1].used))
            w->v[i].used = true;
        else
            break;
    for (size_t i = w->n; i > 0 && (w->v[i - 1].used || w->v[i - 1].sign || is_hollow(w->v[i - 1].t)); i--)
        w->v[i - 1].used = true;
}

static void name_from_rest(struct reading *r)
{
    use_fillers(r);
    trim_ends(r->w);
    r->out->name = words_rest(r->w, r->mem);
}

/* ---- periods and dates ---- */

static void read_when(struct reading *r)
{
    struct when when[WHEN_MAX];
    size_t n = when_find(r->w, r->ctx->today, when);
    if (!n)
        return;
    r->out->from = when[0].from;
    r->out->to = when[0].to;
    r->out->date = when[0].from == when[0].to ? when[0].from : 0;
    if (n > 1) {
        r->out->other_from = when[1].from;
        r->out->other_to = when[1].to;
    }
}

static void read_amount(struct reading *r)
{
    r->out->has_amount = amount_find(r->w, r->ctx->currency, &r->out->amount, &r->certain_amount);
}

static void read_percent(struct reading *r)
{
    struct words *w = r->w;
    r->out->target_bp = -1;
    for (size_t i = 0; i + 1 < w->n; i++)
        if (w->v[i].number &&
            (words_at(w, i + 1, "%") || words_at(w, i + 1, "phan tram") || words_at(w, i + 1, "percent")) &&
            percent_parse(w->v[i].t, &r->out->target_bp)) {
            words_use(w, i, words_at(w, i + 1, "phan tram") ? 3 : 2);
            return;
        }
}

/* ---- commands ---- */

static void read_transfer(struct reading *r)
{
    static const char *const TO[] = {"sang", "qua", "vao", "toi", "den", "to", "into", NULL};
    static const char *const UNASSIGNED[] = {"chua phan bo", "unassigned", "tien chua chia", NULL};
    struct words *w = r->w;
    size_t split = w->n;
    for (const char *const *p = TO; *p; p++) {
        size_t at = words_find(w, *p);
        split = at < split ? at : split;
    }
    struct name_match first = find_jar(r, 0), second = {0};
    struct name_match behind = split < w->n ? find_jar(r, split) : (struct name_match){0};
    for (const char *const *p = UNASSIGNED; *p; p++) {
        size_t at = words_find(w, *p);
        if (at < w->n)
            *(at < split ? &r->out->from_unassigned : &r->out->to_unassigned) = true;
    }
    if (behind.id) {
        second = behind;
        /* The one that gives stands before the word that points to the other. */
        struct words head = *w;
        head.n = split;
        first = name_find(&head, r->ctx->jars, r->ctx->jar_count, -1, 0, r->mem);
    }
    r->out->jar_id = first.id != second.id ? first.id : 0;
    r->out->to_jar_id = second.id;
}

/* "đổi tên hũ A thành B", "rename category A to B" */
static void read_rename(struct reading *r)
{
    static const char *const TO[] = {"thanh", "to", "as", "into", NULL};
    struct words *w = r->w;
    size_t at = w->n;
    for (const char *const *p = TO; *p; p++) {
        size_t found = words_find(w, *p);
        at = found < at ? found : at;
    }
    if (at + 1 >= w->n)
        return;
    struct words *tail = words_copy(w, r->mem);
    if (!tail)
        return;
    words_use(tail, 0, at + 1);
    r->out->new_name = words_rest(tail, r->mem);
    words_use(w, at, w->n - at);
}

static void read_named_thing(struct reading *r, enum thing thing)
{
    struct nova_intent *out = r->out;
    struct name_match m = {0};
    if (thing == THING_CATEGORY) {
        m = name_find(r->w, r->ctx->categories, r->ctx->category_count, -1, 0, r->mem);
        out->category_id = m.id;
    } else if (thing == THING_JAR) {
        m = find_jar(r, 0);
        out->jar_id = m.id;
    }
    words_use_all(r->w, DELETE);
    words_use_all(r->w, UPDATE);
    words_use_all(r->w, RENAME);
    words_use_all(r->w, CREATE);
    words_use_all(r->w, A_CATEGORY);
    words_use_all(r->w, A_JAR);
    words_use_all(r->w, AN_INCOME);
    words_use_all(r->w, AN_EXPENSE);
    if (m.id) {
        const struct nova_name *known = thing == THING_CATEGORY
                                            ? by_id(r->ctx->categories, r->ctx->category_count, m.id)
                                            : by_id(r->ctx->jars, r->ctx->jar_count, m.id);
        out->name = known->name;
    } else {
        name_from_rest(r);
    }
}

static void read_new_category(struct reading *r)
{
    static const char *const TYPE_INCOME[] = {"thu nhap", "khoan thu", "loai thu", "income", NULL};
    static const char *const TYPE_EXPENSE[] = {"chi tieu", "khoan chi", "loai chi", "expense", NULL};
    r->out->category_type = words_any(r->w, TYPE_INCOME)    ? CATEGORY_INCOME
                            : words_any(r->w, TYPE_EXPENSE) ? CATEGORY_EXPENSE
                                                            : -1;
    words_use_all(r->w, TYPE_INCOME);
    words_use_all(r->w, TYPE_EXPENSE);
    read_named_thing(r, THING_NONE);
}

static void read_money_command(struct reading *r, bool income)
{
    static const char *const FROM_JAR[] = {"tu hu",        "bang hu",   "trong hu", "vao hu", "from jar",
                                           "from the jar", "using jar", "from",     NULL};
    struct nova_intent *out = r->out;
    if (words_any(r->w, A_JAR) || words_any(r->w, FROM_JAR)) {
        struct name_match jar = find_jar(r, 0);
        out->jar_id = jar.id;
        if (jar.id) {
            use_match(r, jar);
            words_use_all(r->w, FROM_JAR);
            words_use_all(r->w, A_JAR);
        }
    }
    find_category(r, income ? CATEGORY_INCOME : CATEGORY_EXPENSE, false);
    words_use_all(r->w, CREATE);
    words_use_all(r->w, AN_EXPENSE);
    words_use_all(r->w, AN_INCOME);
    words_use_all(r->w, A_CATEGORY);
    name_from_rest(r);
    if (!out->name.n && out->category_hint.p)
        out->name = out->category_hint;
}

static void read_change(struct reading *r, enum thing thing)
{
    if (thing == THING_CATEGORY || thing == THING_JAR) {
        if (words_any(r->w, RENAME))
            read_rename(r);
        read_named_thing(r, thing);
        return;
    }
    static const char *const TO[] = {"thanh", "to", "into", "sang", NULL};
    find_category(r, -1, false);
    words_use_all(r->w, TO);
    read_named_thing(r, thing);
}

static bool read_command(struct reading *r)
{
    struct nova_intent *out = r->out;
    enum thing thing = thing_of(r);
    if (begins_with(r->w, TRANSFER) && (words_any(r->w, A_JAR) || find_jar(r, 0).id)) {
        out->kind = INTENT_TRANSFER_JAR;
        read_transfer(r);
    } else if (begins_with(r->w, DELETE)) {
        if (thing == THING_NONE && is_income(r))
            thing = THING_INCOME;
        out->kind =
            kind_of(thing, INTENT_DELETE_EXPENSE, INTENT_DELETE_INCOME, INTENT_DELETE_CATEGORY, INTENT_DELETE_JAR);
        read_change(r, thing);
    } else if (begins_with(r->w, RENAME) ||
               (begins_with(r->w, UPDATE) && (thing != THING_NONE || words_any(r->w, BECOMES)))) {
        if (thing == THING_NONE && is_income(r))
            thing = THING_INCOME;
        out->kind =
            kind_of(thing, INTENT_UPDATE_EXPENSE, INTENT_UPDATE_INCOME, INTENT_UPDATE_CATEGORY, INTENT_UPDATE_JAR);
        read_change(r, thing);
    } else if (begins_with(r->w, CREATE) && thing == THING_CATEGORY && !out->has_amount) {
        out->kind = INTENT_CREATE_CATEGORY;
        read_new_category(r);
    } else if (begins_with(r->w, CREATE) && thing == THING_JAR && !out->has_amount) {
        out->kind = INTENT_CREATE_JAR;
        read_named_thing(r, THING_NONE);
    } else {
        return false;
    }
    return true;
}

/* ---- questions ---- */

static void read_limit(struct reading *r)
{
    for (size_t i = 0; i < r->w->n; i++) {
        int64_t n;
        if (!r->w->v[i].used && r->w->v[i].number && text_to_int64(r->w->v[i].t, &n) && n > 0 && n <= 50)
            r->out->limit = n;
    }
}

static void read_subject(struct reading *r, int64_t type)
{
    struct name_match jar = find_jar(r, 0);
    struct name_match category = name_find(r->w, r->ctx->categories, r->ctx->category_count, type, 0, r->mem);
    bool says_jar = words_any(r->w, A_JAR);
    if (jar.id && (says_jar || jar.count > category.count)) {
        r->out->jar_id = jar.id;
        return;
    }
    find_category(r, type, false);
}

static enum nova_intent_kind question_kind(const struct reading *r)
{
    const struct words *w = r->w;
    bool jar = words_any(w, A_JAR) || find_jar(r, 0).id;
    if (words_any(w, AFFORD) && r->out->has_amount)
        return INTENT_AFFORD;
    if (words_any(w, COMPARE) || (r->out->other_from && words_any(w, SPENT)))
        return INTENT_COMPARE;
    if (words_any(w, BIGGEST))
        return INTENT_BIGGEST;
    if (jar && words_any(w, LEFT) && !words_any(w, EARNED))
        return INTENT_JAR_LEFT;
    if (words_any(w, BALANCE) && !words_any(w, (const char *const[]){"chi", "tieu", "xai", "spend", "spent", NULL}))
        return INTENT_BALANCE;
    if (words_any(w, LATEST) && !words_any(w, (const char *const[]){"bao nhieu", "how much", "tong", NULL}))
        return INTENT_LATEST;
    if (words_any(w, EARNED) && !words_any(w, (const char *const[]){"chi", "tieu", "xai", "spend", "spent", NULL}))
        return INTENT_EARNED;
    if (words_any(w, SPENT) || words_any(w, (const char *const[]){"mua", "bao nhieu", "how much", "tong", NULL}))
        return INTENT_SPENT;
    return words_any(w, LEFT) && jar ? INTENT_JAR_LEFT : INTENT_UNKNOWN;
}

static bool read_question(struct reading *r)
{
    struct nova_intent *out = r->out;
    out->kind = question_kind(r);
    if (out->kind == INTENT_UNKNOWN)
        return false;
    read_limit(r);
    read_subject(r, out->kind == INTENT_EARNED ? CATEGORY_INCOME : out->kind == INTENT_LATEST ? -1 : CATEGORY_EXPENSE);
    return true;
}

/* ---- talk ---- */

static bool read_talk(struct reading *r)
{
    struct nova_intent *out = r->out;
    enum { SHORT = 6 };
    if (begins_with(r->w, THANKS) && r->w->n <= SHORT)
        out->kind = INTENT_THANKS;
    else if (begins_with(r->w, GREETING) && r->w->n <= SHORT)
        out->kind = INTENT_GREETING;
    else if (words_any(r->w, HELP) && !out->has_amount && r->w->n <= 2 * SHORT)
        out->kind = INTENT_HELP;
    else
        return false;
    return true;
}

static int confidence_of(const struct reading *r)
{
    const struct nova_intent *out = r->out;
    int percent = 90;
    if (out->kind == INTENT_UNKNOWN)
        return 20;
    if (out->has_amount && !r->certain_amount)
        percent -= 20;
    if (nova_intent_is_command(out->kind) && !out->category_id && !out->jar_id && !out->name.n)
        percent -= 30;
    return percent;
}

bool nova_understand(struct text sentence, const struct nova_context *ctx, struct arena *mem, struct nova_intent *out,
                     struct err *err)
{
    struct text trimmed = text_slice(sentence, 0, sentence.n < NOVA_SENTENCE_MAX ? sentence.n : NOVA_SENTENCE_MAX);
    struct reading r = {.w = words_of(trimmed, mem), .ctx = ctx, .mem = mem, .out = out};
    if (!r.w)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    *out = (struct nova_intent){.language = language_of(r.w), .target_bp = -1, .category_type = -1};
    read_percent(&r);
    read_when(&r);
    bool question = words_any(r.w, QUESTION);
    read_amount(&r);
    if (!read_command(&r) &&
        !((question || !out->has_amount) && !read_talk(&r) ? read_question(&r) : out->kind != INTENT_UNKNOWN) &&
        out->has_amount && out->kind == INTENT_UNKNOWN) {
        bool income = is_income(&r);
        out->kind = income ? INTENT_CREATE_INCOME : INTENT_CREATE_EXPENSE;
        read_money_command(&r, income);
    }
    out->confidence = confidence_of(&r);
    return true;
}
