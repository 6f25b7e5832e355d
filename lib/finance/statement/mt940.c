/* MT940: fields ":61:" (a transaction) and ":86:" (what it was), whose text goes on over lines that begin with no
 * field. */
#include "base/date.h"
#include "finance/statement/parts.h"

enum { INFO_MAX = 2 * STATEMENT_TEXT_MAX };

struct entry {
    int64_t line; /* 0: none */
    struct text first;
    char info[INFO_MAX];
    size_t info_n;
};

struct mt940 {
    const struct statement_options *o;
    statement_row_fn *each;
    void *to;
    struct entry entry;
    struct text currency;
    bool in_info;
};

static bool detect(struct text file)
{
    return part_has_line(file, TEXT(":20:")) &&
           (part_has_line(file, TEXT(":60F:")) || part_has_line(file, TEXT(":61:")));
}

static bool field(struct text line, const char *tag, struct text *value)
{
    if (!text_starts(line, text_of(tag)))
        return false;
    *value = text_trim(text_slice(line, strlen(tag), line.n));
    return true;
}

static bool inspect(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err)
{
    struct text line, value;
    int64_t lines = 0;
    (void)o, (void)err;
    while (!info->account[0] && part_line(&file, &lines, &line))
        if (field(line, ":25:", &value))
            part_clean(value, info->account, STATEMENT_ACCOUNT_MAX);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct text t, size_t at)
{
    size_t n = 0;
    while (at + n < t.n && is_digit(t.p[at + n]))
        n++;
    return n;
}

static bool date_of(struct text t, int32_t *ymd)
{
    int n[3];
    for (size_t i = 0; i < 3; i++)
        n[i] = (t.p[2 * i] - '0') * 10 + t.p[2 * i + 1] - '0';
    return date_make(n[0] + (n[0] < 80 ? 2000 : 1900), n[1], n[2], ymd);
}

/* yymmdd, mmdd?, R?, C or D, a letter of the currency?, the amount with its comma. *at is behind it. */
static const char *read_first(struct text t, const struct currency *cur, struct statement_row *row, size_t *at)
{
    size_t n = digits(t, 0);
    if (n < 6 || !date_of(t, &row->occurred_on))
        return BAD_DATE;
    bool reversed = n < t.n && t.p[n] == 'R';
    n += n < t.n && (t.p[n] == 'R' || t.p[n] == 'E');
    if (n >= t.n || (t.p[n] != 'C' && t.p[n] != 'D'))
        return BAD_AMOUNT;
    bool spent = (t.p[n] == 'D') != reversed;
    n++;
    n += n < t.n && t.p[n] >= 'A' && t.p[n] <= 'Z';
    size_t end = n;
    while (end < t.n && (is_digit(t.p[end]) || t.p[end] == ','))
        end++;
    *at = end;
    const char *bad = part_amount(text_slice(t, n, end), ',', cur, &row->amount);
    if (!bad && spent)
        row->amount = -row->amount;
    return bad;
}

/* Behind the amount: the kind in four letters, the customer's reference, "//", the bank's. */
static struct text reference_of(struct text t, size_t at)
{
    struct text rest = text_slice(t, at + 4 < t.n ? at + 4 : t.n, t.n);
    for (size_t i = 0; i + 1 < rest.n; i++)
        if (rest.p[i] == '/' && rest.p[i + 1] == '/')
            return i + 2 < rest.n ? text_slice(rest, i + 2, rest.n) : text_slice(rest, 0, i);
    return text_eq(rest, TEXT("NONREF")) ? TEXT("") : rest;
}

/* "?20text?21text": parts 20 to 29 and 60 to 63 are the purpose, 32 and 33 the other side. */
static bool is_told(struct text t, size_t at)
{
    int part = (t.p[at] - '0') * 10 + t.p[at + 1] - '0';
    return (part >= 20 && part <= 29) || part == 32 || part == 33 || (part >= 60 && part <= 63);
}

static struct text without_parts(struct text t, char out[INFO_MAX])
{
    size_t n = 0;
    bool told = true, structured = t.n > 4 && digits(t, 0) == 3 && t.p[3] == '?';
    for (size_t i = structured ? 3 : 0; i < t.n; i++) {
        if (structured && t.p[i] == '?' && digits(text_slice(t, 0, i + 3 < t.n ? i + 3 : t.n), i + 1) == 2) {
            told = is_told(t, i + 1);
            out[n++] = ' ';
            i += 2;
        } else if (told) {
            out[n++] = t.p[i];
        }
    }
    return (struct text){out, n};
}

static bool tell(struct mt940 *m, struct err *err)
{
    char plain[INFO_MAX], text[STATEMENT_TEXT_MAX + 1], id[STATEMENT_ID_MAX + 1];
    struct statement_row row = {.line = m->entry.line};
    size_t at = 0;
    if (!row.line)
        return true;
    row.bad = read_first(m->entry.first, m->o->currency, &row, &at);
    if (!row.bad && !part_is_currency(m->currency, m->o->currency))
        row.bad = BAD_CURRENCY;
    row.bank_id = part_clean(row.bad ? TEXT("") : reference_of(m->entry.first, at), id, STATEMENT_ID_MAX);
    row.text =
        part_clean(without_parts((struct text){m->entry.info, m->entry.info_n}, plain), text, STATEMENT_TEXT_MAX);
    part_check_amount(&row, m->o->currency);
    m->entry.line = 0;
    return m->each(m->to, &row, err);
}

static void add_info(struct mt940 *m, struct text t)
{
    struct entry *e = &m->entry;
    for (size_t i = 0; i < t.n && e->info_n < INFO_MAX; i++)
        e->info[e->info_n++] = t.p[i];
}

static bool take_line(struct mt940 *m, struct text line, int64_t number, struct err *err)
{
    struct text value;
    if (field(line, ":61:", &value)) {
        if (!tell(m, err))
            return false;
        m->entry.line = number;
        m->entry.first = value;
        m->entry.info_n = 0;
        m->in_info = false;
    } else if (field(line, ":86:", &value)) {
        m->in_info = m->entry.line != 0;
        add_info(m, m->in_info ? value : TEXT(""));
    } else if (field(line, ":60F:", &value) || field(line, ":60M:", &value)) {
        m->currency = value.n >= 10 ? text_slice(value, 7, 10) : TEXT("");
    } else if (line.n && (line.p[0] == ':' || line.p[0] == '-')) {
        m->in_info = false;
        return tell(m, err);
    } else if (m->in_info) {
        add_info(m, line);
    }
    return true;
}

static bool read_rows(struct text file, const struct statement_options *o, struct statement_info *info,
                      statement_row_fn *each, void *to, struct err *err)
{
    struct mt940 m = {.o = o, .each = each, .to = to};
    struct text line;
    int64_t number = 0;
    (void)info;
    while (part_line(&file, &number, &line))
        if (!take_line(&m, line, number, err))
            return false;
    return tell(&m, err);
}

const struct statement_format STATEMENT_MT940 = {"mt940", detect, inspect, read_rows};
