/* Sums over the table transactions. Each is one range of the index tx_kind, which holds all that is summed, so that
 * rows are read only for what is shown. Names are joined to the few rows of the result. */
#ifndef STORE_INSIGHT_H
#define STORE_INSIGHT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"
#include "store/transaction.h"

/* Live transactions of one kind in a period; 0: not asked for. */
struct insight_query {
    int64_t kind;     /* enum transaction_kind */
    int32_t from, to; /* ymd, inclusive */
    int64_t category_id, jar_id;
    int64_t limit; /* rows of the answer at most */
};

struct insight_row {
    int64_t id;        /* category, jar, transaction; 0: none */
    struct text label; /* its name; TEXT_NONE for what has none */
    int32_t when;      /* ym of a month, ymd of a transaction */
    int64_t amount, count;
};

struct insight_list {
    struct insight_row *items;
    size_t count;
};

/* amount and count of all. */
bool insight_total(struct db *db, int64_t household, const struct insight_query *q, struct insight_row *out,
                   struct err *err) MUST_CHECK;
/* Largest sum first. */
bool insight_by_category(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                         struct insight_list *out, struct err *err) MUST_CHECK;
bool insight_by_jar(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                    struct insight_list *out, struct err *err) MUST_CHECK;
/* Oldest first; months without transactions have no row. */
bool insight_by_month(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                      struct insight_list *out, struct err *err) MUST_CHECK;
/* Single transactions, largest first. */
bool insight_biggest(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                     struct insight_list *out, struct err *err) MUST_CHECK;

#endif
