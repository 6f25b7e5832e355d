/*
 * One round of the outbox relay: claim due rows in a short transaction, send them in one batch, mark the accepted ones,
 * back off on the rest. Neither a connection nor a row lock is held during the HTTP call. Both programs run it: the API
 * right after a commit, the worker as a sweep over what was left behind. Safe at any time by any number of processes; a
 * crash between sending and marking sends a copy later, which the consumer drops.
 */
#ifndef FINANCE_RELAY_H
#define FINANCE_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/aws/queue.h"
#include "service/db.h"

struct relay_round {
    size_t claimed, sent;
    size_t delayed; /* refused for now */
    size_t parked;  /* can never be sent: parked with the reason below, to be logged as ERROR */
    char reason[160];
};

/* False when the database or the whole call failed; *out then still tells what was claimed. */
/* resend_after_ms: how long a message that was sent may go unprocessed before it is sent again. */
bool relay_run_once(struct db_pool *pool, struct queue *queue, int64_t resend_after_ms, int64_t now_ms,
                    struct arena *mem, struct relay_round *out, struct err *err) MUST_CHECK;

/* Wait before the next try of an event this old: half its age, 1 s to 60 s, less up to a quarter by chance (0..255). */
int64_t relay_backoff_ms(int64_t age_ms, uint32_t chance);

#endif
