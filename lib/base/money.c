#include "base/money.h"

#include <string.h>

__extension__ typedef __int128 wide; /* the product of two amounts */

/* Exponents of ISO 4217. */
static const struct currency CURRENCIES[] = {
    {"VND", 0}, {"USD", 2}, {"EUR", 2}, {"GBP", 2}, {"JPY", 0}, {"KRW", 0}, {"CNY", 2}, {"HKD", 2}, {"TWD", 2},
    {"SGD", 2}, {"THB", 2}, {"MYR", 2}, {"IDR", 2}, {"PHP", 2}, {"LAK", 2}, {"KHR", 2}, {"INR", 2}, {"AUD", 2},
    {"NZD", 2}, {"CAD", 2}, {"CHF", 2}, {"SEK", 2}, {"NOK", 2}, {"DKK", 2}, {"KWD", 3}, {"BHD", 3},
};

const struct currency *currency_find(struct text code)
{
    for (size_t i = 0; i < ARRAY_LEN(CURRENCIES); i++)
        if (text_eq(code, text_of(CURRENCIES[i].code)))
            return &CURRENCIES[i];
    return NULL;
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* 9999999999999.99 whole units, cut to what the currency can hold. */
int64_t money_max(const struct currency *cur)
{
    int64_t fraction = cur->exponent >= 2 ? 99 * power_of_ten(cur->exponent - 2) : cur->exponent == 1 ? 9 : 0;
    return MONEY_MAX_WHOLE * power_of_ten(cur->exponent) + fraction;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of the form -?digits(.digits)?, cut into its parts. */
struct decimal {
    bool negative;
    struct text whole;
    struct text fraction;
};

static struct text take_digits(struct text *rest)
{
    size_t n = 0;
    while (n < rest->n && is_digit(rest->p[n]))
        n++;
    struct text digits = text_slice(*rest, 0, n);
    *rest = text_slice(*rest, n, rest->n);
    return digits;
}

/* What follows the number stays in *rest. */
static bool decimal_split(struct text *rest, struct decimal *d)
{
    d->negative = rest->n && rest->p[0] == '-';
    if (d->negative)
        *rest = text_slice(*rest, 1, rest->n);
    d->whole = take_digits(rest);
    d->fraction = TEXT("");
    if (d->whole.n == 0)
        return false;
    if (rest->n && rest->p[0] == '.') {
        *rest = text_slice(*rest, 1, rest->n);
        d->fraction = take_digits(rest);
        return d->fraction.n > 0;
    }
    return true;
}

static bool append_digit(int64_t *v, char digit)
{
    return !__builtin_mul_overflow(*v, 10, v) && !__builtin_add_overflow(*v, digit - '0', v);
}

enum money_fault money_parse(struct text t, const struct currency *cur, int64_t *minor)
{
    struct decimal d;
    if (!decimal_split(&t, &d) || t.n > 0)
        return MONEY_NOT_A_NUMBER;
    size_t exponent = (size_t)cur->exponent;
    for (size_t i = exponent; i < d.fraction.n; i++)
        if (d.fraction.p[i] != '0')
            return MONEY_TOO_FINE;
    int64_t v = 0;
    for (size_t i = 0; i < d.whole.n; i++)
        if (!append_digit(&v, d.whole.p[i]))
            return MONEY_TOO_LARGE;
    for (size_t i = 0; i < exponent; i++)
        if (!append_digit(&v, i < d.fraction.n ? d.fraction.p[i] : '0'))
            return MONEY_TOO_LARGE;
    if (v > money_max(cur))
        return MONEY_TOO_LARGE;
    *minor = d.negative ? -v : v;
    return MONEY_OK;
}

static size_t reverse(char *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        char c = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = c;
    }
    p[n] = '\0';
    return n;
}

/* Digits are made from the last to the first; `group` (0: none) goes between thousands. At most 27 characters. */
static size_t format(int64_t minor, int exponent, char point, char group, char *out)
{
    uint64_t rest = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    size_t n = 0;
    for (int i = 0; i < exponent; i++) {
        out[n++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (exponent > 0)
        out[n++] = point;
    int digits = 0;
    do {
        if (group && digits > 0 && digits % 3 == 0)
            out[n++] = group;
        out[n++] = (char)('0' + rest % 10);
        rest /= 10;
        digits++;
    } while (rest);
    if (minor < 0)
        out[n++] = '-';
    return reverse(out, n);
}

size_t money_format(int64_t minor, const struct currency *cur, char out[MONEY_TEXT_MAX])
{
    return format(minor, cur->exponent, '.', 0, out);
}

size_t money_format_human(int64_t minor, const struct currency *cur, bool vietnamese, char *out, size_t cap)
{
    char number[MONEY_TEXT_MAX + 8];
    format(minor, cur->exponent, vietnamese ? ',' : '.', vietnamese ? '.' : ',', number);
    bool dong = vietnamese && strcmp(cur->code, "VND") == 0;
    int n = snprintf(out, cap, "%s %s", number, dong ? "₫" : cur->code);
    if (n >= 0 && (size_t)n < cap)
        return (size_t)n;
    if (cap)
        out[0] = '\0';
    return 0;
}

bool money_add(int64_t a, int64_t b, int64_t *sum)
{
    int64_t v;
    if (__builtin_add_overflow(a, b, &v))
        return false;
    *sum = v;
    return true;
}

bool money_sub(int64_t a, int64_t b, int64_t *difference)
{
    int64_t v;
    if (__builtin_sub_overflow(a, b, &v))
        return false;
    *difference = v;
    return true;
}

static size_t largest(const wide *remainders, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (remainders[i] > remainders[best])
            best = i;
    return best;
}

bool money_split(int64_t total, const int64_t *weights, size_t count, int64_t whole, int64_t *parts)
{
    if (total < 0 || whole < 0 || count > MONEY_SPLIT_MAX)
        return false;
    wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (weights[i] < 0)
            return false;
        sum += weights[i];
    }
    wide divisor = sum < whole ? whole : sum;
    if (divisor == 0 && total > 0)
        return false; /* nobody to give it to */
    if (divisor == 0)
        divisor = 1;
    wide remainders[MONEY_SPLIT_MAX];
    wide left = 0;
    for (size_t i = 0; i < count; i++) {
        wide share = (wide)total * weights[i];
        parts[i] = (int64_t)(share / divisor);
        remainders[i] = share % divisor;
        left += remainders[i];
    }
    /* What the floors left is less than the number of parts with a remainder, so each gets one unit at most. */
    for (; left >= divisor; left -= divisor) {
        size_t i = largest(remainders, count);
        parts[i]++;
        remainders[i] = -1;
    }
    return true;
}

/* "e-14" after the digits: browsers write the tiny differences of floating point that way. Far exponents are cut. */
static bool take_exponent(struct text t, long *exponent)
{
    *exponent = 0;
    if (t.n == 0)
        return true;
    if (t.p[0] != 'e' && t.p[0] != 'E')
        return false;
    t = text_slice(t, 1, t.n);
    bool negative = t.n && t.p[0] == '-';
    if (t.n && (t.p[0] == '-' || t.p[0] == '+'))
        t = text_slice(t, 1, t.n);
    struct text digits = take_digits(&t);
    if (digits.n == 0 || t.n > 0)
        return false;
    long v = 0;
    for (size_t i = 0; i < digits.n && v < 1000000; i++)
        v = v * 10 + (digits.p[i] - '0');
    *exponent = negative ? -v : v;
    return true;
}

static char digit_at(const struct decimal *d, long i)
{
    long whole = (long)d->whole.n;
    if (i < 0 || i >= whole + (long)d->fraction.n)
        return '0';
    return i < whole ? d->whole.p[i] : d->fraction.p[i - whole];
}

bool percent_parse(struct text t, int32_t *basis_points)
{
    struct decimal d;
    long exponent;
    if (!decimal_split(&t, &d) || !take_exponent(t, &exponent))
        return false;
    /* All digits before `end` make basis points; the one at `end` decides the rounding. */
    long end = (long)d.whole.n + exponent + 2;
    int64_t v = 0;
    for (long i = 0; i < end; i++) {
        v = v * 10 + (digit_at(&d, i) - '0');
        if (v > INT32_MAX)
            return false;
        if (v == 0 && i >= (long)(d.whole.n + d.fraction.n))
            break; /* only zeros: no need to count up to a far exponent */
    }
    if (end >= 0 && digit_at(&d, end) >= '5')
        v++;
    if (v > INT32_MAX)
        return false;
    *basis_points = (int32_t)(d.negative ? -v : v);
    return true;
}

size_t percent_format(int32_t basis_points, char out[MONEY_TEXT_MAX])
{
    size_t n = format(basis_points, 2, '.', 0, out);
    while (out[n - 1] == '0')
        n--;
    if (out[n - 1] == '.')
        n--;
    out[n] = '\0';
    return n;
}
