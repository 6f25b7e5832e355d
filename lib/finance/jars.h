/* Rules of jars: the six defaults, creation with an opening amount, deletion, moves. Inside a command (the household's
 * lock is held). */
#ifndef FINANCE_JARS_H
#define FINANCE_JARS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/jar.h"
#include "store/transaction.h"

extern const char JAR_DEFAULT_COLOR[];

/* The household's jars at the current month; a household that never had one gets the six defaults first (contract 3.5).
 */
bool jars_or_defaults(struct scope *s, struct jar_list *out, struct err *err) MUST_CHECK;
const struct jar *jars_pick(const struct jar_list *jars, int64_t id); /* NULL when it is not among them */

/* Makes jars; opening[i] is a move from unassigned, which may become negative. `out` is the list of the
 * new ones. */
bool jars_create(struct scope *s, const struct jar *jars, const int64_t *opening, size_t count, struct jar_list *out,
                 struct err *err) MUST_CHECK;
/* Saves changed name, icon, colour, target, rollover (`jar` as it was found and changed; was_reset as it was before).
 */
bool jars_change(struct scope *s, struct jar *jar, bool was_reset, struct err *err) MUST_CHECK;
/* What it held goes to unassigned, on record. ERR_NOT_FOUND. */
bool jars_remove(struct scope *s, int64_t id, struct err *err) MUST_CHECK;

/* Moves an amount; 0 for either jar is unassigned. Records a transaction of kind transfer. ERR_NOT_FOUND,
 * ERR_INSUFFICIENT_BALANCE, ERR_VALIDATION (same jar). */
bool jars_transfer(struct scope *s, int64_t from, int64_t to, int64_t amount, struct transaction *out,
                   struct err *err) MUST_CHECK;

#endif
