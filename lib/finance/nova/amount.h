/* Amounts as people write and say them: "50k", "1tr2", "nửa triệu", "1.500.000đ", "hai trăm nghìn", "1.2m", "fifty
 * thousand". Pure. */
#ifndef FINANCE_NOVA_AMOUNT_H
#define FINANCE_NOVA_AMOUNT_H

#include "base/money.h"
#include "finance/nova/words.h"

/* Finds the most likely amount, marks its words as used and returns true. Numbers already used (dates) are left alone.
   A small bare number ("ăn trưa 50") counts in thousands where the currency has no smaller unit; *certain is false
   then. */
bool amount_find(struct words *w, const struct currency *cur, int64_t *minor, bool *certain);

#endif
