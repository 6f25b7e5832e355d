/* Table parked_messages: what can never be processed, kept with its reason for a person to look at. */
#ifndef STORE_PARKED_H
#define STORE_PARKED_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

struct parked_row {
    struct text event_id;   /* TEXT_NONE when the body could not be read */
    struct text message_id; /* the queue's; the same message parked twice is one row. TEXT_NONE: never was in the queue */
    struct text reason, body;
};

bool parked_insert(struct db *db, const struct parked_row *row, int64_t now_ms, struct err *err) MUST_CHECK;
/* For /status. */
bool parked_count(struct db *db, int64_t *count, struct err *err) MUST_CHECK;

#endif
