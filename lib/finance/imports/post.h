/*
 * A confirmed import becomes transactions, and an undone one leaves again. Inside a command. At most IMPORT_STEP rows a
 * transaction: what is left is recorded as import.continue, which the worker takes up step by step.
 */
#ifndef FINANCE_IMPORTS_POST_H
#define FINANCE_IMPORTS_POST_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/import.h"

enum { IMPORT_STEP = 10000 };

struct import_choice {
    bool with_probable; /* rows that were probably entered by hand, too */
    bool allocate;      /* incomes go to the jars by their targets, as those entered by hand */
};

/* A preview is taken in; one that was confirmed before is left as it is. No transaction.large comes from it: a
 * statement is history. ERR_NOT_FOUND; ERR_CONFLICT while there are questions, or after an undo. */
bool import_confirm(struct scope *s, int64_t id, const struct import_choice *choice, struct import *out,
                    struct err *err) MUST_CHECK;
/* Transactions that were not edited since are deleted, and the file may be sent again. An import that was never
 * confirmed is removed whole: *gone. ERR_CONFLICT while it is being confirmed. */
bool import_undo(struct scope *s, int64_t id, struct import *out, bool *gone, struct err *err) MUST_CHECK;
/* The next step of either. */
bool import_continue(struct scope *s, int64_t id, struct err *err) MUST_CHECK;

#endif
