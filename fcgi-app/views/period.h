/*
 * The query that lists of incomes and expenses share (contract 1.6, 3.5): month, year, all; limit and cursor; the old
 * page and size. The default is the current month; the hard cap is PERIOD_ROWS_MAX, and a cut list carries a Link to
 * the next page.
 */
#ifndef VIEWS_PERIOD_H
#define VIEWS_PERIOD_H

#include "http/call.h"
#include "http/route.h"
#include "store/transaction.h"

enum { PERIOD_ROWS_MAX = 10000, PERIOD_SIZE_DEFAULT = 20 };

struct period_query {
    int64_t month, year, page, size, limit;
    bool all, page_given, size_given;
    struct text cursor;
};

extern const struct query_def PERIOD_QUERY;

/* One page while its rows come: which are skipped, how many may still be written, and where the next page starts. */
struct page {
    int64_t skip, left;
    bool more;
    int32_t last_date;
    int64_t last_id;
};

/* Fills the filter's dates, keyset and limit (one row more than the page, to know whether more follow). */
bool period_filter(const struct call *call, const struct period_query *q, struct transaction_filter *f,
                   struct page *page, struct err *err) MUST_CHECK;
/* Whether this row belongs to the page; remembers it as the last one if so. */
bool page_takes(struct page *page, const struct transaction *t);
/* Link to the next page when there is more. */
bool page_finish(struct call *call, struct response *res, const struct page *page, struct err *err) MUST_CHECK;

#endif
