#include "base/text.h"

enum {
    EMAIL_MAX = 254,      /* RFC 5321 4.5.3.1.3, without the angle brackets */
    EMAIL_LOCAL_MAX = 64, /* 4.5.3.1.1 */
    DNS_LABEL_MAX = 63
};

bool text_eq(struct text a, struct text b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_eq_nocase(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool text_starts(struct text t, struct text prefix)
{
    return t.n >= prefix.n && text_eq(text_slice(t, 0, prefix.n), prefix);
}

struct text text_slice(struct text t, size_t from, size_t to)
{
    if (to > t.n)
        to = t.n;
    if (from > to)
        from = to;
    return (struct text){t.p ? t.p + from : NULL, to - from};
}

bool text_split(struct text *rest, char sep, struct text *piece)
{
    if (!rest->p)
        return false;
    const char *end = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!end) {
        *piece = *rest;
        *rest = TEXT_NONE;
        return true;
    }
    size_t n = (size_t)(end - rest->p);
    *piece = text_slice(*rest, 0, n);
    *rest = text_slice(*rest, n + 1, rest->n);
    return true;
}

/* RFC 3629 section 4: the ranges of the second byte shut out overlong forms, surrogates and what is above U+10FFFF. */
size_t text_decode(struct text t, size_t at, uint32_t *code_point)
{
    const unsigned char *s = (const unsigned char *)t.p + at;
    size_t left = t.n - at;
    unsigned char lead = s[0];
    if (lead < 0x80) {
        *code_point = lead;
        return 1;
    }
    size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < n)
        return 0;
    unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < least || s[1] > most)
        return 0;
    uint32_t c = lead & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = (c << 6) | (s[i] & 0x3Fu);
    }
    *code_point = c;
    return n;
}

/* Number of bytes from `at` that are ASCII, in steps of eight: most texts are nothing else. */
static size_t ascii_run(struct text t, size_t at)
{
    size_t start = at;
    while (t.n - at >= 8) {
        uint64_t word;
        memcpy(&word, t.p + at, 8);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += 8;
    }
    return at - start;
}

bool text_is_utf8(struct text t)
{
    size_t at = 0;
    while (at < t.n) {
        at += ascii_run(t, at);
        if (at == t.n)
            return true;
        uint32_t c;
        size_t n = text_decode(t, at, &c);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

size_t text_length(struct text t)
{
    size_t length = 0;
    for (size_t i = 0; i < t.n; i++)
        length += ((unsigned char)t.p[i] & 0xC0) != 0x80;
    return length;
}

bool text_has_control(struct text t, bool multiline)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (multiline && (c == '\t' || c == '\n' || c == '\r'))
            continue;
        if (c < 0x20 || c == 0x7F)
            return true;
        /* U+0080..U+009F are C2 80..C2 9F */
        if (c == 0xC2 && i + 1 < t.n && (unsigned char)t.p[i + 1] < 0xA0)
            return true;
    }
    return false;
}

/* The Unicode property White_Space, and the byte order mark, which JavaScript's trim() takes away too. */
static bool is_white_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 ||
           c == 0xFEFF;
}

static size_t last_sequence(struct text t)
{
    size_t n = 1;
    while (n < 4 && n < t.n && ((unsigned char)t.p[t.n - n] & 0xC0) == 0x80)
        n++;
    return n;
}

struct text text_trim(struct text t)
{
    uint32_t c;
    size_t n;
    while (t.n && (n = text_decode(t, 0, &c)) > 0 && is_white_space(c))
        t = text_slice(t, n, t.n);
    while (t.n) {
        n = last_sequence(t);
        if (text_decode(t, t.n - n, &c) != n || !is_white_space(c))
            break;
        t.n -= n;
    }
    return t;
}

bool text_lower(struct text t, char *out, size_t cap)
{
    if (t.n >= cap)
        return false;
    for (size_t i = 0; i < t.n; i++)
        out[i] = lower(t.p[i]);
    out[t.n] = '\0';
    return true;
}

bool text_to_int64(struct text t, int64_t *out)
{
    size_t i = t.n && t.p[0] == '-' ? 1 : 0;
    bool negative = i == 1;
    if (i == t.n)
        return false;
    /* Gathered below zero, where there is room for INT64_MIN. */
    int64_t v = 0;
    for (; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, t.p[i] - '0', &v))
            return false;
    }
    if (!negative && v == INT64_MIN)
        return false;
    *out = negative ? v : -v;
    return true;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* The dot-atom of RFC 5322: a quoted local part is legal but nobody has one, and it would need quoting everywhere. */
static bool is_local_part(struct text t)
{
    if (t.n == 0 || t.n > EMAIL_LOCAL_MAX)
        return false;
    struct text atom;
    while (text_split(&t, '.', &atom)) {
        if (atom.n == 0)
            return false;
        for (size_t i = 0; i < atom.n; i++)
            if (atom.p[i] == '\0' || (!is_alnum(atom.p[i]) && !strchr("!#$%&'*+-/=?^_`{|}~", atom.p[i])))
                return false;
    }
    return true;
}

static bool is_domain(struct text t)
{
    struct text label = TEXT_NONE;
    size_t labels = 0;
    while (text_split(&t, '.', &label)) {
        labels++;
        if (label.n == 0 || label.n > DNS_LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_alnum(label.p[i]) && label.p[i] != '-')
                return false;
    }
    int64_t number;
    return labels >= 2 && !text_to_int64(label, &number);
}

bool text_is_email(struct text t)
{
    if (t.n == 0 || t.n > EMAIL_MAX)
        return false;
    struct text local;
    return text_split(&t, '@', &local) && t.p && is_local_part(local) && is_domain(t);
}

bool text_eq_secret(struct text a, struct text b)
{
    if (a.n != b.n)
        return false;
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.n; i++)
        difference = (unsigned char)(difference | ((unsigned char)a.p[i] ^ (unsigned char)b.p[i]));
    return difference == 0;
}
