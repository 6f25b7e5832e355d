/* QIF: a letter and a value each line, "^" ends a transaction. Dates and decimals are as the program that wrote it had
 * them, so they are found out from the whole file. */
#include "finance/statement/parts.h"

struct qif {
    struct text rest, line_text;
    int64_t line;
    bool in_list, in_account; /* in a list of transactions; in the description of an account */
};

/* "!Type:Bank" and its like begin a list; other headers describe categories, investments and so on. */
static void take_header(struct qif *q)
{
    static const char *const LISTS[] = {"!type:bank", "!type:ccard", "!type:cash", "!type:oth a", "!type:oth l"};
    q->in_list = false;
    q->in_account = text_eq_nocase(q->line_text, TEXT("!Account"));
    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
        q->in_list = q->in_list || text_eq_nocase(q->line_text, text_of(LISTS[i]));
}

/* The next line that says something. */
static bool next(struct qif *q)
{
    while (part_line(&q->rest, &q->line, &q->line_text)) {
        q->line_text = text_trim(q->line_text);
        if (!q->line_text.n)
            continue;
        if (q->line_text.p[0] != '!')
            return true;
        take_header(q);
    }
    return false;
}

static struct text value(const struct qif *q)
{
    return text_trim(text_slice(q->line_text, 1, q->line_text.n));
}

static bool detect(struct text file)
{
    return part_has_line(file, TEXT("!Type:")) || part_has_line(file, TEXT("!Account"));
}

static bool inspect(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err)
{
    struct qif q = {.rest = file};
    struct date_order order = {0};
    size_t points = 0, commas = 0;
    (void)err;
    while (next(&q)) {
        char letter = q.line_text.p[0];
        if (q.in_account && letter == 'N' && !info->account[0])
            part_clean(value(&q), info->account, STATEMENT_ACCOUNT_MAX);
        if (q.in_list && letter == 'D')
            part_date_order(&order, value(&q));
        if (q.in_list && letter == 'T') {
            char sign = part_decimal_of(value(&q));
            points += sign == '.';
            commas += sign == ',';
        }
    }
    struct statement_mapping *m = &info->mapping;
    *m = (struct statement_mapping){.day_first = o->mapping.day_first, .decimal = o->mapping.decimal};
    if (!m->decimal)
        m->decimal = commas > points ? ',' : '.';
    if (order.day_first != order.month_first)
        m->day_first = order.day_first ? 1 : 2;
    info->ask_day_first = !m->day_first && order.seen;
    if (!m->day_first)
        m->day_first = 1;
    return true;
}

struct lines {
    struct text date, amount, payee, memo;
    int64_t line;
};

static struct statement_row row_of(const struct lines *l, const struct statement_mapping *m, const struct currency *cur,
                                   char text[STATEMENT_TEXT_MAX + 1])
{
    struct statement_row row = {.line = l->line, .bank_id = TEXT("")};
    struct date_parts parts;
    row.text = part_join((struct text[]){l->payee, l->memo}, 2, text);
    if (!part_date_split(l->date, &parts) || !part_date(&parts, m->day_first == 1, &row.occurred_on))
        row.bad = BAD_DATE;
    else
        row.bad = part_amount(l->amount, (char)m->decimal, cur, &row.amount);
    part_check_amount(&row, cur);
    return row;
}

static void take(struct lines *l, const struct qif *q)
{
    if (!l->line)
        l->line = q->line;
    switch (q->line_text.p[0]) {
    case 'D': l->date = value(q); break;
    case 'T': l->amount = value(q); break;
    case 'U': l->amount = l->amount.n ? l->amount : value(q); break;
    case 'P': l->payee = value(q); break;
    case 'M': l->memo = value(q); break;
    default: break;
    }
}

static bool read_rows(struct text file, const struct statement_options *o, struct statement_info *info,
                      statement_row_fn *each, void *to, struct err *err)
{
    struct qif q = {.rest = file};
    struct lines l = {0};
    char text[STATEMENT_TEXT_MAX + 1];
    bool more = true;
    if (!inspect(file, o, info, err))
        return false;
    while (more) {
        more = next(&q);
        bool ends = !more || q.line_text.p[0] == '^';
        if (!ends && q.in_list)
            take(&l, &q);
        if (!ends || !l.line)
            continue;
        struct statement_row row = row_of(&l, &info->mapping, o->currency, text);
        if (!each(to, &row, err))
            return false;
        l = (struct lines){0};
    }
    return true;
}

const struct statement_format STATEMENT_QIF = {"qif", detect, inspect, read_rows};
