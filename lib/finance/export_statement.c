#include <stdio.h>

#include "base/arena.h"
#include "base/date.h"
#include "finance/export.h"
#include "service/pdf.h"
#include "store/insight.h"

enum {
    PARTS_MAX = 60, /* categories or jars; the rest is one row */
    BARS_MAX = 12,
    MONTHS_MAX = 24,
    ARENA_FIRST = 64 * 1024,
    ARENA_MAX = 1024 * 1024,
    AMOUNT_MAX = 64
};

/* All figures come first, over one connection; then the pages are drawn without it. */
struct figures {
    struct insight_row income, expense;
    struct insight_list income_categories, expense_categories, jars;
    struct insight_list months[2]; /* incomes, expenses */
};

struct statement {
    const struct export_source *s;
    struct arena *mem;
    struct pdf *pdf;
    struct figures f;
    char amounts[PDF_VALUES_MAX][AMOUNT_MAX];
};

static struct text word(const struct statement *st, const char *vietnamese, const char *english)
{
    return text_of(st->s->vietnamese ? vietnamese : english);
}

static struct text amount(struct statement *st, size_t at, int64_t minor)
{
    size_t n = money_format_human(minor, st->s->currency, st->s->vietnamese, st->amounts[at], AMOUNT_MAX);
    return (struct text){st->amounts[at], n};
}

/* ---- reading ---- */

static bool read_figures(struct statement *st, struct err *err)
{
    const struct export_source *s = st->s;
    struct figures *f = &st->f;
    struct insight_query income = {.kind = KIND_INCOME, .from = s->from, .to = s->to, .limit = PARTS_MAX};
    struct insight_query expense = {.kind = KIND_EXPENSE, .from = s->from, .to = s->to, .limit = PARTS_MAX};
    AUTO(db) struct db *db = db_take(s->pool, err);
    return db && insight_total(db, s->household_id, &income, &f->income, err) &&
           insight_total(db, s->household_id, &expense, &f->expense, err) &&
           insight_by_category(db, s->household_id, &income, st->mem, &f->income_categories, err) &&
           insight_by_category(db, s->household_id, &expense, st->mem, &f->expense_categories, err) &&
           insight_by_jar(db, s->household_id, &expense, st->mem, &f->jars, err) &&
           insight_by_month(db, s->household_id, &income, st->mem, &f->months[0], err) &&
           insight_by_month(db, s->household_id, &expense, st->mem, &f->months[1], err);
}

/* ---- drawing ---- */

static void human_date(int32_t ymd, char out[DATE_TEXT_MAX])
{
    snprintf(out, DATE_TEXT_MAX, "%02d/%02d/%04d", (int)(ymd % 100), (int)(ymd / 100 % 100), (int)(ymd / 10000));
}

static void draw_head(struct statement *st)
{
    char first[DATE_TEXT_MAX], last[DATE_TEXT_MAX], period[64];
    human_date(st->s->from, first);
    human_date(st->s->to, last);
    int n = snprintf(period, sizeof(period), "%s – %s", first, last);
    pdf_heading(st->pdf, word(st, "Báo cáo thu chi", "Statement of income and expenses"), 1);
    pdf_line(st->pdf, (struct text){period, (size_t)n});
    pdf_space(st->pdf);
}

static bool draw_totals(struct statement *st, struct err *err)
{
    int64_t left;
    if (!money_sub(st->f.income.amount, st->f.expense.amount, &left))
        return err_set(err, ERR_OVERFLOW, "A sum is too large");
    const struct {
        struct text label;
        int64_t amount;
    } rows[] = {{word(st, "Tổng thu", "Income"), st->f.income.amount},
                {word(st, "Tổng chi", "Expenses"), st->f.expense.amount},
                {word(st, "Chênh lệch", "Difference"), left}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text value = amount(st, 0, rows[i].amount);
        pdf_row(st->pdf, rows[i].label, &value, 1, true);
    }
    pdf_space(st->pdf);
    return true;
}

static struct text name_of(const struct statement *st, const struct insight_row *row, bool jar)
{
    if (row->label.p)
        return row->label;
    return jar ? word(st, "Chưa phân bổ", "Unassigned") : word(st, "Không có danh mục", "No category");
}

/* What the list left out of the total. */
static void draw_rest(struct statement *st, const struct insight_list *list, const struct insight_row *total)
{
    int64_t left = total->amount;
    for (size_t i = 0; i < list->count; i++)
        left -= list->items[i].amount; /* parts of a sum that did not overflow */
    if (left <= 0)
        return;
    struct text value = amount(st, 0, left);
    pdf_row(st->pdf, word(st, "Còn lại", "Others"), &value, 1, false);
}

/* part <= whole, both positive. */
static int per_mille(int64_t part, int64_t whole)
{
    for (; whole > INT64_MAX / 2000; whole /= 2)
        part /= 2;
    return (int)((part * 1000 + whole / 2) / whole);
}

static void draw_parts(struct statement *st, struct text heading, const struct insight_list *list,
                       const struct insight_row *total, bool jar, enum pdf_tone tone)
{
    if (!list->count)
        return;
    pdf_heading(st->pdf, heading, 2);
    for (size_t i = 0; i < list->count && i < BARS_MAX; i++) {
        const struct insight_row *row = &list->items[i];
        pdf_bar(st->pdf, name_of(st, row, jar), amount(st, 0, row->amount), row->amount, list->items[0].amount, tone);
    }
    pdf_space(st->pdf);
    for (size_t i = 0; i < list->count; i++) {
        char count[24], share[MONEY_TEXT_MAX + 2];
        const struct insight_row *row = &list->items[i];
        int n = snprintf(count, sizeof(count), "%lld", (long long)row->count);
        int tenths = per_mille(row->amount, total->amount);
        int m = snprintf(share, sizeof(share), "%d.%d %%", tenths / 10, tenths % 10);
        const struct text values[] = {{count, (size_t)n}, {share, (size_t)m}, amount(st, 0, row->amount)};
        pdf_row(st->pdf, name_of(st, row, jar), values, ARRAY_LEN(values), false);
    }
    draw_rest(st, list, total);
    pdf_space(st->pdf);
}

static int64_t of_month(const struct insight_list *list, int32_t ym)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].when == ym)
            return list->items[i].amount;
    return 0;
}

/* Months of a longer period, in the order of time. */
static void draw_months(struct statement *st)
{
    int64_t most = 1;
    int32_t first = date_month(st->s->from), last = date_month(st->s->to);
    for (size_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < st->f.months[kind].count; i++)
            if (st->f.months[kind].items[i].amount > most)
                most = st->f.months[kind].items[i].amount;
    if (first == last || month_add(first, MONTHS_MAX) <= last)
        return;
    pdf_heading(st->pdf, word(st, "Theo tháng", "By month"), 2);
    for (int32_t ym = first; ym <= last; ym = month_add(ym, 1)) {
        int64_t income = of_month(&st->f.months[0], ym), expense = of_month(&st->f.months[1], ym);
        char label[40];
        int n = snprintf(label, sizeof(label), "%02d/%04d", (int)(ym % 100), (int)(ym / 100));
        pdf_bar(st->pdf, (struct text){label, (size_t)n}, amount(st, 0, income), income, most, PDF_GREEN);
        pdf_bar(st->pdf, TEXT(""), amount(st, 0, expense), expense, most, PDF_RED);
    }
    pdf_space(st->pdf);
}

static bool draw(struct statement *st, struct err *err)
{
    const struct figures *f = &st->f;
    draw_head(st);
    if (!draw_totals(st, err))
        return false;
    draw_months(st);
    draw_parts(st, word(st, "Chi theo danh mục", "Expenses by category"), &f->expense_categories, &f->expense, false,
               PDF_RED);
    draw_parts(st, word(st, "Chi theo hũ", "Expenses by jar"), &f->jars, &f->expense, true, PDF_BLUE);
    draw_parts(st, word(st, "Thu theo danh mục", "Income by category"), &f->income_categories, &f->income, false,
               PDF_GREEN);
    if (!f->income.count && !f->expense.count)
        pdf_line(st->pdf,
                 word(st, "Không có giao dịch nào trong kỳ này.", "There are no transactions in this period."));
    return pdf_end(st->pdf, err);
}

bool export_statement(const struct export_source *s, struct err *err)
{
    struct statement st = {.s = s, .mem = arena_new(ARENA_FIRST, ARENA_MAX)};
    if (!st.mem)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    bool ok = read_figures(&st, err);
    AUTO(pdf) struct pdf *pdf = ok ? pdf_open(s->fd, "Money Manager", err) : NULL;
    st.pdf = pdf;
    ok = pdf && draw(&st, err) && (!s->progress || s->progress(s->progress_to, 0, err));
    arena_free(st.mem);
    return ok;
}
