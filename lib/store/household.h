/* Table households: the lock that makes one writer at a time, the change counter, and what no jar holds. */
#ifndef STORE_HOUSEHOLD_H
#define STORE_HOUSEHOLD_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "service/db.h"

/*
 * The first statement of every transaction that writes: locks the household's row until the end of the transaction and
 * moves its change counter. Several households: in order of id. ERR_NOT_FOUND; ERR_DEADLOCK when the wait limit passed.
 */
bool household_lock(struct db *db, int64_t household, struct err *err) MUST_CHECK;

/* For jobs; a request has it from its session. */
bool household_currency(struct db *db, int64_t household, struct arena *mem, const struct currency **currency,
                        struct err *err) MUST_CHECK;

/* Unassigned money in minor units; may be negative. */
bool household_unassigned(struct db *db, int64_t household, int64_t *amount, struct err *err) MUST_CHECK;
bool household_unassigned_add(struct db *db, int64_t household, int64_t change, struct err *err) MUST_CHECK;

#endif
