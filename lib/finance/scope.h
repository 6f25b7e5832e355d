/*
 * What every rule of money needs: whose books, on which connection, at which moment. Made by the dispatcher for a
 * request and by the job runner for a job; during a write the connection is inside the command's transaction, which
 * holds the household's lock.
 */
#ifndef FINANCE_SCOPE_H
#define FINANCE_SCOPE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/money.h"
#include "service/db.h"

struct scope {
    struct db *db;
    struct arena *mem;
    int64_t household_id, user_id;
    const struct currency *currency;
    int64_t now_ms;
    int32_t today;                /* ymd in the configured zone */
    int64_t large_amount_default; /* minor units; a user's own threshold goes before */
    bool recalculates_later;      /* the ledger records no recalculation: the caller does, once for many changes */
    int outbox_rows;              /* events recorded in this transaction: the caller wakes the relay after COMMIT */
};

#endif
