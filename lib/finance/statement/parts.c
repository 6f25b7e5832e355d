#include "finance/statement/parts.h"

#include "base/date.h"

const char BAD_DATE[] = "Không đọc được ngày";
const char BAD_AMOUNT[] = "Không đọc được số tiền";
const char BAD_ZERO[] = "Số tiền bằng 0";
const char BAD_CURRENCY[] = "Khác loại tiền của sổ";
const char BAD_LARGE[] = "Số tiền quá lớn";
const char BAD_PENDING[] = "Giao dịch chưa hoàn tất";
const char BAD_LINE[] = "Dòng bị hỏng hoặc quá dài";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint32_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* ---- amounts ---- */

enum { AMOUNT_MAX = 40, CURRENCY_LETTERS_MAX = 4 };

struct amount {
    char p[AMOUNT_MAX + 1]; /* digits, '.', ',' */
    size_t n;
    bool negative;
};

/* Blanks, apostrophes, letters of a currency's name and currency signs are no part of a number. */
static bool is_decoration(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\'' || c == 0xA0 || c == 0x202F || c == 0x2019 || c == 0x20AB ||
           c == 0x20AC || c == '$' || c == 0xA3 || c == 0xA5 || c == 0x111 || c == 0x110 || c == '+' || is_letter(c);
}

/* A sign stands before or behind the digits, and a currency's name has few letters: else it is no amount but a date, or
 * a text with a number in it. */
static bool strip(struct text t, struct amount *out)
{
    size_t letters = 0;
    bool ended = false;
    *out = (struct amount){0};
    for (size_t at = 0, length; at < t.n; at += length) {
        uint32_t c = 0;
        length = text_decode(t, at, &c);
        if (!length)
            return false;
        if (c == '-' || c == '(' || c == 0x2212) {
            out->negative = true;
            ended = out->n > 0;
        } else if (c < 0x80 && (is_digit((char)c) || c == '.' || c == ',')) {
            if (out->n == AMOUNT_MAX || ended)
                return false;
            out->p[out->n++] = (char)c;
        } else if (c != ')' && (!is_decoration(c) || (is_letter(c) && ++letters > CURRENCY_LETTERS_MAX))) {
            return false;
        }
    }
    return out->n > 0;
}

static size_t digits_from(const struct amount *a, size_t at)
{
    size_t n = 0;
    while (at + n < a->n && is_digit(a->p[at + n]))
        n++;
    return n;
}

/* Thousands separators stand before three digits each; the decimal sign stands once. */
static bool to_plain(const struct amount *a, char decimal, char *out, size_t *n)
{
    bool fraction = false;
    *n = 0;
    if (a->negative)
        out[(*n)++] = '-';
    for (size_t i = 0; i < a->n; i++) {
        if (is_digit(a->p[i])) {
            out[(*n)++] = a->p[i];
        } else if (a->p[i] == decimal) {
            if (fraction)
                return false;
            fraction = true;
            if (i == 0)
                out[(*n)++] = '0';
            if (digits_from(a, i + 1) > 0)
                out[(*n)++] = '.';
        } else if (fraction || i == 0 || digits_from(a, i + 1) != 3) {
            return false;
        }
    }
    return true;
}

const char *part_amount(struct text t, char decimal, const struct currency *cur, int64_t *minor)
{
    struct amount a;
    char plain[AMOUNT_MAX + 4];
    size_t n;
    if (!strip(t, &a) || !to_plain(&a, decimal, plain, &n))
        return BAD_AMOUNT;
    enum money_fault fault = money_parse((struct text){plain, n}, cur, minor);
    return fault == MONEY_OK ? NULL : fault == MONEY_TOO_LARGE ? BAD_LARGE : BAD_AMOUNT;
}

char part_decimal_of(struct text t)
{
    struct amount a;
    if (!strip(t, &a))
        return 0;
    size_t last = a.n, count = 0;
    char sign = 0;
    bool mixed = false;
    for (size_t i = 0; i < a.n; i++) {
        if (is_digit(a.p[i]))
            continue;
        mixed = mixed || (sign && sign != a.p[i]);
        sign = a.p[i];
        last = i;
        count++;
    }
    if (!sign)
        return 0;
    if (mixed || digits_from(&a, last + 1) != 3)
        return count == 1 || mixed ? sign : 0;
    return sign == '.' ? ',' : '.';
}

void part_check_amount(struct statement_row *row, const struct currency *cur)
{
    if (row->bad)
        return;
    int64_t max = money_max(cur);
    row->bad = row->amount == 0 ? BAD_ZERO : row->amount > max || row->amount < -max ? BAD_LARGE : NULL;
}

/* ---- dates ---- */

static int month_named(struct text word)
{
    static const char NAMES[][4] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (word.n >= 3 && text_eq_nocase(text_slice(word, 0, 3), (struct text){NAMES[i], 3}))
            return (int)i + 1;
    return 0;
}

/* "20260328", with a time behind it in OFX. */
static bool compact(struct text t, struct date_parts *out)
{
    static const size_t ENDS[] = {0, 4, 6, 8};
    for (size_t i = 0; i < 3; i++) {
        out->n[i] = 0;
        out->digits[i] = (int)(ENDS[i + 1] - ENDS[i]);
        for (size_t k = ENDS[i]; k < ENDS[i + 1]; k++)
            out->n[i] = out->n[i] * 10 + (t.p[k] - '0');
    }
    return true;
}

static size_t run_of(struct text t, bool digits)
{
    size_t n = 0;
    while (n < t.n && (digits ? is_digit(t.p[n]) : is_letter((unsigned char)t.p[n])))
        n++;
    return n;
}

bool part_date_split(struct text t, struct date_parts *out)
{
    t = text_trim(t);
    *out = (struct date_parts){0};
    if (run_of(t, true) >= 8)
        return compact(t, out);
    for (size_t i = 0; i < 3; i++) {
        while (i && t.n && !is_digit(t.p[0]) && !is_letter((unsigned char)t.p[0]))
            t = text_slice(t, 1, t.n);
        size_t digits = run_of(t, true), letters = run_of(t, false);
        out->digits[i] = (int)digits;
        if (digits > 4 || (!digits && !letters))
            return false;
        for (size_t k = 0; k < digits; k++)
            out->n[i] = out->n[i] * 10 + (t.p[k] - '0');
        if (!digits) {
            out->n[i] = month_named(text_slice(t, 0, letters));
            if (!out->n[i] || out->month_named)
                return false;
            out->month_named = true;
            out->digits[i] = i == 0 ? -1 : 0;
        }
        t = text_slice(t, digits ? digits : letters, t.n);
    }
    return true;
}

bool part_date(const struct date_parts *d, bool day_first, int32_t *ymd)
{
    if (d->digits[0] == 4)
        return date_make(d->n[0], d->n[1], d->n[2], ymd);
    if (d->digits[2] != 4 && d->digits[2] != 2)
        return false;
    int year = d->digits[2] == 4 ? d->n[2] : d->n[2] + (d->n[2] < 70 ? 2000 : 1900);
    if (d->month_named)
        day_first = d->digits[0] >= 0;
    return date_make(year, d->n[day_first ? 1 : 0], d->n[day_first ? 0 : 1], ymd);
}

void part_date_order(struct date_order *order, struct text t)
{
    struct date_parts d;
    if (!part_date_split(t, &d) || d.digits[0] == 4 || d.month_named)
        return;
    order->seen = order->seen || d.n[0] != d.n[1];
    order->day_first = order->day_first || d.n[0] > 12;
    order->month_first = order->month_first || d.n[1] > 12;
}

/* ---- texts ---- */

struct text part_clean(struct text t, char *out, size_t max)
{
    size_t n = 0;
    bool blank = false;
    t = text_trim(t);
    for (size_t at = 0, length; at < t.n; at += length) {
        uint32_t c = 0;
        length = text_decode(t, at, &c);
        if (!length || (c >= 0x7F && c < 0xA0)) {
            length = length ? length : 1;
            continue;
        }
        if (c <= ' ' || c == 0xA0) {
            blank = n > 0;
            continue;
        }
        if (n + length + (blank ? 1 : 0) > max)
            break;
        if (blank)
            out[n++] = ' ';
        blank = false;
        for (size_t i = 0; i < length; i++)
            out[n++] = t.p[at + i];
    }
    out[n] = '\0';
    return (struct text){out, n};
}

struct text part_join(const struct text *parts, size_t count, char *out)
{
    char all[2 * STATEMENT_TEXT_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct text part = text_trim(parts[i]);
        if (!part.n)
            continue;
        for (size_t k = 0; n && k < 3 && n < sizeof(all) - 1; k++)
            all[n++] = " - "[k];
        for (size_t k = 0; k < part.n && n < sizeof(all) - 1; k++)
            all[n++] = part.p[k];
    }
    return part_clean((struct text){all, n}, out, STATEMENT_TEXT_MAX);
}

bool part_line(struct text *rest, int64_t *line, struct text *out)
{
    if (!rest->n)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    *out = text_slice(*rest, 0, n);
    *rest = text_slice(*rest, end ? n + 1 : n, rest->n);
    if (out->n && out->p[out->n - 1] == '\r')
        out->n--;
    (*line)++;
    return true;
}

bool part_is_binary(struct text file)
{
    size_t n = file.n < 4096 ? file.n : 4096;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)file.p[i];
        if (c < 0x20 && c != '\t' && c != '\r' && c != '\n' && c != 0x1A && c != 0x01 && c != 0x03)
            return true;
    }
    return false;
}

bool part_date_iso(struct text t, int32_t *ymd)
{
    struct date_parts d;
    return part_date_split(t, &d) && d.digits[0] == 4 && part_date(&d, true, ymd);
}

bool part_is_currency(struct text code, const struct currency *cur)
{
    return !code.n || text_eq_nocase(code, text_of(cur->code));
}

bool part_has_line(struct text file, struct text begin)
{
    struct text rest = text_slice(file, 0, file.n < 4096 ? file.n : 4096), line;
    int64_t lines = 0;
    while (part_line(&rest, &lines, &line))
        if (line.n >= begin.n && text_eq_nocase(text_slice(line, 0, begin.n), begin))
            return true;
    return false;
}
