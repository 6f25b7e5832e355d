/* Taking transactions back and bringing them back. Inside a command (the household's lock is held). */
#ifndef FINANCE_UNDO_H
#define FINANCE_UNDO_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/transaction.h"

enum { UNDO_DAYS = 30 };

/* Soft delete: its jar entries are reversed. `t` as it was found; one deleted before: ERR_NOT_FOUND. */
bool transaction_remove(struct scope *s, struct transaction *t, struct err *err) MUST_CHECK;
/* Undo within UNDO_DAYS: the entries that the deletion reversed are posted again; the part of a jar that is gone
   meanwhile stays unassigned. ERR_NOT_FOUND when it is not deleted or too long ago, ERR_CONFLICT when its category is
   gone. */
bool transaction_restore(struct scope *s, struct transaction *t, struct err *err) MUST_CHECK;
/* Deletes a category with its transactions; balances are put right by sets, however many there are. ERR_NOT_FOUND. */
bool category_remove(struct scope *s, int64_t category, struct err *err) MUST_CHECK;
/* A transfer's date, amount, name, note; from and to stay. `was` as it was found, `t` as it shall be. */
bool transfer_change(struct scope *s, const struct transaction *was, struct transaction *t, struct err *err) MUST_CHECK;

#endif
