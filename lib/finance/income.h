/* Incomes and their allocation to the jars. Inside a command (the household's lock is held). */
#ifndef FINANCE_INCOME_H
#define FINANCE_INCOME_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/jar.h"
#include "store/jar_entry.h"
#include "store/transaction.h"

struct allocation {
    int64_t jar_id, amount;
};

struct income_input {
    struct text name, icon, note;
    int64_t category_id, amount;
    int32_t occurred_on;    /* 0: today, or as it was */
    bool allocations_given; /* else by the jars' targets; on a change: the old shares in proportion */
    const struct allocation *allocations;
    size_t allocation_count;
};

struct income_result {
    struct transaction income;
    struct jar_entry *allocations; /* live ones of jars that exist, in the arena */
    size_t allocation_count;
};

/* ERR_NOT_FOUND for a category or jar that is not the household's; ERR_VALIDATION: a category of expenses, allocations
 * beyond the amount. */
bool income_add(struct scope *s, const struct income_input *in, struct income_result *out, struct err *err) MUST_CHECK;
/* `t` as it was found. */
bool income_change(struct scope *s, const struct income_input *in, const struct transaction *t,
                   struct income_result *out, struct err *err) MUST_CHECK;
/* The live allocations of an income, for its answer. */
bool income_allocations(struct scope *s, struct income_result *result, struct err *err) MUST_CHECK;

/* Pure: shares of `amount` by the jars' targets; below 100 % the rest stays unassigned, above they are scaled down.
 * parts has jars->count places. */
bool allocation_by_targets(int64_t amount, const struct jar_list *jars, int64_t *parts, struct err *err) MUST_CHECK;

#endif
