#include "finance/export.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/date.h"
#include "store/insight.h"

enum {
    ARENA_FIRST = 256 * 1024,
    ARENA_MAX = 24 * 1024 * 1024, /* a page of the longest names and notes */
    PAGE_ROWS = FEED_PAGE_MAX
};

const char *export_content_type(int64_t format)
{
    static const char *const TYPES[] = {[EXPORT_XLSX] =
                                            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                                        [EXPORT_CSV] = "text/csv; charset=utf-8",
                                        [EXPORT_PDF] = "application/pdf"};
    return TYPES[format];
}

/* ---- columns ---- */

/* The contract's columns (3.18) for one kind; a table of everything tells the kinds apart by columns, so that each
 * has its own sum. */
static const struct export_column ONE_KIND[] = {
    {FIELD_OF_NUMBER, "STT", "No.", 6},
    {FIELD_OF_NAME, "Tên", "Name", 36},
    {FIELD_OF_CATEGORY, "Danh mục", "Category", 22},
    {FIELD_OF_AMOUNT, "Số tiền", "Amount", 18},
    {FIELD_OF_DATE, "Ngày", "Date", 12},
};
static const struct export_column EVERYTHING[] = {
    {FIELD_OF_NUMBER, "STT", "No.", 6},       {FIELD_OF_DATE, "Ngày", "Date", 12},
    {FIELD_OF_NAME, "Tên", "Name", 36},       {FIELD_OF_CATEGORY, "Danh mục", "Category", 22},
    {FIELD_OF_JAR, "Hũ", "Jar", 22},          {FIELD_OF_INCOME, "Thu", "Income", 18},
    {FIELD_OF_EXPENSE, "Chi", "Expense", 18}, {FIELD_OF_TRANSFER, "Chuyển", "Transfer", 18},
    {FIELD_OF_NOTE, "Ghi chú", "Note", 40},
};

struct export_layout export_layout(int64_t kind)
{
    return kind == EXPORT_ALL ? (struct export_layout){EVERYTHING, ARRAY_LEN(EVERYTHING)}
                              : (struct export_layout){ONE_KIND, ARRAY_LEN(ONE_KIND)};
}

const char *export_title(const struct export_column *column, bool vietnamese)
{
    return vietnamese ? column->vietnamese : column->english;
}

/* ---- names ---- */

void export_name(int64_t kind, int64_t format, int32_t from, int32_t to, char out[EXPORT_NAME_MAX])
{
    char first[DATE_TEXT_MAX], last[DATE_TEXT_MAX];
    const char *word = EXPORT_KINDS[kind], *suffix = EXPORT_FORMATS[format];
    if (from == EXPORT_FIRST_DAY && to == EXPORT_LAST_DAY) {
        snprintf(out, EXPORT_NAME_MAX, "%s-all.%s", word, suffix);
        return;
    }
    date_format(from, first);
    date_format(to, last);
    if (from == month_first_day(date_month(from)) && to == month_last_day(date_month(from)))
        snprintf(out, EXPORT_NAME_MAX, "%s-%.7s.%s", word, first, suffix);
    else
        snprintf(out, EXPORT_NAME_MAX, "%s-%s-%s.%s", word, first, last, suffix);
}

/* ---- rows ---- */

struct walk {
    feed_fn *each;
    void *to;
    struct feed_query query;
    int64_t page, rows;
};

static bool pass_on(const struct feed_row *row, void *to, struct err *err)
{
    struct walk *w = to;
    if (++w->rows > EXPORT_ROWS_MAX)
        return err_set(err, ERR_PAYLOAD_TOO_LARGE, "A file holds at most %d rows", EXPORT_ROWS_MAX);
    w->page++;
    w->query.after_date = row->occurred_on;
    w->query.after_id = row->id;
    return w->each(row, w->to, err);
}

static bool read_page(const struct export_source *s, struct walk *w, struct arena *mem, struct err *err)
{
    w->page = 0;
    AUTO(db) struct db *db = db_take(s->pool, err);
    return db && transaction_feed(db, s->household_id, &w->query, mem, pass_on, w, err);
}

static int64_t transaction_kind(int64_t kind)
{
    return kind == EXPORT_INCOME ? KIND_INCOME : kind == EXPORT_EXPENSE ? KIND_EXPENSE : -1;
}

bool export_rows(const struct export_source *s, feed_fn *each, void *to, struct err *err)
{
    struct walk w = {
        .each = each,
        .to = to,
        .query = {.kind = transaction_kind(s->kind), .from = s->from, .to = s->to, .limit = PAGE_ROWS},
    };
    struct arena *mem = arena_new(ARENA_FIRST, ARENA_MAX);
    bool ok = mem != NULL || err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    do {
        if (ok)
            arena_reset(mem);
        ok = ok && read_page(s, &w, mem, err) && (!s->progress || s->progress(s->progress_to, w.rows, err));
    } while (ok && w.page == PAGE_ROWS);
    arena_free(mem);
    return ok;
}

bool export_count(struct db *db, const struct export_source *s, int64_t *rows, struct err *err)
{
    *rows = 0;
    for (int64_t kind = KIND_INCOME; kind <= KIND_TRANSFER; kind++) {
        struct insight_query q = {.kind = kind, .from = s->from, .to = s->to, .limit = 1};
        struct insight_row total;
        if (transaction_kind(s->kind) >= 0 && transaction_kind(s->kind) != kind)
            continue;
        if (!insight_total(db, s->household_id, &q, &total, err))
            return false;
        *rows += total.count;
    }
    return true;
}
