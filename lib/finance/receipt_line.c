#include "finance/receipt_line.h"

#include "base/attr.h"

enum {
    TOKENS_MAX = 64,
    NUMBER_MAX = 32,
    UNGROUPED_MAX = 9, /* digits in a row; more is a telephone number or a code */
    MARK_PASSES = 4
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* ---- numbers ---- */

struct mark {
    const char *text, *code; /* code NULL: of several currencies, all with decimals */
};

static const struct mark MARKS[] = {{"vnđ", "VND"},  {"VNĐ", "VND"}, {"VNÐ", "VND"}, {"vnd", "VND"}, {"VND", "VND"},
                                    {"đồng", "VND"}, {"đ", "VND"},   {"Đ", "VND"},   {"₫", "VND"},   {"d", "VND"},
                                    {"usd", "USD"},  {"USD", "USD"}, {"US$", "USD"}, {"EUR", "EUR"}, {"€", "EUR"},
                                    {"GBP", "GBP"},  {"£", "GBP"},   {"$", NULL}};

static bool mark_fits(const struct mark *mark, const struct currency *cur)
{
    return mark->code ? strcmp(mark->code, cur->code) == 0 : cur->exponent > 0;
}

/* NULL when the word is no currency. */
static const struct mark *mark_of(struct text word)
{
    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++)
        if (text_eq(word, text_of(MARKS[i].text)) && word.p[0] != 'd')
            return &MARKS[i];
    return NULL;
}

bool receipt_is_foreign(struct text text, const struct currency *cur)
{
    static const struct text DONG[] = {TEXT_INIT("VND"), TEXT_INIT("VNĐ"), TEXT_INIT("₫"), TEXT_INIT("đồng")};
    for (size_t i = 0; strcmp(cur->code, "VND") != 0 && i < ARRAY_LEN(DONG); i++)
        if (memmem(text.p ? text.p : "", text.n, DONG[i].p, DONG[i].n))
            return true;
    return false;
}

static bool ends_with(struct text t, struct text end)
{
    return t.n >= end.n && memcmp(t.p + t.n - end.n, end.p, end.n) == 0;
}

/* Takes one currency mark off either end and tells it; NULL: there is none. */
static const struct mark *strip_mark(struct text *t)
{
    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++) {
        struct text mark = text_of(MARKS[i].text);
        if (text_starts(*t, mark))
            *t = text_slice(*t, mark.n, t->n);
        else if (ends_with(*t, mark))
            *t = text_slice(*t, 0, t->n - mark.n);
        else
            continue;
        return &MARKS[i];
    }
    return NULL;
}

struct shape {
    char whole[NUMBER_MAX], fraction[NUMBER_MAX];
    size_t whole_n, fraction_n;
    bool grouped;
};

/* Where the fraction begins: the last separator, when it cannot be one between thousands. t.n: there is none. */
static size_t point_of(struct text t)
{
    size_t last = t.n, separators = 0;
    bool mixed = false;
    char first = '\0';
    for (size_t i = 0; i < t.n; i++) {
        if (is_digit(t.p[i]))
            continue;
        first = separators ? first : t.p[i];
        mixed = mixed || t.p[i] != first;
        separators++;
        last = i;
    }
    if (!separators)
        return t.n;
    size_t behind = t.n - last - 1;
    return mixed || (separators == 1 && behind != 3) ? last : t.n;
}

static bool take_whole(struct text t, struct shape *s)
{
    size_t run = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (is_digit(t.p[i])) {
            if (s->whole_n == NUMBER_MAX - 1)
                return false;
            s->whole[s->whole_n++] = t.p[i];
            run++;
            continue;
        }
        /* Groups have three digits, the first has one to three. */
        if (run == 0 || run > 3 || (s->grouped && run != 3))
            return false;
        s->grouped = true;
        run = 0;
    }
    return s->grouped ? run == 3 : run > 0;
}

static bool take_shape(struct text t, struct shape *s)
{
    for (size_t i = 0; i < t.n; i++)
        if (!is_digit(t.p[i]) && t.p[i] != '.' && t.p[i] != ',' && t.p[i] != '\'')
            return false;
    if (!t.n || t.n >= NUMBER_MAX || !is_digit(t.p[0]) || !is_digit(t.p[t.n - 1]))
        return false;
    size_t point = point_of(t);
    if (!take_whole(text_slice(t, 0, point), s))
        return false;
    for (size_t i = point + 1; i < t.n; i++)
        s->fraction[s->fraction_n++] = t.p[i];
    return true;
}

bool receipt_amount(struct text t, const struct currency *cur, int64_t *minor, bool *marked)
{
    struct shape s = {0};
    bool sign = false;
    const struct mark *mark;
    for (int i = 0; i < MARK_PASSES && (mark = strip_mark(&t)); i++) {
        if (!mark_fits(mark, cur))
            return false;
        sign = true;
    }
    bool thousands = t.n > 1 && (t.p[t.n - 1] == 'k' || t.p[t.n - 1] == 'K') && cur->exponent == 0;
    if (!take_shape(thousands ? text_slice(t, 0, t.n - 1) : t, &s))
        return false;
    /* "0901234567" and "000123" are no amounts. */
    if (s.whole_n > 1 && s.whole[0] == '0')
        return false;
    if (!s.grouped && s.whole_n > UNGROUPED_MAX)
        return false;
    char number[2 * NUMBER_MAX + 8];
    int n = snprintf(number, sizeof(number), "%.*s%s%s%.*s", (int)s.whole_n, s.whole, thousands ? "000" : "",
                     s.fraction_n ? "." : "", (int)s.fraction_n, s.fraction);
    if (n < 0 || (thousands && s.fraction_n))
        return false;
    *marked = sign || s.grouped || thousands || (cur->exponent > 0 && s.fraction_n == (size_t)cur->exponent);
    return money_parse((struct text){number, (size_t)n}, cur, minor) == MONEY_OK;
}

/* ---- lines ---- */

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_FILLER };

struct token {
    struct text t;
    size_t at;
};

static size_t split(struct text line, struct token out[TOKENS_MAX])
{
    size_t n = 0;
    for (size_t at = 0; at < line.n;) {
        while (at < line.n && is_blank(line.p[at]))
            at++;
        size_t end = at;
        while (end < line.n && !is_blank(line.p[end]))
            end++;
        if (end > at) {
            /* Of a line that is too long the end counts. */
            if (n == TOKENS_MAX)
                memmove(out, out + 1, --n * sizeof(*out));
            out[n++] = (struct token){text_slice(line, at, end), at};
        }
        at = end;
    }
    return n;
}

static bool is_filler(struct text t)
{
    static const char *const WORDS[] = {"x", "X", "*", "@", "=", "×", ":", "-", "|", NULL};
    for (size_t i = 0; WORDS[i]; i++)
        if (text_eq(t, text_of(WORDS[i])))
            return true;
    return mark_of(t) || (t.n > 1 && t.p[t.n - 1] == '%' && is_digit(t.p[0]));
}

/* "x2", "2x", "(5.000)", "-5.000". */
static struct text strip_signs(struct text t, bool *negative)
{
    *negative = false;
    if (t.n > 2 && t.p[0] == '(' && t.p[t.n - 1] == ')') {
        *negative = true;
        return text_slice(t, 1, t.n - 1);
    }
    if (t.n > 1 && t.p[0] == '-') {
        *negative = true;
        return text_slice(t, 1, t.n);
    }
    if (t.n > 1 && (t.p[0] == 'x' || t.p[0] == 'X') && is_digit(t.p[1]))
        return text_slice(t, 1, t.n);
    if (t.n > 1 && (t.p[t.n - 1] == 'x' || t.p[t.n - 1] == 'X') && is_digit(t.p[t.n - 2]))
        return text_slice(t, 0, t.n - 1);
    return t;
}

static bool looks_like_number(struct text t)
{
    bool digits = false;
    for (size_t i = 0; i < t.n; i++) {
        if (!is_digit(t.p[i]) && t.p[i] != '.' && t.p[i] != ',')
            return false;
        digits = digits || is_digit(t.p[i]);
    }
    return digits;
}

static enum token_kind token_kind(struct text t, const struct currency *cur)
{
    int64_t minor;
    bool marked, negative;
    struct text bare = strip_signs(t, &negative);
    if (receipt_amount(bare, cur, &minor, &marked) || looks_like_number(bare))
        return TOKEN_NUMBER;
    return is_filler(t) ? TOKEN_FILLER : TOKEN_WORD;
}

/* Without a sign of money a number must at least be of a usual size. */
static bool is_plausible(int64_t minor, bool marked, const struct currency *cur)
{
    enum { SMALLEST_MARKED = 100, SMALLEST_BARE = 1000 };
    if (cur->exponent > 0)
        return marked && minor > 0;
    return minor >= (marked ? SMALLEST_MARKED : SMALLEST_BARE);
}

static void take_amount(struct receipt_line *out, struct text token, bool currency_beside, const struct currency *cur)
{
    bool marked = false, negative;
    struct text bare = strip_signs(token, &negative);
    if (!receipt_amount(bare, cur, &out->amount, &marked))
        return;
    out->negative = negative;
    out->has_amount = is_plausible(out->amount, marked || currency_beside, cur);
}

/* "1. ", "12) ", "2 x ": a running number or a quantity before the name. */
static struct text strip_index(struct text name)
{
    size_t at = 0;
    while (at < name.n && at < 3 && is_digit(name.p[at]))
        at++;
    size_t digits = at;
    while (at < name.n && (name.p[at] == '.' || name.p[at] == ')' || is_blank(name.p[at])))
        at++;
    if (digits && at == digits && at + 1 < name.n && (name.p[at] == 'x' || name.p[at] == 'X') &&
        is_blank(name.p[at + 1]))
        at += 2;
    if (!digits || at == digits)
        return name;
    if (at + 1 < name.n && (name.p[at] == 'x' || name.p[at] == 'X' || name.p[at] == '*') && is_blank(name.p[at + 1]))
        at += 2;
    struct text rest = text_trim(text_slice(name, at, name.n));
    return rest.n > 2 ? rest : name;
}

/* The unit's column, between the name and at least a quantity and a price: one short word after a gap. */
static struct text strip_unit(struct text name, size_t numbers)
{
    enum { UNIT_MAX = 10, GAP = 2 };
    size_t at = name.n;
    while (at > 0 && !is_blank(name.p[at - 1]))
        at--;
    size_t gap = at;
    while (gap > 0 && is_blank(name.p[gap - 1]))
        gap--;
    bool column = numbers >= 2 && gap > 0 && at - gap >= GAP && name.n - at <= UNIT_MAX;
    return column ? text_slice(name, 0, gap) : name;
}

struct receipt_line receipt_line_read(struct text line, const struct currency *cur)
{
    struct receipt_line out = {0};
    struct token tokens[TOKENS_MAX];
    size_t n = split(line, tokens), first = n;
    bool currency_beside = false, foreign = false;
    while (first > 0) {
        struct text t = tokens[first - 1].t;
        enum token_kind kind = token_kind(t, cur);
        if (kind == TOKEN_WORD)
            break;
        if (kind == TOKEN_NUMBER && !out.numbers++)
            take_amount(&out, t, currency_beside, cur);
        const struct mark *mark = mark_of(t);
        currency_beside = mark != NULL;
        foreign = foreign || (mark && !mark_fits(mark, cur));
        first--;
    }
    out.has_amount = out.has_amount && !foreign;
    size_t end = first < n ? tokens[first].at : line.n;
    /* A sign right before the name's end belongs to the numbers: "Tổng $ 12". */
    out.name = text_trim(text_slice(line, 0, end));
    if (out.numbers)
        out.name = strip_index(strip_unit(out.name, out.numbers));
    return out;
}

bool receipt_has_time(struct text line)
{
    for (size_t i = 1; i + 2 < line.n; i++)
        if (line.p[i] == ':' && is_digit(line.p[i - 1]) && is_digit(line.p[i + 1]) && is_digit(line.p[i + 2]))
            return true;
    return false;
}
