/* Table parked_messages: what can never be processed, kept with its reason for a person to look at. */
#ifndef STORE_PARKED_H
#define STORE_PARKED_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

struct parked_row {
    int64_t id, parked_at_ms; /* not for parked_insert */
    struct text event_id;     /* TEXT_NONE when the body could not be read */
    struct text
        message_id; /* the queue's; the same message parked twice is one row. TEXT_NONE: never was in the queue */
    struct text reason, body;
};

enum { PARKED_LIST_MAX = 200 };

bool parked_insert(struct db *db, const struct parked_row *row, int64_t now_ms, struct err *err) MUST_CHECK;
/* The oldest ones whose id is greater than `after`, without their bodies; rows has room for PARKED_LIST_MAX. */
bool parked_list(struct db *db, int64_t after, struct arena *mem, struct parked_row *rows, size_t *count,
                 struct err *err) MUST_CHECK;
bool parked_find(struct db *db, int64_t id, struct arena *mem, struct parked_row *out, struct err *err) MUST_CHECK;
/* Deletes one row, or all rows of an event. */
bool parked_delete(struct db *db, int64_t id, struct err *err) MUST_CHECK;
bool parked_delete_event(struct db *db, struct text event_id, struct err *err) MUST_CHECK;
/* For /status. */
bool parked_count(struct db *db, int64_t *count, struct err *err) MUST_CHECK;

#endif
