#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/date.h"
#include "finance/export.h"
#include "service/sheet.h"
#include "store/insight.h"

enum {
    MONTH_SHEETS_MAX = 120, /* more months become a sheet a year */
    GROUPS_MAX = 140,
    CATEGORIES_MAX = 400, /* told apart in the summary; the rest is one row */
    PIE_SLICES = 12,
    ARENA_FIRST = 64 * 1024,
    ARENA_MAX = 2 * 1024 * 1024,
    MONTHS_MAX = 1600
};

struct sums {
    int64_t income, expense, transfer;
};

struct group {
    int32_t when; /* ym, or the year */
    struct sums sums;
};

struct category_sum {
    int64_t id;
    struct text name;
    struct sums sums;
};

struct writer {
    const struct export_source *s;
    struct book *book;
    struct arena *mem;
    struct export_layout layout;
    bool by_year;
    int64_t number; /* of the row, through the whole file */
    struct group groups[GROUPS_MAX];
    size_t group_count;
    struct category_sum categories[CATEGORIES_MAX];
    size_t category_count;
};

static const char *word(const struct writer *w, const char *vietnamese, const char *english)
{
    return w->s->vietnamese ? vietnamese : english;
}

/* ---- sums ---- */

static bool add_to(struct sums *sums, int64_t kind, int64_t amount, struct err *err)
{
    int64_t *sum = kind == KIND_INCOME ? &sums->income : kind == KIND_EXPENSE ? &sums->expense : &sums->transfer;
    return money_add(*sum, amount, sum) || err_set(err, ERR_OVERFLOW, "A sum is too large");
}

/* The last place is for all that finds none of its own. */
static struct category_sum *category_of(struct writer *w, const struct feed_row *row)
{
    for (size_t i = 0; i < w->category_count; i++)
        if (w->categories[i].id == row->category_id)
            return &w->categories[i];
    if (w->category_count == CATEGORIES_MAX)
        return &w->categories[CATEGORIES_MAX - 1];
    struct category_sum *c = &w->categories[w->category_count];
    bool last = ++w->category_count == CATEGORIES_MAX;
    *c = (struct category_sum){.id = last ? -1 : row->category_id};
    if (last)
        c->name = text_of(word(w, "Khác", "Others"));
    else if (row->category_name.p)
        c->name = arena_text(w->mem, row->category_name);
    else
        c->name = text_of(word(w, "Không có danh mục", "No category"));
    return c->name.p ? c : NULL;
}

/* ---- sheets of rows ---- */

static int64_t amount_of(const struct sums *s, enum export_field field)
{
    switch (field) {
    case FIELD_OF_AMOUNT: return s->income + s->expense;
    case FIELD_OF_INCOME: return s->income;
    case FIELD_OF_EXPENSE: return s->expense;
    default: return s->transfer;
    }
}

static bool end_group(struct writer *w, struct err *err)
{
    struct cell cells[SHEET_COLUMNS_MAX] = {0};
    if (!w->group_count)
        return true;
    for (size_t i = 0; i < w->layout.count; i++) {
        enum export_field field = w->layout.columns[i].field;
        if (field == FIELD_OF_NAME)
            cells[i] = (struct cell){.kind = CELL_TEXT, .text = text_of(word(w, "Tổng cộng", "Total"))};
        else if (field >= FIELD_OF_AMOUNT && field <= FIELD_OF_TRANSFER)
            cells[i] =
                (struct cell){.kind = CELL_MONEY, .number = amount_of(&w->groups[w->group_count - 1].sums, field)};
    }
    return book_totals(w->book, cells, w->layout.count, err);
}

static void group_name(int32_t when, char out[16])
{
    if (when > 9999)
        snprintf(out, 16, "%02d-%04d", (int)(when % 100), (int)(when / 100));
    else
        snprintf(out, 16, "%04d", (int)when);
}

static bool begin_sheet(struct writer *w, const char *name, struct err *err)
{
    struct sheet_column columns[SHEET_COLUMNS_MAX];
    for (size_t i = 0; i < w->layout.count; i++)
        columns[i] =
            (struct sheet_column){export_title(&w->layout.columns[i], w->s->vietnamese), w->layout.columns[i].width};
    return book_sheet(w->book, name, columns, w->layout.count, err);
}

static bool begin_group(struct writer *w, int32_t when, struct err *err)
{
    char name[16];
    if (!end_group(w, err))
        return false;
    if (w->group_count == GROUPS_MAX)
        return err_set(err, ERR_INTERNAL, "A file spans too many months");
    w->groups[w->group_count++] = (struct group){.when = when};
    group_name(when, name);
    return begin_sheet(w, name, err);
}

/* "Nhu cầu -> Tiết kiệm" for a transfer between jars. */
static struct text jar_of(const struct feed_row *row, char *out, size_t cap)
{
    if (row->kind != KIND_TRANSFER)
        return row->jar_name;
    int n = snprintf(out, cap, "%.*s → %.*s", TEXT_ARG(row->jar_name), TEXT_ARG(row->to_jar_name));
    return n > 0 && (size_t)n < cap ? (struct text){out, (size_t)n} : row->jar_name;
}

static struct cell cell_of(struct writer *w, const struct feed_row *row, enum export_field field, char *room,
                           size_t cap)
{
    bool shown = field == FIELD_OF_AMOUNT || (field == FIELD_OF_INCOME && row->kind == KIND_INCOME) ||
                 (field == FIELD_OF_EXPENSE && row->kind == KIND_EXPENSE) ||
                 (field == FIELD_OF_TRANSFER && row->kind == KIND_TRANSFER);
    switch (field) {
    case FIELD_OF_NUMBER: return (struct cell){.kind = CELL_NUMBER, .number = w->number};
    case FIELD_OF_NAME: return (struct cell){.kind = CELL_TEXT, .text = row->name};
    case FIELD_OF_CATEGORY: return (struct cell){.kind = CELL_TEXT, .text = row->category_name};
    case FIELD_OF_JAR: return (struct cell){.kind = CELL_TEXT, .text = jar_of(row, room, cap)};
    case FIELD_OF_DATE: return (struct cell){.kind = CELL_DATE, .number = row->occurred_on};
    case FIELD_OF_NOTE: return (struct cell){.kind = CELL_TEXT, .text = row->note};
    default: return (struct cell){.kind = shown ? CELL_MONEY : CELL_EMPTY, .number = row->amount};
    }
}

static bool write_row(const struct feed_row *row, void *to, struct err *err)
{
    struct writer *w = to;
    char room[2100]; /* two names of jars */
    struct cell cells[SHEET_COLUMNS_MAX];
    int32_t when = w->by_year ? row->occurred_on / 10000 : date_month(row->occurred_on);
    if ((!w->group_count || w->groups[w->group_count - 1].when != when) && !begin_group(w, when, err))
        return false;
    struct category_sum *category = category_of(w, row);
    if (!category)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    if (!add_to(&w->groups[w->group_count - 1].sums, row->kind, row->amount, err) ||
        !add_to(&category->sums, row->kind, row->amount, err))
        return false;
    w->number++;
    for (size_t i = 0; i < w->layout.count; i++)
        cells[i] = cell_of(w, row, w->layout.columns[i].field, room, sizeof(room));
    return book_row(w->book, cells, w->layout.count, false, err);
}

/* ---- the summary ---- */

static size_t summary_values(const struct writer *w, const struct sums *sums, struct cell *out)
{
    size_t n = 0;
    if (w->s->kind != EXPORT_EXPENSE)
        out[n++] = (struct cell){.kind = CELL_MONEY, .number = sums->income};
    if (w->s->kind != EXPORT_INCOME)
        out[n++] = (struct cell){.kind = CELL_MONEY, .number = sums->expense};
    return n;
}

static bool summary_row(struct writer *w, struct text name, const struct sums *sums, struct err *err)
{
    struct cell cells[3] = {{.kind = CELL_TEXT, .text = name}};
    size_t n = summary_values(w, sums, cells + 1);
    return book_row(w->book, cells, n + 1, false, err);
}

static int compare_categories(const void *a, const void *b)
{
    const struct category_sum *x = a, *y = b;
    int64_t p = x->sums.income + x->sums.expense, q = y->sums.income + y->sums.expense;
    return p != q ? (p < q ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

static bool add_chart(struct writer *w, enum chart_kind kind, const char *title, int64_t first, int64_t last,
                      int64_t at_row, struct err *err)
{
    const char *income = word(w, "Thu", "Income"), *expense = word(w, "Chi", "Expense");
    bool both = w->s->kind == EXPORT_ALL && kind == CHART_COLUMNS;
    /* The pie of everything shows the expenses. */
    struct chart chart = {.kind = kind,
                          .title = title,
                          .first = first,
                          .last = last,
                          .values = {w->s->kind == EXPORT_ALL && kind == CHART_PIE ? 2 : 1, 2},
                          .series = {w->s->kind == EXPORT_EXPENSE || kind == CHART_PIE ? expense : income, expense},
                          .series_count = both ? 2 : 1,
                          .at_row = at_row,
                          .at_column = 4};
    if (kind == CHART_PIE && w->s->kind == EXPORT_INCOME)
        chart.series[0] = income;
    return last < first || book_chart(w->book, &chart, err);
}

static bool write_groups(struct writer *w, struct err *err)
{
    struct sums all = {0};
    int64_t first = book_next_row(w->book);
    for (size_t i = 0; i < w->group_count; i++) {
        char name[16];
        group_name(w->groups[i].when, name);
        if (!summary_row(w, text_of(name), &w->groups[i].sums, err) ||
            !add_to(&all, KIND_INCOME, w->groups[i].sums.income, err) ||
            !add_to(&all, KIND_EXPENSE, w->groups[i].sums.expense, err))
            return false;
    }
    struct cell totals[3] = {{.kind = CELL_TEXT, .text = text_of(word(w, "Tổng cộng", "Total"))}};
    size_t n = summary_values(w, &all, totals + 1);
    return add_chart(w, CHART_COLUMNS, word(w, "Theo tháng", "By month"), first, first + (int64_t)w->group_count - 1, 2,
                     err) &&
           book_totals(w->book, totals, n + 1, err);
}

static bool write_categories(struct writer *w, struct err *err)
{
    const struct cell heading = {.kind = CELL_TEXT, .text = text_of(word(w, "Theo danh mục", "By category"))};
    const struct cell none = {0};
    qsort(w->categories, w->category_count, sizeof(w->categories[0]), compare_categories);
    if (!book_row(w->book, &none, 1, false, err) || !book_row(w->book, &heading, 1, true, err))
        return false;
    int64_t first = book_next_row(w->book);
    for (size_t i = 0; i < w->category_count; i++)
        if (!summary_row(w, w->categories[i].name, &w->categories[i].sums, err))
            return false;
    int64_t slices = (int64_t)w->category_count < PIE_SLICES ? (int64_t)w->category_count : PIE_SLICES;
    return add_chart(w, CHART_PIE, heading.text.p, first, first + slices - 1, 18, err);
}

static bool write_summary(struct writer *w, struct err *err)
{
    struct sheet_column columns[3] = {{word(w, "Kỳ", "Period"), 28}};
    size_t n = 1;
    if (w->s->kind != EXPORT_EXPENSE)
        columns[n++] = (struct sheet_column){word(w, "Thu", "Income"), 20};
    if (w->s->kind != EXPORT_INCOME)
        columns[n++] = (struct sheet_column){word(w, "Chi", "Expense"), 20};
    return book_sheet(w->book, word(w, "Tổng hợp", "Summary"), columns, n, err) && write_groups(w, err) &&
           write_categories(w, err);
}

/* ---- the book ---- */

/* Whether the months are too many for a sheet each. */
static bool choose_groups(struct writer *w, struct err *err)
{
    size_t months = 0;
    AUTO(db) struct db *db = db_take(w->s->pool, err);
    for (int64_t kind = KIND_INCOME; kind <= KIND_TRANSFER; kind++) {
        if ((w->s->kind == EXPORT_INCOME && kind != KIND_INCOME) ||
            (w->s->kind == EXPORT_EXPENSE && kind != KIND_EXPENSE))
            continue;
        struct insight_query q = {.kind = kind, .from = w->s->from, .to = w->s->to, .limit = MONTHS_MAX};
        struct insight_list list;
        if (!db || !insight_by_month(db, w->s->household_id, &q, w->mem, &list, err))
            return false;
        months += list.count; /* months of two kinds may be the same ones: then it is a sheet a year too early */
    }
    w->by_year = months > MONTH_SHEETS_MAX;
    return true;
}

static bool write_book(struct writer *w, struct err *err)
{
    if (!choose_groups(w, err) || !export_rows(w->s, write_row, w, err))
        return false;
    /* A book without rows still opens, with a sheet that says what would be there. */
    if (!w->group_count && !begin_group(w, date_month(w->s->from == EXPORT_FIRST_DAY ? 19700101 : w->s->from), err))
        return false;
    return end_group(w, err) && write_summary(w, err) && book_end(w->book, err);
}

bool export_sheet(const struct export_source *s, struct err *err)
{
    const struct book_options opts = {
        .fd = s->fd, .tmp_dir = s->config->spool_dir, .currency = s->currency, .title = "Money Manager"};
    struct arena *mem = arena_new(ARENA_FIRST, ARENA_MAX);
    struct writer *w = mem ? arena_new_of(mem, struct writer) : NULL;
    AUTO(book) struct book *book = w ? book_open(&opts, err) : NULL;
    bool ok = w || err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    if (book) {
        *w = (struct writer){.s = s, .book = book, .mem = mem, .layout = export_layout(s->kind)};
        ok = write_book(w, err);
    }
    ok = ok && book;
    arena_free(mem);
    return ok;
}
