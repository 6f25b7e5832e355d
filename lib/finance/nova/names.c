#include "finance/nova/names.h"

#include <stdio.h>

#include "finance/nova/fold.h"
#include "store/category.h"

enum { FOLDED_MAX = 300 };

/* Letters and digits of a name, as words_of cuts them, so that "T-shirt" and "Ăn uống" compare as sentences do. */
static size_t match_at(const struct words *w, size_t at, const struct words *name)
{
    size_t n = 0, i = 0;
    while (i < name->n) {
        if (name->v[i].sign) {
            i++;
            continue;
        }
        while (at + n < w->n && w->v[at + n].sign && n)
            n++;
        if (at + n >= w->n || !text_eq(w->v[at + n].t, name->v[i].t))
            return 0;
        n++;
        i++;
    }
    return n;
}

struct name_match name_find(const struct words *w, const struct nova_name *names, size_t count, int64_t type,
                            size_t from, struct arena *mem)
{
    struct name_match best = {0};
    for (size_t i = 0; i < count; i++) {
        if (type >= 0 && names[i].type != type)
            continue;
        const struct words *name = words_of(names[i].name, mem);
        if (!name || !name->n)
            continue;
        for (size_t at = from; at < w->n; at++) {
            size_t n = match_at(w, at, name);
            if (n > best.count)
                best = (struct name_match){names[i].id, at, n};
        }
    }
    return best;
}

/* words: what people say; keys: what a category of it is called, folded. Both are divided by '|'. */
struct topic {
    int64_t type;
    const char *hint_vi, *hint_en, *words, *keys;
};

static const struct topic TOPICS[] = {
    {CATEGORY_INCOME, "Lương", "Salary", "luong|salary|wage|wages|paycheck|payday|got paid", "luong|salary|wage"},
    {CATEGORY_INCOME, "Thưởng", "Bonus", "thuong|bonus|lixi|li xi|tien mung", "thuong|bonus"},
    {CATEGORY_INCOME, "Bán hàng", "Sales", "ban hang|ban duoc|ban do|ban xe|ban|sold|sale of",
     "ban hang|kinh doanh|sales|business"},
    {CATEGORY_INCOME, "Tiền lãi", "Interest", "tien lai|lai tiet kiem|lai ngan hang|lai suat|interest|dividend|co tuc",
     "lai|dau tu|interest|investment"},
    {CATEGORY_INCOME, "Làm thêm", "Freelance", "lam them|freelance|part time|lam ngoai",
     "lam them|freelance|thu nhap phu"},
    {CATEGORY_INCOME, "Quà tặng", "Gifts", "duoc tang|duoc cho|me cho|bo cho|ba cho|gift from|received",
     "qua tang|gift|khac"},
    {CATEGORY_EXPENSE, "Ăn uống", "Food",
     "an uong|am thuc|an|an sang|an trua|an toi|com|pho|bun|banh mi|banh|ca phe|cafe|cf|caphe|tra sua|tra da|nuoc mia|nhau|bia|lau|di cho|do an|hai san|kem|sieu thi|pizza|"
     "lunch|dinner|breakfast|brunch|coffee|tea|food|restaurant|groceries|grocery|snack|snacks|beer|meal|burger|eating|eat|boba|sushi",
     "an uong|am thuc|thuc pham|do an|an|food|groceries|eating|dining"},
    {CATEGORY_EXPENSE, "Di chuyển", "Transport",
     "di lai|di chuyen|giao thong|xang|do xang|grab|taxi|xe om|gui xe|ve xe|xe buyt|be|sua xe|rua xe|tau|may bay|ve may bay|gas|petrol|fuel|bus|train|uber|parking|flight|metro|subway|toll",
     "di chuyen|di lai|giao thong|xang xe|xe co|transport|transportation|travel|car"},
    {CATEGORY_EXPENSE, "Nhà cửa", "Housing",
     "nha cua|hoa don|sinh hoat|tien nha|thue nha|tien tro|phong tro|tien dien|dien nuoc|tien nuoc|tien mang|internet|wifi|tien rac|dien thoai|nap dien thoai|rent|electricity|electric bill|water bill|"
     "phone bill|utilities|tu lanh|may giat|noi that|furniture",
     "nha cua|nha o|tien nha|hoa don|sinh hoat|dien nuoc|housing|home|bills|utilities|rent"},
    {CATEGORY_EXPENSE, "Mua sắm", "Shopping",
     "quan ao|ao|quan|giay|dep|tui|my pham|son|shopee|lazada|tiki|mua sam|mua do|clothes|shoes|shirt|bag|shopping|dress|amazon|cosmetics",
     "mua sam|quan ao|shopping|clothes"},
    {CATEGORY_EXPENSE, "Sức khỏe", "Health",
     "suc khoe|y te|thuoc|kham benh|kham rang|bac si|nha thuoc|benh vien|bao hiem|gym|medicine|doctor|dentist|hospital|pharmacy|insurance",
     "suc khoe|y te|thuoc|health|medical"},
    {CATEGORY_EXPENSE, "Giáo dục", "Education",
     "giao duc|hoc hanh|hoc phi|sach|khoa hoc|hoc them|tieng anh|but|vo|book|books|course|tuition|school|class",
     "giao duc|hoc tap|hoc hanh|sach|education|school"},
    {CATEGORY_EXPENSE, "Giải trí", "Entertainment",
     "giai tri|vui choi|xem phim|phim|game|karaoke|du lich|ve xem|nhac|netflix|spotify|movie|movies|cinema|concert|trip|hotel|khach san|party|choi",
     "giai tri|huong thu|vui choi|du lich|entertainment|fun|leisure"},
    {CATEGORY_EXPENSE, "Quà tặng", "Gifts",
     "qua|dam cuoi|sinh nhat|tu thien|bieu|ung ho|gift|present|wedding|birthday|donation|charity",
     "qua tang|hieu hi|tu thien|gift|charity"},
    {CATEGORY_EXPENSE, "Con cái", "Children",
     "bim|sua cho con|ta cho con|tien hoc cho con|do choi|diapers|toys|kids|baby",
     "con cai|con|gia dinh|children|kids|family"},
};

/* The longest of the phrases that stands in the sentence; where several are as long, the first of the sentence. */
static size_t phrase_in(const struct words *w, const char *phrases)
{
    struct text rest = text_of(phrases), one;
    size_t best = 0;
    while (text_split(&rest, '|', &one)) {
        char phrase[FOLDED_MAX];
        snprintf(phrase, sizeof phrase, "%.*s", TEXT_ARG(one));
        for (size_t at = 0; at < w->n; at++) {
            size_t n = w->v[at].used ? 0 : words_at(w, at, phrase);
            best = n > best ? n : best;
        }
    }
    return best;
}

static const struct topic *best_topic(const struct words *w, int64_t type)
{
    const struct topic *best = NULL;
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_LEN(TOPICS); i++) {
        if (type >= 0 && TOPICS[i].type != type)
            continue;
        size_t n = phrase_in(w, TOPICS[i].words);
        if (n > length) {
            length = n;
            best = &TOPICS[i];
        }
    }
    return best;
}

/* The category whose folded name holds one of the topic's keys as whole words; the first key counts most. */
static int64_t category_of(const struct topic *topic, const struct nova_context *ctx, struct arena *mem)
{
    struct text rest = text_of(topic->keys), key;
    while (text_split(&rest, '|', &key)) {
        char phrase[FOLDED_MAX];
        snprintf(phrase, sizeof phrase, "%.*s", TEXT_ARG(key));
        for (size_t i = 0; i < ctx->category_count; i++) {
            if (ctx->categories[i].type != topic->type)
                continue;
            const struct words *name = words_of(ctx->categories[i].name, mem);
            if (name && words_find(name, phrase) < name->n)
                return ctx->categories[i].id;
        }
    }
    return 0;
}

bool topic_find(const struct words *w, const struct nova_context *ctx, int64_t type, enum nova_language language,
                int64_t *id, struct text *hint, struct arena *mem)
{
    const struct topic *topic = best_topic(w, type);
    if (!topic)
        return false;
    *id = category_of(topic, ctx, mem);
    *hint = text_of(language == NOVA_VI ? topic->hint_vi : topic->hint_en);
    return true;
}

bool topic_is_income(const struct words *w)
{
    size_t income = 0, expense = 0;
    for (size_t i = 0; i < ARRAY_LEN(TOPICS); i++) {
        size_t n = phrase_in(w, TOPICS[i].words), *longest = TOPICS[i].type == CATEGORY_INCOME ? &income : &expense;
        *longest = n > *longest ? n : *longest;
    }
    return income > 0 && income >= expense;
}
