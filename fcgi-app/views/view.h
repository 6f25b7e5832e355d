/* How rows look to the clients (api-contract.md section 2): one writer an object, used by every handler that answers
 * it. */
#ifndef VIEWS_VIEW_H
#define VIEWS_VIEW_H

#include <stdint.h>

#include "base/json.h"
#include "finance/income.h"
#include "store/category.h"
#include "store/jar.h"
#include "store/transaction.h"

/* profile: the id of the user who asks. */
void category_write_json(struct json_out *j, const struct category *c, int64_t profile);

void jar_month_write_json(struct json_out *j, const struct jar_month *m, const struct currency *cur);
/* `month` is the current one (ym); the jar carries its latest row. */
void jar_write_json(struct json_out *j, const struct jar *jar, int32_t month, const struct currency *cur);

/* Any kind: the answer of /transactions. */
void transaction_write_json(struct json_out *j, const struct transaction *t, const struct currency *cur);
/* The members of an Expense, without the braces: budgetStatus may follow. */
void expense_write_members(struct json_out *j, const struct transaction *t, const struct currency *cur);

/* An Income is written in three parts, since its allocations come as rows of their own. */
void income_write_begin(struct json_out *j, const struct transaction *t, const struct currency *cur);
void income_write_allocation(struct json_out *j, int64_t entry, int64_t income, int64_t jar, struct text jar_name,
                             int64_t amount, const struct currency *cur);
void income_write_end(struct json_out *j);
void income_write_json(struct json_out *j, const struct income_result *result, const struct currency *cur);

#endif
