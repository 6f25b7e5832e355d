#include "base/json_scan.h"

static size_t digit_run(struct text t, size_t at)
{
    size_t n = 0;
    while (at + n < t.n && t.p[at + n] >= '0' && t.p[at + n] <= '9')
        n++;
    return n;
}

static bool one_of(struct text t, size_t at, const char *set)
{
    return at < t.n && t.p[at] && strchr(set, t.p[at]);
}

/* RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
size_t json_scan_number(struct text t, size_t *integer_digits)
{
    size_t at = one_of(t, 0, "-") ? 1 : 0;
    size_t whole = digit_run(t, at);
    if (whole == 0 || (whole > 1 && t.p[at] == '0'))
        return 0;
    at += whole;
    *integer_digits = whole;
    if (one_of(t, at, ".")) {
        size_t fraction = digit_run(t, at + 1);
        if (fraction == 0)
            return 0;
        at += 1 + fraction;
        *integer_digits = 0;
    }
    if (one_of(t, at, "eE")) {
        at += one_of(t, at + 1, "+-") ? 2 : 1;
        size_t exponent = digit_run(t, at);
        if (exponent == 0)
            return 0;
        at += exponent;
        *integer_digits = 0;
    }
    return at;
}

bool json_scan_blank(struct text t, size_t at)
{
    while (one_of(t, at, " \t\n\r"))
        at++;
    return at >= t.n;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A \uXXXX stands at `at` whose first two digits are among `first` and `second`. */
static bool is_unit(struct text t, size_t at, const char *first, const char *second)
{
    if (!one_of(t, at, "\\") || !one_of(t, at + 1, "u") || !one_of(t, at + 2, first) || !one_of(t, at + 3, second))
        return false;
    return at + 6 <= t.n && is_hex(t.p[at + 4]) && is_hex(t.p[at + 5]);
}

/* The length of the escape whose backslash stands at `at`. Half a surrogate pair stands for no character. */
static size_t escape(struct text t, size_t at)
{
    static const char HIGH[] = "89abAB", LOW[] = "cdefCDEF";
    if (!one_of(t, at + 1, "\"\\/bfnrtu"))
        return 0;
    if (t.p[at + 1] != 'u')
        return 2;
    if (is_unit(t, at, "dD", HIGH))
        return is_unit(t, at + 6, "dD", LOW) ? 12 : 0;
    for (size_t i = at + 2; i < at + 6; i++)
        if (i >= t.n || !is_hex(t.p[i]))
            return 0;
    return is_unit(t, at, "dD", LOW) ? 0 : 6;
}

size_t json_scan_string(struct text t)
{
    if (!one_of(t, 0, "\""))
        return 0;
    size_t at = 1;
    while (at < t.n && t.p[at] != '"') {
        if ((unsigned char)t.p[at] < 0x20)
            return 0;
        size_t n = t.p[at] == '\\' ? escape(t, at) : 1;
        if (n == 0)
            return 0;
        at += n;
    }
    return at < t.n ? at + 1 : 0;
}

static size_t word(struct text t)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++)
        if (text_starts(t, text_of(WORDS[i])))
            return strlen(WORDS[i]);
    return 0;
}

/* The length of the token at the start of t; 0 with *fault set. */
static size_t token(struct text t, struct json_scan *out)
{
    size_t n;
    size_t integer_digits = 0;
    switch (t.p[0]) {
    case '"':
        n = json_scan_string(t);
        out->fault = n ? NULL : "a string is not valid";
        return n;
    case 't':
    case 'f':
    case 'n':
        n = word(t);
        out->fault = n ? NULL : "an unknown word";
        return n;
    default:
        n = json_scan_number(t, &integer_digits);
        out->fault = n ? NULL : "an unexpected character";
        out->long_integers += integer_digits >= JSON_LONG_INTEGER_DIGITS;
        return n;
    }
}

bool json_scan(struct text t, int depth_max, struct json_scan *out)
{
    *out = (struct json_scan){0};
    int depth = 0;
    size_t n;
    char before = 0; /* the last structural character or token's first one */
    for (size_t at = 0; at < t.n; at += n) {
        n = 1;
        out->place = at;
        switch (t.p[at]) {
        case ' ':
        case '\t':
        case '\n':
        case '\r': continue;
        case ',':
        case ':': break;
        case '{':
        case '[':
            if (++depth > depth_max)
                out->fault = "it is nested too deeply";
            break;
        case '}':
        case ']':
            depth--;
            if (before == ',')
                out->fault = "a comma stands before the end";
            break;
        default: n = token(text_slice(t, at, t.n), out);
        }
        if (out->fault)
            return false;
        before = t.p[at];
    }
    return true;
}
