/* Which thing a proposal means: names are compared folded; a transaction is found by its name, day, amount, category.
 */
#ifndef FINANCE_PROPOSAL_MATCH_H
#define FINANCE_PROPOSAL_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/category.h"
#include "store/jar.h"
#include "store/transaction.h"

enum { MATCHES_MAX = 5 };

struct match_query {
    int64_t kind;     /* enum transaction_kind */
    struct text name; /* "ăn trưa", or "gần nhất" for the newest */
    int32_t date;     /* 0: any */
    int64_t amount;   /* 0: any */
    int64_t category_id;
};

struct matches {
    struct transaction items[MATCHES_MAX]; /* newest first */
    size_t count;                          /* of all that fit; may be more than are kept */
};

/* Among the latest 200 of that kind (and day and amount). A name that is equal goes before one that is contained; where
 * no name fits, the category does if the day or the amount says more. */
bool match_transactions(struct scope *s, const struct match_query *q, struct matches *out, struct err *err) MUST_CHECK;

bool match_is_same(struct text a, struct text b, struct arena *mem);
/* *found false when there is none of that name; type -1: any. */
bool match_category(struct scope *s, struct text name, int64_t type, struct category *out, bool *found,
                    struct err *err) MUST_CHECK;
bool match_jar(struct scope *s, struct text name, struct jar *out, bool *found, struct err *err) MUST_CHECK;
/* "chưa phân bổ", "unassigned" */
bool match_is_unassigned(struct text name, struct arena *mem);

#endif
