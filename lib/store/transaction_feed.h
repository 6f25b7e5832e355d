/* Table transactions, oldest first by key: what leaves as a file. A page is one range of an index, so the whole costs
 * the same for each row however many there are. */
#ifndef STORE_TRANSACTION_FEED_H
#define STORE_TRANSACTION_FEED_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"
#include "store/transaction.h"

enum { FEED_PAGE_MAX = 2000 };

struct feed_query {
    int64_t kind;       /* enum transaction_kind; -1: all */
    int32_t from, to;   /* ymd, inclusive */
    int32_t after_date; /* the last row that was read; 0: from the start */
    int64_t after_id;
    int64_t limit; /* <= FEED_PAGE_MAX */
};

struct feed_row {
    int64_t id, kind, amount, category_id;
    int32_t occurred_on;
    struct text name, category_name, jar_name, to_jar_name, note; /* TEXT_NONE for what there is not */
};

/* Live rows only; `each` gets them one by one, their texts in mem. */
typedef bool feed_fn(const struct feed_row *row, void *to, struct err *err);
bool transaction_feed(struct db *db, int64_t household, const struct feed_query *q, struct arena *mem, feed_fn *each,
                      void *to, struct err *err) MUST_CHECK;

#endif
