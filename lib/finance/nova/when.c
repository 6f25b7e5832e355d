#include "finance/nova/when.h"

#include "base/date.h"

enum { DAYS_OF_WEEK = 7 };

/* ---- phrases that need no number ---- */

enum unit { UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_QUARTER, UNIT_YEAR };

struct phrase {
    const char *text;
    enum unit unit;
    int offset; /* units from today's */
};

/* Longer phrases first where one begins with another. */
static const struct phrase PHRASES[] = {
    {"the day before yesterday", UNIT_DAY, -2},
    {"day before yesterday", UNIT_DAY, -2},
    {"hom nay", UNIT_DAY, 0},
    {"ngay hom nay", UNIT_DAY, 0},
    {"bua nay", UNIT_DAY, 0},
    {"sang nay", UNIT_DAY, 0},
    {"trua nay", UNIT_DAY, 0},
    {"chieu nay", UNIT_DAY, 0},
    {"toi nay", UNIT_DAY, 0},
    {"hom qua", UNIT_DAY, -1},
    {"hqua", UNIT_DAY, -1},
    {"ngay hom qua", UNIT_DAY, -1},
    {"bua qua", UNIT_DAY, -1},
    {"toi qua", UNIT_DAY, -1},
    {"dem qua", UNIT_DAY, -1},
    {"hom kia", UNIT_DAY, -2},
    {"hom truoc", UNIT_DAY, -2},
    {"ngay mai", UNIT_DAY, 1},
    {"hom sau", UNIT_DAY, 1},
    {"today", UNIT_DAY, 0},
    {"tonight", UNIT_DAY, 0},
    {"this morning", UNIT_DAY, 0},
    {"yesterday", UNIT_DAY, -1},
    {"last night", UNIT_DAY, -1},
    {"tomorrow", UNIT_DAY, 1},
    {"tuan nay", UNIT_WEEK, 0},
    {"tuan truoc", UNIT_WEEK, -1},
    {"tuan qua", UNIT_WEEK, -1},
    {"tuan roi", UNIT_WEEK, -1},
    {"this week", UNIT_WEEK, 0},
    {"last week", UNIT_WEEK, -1},
    {"previous week", UNIT_WEEK, -1},
    {"thang nay", UNIT_MONTH, 0},
    {"thang truoc", UNIT_MONTH, -1},
    {"thang qua", UNIT_MONTH, -1},
    {"thang roi", UNIT_MONTH, -1},
    {"thang vua roi", UNIT_MONTH, -1},
    {"this month", UNIT_MONTH, 0},
    {"last month", UNIT_MONTH, -1},
    {"previous month", UNIT_MONTH, -1},
    {"quy nay", UNIT_QUARTER, 0},
    {"quy truoc", UNIT_QUARTER, -1},
    {"this quarter", UNIT_QUARTER, 0},
    {"last quarter", UNIT_QUARTER, -1},
    {"nam nay", UNIT_YEAR, 0},
    {"nam ngoai", UNIT_YEAR, -1},
    {"nam truoc", UNIT_YEAR, -1},
    {"nam roi", UNIT_YEAR, -1},
    {"this year", UNIT_YEAR, 0},
    {"last year", UNIT_YEAR, -1},
};

static int32_t plus_days(int32_t ymd, int days)
{
    return date_from_days(date_days(ymd) + days);
}

/* Monday is 0; 1970-01-01 was a Thursday. */
static int week_day(int32_t ymd)
{
    int d = (date_days(ymd) + 3) % DAYS_OF_WEEK;
    return d < 0 ? d + DAYS_OF_WEEK : d;
}

static struct when one_day(int32_t ymd)
{
    return (struct when){ymd, ymd};
}

static struct when months(int32_t first, int32_t last)
{
    return (struct when){month_first_day(first), month_last_day(last)};
}

static struct when unit_of(enum unit unit, int offset, int32_t today)
{
    int32_t month = date_month(today), monday = plus_days(today, -week_day(today) + offset * DAYS_OF_WEEK);
    int32_t quarter = month - month % 100 + (month % 100 - 1) / 3 * 3 + 1;
    switch (unit) {
    case UNIT_DAY: return one_day(plus_days(today, offset));
    case UNIT_WEEK: return (struct when){monday, plus_days(monday, DAYS_OF_WEEK - 1)};
    case UNIT_MONTH: return months(month_add(month, offset), month_add(month, offset));
    case UNIT_QUARTER: return months(month_add(quarter, 3 * offset), month_add(quarter, 3 * offset + 2));
    default: return months((today / 10000 + offset) * 100 + 1, (today / 10000 + offset) * 100 + 12);
    }
}

/* ---- words that carry a number ---- */

static bool is_word(const struct words *w, size_t at, const char *word)
{
    return at < w->n && text_eq(w->v[at].t, text_of(word));
}

static bool whole(const struct words *w, size_t at, int64_t most, int *out)
{
    int64_t v;
    if (at >= w->n || w->v[at].used || !w->v[at].number || !text_to_int64(w->v[at].t, &v) || v < 0 || v > most)
        return false;
    *out = (int)v;
    return true;
}

struct named {
    const char *word;
    int value;
};

static bool named_value(const struct words *w, size_t at, const struct named *rows, size_t count, int *value,
                        size_t *taken)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = words_at(w, at, rows[i].word);
        if (n) {
            *value = rows[i].value;
            *taken = n;
            return true;
        }
    }
    return false;
}

static const struct named MONTHS[] = {
    {"january", 1}, {"february", 2},  {"march", 3},    {"april", 4},     {"june", 6},      {"july", 7},
    {"august", 8},  {"september", 9}, {"october", 10}, {"november", 11}, {"december", 12}, {"jan", 1},
    {"feb", 2},     {"mar", 3},       {"apr", 4},      {"jun", 6},       {"jul", 7},       {"aug", 8},
    {"sep", 9},     {"sept", 9},      {"oct", 10},     {"nov", 11},      {"dec", 12},      {"may", 5},
};

static const struct named MONTH_WORDS[] = {
    {"muoi hai", 12}, {"muoi mot", 11}, {"gieng", 1}, {"mot", 1}, {"hai", 2},  {"ba", 3},    {"tu", 4},    {"bon", 4},
    {"nam", 5},       {"sau", 6},       {"bay", 7},   {"tam", 8}, {"chin", 9}, {"muoi", 10}, {"chap", 12},
};

static const struct named WEEK_DAYS[] = {
    {"thu hai", 0}, {"thu 2", 0},   {"t2", 0},        {"thu ba", 1},   {"thu 3", 1},   {"thu tu", 2},   {"thu 4", 2},
    {"thu nam", 3}, {"thu 5", 3},   {"thu sau", 4},   {"thu 6", 4},    {"thu bay", 5}, {"thu 7", 5},    {"chu nhat", 6},
    {"monday", 0},  {"tuesday", 1}, {"wednesday", 2}, {"thursday", 3}, {"friday", 4},  {"saturday", 5}, {"sunday", 6},
};

/* The latest such day of a month that has come, unless the year was said. */
static bool day_of(int day, int month, int year, int32_t today, int32_t *out)
{
    int this_year = today / 10000;
    if (year)
        return date_make(year < 100 ? 2000 + year : year, month, day, out);
    return date_make(this_year, month, day, out) &&
           (*out <= plus_days(today, 31) || date_make(this_year - 1, month, day, out));
}

static bool bare_day(int day, int32_t today, int32_t *out)
{
    int32_t month = date_month(today);
    if (day <= today % 100)
        return date_make(month / 100, month % 100, day, out);
    month = month_add(month, -1);
    return date_make(month / 100, month % 100, day, out);
}

static size_t year_after(const struct words *w, size_t at, int *year)
{
    int y;
    size_t skip = is_word(w, at, "nam") || is_word(w, at, "/") || is_word(w, at, "-") || is_word(w, at, ",") ||
                          is_word(w, at, "of")
                      ? 1
                      : 0;
    if (whole(w, at + skip, 2100, &y) && y >= 2000) {
        *year = y;
        return skip + 1;
    }
    return 0;
}

/* "5/3", "5/3/2026", "5-3": a sign on both sides without blanks. */
static size_t slashed(const struct words *w, size_t at, int32_t today, struct when *out)
{
    int day, month, year = 0;
    size_t n = 3;
    if (!whole(w, at, 31, &day) || !(is_word(w, at + 1, "/") || is_word(w, at + 1, "-")) || !w->v[at + 1].glued ||
        !whole(w, at + 2, 2100, &month) || !w->v[at + 2].glued)
        return 0;
    if (month > 12)
        return 0;
    if ((is_word(w, at + 3, "/") || is_word(w, at + 3, "-")) && w->v[at + 3].glued && whole(w, at + 4, 2100, &year))
        n = 5;
    int32_t ymd;
    if (!day_of(day, month, year, today, &ymd))
        return 0;
    *out = one_day(ymd);
    return n;
}

/* "ngày 5", "ngày 5 tháng 3 (năm 2026)", "mùng 5", "on the 5th", "5th". */
static size_t day_phrase(const struct words *w, size_t at, int32_t today, struct when *out)
{
    static const char *const INTRO[] = {"vao ngay", "ngay mung", "ngay", "mung", "hom mung",
                                        "hom",      "on the",    "the",  NULL};
    int day, month, year = 0;
    size_t n = 0;
    int32_t ymd;
    for (const char *const *p = INTRO; *p && !n; p++)
        n = words_at(w, at, *p);
    if (!n)
        return 0;
    struct when inner;
    size_t more = slashed(w, at + n, today, &inner);
    if (more) {
        *out = inner;
        return n + more;
    }
    if (!whole(w, at + n, 31, &day) || !day)
        return 0;
    n++;
    bool ordinal =
        is_word(w, at + n, "th") || is_word(w, at + n, "st") || is_word(w, at + n, "nd") || is_word(w, at + n, "rd");
    if (is_word(w, at, "the") || is_word(w, at, "on")) {
        if (!ordinal)
            return 0;
        n++;
    } else if (is_word(w, at + n, "truoc") || is_word(w, at + n, "qua") || is_word(w, at + n, "gan")) {
        return 0;
    }
    if (is_word(w, at + n, "thang") && whole(w, at + n + 1, 12, &month)) {
        n += 2;
        n += year_after(w, at + n, &year);
        if (!day_of(day, month, year, today, &ymd))
            return 0;
    } else if (!bare_day(day, today, &ymd)) {
        return 0;
    }
    *out = one_day(ymd);
    return n;
}

/* "march 5", "5 march", "5th of march", and "in march (2026)", "tháng 3", "tháng ba", "tháng 3/2026". */
static size_t month_phrase(const struct words *w, size_t at, int32_t today, struct when *out)
{
    int month, day, year = 0;
    size_t n = 0, taken;
    int32_t ymd;
    if (whole(w, at, 31, &day) && day) {
        size_t skip = 1;
        skip += is_word(w, at + skip, "th") || is_word(w, at + skip, "st") || is_word(w, at + skip, "nd") ||
                is_word(w, at + skip, "rd");
        skip += is_word(w, at + skip, "of");
        if (!named_value(w, at + skip, MONTHS, ARRAY_LEN(MONTHS), &month, &taken))
            return 0;
        n = skip + taken;
        n += year_after(w, at + n, &year);
        if (!day_of(day, month, year, today, &ymd))
            return 0;
        *out = one_day(ymd);
        return n;
    }
    if (is_word(w, at, "thang") && whole(w, at + 1, 12, &month) && month)
        n = 2;
    else if (is_word(w, at, "thang") && named_value(w, at + 1, MONTH_WORDS, ARRAY_LEN(MONTH_WORDS), &month, &taken))
        n = 1 + taken;
    else if (named_value(w, at, MONTHS, ARRAY_LEN(MONTHS), &month, &taken) &&
             (month != 5 || (at && is_word(w, at - 1, "in"))))
        n = taken;
    else
        return 0;
    if (!is_word(w, at, "thang") && whole(w, at + n, 31, &day) && day && !words_at(w, at + n + 1, "k")) {
        n++;
        n += is_word(w, at + n, "th") || is_word(w, at + n, "st") || is_word(w, at + n, "nd") ||
             is_word(w, at + n, "rd");
        n += year_after(w, at + n, &year);
        if (!day_of(day, month, year, today, &ymd))
            return 0;
        *out = one_day(ymd);
        return n;
    }
    n += year_after(w, at + n, &year);
    if (!year)
        year = today / 10000 - (month > today / 100 % 100);
    *out = months(year * 100 + month, year * 100 + month);
    return n;
}

/* "3 ngày trước", "2 tuần trước", "7 ngày qua", "3 tháng gần đây", "2 days ago", "last 7 days", "past 3 months". */
static size_t counted(const struct words *w, size_t at, int32_t today, struct when *out)
{
    static const struct named UNITS[] = {{"ngay", UNIT_DAY},  {"tuan", UNIT_WEEK},    {"thang", UNIT_MONTH},
                                         {"days", UNIT_DAY},  {"day", UNIT_DAY},      {"weeks", UNIT_WEEK},
                                         {"week", UNIT_WEEK}, {"months", UNIT_MONTH}, {"month", UNIT_MONTH}};
    static const struct named SMALL[] = {{"mot", 1}, {"hai", 2}, {"ba", 3},  {"bon", 4},   {"nam", 5}, {"sau", 6},
                                         {"bay", 7}, {"one", 1}, {"two", 2}, {"three", 3}, {"a", 1}};
    bool back = is_word(w, at, "last") || is_word(w, at, "past");
    size_t n = back ? 1 : 0, taken = 1;
    int count, unit;
    if (!whole(w, at + n, 366, &count) && !named_value(w, at + n, SMALL, ARRAY_LEN(SMALL), &count, &taken))
        return 0;
    n += taken;
    if (!named_value(w, at + n, UNITS, ARRAY_LEN(UNITS), &unit, &taken))
        return 0;
    n += taken;
    bool ago = is_word(w, at + n, "truoc") || is_word(w, at + n, "ago");
    bool span = back || is_word(w, at + n, "qua") || words_at(w, at + n, "gan day") ||
                words_at(w, at + n, "gan nhat") || words_at(w, at + n, "vua qua");
    if ((!ago && !span) || !count)
        return 0;
    n += back                                                                                                  ? 0
         : words_at(w, at + n, "gan day") || words_at(w, at + n, "gan nhat") || words_at(w, at + n, "vua qua") ? 2
                                                                                                               : 1;
    if (unit == UNIT_MONTH)
        *out = ago ? unit_of(UNIT_MONTH, -count, today)
                   : (struct when){month_first_day(month_add(date_month(today), 1 - count)), today};
    else if (ago)
        *out = one_day(plus_days(today, -count * (unit == UNIT_WEEK ? DAYS_OF_WEEK : 1)));
    else
        *out = (struct when){plus_days(today, 1 - count * (unit == UNIT_WEEK ? DAYS_OF_WEEK : 1)), today};
    return n;
}

/* "thứ hai" is the latest one that has come, "thứ hai tuần trước" and "last monday" the one of the week before. */
static size_t week_day_phrase(const struct words *w, size_t at, int32_t today, struct when *out)
{
    int day;
    size_t n = 0, taken;
    bool last = is_word(w, at, "last");
    n += last || is_word(w, at, "on") || is_word(w, at, "hom");
    if (!named_value(w, at + n, WEEK_DAYS, ARRAY_LEN(WEEK_DAYS), &day, &taken))
        return 0;
    n += taken;
    int back = (week_day(today) - day + DAYS_OF_WEEK) % DAYS_OF_WEEK;
    size_t week = words_at(w, at + n, "tuan truoc");
    week = week ? week : words_at(w, at + n, "tuan roi");
    if (week) {
        *out = one_day(plus_days(today, -week_day(today) - DAYS_OF_WEEK + day));
        return n + week;
    }
    week = words_at(w, at + n, "tuan nay");
    if (week) {
        *out = one_day(plus_days(today, -week_day(today) + day));
        return n + week;
    }
    n += words_at(w, at + n, "vua roi");
    *out = one_day(plus_days(today, -(last && !back ? DAYS_OF_WEEK : back)));
    return n;
}

static size_t year_or_quarter(const struct words *w, size_t at, int32_t today, struct when *out)
{
    int v, year = today / 10000;
    if (is_word(w, at, "quy") && whole(w, at + 1, 4, &v) && v) {
        size_t n = 2 + year_after(w, at + 2, &year);
        *out = months(year * 100 + v * 3 - 2, year * 100 + v * 3);
        return n;
    }
    if ((is_word(w, at, "nam") || is_word(w, at, "in")) && whole(w, at + 1, 2100, &v) && v >= 2000) {
        *out = months(v * 100 + 1, v * 100 + 12);
        return 2;
    }
    return 0;
}

static size_t fixed_phrase(const struct words *w, size_t at, int32_t today, struct when *out)
{
    size_t best = 0;
    for (size_t i = 0; i < ARRAY_LEN(PHRASES); i++) {
        size_t n = words_at(w, at, PHRASES[i].text);
        if (n > best) {
            best = n;
            *out = unit_of(PHRASES[i].unit, PHRASES[i].offset, today);
        }
    }
    return best;
}

typedef size_t when_reader(const struct words *w, size_t at, int32_t today, struct when *out);

size_t when_find(struct words *w, int32_t today, struct when out[WHEN_MAX])
{
    static when_reader *const READERS[] = {fixed_phrase, week_day_phrase, counted,        day_phrase,
                                           slashed,      month_phrase,    year_or_quarter};
    size_t count = 0;
    for (size_t at = 0; at < w->n && count < WHEN_MAX; at++) {
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_LEN(READERS) && !n && !w->v[at].used; i++)
            n = READERS[i](w, at, today, &out[count]);
        if (!n)
            continue;
        words_use(w, at, n);
        at += n - 1;
        count++;
    }
    return count;
}
