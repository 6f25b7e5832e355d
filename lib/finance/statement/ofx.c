/* OFX 1.x (SGML, closing tags left out), 2.x (XML) and QFX, read by their tags alone: nothing is expanded or fetched.
 */
#include <string.h>

#include "finance/statement/parts.h"

enum { HEAD = 4096 };

struct ofx {
    struct text rest;
    int64_t line;      /* of the tag at hand */
    struct text name;  /* "STMTTRN", "/STMTTRN" */
    struct text value; /* up to the next tag */
};

static void count_lines(struct ofx *x, size_t bytes)
{
    for (const char *p = x->rest.p, *end = p + bytes; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        x->line++;
}

static void skip(struct ofx *x, size_t bytes)
{
    count_lines(x, bytes);
    x->rest = text_slice(x->rest, bytes, x->rest.n);
}

static size_t until(struct text t, char c)
{
    const char *found = t.n ? memchr(t.p, c, t.n) : NULL;
    return found ? (size_t)(found - t.p) : t.n;
}

static bool next_tag(struct ofx *x)
{
    skip(x, until(x->rest, '<'));
    if (!x->rest.n)
        return false;
    size_t end = until(x->rest, '>');
    if (end == x->rest.n)
        return false;
    x->name = text_trim(text_slice(x->rest, 1, end));
    skip(x, end + 1);
    x->value = text_trim(text_slice(x->rest, 0, until(x->rest, '<')));
    return true;
}

static bool is(const struct ofx *x, const char *name)
{
    return text_eq_nocase(x->name, text_of(name));
}

static bool detect(struct text file)
{
    struct ofx x = {.rest = text_slice(file, 0, file.n < HEAD ? file.n : HEAD), .line = 1};
    while (next_tag(&x))
        if (is(&x, "OFX"))
            return true;
    return false;
}

static const struct {
    const char *entity, *sign;
} ENTITIES[] = {{"amp;", "&"}, {"lt;", "<"}, {"gt;", ">"}, {"quot;", "\""}, {"apos;", "'"}, {"nbsp;", " "}};

/* Into out (max bytes and a NUL), cleaned. */
static struct text unescape(struct text t, char *out, size_t max)
{
    char plain[STATEMENT_TEXT_MAX];
    size_t n = 0;
    for (size_t at = 0; at < t.n && n < sizeof plain;) {
        struct text rest = text_slice(t, at + 1, t.n);
        size_t length = 0;
        for (size_t i = 0; t.p[at] == '&' && !length && i < ARRAY_LEN(ENTITIES); i++)
            if (text_starts(rest, text_of(ENTITIES[i].entity))) {
                length = strlen(ENTITIES[i].entity);
                plain[n++] = ENTITIES[i].sign[0];
            }
        if (!length)
            plain[n++] = t.p[at];
        at += 1 + length;
    }
    return part_clean((struct text){plain, n}, out, max);
}

static bool inspect(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err)
{
    struct ofx x = {.rest = file, .line = 1};
    (void)o, (void)err;
    while (!info->account[0] && next_tag(&x) && !is(&x, "STMTTRN"))
        if (is(&x, "ACCTID"))
            unescape(x.value, info->account, STATEMENT_ACCOUNT_MAX);
    return true;
}

struct transaction_tags {
    struct text date, amount, id, name, memo, currency;
};

/* The sign that stands last has the decimals: OFX knows no thousands. */
static char decimal_of(struct text t)
{
    char last = '.';
    size_t count = 0;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == '.' || t.p[i] == ',') {
            count = t.p[i] == last ? count + 1 : 1;
            last = t.p[i];
        }
    return count > 1 ? (last == '.' ? ',' : '.') : last;
}

struct reading {
    const struct statement_options *o;
    statement_row_fn *each;
    void *to;
    struct text currency; /* of the statement at hand */
};

static bool tell(const struct reading *r, const struct transaction_tags *t, int64_t line, struct err *err)
{
    char text[STATEMENT_TEXT_MAX + 1], id[STATEMENT_ID_MAX + 1], name[STATEMENT_TEXT_MAX + 1],
        memo[STATEMENT_TEXT_MAX + 1];
    struct text parts[] = {unescape(t->name, name, STATEMENT_TEXT_MAX), unescape(t->memo, memo, STATEMENT_TEXT_MAX)};
    struct statement_row row = {.line = line};
    row.text = part_join(parts, text_eq(parts[0], parts[1]) ? 1 : 2, text);
    row.bank_id = unescape(t->id, id, STATEMENT_ID_MAX);
    if (!part_is_currency(t->currency.n ? t->currency : r->currency, r->o->currency))
        row.bad = BAD_CURRENCY;
    else if (!part_date_iso(t->date, &row.occurred_on))
        row.bad = BAD_DATE;
    else
        row.bad = part_amount(t->amount, decimal_of(t->amount), r->o->currency, &row.amount);
    part_check_amount(&row, r->o->currency);
    return r->each(r->to, &row, err);
}

static void take(struct transaction_tags *t, const struct ofx *x)
{
    const struct {
        const char *name;
        struct text *to;
    } rows[] = {{"DTPOSTED", &t->date}, {"TRNAMT", &t->amount}, {"FITID", &t->id},
                {"NAME", &t->name},     {"MEMO", &t->memo},     {"CURSYM", &t->currency}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is(x, rows[i].name))
            *rows[i].to = x->value;
}

static bool read_rows(struct text file, const struct statement_options *o, struct statement_info *info,
                      statement_row_fn *each, void *to, struct err *err)
{
    struct ofx x = {.rest = file, .line = 1};
    struct reading r = {.o = o, .each = each, .to = to};
    struct transaction_tags t = {0};
    int64_t line = 0; /* of the transaction at hand; 0: none */
    (void)info;
    while (next_tag(&x)) {
        bool begins = is(&x, "STMTTRN"), ends = is(&x, "/STMTTRN") || is(&x, "/BANKTRANLIST");
        if (line && (begins || ends) && !tell(&r, &t, line, err))
            return false;
        if (begins || ends) {
            t = (struct transaction_tags){0};
            line = begins ? x.line : 0;
        } else if (is(&x, "CURDEF")) {
            r.currency = x.value;
        } else if (line) {
            take(&t, &x);
        }
    }
    return !line || tell(&r, &t, line, err);
}

const struct statement_format STATEMENT_OFX = {"ofx", detect, inspect, read_rows};
