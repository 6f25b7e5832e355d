/* Table notifications: what the app shows in its bell. Unique on (event, user, type), so a repeated job adds nothing. */
#ifndef STORE_NOTIFICATION_H
#define STORE_NOTIFICATION_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

struct notification_row {
    int64_t household_id, user_id;
    const char *event_id;
    const char *type; /* EXPENSE, INCOME, SPENDING_ALERT, ... (contract section 2) */
    struct text title, message;
};

bool notification_insert(struct db *db, int64_t household, const struct notification_row *row, int64_t now_ms, struct err *err) MUST_CHECK;

#endif
