/* Which new rows of a statement were probably entered by hand before. */
#ifndef FINANCE_IMPORTS_PROBABLE_H
#define FINANCE_IMPORTS_PROBABLE_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/import.h"

enum { PROBABLE_DAYS = 2 };

/* A transaction that no import made, with the row's amount and at most PROBABLE_DAYS apart; the nearest row first, one
 * row for each transaction. */
bool probable_mark(struct scope *s, const struct import *import, struct err *err) MUST_CHECK;

#endif
