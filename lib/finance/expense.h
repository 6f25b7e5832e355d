/* Expenses: a row of the ledger, and the debit of the jar that pays. Inside a command (the household's lock is held).
 */
#ifndef FINANCE_EXPENSE_H
#define FINANCE_EXPENSE_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/transaction.h"

struct expense_input {
    struct text name, icon, note, receipt_location, receipt_image_url;
    int64_t category_id, jar_id; /* jar 0: none */
    int64_t amount;
    int32_t occurred_on; /* 0: today, or as it was */
};

/* ERR_NOT_FOUND for a category or jar that is not the household's, ERR_VALIDATION for a category of incomes. */
bool expense_add(struct scope *s, const struct expense_input *in, struct transaction *out, struct err *err) MUST_CHECK;
/* Several of one jar at once, all or none, in a number of round trips that does not grow with them; category 0 means
 * `Khác` (finance/other_category.h). At most EXPENSE_SET_MAX. Faults name the item: "items[2].categoryId". */
enum { EXPENSE_SET_MAX = 100 };
bool expense_add_set(struct scope *s, const struct expense_input *in, size_t count, struct transaction *out,
                     struct err *err) MUST_CHECK;
/* `t` as it was found; becomes what it is now. */
bool expense_change(struct scope *s, const struct expense_input *in, struct transaction *t, struct err *err) MUST_CHECK;

#endif
