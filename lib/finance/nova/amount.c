#include "finance/nova/amount.h"

__extension__ typedef __int128 wide; /* products of an amount and a scale */

struct scale {
    const char *phrase;
    int64_t value;
};

/* Slang too: củ and chai are millions, lít is a hundred thousand, cành and lúa are thousands. Longer phrases first. */
static const struct scale SCALES[] = {
    {"nghin ty", INT64_C(1000000000000)},
    {"nghin", 1000},
    {"ngan", 1000},
    {"ng", 1000},
    {"k", 1000},
    {"canh", 1000},
    {"lua", 1000},
    {"thousand", 1000},
    {"grand", 1000},
    {"lit", 100000},
    {"trieu", 1000000},
    {"tr", 1000000},
    {"cu", 1000000},
    {"chai", 1000000},
    {"m", 1000000},
    {"mil", 1000000},
    {"million", 1000000},
    {"millions", 1000000},
    {"ty", INT64_C(1000000000)},
    {"ti", INT64_C(1000000000)},
    {"b", INT64_C(1000000000)},
    {"billion", INT64_C(1000000000)},
};

struct number_word {
    const char *word;
    int value;
};

static const struct number_word DIGITS[] = {
    {"khong", 0},    {"mot", 1},        {"hai", 2},       {"ba", 3},        {"bon", 4},       {"tu", 4},
    {"nam", 5},      {"lam", 5},        {"sau", 6},       {"bay", 7},       {"tam", 8},       {"chin", 9},
    {"muoi", 10},    {"one", 1},        {"a", 1},         {"an", 1},        {"two", 2},       {"three", 3},
    {"four", 4},     {"five", 5},       {"six", 6},       {"seven", 7},     {"eight", 8},     {"nine", 9},
    {"ten", 10},     {"eleven", 11},    {"twelve", 12},   {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15},
    {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},   {"thirty", 30},
    {"forty", 40},   {"fifty", 50},     {"sixty", 60},    {"seventy", 70},  {"eighty", 80},   {"ninety", 90},
};

static const char *const CURRENCY_WORDS[] = {"d",   "dong",    "vnd",    "vnđ",  "\xE2\x82\xAB", "$",
                                             "usd", "dollars", "dollar", "euro", "eur",          NULL};

/* A value with three decimals, so that "1,5 triệu" stays exact. */
enum { MILLI = 1000 };

static bool number_value(struct text t, int64_t *milli)
{
    size_t separators = 0, last = t.n;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == '.' || t.p[i] == ',') {
            separators++;
            last = i;
        }
    /* Groups of three are thousands; anything else behind the last separator is a fraction. */
    bool fraction = separators && t.n - last - 1 != 3;
    wide whole = 0, part = 0, unit = MILLI;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            continue;
        if (fraction && i > last) {
            if (unit == 1)
                continue;
            unit /= 10;
            part += unit * (t.p[i] - '0');
        } else {
            whole = whole * 10 + (t.p[i] - '0');
        }
        if (whole > INT64_C(10000000000000))
            return false;
    }
    *milli = (int64_t)(whole * MILLI + part);
    return true;
}

static bool digit_word(struct text t, int *value)
{
    for (size_t i = 0; i < ARRAY_LEN(DIGITS); i++)
        if (text_eq(t, text_of(DIGITS[i].word))) {
            *value = DIGITS[i].value;
            return true;
        }
    return false;
}

static size_t scale_at(const struct words *w, size_t at, int64_t *value)
{
    for (size_t i = 0; i < ARRAY_LEN(SCALES); i++) {
        size_t n = words_at(w, at, SCALES[i].phrase);
        if (n) {
            *value = SCALES[i].value;
            return n;
        }
    }
    return 0;
}

static bool is_word(const struct words *w, size_t at, const char *word)
{
    return at < w->n && text_eq(w->v[at].t, text_of(word));
}

/* Number words below a thousand: "hai tram nam muoi", "two hundred and fifty", "muoi lam". Returns how many words. */
static size_t small_words(const struct words *w, size_t at, int64_t *value)
{
    int64_t total = 0, part = 0;
    size_t i = at;
    bool any = false;
    for (; i < w->n && !w->v[i].used; i++) {
        int digit;
        if (is_word(w, i, "tram") || is_word(w, i, "hundred")) {
            total += (part ? part : 1) * 100;
            part = 0;
        } else if (any && (is_word(w, i, "muoi") || is_word(w, i, "chuc")) && part > 0 && part < 10) {
            part *= 10;
        } else if (any && (is_word(w, i, "linh") || is_word(w, i, "le") || is_word(w, i, "and"))) {
            continue;
        } else if (digit_word(w->v[i].t, &digit)) {
            part = part % 10 == 0 || digit >= 10 ? part + digit : part * 10 + digit;
        } else {
            break;
        }
        any = true;
    }
    *value = total + part;
    return any ? i - at : 0;
}

struct found {
    size_t at, count;
    wide milli;
    int strength; /* 3: with a scale or a currency, 2: a large number, 1: a small bare number */
};

/* What follows a scale without one of its own: "1tr2" is 1.2 million, "1tr25" 1.25, "2 trieu ruoi" 2.5. */
static size_t tail_after(const struct words *w, size_t at, int64_t scale, wide *milli)
{
    int digit;
    int64_t value, ignored;
    if (is_word(w, at, "ruoi")) {
        *milli += (wide)scale * MILLI / 2;
        return 1;
    }
    if (at >= w->n || w->v[at].used || scale < 1000)
        return 0;
    if (w->v[at].number && w->v[at].t.n <= 3 && !scale_at(w, at + 1, &ignored) && number_value(w->v[at].t, &value) &&
        (w->v[at].glued || scale >= 1000000)) {
        wide unit = scale;
        for (size_t i = 0; i < w->v[at].t.n; i++)
            unit /= 10;
        /* A date after an amount ("1 triệu 5/3") is no tail. */
        if (at + 1 < w->n && w->v[at + 1].sign && (w->v[at + 1].t.p[0] == '/' || w->v[at + 1].t.p[0] == '-') &&
            w->v[at + 1].glued)
            return 0;
        *milli += unit * value;
        return 1;
    }
    if (scale >= 1000000 && digit_word(w->v[at].t, &digit) && digit > 0 && digit < 10 &&
        !scale_at(w, at + 1, &ignored) && !is_word(w, at + 1, "muoi") && !is_word(w, at + 1, "tram") &&
        !is_word(w, at, "a") && !is_word(w, at, "an")) {
        *milli += (wide)scale / 10 * MILLI * digit;
        return 1;
    }
    return 0;
}

/* One amount beginning at `at`: terms of a value and a scale, each smaller than the one before. */
static bool read_at(const struct words *w, size_t at, struct found *out)
{
    struct found f = {.at = at};
    int64_t last_scale = INT64_MAX;
    size_t i = at;
    while (i < w->n && !w->v[i].used) {
        int64_t value = 0, scale = 1, milli = 0;
        size_t n = 0, s;
        bool words_only = false;
        if (w->v[i].number) {
            if (!number_value(w->v[i].t, &milli))
                return false;
            n = 1;
        } else if (is_word(w, i, "nua") || is_word(w, i, "half")) {
            milli = MILLI / 2;
            n = is_word(w, i + 1, "a") ? 2 : 1;
        } else if (is_word(w, i, "tram") && is_word(w, i + 1, "ruoi")) {
            f.milli += (wide)150000 * MILLI; /* "trăm rưỡi": of thousands */
            f.strength = 3;
            i += 2;
            break;
        } else if ((n = small_words(w, i, &value)) > 0) {
            milli = value * MILLI;
            words_only = true;
        } else if (i == at && (s = scale_at(w, i, &scale)) > 0 && scale >= 1000000 &&
                   (is_word(w, i + s, "ruoi") || is_word(w, i, "trieu"))) {
            milli = MILLI; /* "triệu rưỡi", "triệu hai" */
        } else {
            break;
        }
        s = scale_at(w, i + n, &scale);
        if (!s && words_only && is_word(w, i + n, "ruoi") && value == 100) {
            f.milli += (wide)150000 * MILLI;
            f.strength = 3;
            i += n + 1;
            break;
        }
        if (!s && words_only)
            break; /* "hai" alone is no amount */
        if (!s && i != at)
            break;
        scale = s ? scale : 1;
        if (scale >= last_scale)
            break;
        f.milli += (wide)milli * scale;
        f.strength = s ? 3 : milli >= (int64_t)1000 * MILLI ? 2 : 1;
        i += n + s;
        last_scale = scale;
        if (!s)
            break;
        size_t tail = tail_after(w, i, scale, &f.milli);
        i += tail;
        if (tail)
            break;
    }
    if (i == at || f.milli <= 0)
        return false;
    for (const char *const *word = CURRENCY_WORDS; *word; word++)
        if (is_word(w, i, *word)) {
            f.strength = 3;
            i++;
            break;
        }
    if (at && is_word(w, at - 1, "$"))
        f.strength = 3;
    f.count = i - at;
    *out = f;
    return true;
}

/* "ngày 5", "thứ 2", "top 3", "3 lần": numbers that count something else. */
static bool counts_other(const struct words *w, const struct found *f)
{
    static const char *const BEFORE[] = {"ngay", "thu", "thang", "top", "quy", "nam", NULL};
    static const char *const AFTER[] = {"ngay",  "lan",    "nguoi",  "khoan", "giao", "thang", "tuan",    "nam", "days",
                                        "weeks", "months", "people", "times", "%",    "phan",  "percent", NULL};
    if (f->strength > 1)
        return false;
    for (const char *const *p = BEFORE; *p; p++)
        if (f->at && is_word(w, f->at - 1, *p))
            return true;
    for (const char *const *p = AFTER; *p; p++)
        if (is_word(w, f->at + f->count, *p))
            return true;
    return false;
}

bool amount_find(struct words *w, const struct currency *cur, int64_t *minor, bool *certain)
{
    struct found best = {0};
    for (size_t at = 0; at < w->n; at++) {
        struct found f;
        if (w->v[at].used || !read_at(w, at, &f) || counts_other(w, &f))
            continue;
        if (f.strength > best.strength)
            best = f;
        at += f.count - 1;
    }
    if (!best.strength)
        return false;
    int64_t unit = 1;
    for (int i = 0; i < cur->exponent; i++)
        unit *= 10;
    bool small = best.strength == 1 && cur->exponent == 0;
    wide value = best.milli * unit * (small ? 1000 : 1) / MILLI;
    if (value <= 0 || value > money_max(cur))
        return false;
    *minor = (int64_t)value;
    *certain = !small;
    words_use(w, best.at, best.count);
    if (best.at && is_word(w, best.at - 1, "$"))
        words_use(w, best.at - 1, 1);
    return true;
}
