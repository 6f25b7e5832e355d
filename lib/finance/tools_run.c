#include "finance/tools_run.h"

#include "base/date.h"
#include "store/insight.h"

static struct insight_query query_of(const struct tool_arguments *a)
{
    return (struct insight_query){.kind = a->kind,
                                  .from = a->from,
                                  .to = a->to,
                                  .category_id = a->category_id,
                                  .jar_id = a->jar_id,
                                  .limit = TOOL_FIGURES_MAX};
}

void tool_begin(const struct scope *s, const char *name, const struct tool_arguments *arguments,
                struct tool_result *out)
{
    *out = (struct tool_result){.tool = name, .arguments = *arguments};
    struct tool_arguments *a = &out->arguments;
    if (a->kind != KIND_INCOME)
        a->kind = KIND_EXPENSE;
    if (!a->from && !a->to) {
        a->from = month_first_day(date_month(s->today));
        a->to = month_last_day(date_month(s->today));
    }
    a->from = a->from ? a->from : month_first_day(date_month(a->to));
    a->to = a->to ? a->to : month_last_day(date_month(a->from));
}

struct tool_figure *tool_add_figure(struct tool_result *out)
{
    if (out->figure_count == TOOL_FIGURES_MAX)
        return NULL;
    struct tool_figure *f = &out->figures[out->figure_count++];
    *f = (struct tool_figure){.count = -1};
    return f;
}

static void add_rows(struct tool_result *out, const struct insight_list *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct tool_figure *f = tool_add_figure(out);
        if (!f)
            return;
        *f = (struct tool_figure){.id = rows->items[i].id,
                                  .label = rows->items[i].label,
                                  .amount = rows->items[i].amount,
                                  .count = rows->items[i].count};
    }
}

/* total, and how many transactions it is of as the one figure. */
bool tool_totals(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    tool_begin(s, "totals", arguments, out);
    struct insight_query q = query_of(&out->arguments);
    struct insight_row sum;
    if (!insight_total(s->db, s->household_id, &q, &sum, err))
        return false;
    out->total = sum.amount;
    struct tool_figure *f = tool_add_figure(out);
    *f = (struct tool_figure){.label = TEXT("total"), .amount = sum.amount, .count = sum.count};
    return true;
}

typedef bool group_fn(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                      struct insight_list *out, struct err *err);

static bool grouped(struct scope *s, group_fn *group, struct tool_result *out, struct err *err)
{
    struct insight_query q = query_of(&out->arguments);
    struct insight_list rows;
    if (!group(s->db, s->household_id, &q, s->mem, &rows, err))
        return false;
    for (size_t i = 0; i < rows.count; i++)
        if (!money_add(out->total, rows.items[i].amount, &out->total))
            return err_set(err, ERR_OVERFLOW, "The sum is out of range");
    add_rows(out, &rows);
    struct insight_row sum;
    /* Cut at the number of figures: what is beyond them counts in the total all the same. */
    if (rows.count < TOOL_FIGURES_MAX)
        return true;
    if (!insight_total(s->db, s->household_id, &q, &sum, err))
        return false;
    out->total = sum.amount;
    return true;
}

bool tool_by_category(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    tool_begin(s, "by_category", arguments, out);
    return grouped(s, insight_by_category, out, err);
}

bool tool_by_jar(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    tool_begin(s, "by_jar", arguments, out);
    return grouped(s, insight_by_jar, out, err);
}

static bool months_of(struct scope *s, struct tool_result *out, struct err *err)
{
    struct insight_query q = query_of(&out->arguments);
    struct insight_list rows;
    if (!insight_by_month(s->db, s->household_id, &q, s->mem, &rows, err))
        return false;
    for (size_t i = 0; i < rows.count; i++) {
        char month[DATE_TEXT_MAX];
        size_t n = month_format(rows.items[i].when, month);
        rows.items[i].label = arena_text(s->mem, (struct text){month, n});
        if (!rows.items[i].label.p)
            return err_set(err, ERR_NO_MEMORY, "Out of memory");
        if (!money_add(out->total, rows.items[i].amount, &out->total))
            return err_set(err, ERR_OVERFLOW, "The sum is out of range");
    }
    add_rows(out, &rows);
    return true;
}

/* A year and more, but as many months as there are figures: a longer period is cut at its beginning. */
static void bound_months(struct tool_arguments *a)
{
    int32_t first = month_first_day(month_add(date_month(a->to), 1 - TOOL_FIGURES_MAX));
    a->from = a->from < first ? first : a->from;
}

bool tool_by_month(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    struct tool_arguments a = *arguments;
    enum { MONTHS_DEFAULT = 6 };
    if (!a.from && !a.to) {
        a.from = month_first_day(month_add(date_month(s->today), 1 - MONTHS_DEFAULT));
        a.to = month_last_day(date_month(s->today));
    }
    tool_begin(s, "by_month", &a, out);
    bound_months(&out->arguments);
    return months_of(s, out, err);
}

static int month_number(int32_t ymd)
{
    return ymd / 10000 * 12 + ymd / 100 % 100;
}

/* total: a month's average, other_total: a day's; over the days of the period that are not in the future. */
bool tool_average(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    struct tool_arguments a = *arguments;
    enum { MONTHS_DEFAULT = 3 };
    int32_t this_month = date_month(s->today);
    if (!a.from && !a.to) {
        a.from = month_first_day(month_add(this_month, -MONTHS_DEFAULT));
        a.to = month_last_day(month_add(this_month, -1));
    }
    tool_begin(s, "average", &a, out);
    bound_months(&out->arguments);
    int32_t from = out->arguments.from;
    if (out->arguments.to > s->today && from <= s->today)
        out->arguments.to = s->today;
    if (!months_of(s, out, err))
        return false;
    int64_t sum = out->total;
    out->total = sum / (month_number(out->arguments.to) - month_number(from) + 1);
    out->other_total = sum / (date_days(out->arguments.to) - date_days(from) + 1);
    return true;
}

static void bound_limit(struct tool_arguments *a)
{
    a->limit = a->limit <= 0 ? TOOL_LIMIT_DEFAULT : a->limit > TOOL_LIMIT_MAX ? TOOL_LIMIT_MAX : a->limit;
}

bool tool_biggest(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    tool_begin(s, "biggest", arguments, out);
    bound_limit(&out->arguments);
    struct insight_query q = query_of(&out->arguments);
    struct insight_list rows;
    q.limit = out->arguments.limit;
    if (!insight_biggest(s->db, s->household_id, &q, s->mem, &rows, err))
        return false;
    add_rows(out, &rows);
    for (size_t i = 0; i < rows.count; i++) {
        out->figures[i].date = rows.items[i].when;
        out->figures[i].count = -1;
        if (!money_add(out->total, rows.items[i].amount, &out->total))
            return err_set(err, ERR_OVERFLOW, "The sum is out of range");
    }
    return true;
}

static bool add_transaction(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct tool_result *out = to;
    struct transaction t = transaction_from_row(row);
    if (t.kind == KIND_TRANSFER || out->figure_count >= (size_t)out->arguments.limit)
        return true;
    struct tool_figure *f = tool_add_figure(out);
    if (f)
        *f = (struct tool_figure){
            .id = t.id,
            .label = t.name,
            .amount = t.kind == KIND_EXPENSE ? -t.amount : t.amount,
            .count = -1,
            .date = t.occurred_on,
        };
    return true;
}

/* Incomes and expenses, these with a minus; total is their balance. Transfers between jars are passed over, so more
 * rows than asked for are read. */
bool tool_latest(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    *out = (struct tool_result){.tool = "latest", .arguments = *arguments};
    struct tool_arguments *a = &out->arguments;
    bound_limit(a);
    struct transaction_filter f = {.kind = a->kind,
                                   .from = a->from,
                                   .to = a->to,
                                   .category_id = a->category_id,
                                   .jar_id = a->jar_id,
                                   .limit = a->limit * 4};
    if (!transaction_list(s->db, s->household_id, &f, s->mem, add_transaction, out, err))
        return false;
    for (size_t i = 0; i < out->figure_count; i++)
        if (!money_add(out->total, out->figures[i].amount, &out->total))
            return err_set(err, ERR_OVERFLOW, "The sum is out of range");
    return true;
}

/* Without a second period: the month before the first. */
static void second_period(struct tool_arguments *a)
{
    if (!a->other_from && !a->other_to) {
        int32_t before = month_add(date_month(a->from), -1);
        a->other_from = month_first_day(before);
        a->other_to = month_last_day(before);
    }
    a->other_from = a->other_from ? a->other_from : month_first_day(date_month(a->other_to));
    a->other_to = a->other_to ? a->other_to : month_last_day(date_month(a->other_from));
}

static void merge_other(struct tool_result *out, const struct insight_list *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct tool_figure *f = NULL;
        for (size_t k = 0; k < out->figure_count && !f; k++)
            if (out->figures[k].id == other->items[i].id)
                f = &out->figures[k];
        if (!f && (f = tool_add_figure(out))) {
            f->id = other->items[i].id;
            f->label = other->items[i].label;
            f->count = 0;
        }
        if (f)
            f->other = other->items[i].amount;
    }
}

/* total and other_total are the two periods; figures: categories, amount in the first, other in the second. */
bool tool_compare(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    tool_begin(s, "compare", arguments, out);
    struct tool_arguments *a = &out->arguments;
    second_period(a);
    if (!grouped(s, insight_by_category, out, err))
        return false;
    struct insight_query q = query_of(a);
    q.from = a->other_from;
    q.to = a->other_to;
    struct insight_row sum;
    struct insight_list rows;
    if (!insight_total(s->db, s->household_id, &q, &sum, err) ||
        !insight_by_category(s->db, s->household_id, &q, s->mem, &rows, err))
        return false;
    out->other_total = sum.amount;
    merge_other(out, &rows);
    return true;
}
