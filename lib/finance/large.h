/* Which transactions are large: amount >= the user's own threshold, else the configured default. */
#ifndef FINANCE_LARGE_H
#define FINANCE_LARGE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/transaction.h"

/* Records transaction.large when `amount` is large and `before` (0 for a new row) was not. */
bool large_check(struct scope *s, const struct transaction *t, int64_t before, const struct transaction_refs *refs,
                 struct err *err) MUST_CHECK;

#endif
