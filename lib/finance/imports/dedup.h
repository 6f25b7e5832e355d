/*
 * What tells a row of a statement again: SHA-256 over the account with the bank's id and the amount, or else with day,
 * amount, the text without case, marks and blanks, and how many equal rows stood before it in the file. So two equal
 * coffees of a day stay two, and a second or an overlapping file adds neither again. Pure.
 */
#ifndef FINANCE_IMPORTS_DEDUP_H
#define FINANCE_IMPORTS_DEDUP_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "finance/statement/statement.h"
#include "service/digest.h"

struct dedup;

/* account: alive as long as the result. NULL without memory. */
struct dedup *dedup_new(struct text account);
void dedup_free(struct dedup *d);
static inline void dedup_auto(struct dedup **d)
{
    dedup_free(*d);
}

/* *repeated: the bank's id stood in this file before, with the same amount. `scratch` is used and not reset. */
bool dedup_key(struct dedup *d, const struct statement_row *row, struct arena *scratch, char key[DIGEST_TEXT],
               bool *repeated, struct err *err) MUST_CHECK;

#endif
