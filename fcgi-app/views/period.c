#include "views/period.h"

#include "base/date.h"

static const struct field FIELDS[] = {
    FIELD_INT("month", struct period_query, month, 0, 1, 12),
    FIELD_INT("year", struct period_query, year, 0, 1970, 2100),
    FIELD_BOOL("all", struct period_query, all, 0),
    {.name = "page",
     .kind = FK_INT,
     .offset = offsetof(struct period_query, page),
     .given_offset = offsetof(struct period_query, page_given),
     .min = 0,
     .max = PERIOD_ROWS_MAX},
    {.name = "size",
     .kind = FK_INT,
     .offset = offsetof(struct period_query, size),
     .given_offset = offsetof(struct period_query, size_given),
     .min = 1,
     .max = PERIOD_ROWS_MAX},
    FIELD_INT("limit", struct period_query, limit, 0, 1, PERIOD_ROWS_MAX),
    FIELD_TEXT("cursor", struct period_query, cursor, 0, 1, 64),
    FIELD_END,
};

const struct query_def PERIOD_QUERY = {.fields = FIELDS, .size = sizeof(struct period_query)};

/* A month alone is of this year; a year alone is the whole year; neither is the current month. */
static void set_dates(const struct call *call, const struct period_query *q, struct transaction_filter *f)
{
    int32_t this_month = date_month(call->scope.today);
    int32_t year = q->year ? (int32_t)q->year : this_month / 100;
    int32_t first = q->month ? (int32_t)q->month : q->year ? 1 : this_month % 100;
    int32_t last = q->month || !q->year ? first : 12;
    if (q->all)
        return;
    f->from = month_first_day(year * 100 + first);
    f->to = month_last_day(year * 100 + last);
}

bool period_filter(const struct call *call, const struct period_query *q, struct transaction_filter *f,
                   struct page *page, struct err *err)
{
    int64_t date = 0;
    set_dates(call, q, f);
    if (q->cursor.n && !cursor_read(q->cursor, &date, &f->before_id, err))
        return false;
    f->before_date = (int32_t)date;
    *page = (struct page){.left = q->limit ? q->limit : PERIOD_ROWS_MAX};
    if (q->page_given || q->size_given) {
        int64_t size = q->size_given ? q->size : PERIOD_SIZE_DEFAULT;
        page->skip = q->page * size;
        page->left = page->skip < PERIOD_ROWS_MAX ? size : 0;
        if (page->skip + page->left > PERIOD_ROWS_MAX)
            page->left = page->skip < PERIOD_ROWS_MAX ? PERIOD_ROWS_MAX - page->skip : 0;
        page->skip = page->left ? page->skip : 0;
    }
    f->limit = page->skip + page->left + 1;
    return true;
}

bool page_takes(struct page *page, const struct transaction *t)
{
    if (page->skip) {
        page->skip--;
        return false;
    }
    if (!page->left) {
        page->more = true;
        return false;
    }
    page->left--;
    page->last_date = t->occurred_on;
    page->last_id = t->id;
    return true;
}

bool page_finish(struct call *call, struct response *res, const struct page *page, struct err *err)
{
    return !page->more || !page->last_id || response_next_page(call, res, page->last_date, page->last_id, err);
}
