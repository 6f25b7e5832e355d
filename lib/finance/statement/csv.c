#include <string.h>

#include "finance/statement/csv_columns.h"
#include "finance/statement/parts.h"

enum {
    COLUMN_NAME_MAX = 120,
    HEADER_WITHIN = 40 /* records before which a bank may put its address and the account */
};

static bool detect(struct text file)
{
    return csv_delimiter(file) != 0;
}

static bool keep_columns(const struct csv *record, const struct statement_options *o, struct statement_info *info,
                         struct err *err)
{
    char name[COLUMN_NAME_MAX + 1];
    info->column_count = record->count;
    for (size_t i = 0; i < record->count; i++) {
        info->columns[i] = arena_text(o->mem, part_clean(record->fields[i], name, COLUMN_NAME_MAX));
        if (!info->columns[i].p)
            return err_set(err, ERR_NO_MEMORY, "Out of memory");
    }
    return true;
}

/* Leaves *c behind the header, or at the first record when there is none. */
static bool find_header(struct csv *c, struct text file, const struct statement_options *o, struct statement_info *info,
                        struct err *err)
{
    struct statement_mapping found;
    for (int i = 0; i < HEADER_WITHIN && csv_next(c); i++)
        if (csv_columns_by_words(c, o->mem, &found)) {
            info->has_header = true;
            info->mapping = found;
            return keep_columns(c, o, info, err);
        }
    csv_init(c, file, c->delimiter);
    if (!csv_next(c))
        return true;
    info->has_header = csv_is_header(c);
    if (!keep_columns(c, o, info, err))
        return false;
    if (!info->has_header)
        csv_init(c, file, c->delimiter);
    csv_columns_by_content(*c, &info->mapping);
    return true;
}

static void take(int64_t *column, int64_t wanted)
{
    if (wanted)
        *column = wanted;
}

static void override(struct statement_mapping *m, const struct statement_mapping *wanted)
{
    take(&m->date, wanted->date);
    take(&m->text, wanted->text);
    take(&m->id, wanted->id);
    take(&m->day_first, wanted->day_first);
    take(&m->decimal, wanted->decimal);
    if (wanted->amount || wanted->debit || wanted->credit)
        m->amount = wanted->amount, m->debit = wanted->debit, m->credit = wanted->credit;
}

/* What the fields of the whole file tell of their signs and the order of day and month. */
struct signs {
    struct date_order order;
    size_t points, commas;
};

static void count_sign(struct signs *s, struct text t)
{
    char sign = part_decimal_of(t);
    s->points += sign == '.';
    s->commas += sign == ',';
}

static void look_through(struct csv c, const struct statement_mapping *m, struct signs *s)
{
    while (csv_next(&c)) {
        part_date_order(&s->order, csv_field(&c, m->date));
        count_sign(s, csv_field(&c, m->amount));
        count_sign(s, csv_field(&c, m->debit));
        count_sign(s, csv_field(&c, m->credit));
    }
}

static void settle(struct statement_info *info, const struct signs *s)
{
    struct statement_mapping *m = &info->mapping;
    if (!m->decimal)
        m->decimal = s->commas > s->points ? ',' : '.';
    if (s->order.day_first != s->order.month_first)
        m->day_first = s->order.day_first ? 1 : 2;
    info->ask_day_first = !m->day_first && s->order.seen;
    if (!m->day_first)
        m->day_first = 1;
}

static bool begin(struct csv *c, struct text file, const struct statement_options *o, struct statement_info *info,
                  struct err *err)
{
    csv_init(c, file, csv_delimiter(file));
    info->column_count = 0;
    info->mapping = (struct statement_mapping){0};
    if (!find_header(c, file, o, info, err))
        return false;
    override(&info->mapping, &o->mapping);
    const struct statement_mapping *m = &info->mapping;
    info->ask_columns = !m->date || (!m->amount && !m->debit && !m->credit);
    if (!info->ask_columns) {
        struct signs signs = {0};
        look_through(*c, m, &signs);
        settle(info, &signs);
    }
    return true;
}

static bool inspect(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err)
{
    struct csv c;
    return begin(&c, file, o, info, err);
}

/* A debit is spent, whichever sign it carries. */
static const char *amount_of(const struct csv *c, const struct statement_mapping *m, const struct currency *cur,
                             int64_t *amount)
{
    char decimal = (char)m->decimal;
    if (m->amount)
        return part_amount(csv_field(c, m->amount), decimal, cur, amount);
    struct text debit = csv_field(c, m->debit), credit = csv_field(c, m->credit);
    int64_t out = 0, in = 0;
    const char *bad = debit.n ? part_amount(debit, decimal, cur, &out) : NULL;
    if (!bad && credit.n)
        bad = part_amount(credit, decimal, cur, &in);
    if (bad || (!debit.n && !credit.n))
        return bad ? bad : BAD_AMOUNT;
    *amount = in - (out < 0 ? -out : out);
    return NULL;
}

struct row_text {
    char text[STATEMENT_TEXT_MAX + 1], id[STATEMENT_ID_MAX + 1];
};

static struct statement_row row_of(const struct csv *c, const struct statement_mapping *m, const struct currency *cur,
                                   struct row_text *space)
{
    struct statement_row row = {.line = c->line, .bad = c->broken ? BAD_LINE : NULL};
    struct date_parts parts;
    row.text = part_clean(csv_field(c, m->text), space->text, STATEMENT_TEXT_MAX);
    row.bank_id = part_clean(csv_field(c, m->id), space->id, STATEMENT_ID_MAX);
    if (!row.bad &&
        (!part_date_split(csv_field(c, m->date), &parts) || !part_date(&parts, m->day_first == 1, &row.occurred_on)))
        row.bad = BAD_DATE;
    if (!row.bad)
        row.bad = amount_of(c, m, cur, &row.amount);
    part_check_amount(&row, cur);
    return row;
}

/* Lines of thanks and page numbers: neither a date nor an amount. */
static bool says_nothing(const struct csv *c, const struct statement_mapping *m)
{
    return !c->broken && !csv_field(c, m->date).n && !csv_field(c, m->amount).n && !csv_field(c, m->debit).n &&
           !csv_field(c, m->credit).n;
}

static bool read_rows(struct text file, const struct statement_options *o, struct statement_info *info,
                      statement_row_fn *each, void *to, struct err *err)
{
    struct csv c;
    struct row_text space;
    if (!begin(&c, file, o, info, err))
        return false;
    while (!info->ask_columns && csv_next(&c)) {
        if (says_nothing(&c, &info->mapping))
            continue;
        struct statement_row row = row_of(&c, &info->mapping, o->currency, &space);
        if (!each(to, &row, err))
            return false;
    }
    return true;
}

const struct statement_format STATEMENT_CSV = {"csv", detect, inspect, read_rows};
