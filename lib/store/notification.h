/* Table notifications: what the user is told inside the app. */
#ifndef STORE_NOTIFICATION_H
#define STORE_NOTIFICATION_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum { NOTIFICATION_TITLE_MAX = 255, NOTIFICATION_MESSAGE_MAX = 1000 }; /* characters; longer texts are cut */

struct notification_row {
    int64_t household_id, user_id;
    const char *event_id; /* what it tells of; the same event, user, type and subject are told once */
    const char *type;     /* of the contract's list (section 2): "EXPENSE", "SPENDING_ALERT" */
    int64_t subject_id;   /* what it is about when one event tells several things (a jar); else 0 */
    struct text title, message;
};

/* A repetition is no error and adds nothing. */
bool notification_add(struct db *db, const struct notification_row *row, int64_t now_ms, struct err *err) MUST_CHECK;

#endif
