/* Dates as tills print them. */
#include "base/attr.h"
#include "base/date.h"
#include "finance/receipt_line.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t take_number(struct text t, size_t at, int *out)
{
    size_t n = 0;
    *out = 0;
    while (at + n < t.n && n < 5 && is_digit(t.p[at + n]))
        *out = *out * 10 + (t.p[at + n++] - '0');
    return n;
}

/* A day, a month and a year in either order; the year of two digits is of this century. */
static int32_t date_of(int a, int b, int year, size_t year_digits)
{
    int32_t date = 0;
    if (year_digits == 2)
        year += 2000;
    if (date_make(year, b, a, &date) || date_make(year, a, b, &date))
        return date;
    return 0;
}

/* "5/3/2026", "05-03-26", "2026-03-05", "5.3.2026" at `at`. */
static int32_t numeric_date(struct text t, size_t at)
{
    int part[3];
    size_t digits[3];
    char sign = '\0';
    for (int i = 0; i < 3; i++) {
        if (i) {
            if (at >= t.n || (t.p[at] != '/' && t.p[at] != '-' && t.p[at] != '.') || (sign && t.p[at] != sign))
                return 0;
            sign = t.p[at++];
        }
        digits[i] = take_number(t, at, &part[i]);
        if (!digits[i])
            return 0;
        at += digits[i];
    }
    int32_t date = 0;
    if (digits[0] == 4)
        return digits[1] <= 2 && digits[2] <= 2 && date_make(part[0], part[1], part[2], &date) ? date : 0;
    if (digits[0] > 2 || digits[1] > 2 || (digits[2] != 4 && digits[2] != 2))
        return 0;
    return date_of(part[0], part[1], part[2], digits[2]);
}

static size_t skip_to_number(struct text t, size_t at, size_t most)
{
    size_t end = at + most < t.n ? at + most : t.n;
    while (at < end && !is_digit(t.p[at]))
        at++;
    return at < end ? at : t.n;
}

static size_t find(struct text t, struct text what, size_t from)
{
    for (size_t i = from; i + what.n <= t.n; i++)
        if (memcmp(t.p + i, what.p, what.n) == 0)
            return i;
    return t.n;
}

/* "ngay 05 thang 03 nam 2026" */
static int32_t spoken_date(struct text t)
{
    enum { NEAR = 20 };
    static const struct text WORDS[] = {TEXT_INIT("ngay"), TEXT_INIT("thang"), TEXT_INIT("nam")};
    int part[3];
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        at = find(t, WORDS[i], at);
        at = skip_to_number(t, at, NEAR);
        size_t n = at < t.n ? take_number(t, at, &part[i]) : 0;
        if (!n)
            return 0;
        at += n;
    }
    int32_t date = 0;
    return date_make(part[2], part[1], part[0], &date) ? date : 0;
}

/* "05 thg 03 2026", "5 thg 3, 2026" */
static int32_t short_date(struct text t)
{
    enum { NEAR = 6 };
    int day, month, year;
    int32_t date = 0;
    size_t word = find(t, TEXT("thg"), 0), from = word;
    while (from > 0 && word - from < 4 && (is_digit(t.p[from - 1]) || t.p[from - 1] == ' '))
        from--;
    from = skip_to_number(t, from, word - from);
    size_t at = word < t.n && from < word ? skip_to_number(t, word, NEAR) : t.n;
    size_t n = at < t.n ? take_number(t, at, &month) : 0;
    at = n ? skip_to_number(t, at + n, NEAR) : t.n;
    return at < t.n && take_number(t, from, &day) && take_number(t, at, &year) == 4 &&
                   date_make(year, month, day, &date)
               ? date
               : 0;
}

/* "mar 5, 2026" and "5 march 2026" */
static int32_t named_date(struct text t)
{
    static const char MONTHS[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; i + 3 <= t.n; i++) {
        bool begins = i == 0 || t.p[i - 1] < 'a' || t.p[i - 1] > 'z';
        for (int m = 0; begins && m < 12; m++) {
            int day = 0, year = 0;
            if (memcmp(t.p + i, MONTHS + 3 * m, 3) != 0)
                continue;
            size_t after = i;
            while (after < t.n && ((t.p[after] >= 'a' && t.p[after] <= 'z') || t.p[after] == '.'))
                after++;
            size_t number = skip_to_number(t, after, 3), n = number < t.n ? take_number(t, number, &year) : 0;
            if (n == 1 || n == 2) {
                day = year;
                number = skip_to_number(t, number + n, 5);
                n = number < t.n ? take_number(t, number, &year) : 0;
            } else if (n == 4 && i > 1) {
                size_t back = i - 1;
                while (back > 0 && !is_digit(t.p[back - 1]) && i - back < 5)
                    back--;
                size_t from = back;
                while (from > 0 && is_digit(t.p[from - 1]))
                    from--;
                take_number(t, from, &day);
            }
            int32_t date = 0;
            if (n == 4 && date_make(year, m + 1, day, &date))
                return date;
        }
    }
    return 0;
}

int32_t receipt_date(struct text folded)
{
    for (size_t i = 0; i < folded.n; i++) {
        if (!is_digit(folded.p[i]) || (i > 0 && (is_digit(folded.p[i - 1]) || folded.p[i - 1] == '.')))
            continue;
        int32_t date = numeric_date(folded, i);
        if (date)
            return date;
    }
    int32_t date = spoken_date(folded);
    date = date ? date : short_date(folded);
    return date ? date : named_date(folded);
}
