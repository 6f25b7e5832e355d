/* Table outbox: recorded -> sent -> processed (or parked). Used by the relay (API), the sweep (worker) and the job
 * runner. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "service/db.h"

struct outbox_row {
    char id[UUID_TEXT_MAX];
    struct text body;
    int64_t household_id;
    int64_t send_count;
    int64_t created_at_ms;
};

enum {
    OUTBOX_CLAIM_MAX = 10,
    OUTBOX_LEASE_MS = 30 * 1000,
    OUTBOX_RESEND_AFTER_MS = 20 * 60 * 1000,
    OUTBOX_WAIT_MAX_MS = 60 * 60 * 1000, /* besides: well beyond every back-off and lease */
    OUTBOX_SEND_MAX = 5
};

bool outbox_insert(struct db *db, int64_t household, const char *id, const char *type, struct text body, int64_t now_ms,
                   struct err *err) MUST_CHECK;

/* Claims up to OUTBOX_CLAIM_MAX due rows (recorded and due, or sent but not processed for OUTBOX_RESEND_AFTER_MS and
   send_count below OUTBOX_SEND_MAX) in one short transaction of its own (FOR UPDATE SKIP LOCKED); they belong to
   `token` (32 characters) until now + OUTBOX_LEASE_MS. `rows` has room for OUTBOX_CLAIM_MAX. */
bool outbox_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct outbox_row *rows,
                  size_t *count, struct err *err) MUST_CHECK;
/* state = sent, sent_at, send_count + 1, next_try_at = now + resend_after_ms (OUTBOX_RESEND_AFTER_MS unless set
 * otherwise); only while still claimed by token and not processed meanwhile. */
bool outbox_mark_sent(struct db *db, const char *id, const char *token, int64_t now_ms, int64_t resend_after_ms,
                      struct err *err) MUST_CHECK;
/* Gives a claim back for a later try. */
bool outbox_back_off(struct db *db, const char *id, const char *token, int64_t next_try_at_ms, const char *reason,
                     struct err *err) MUST_CHECK;
/* In the effect's own transaction: *first is false when the event was processed before (a copy: do nothing). An id that
 * is not in the outbox: ERR_PERMANENT. */
bool outbox_mark_processed(struct db *db, int64_t household, const char *id, int64_t now_ms, bool *first,
                           struct err *err) MUST_CHECK;
/* What the outbox knows of a household's event. */
enum outbox_state { OUTBOX_ABSENT, OUTBOX_OPEN, OUTBOX_PROCESSED, OUTBOX_PARKED };
bool outbox_find_state(struct db *db, int64_t household, const char *id, enum outbox_state *state,
                       struct err *err) MUST_CHECK;
bool outbox_park(struct db *db, const char *id, const char *reason, int64_t now_ms, struct err *err) MUST_CHECK;
/* A parked event back to recorded, to be sent as if it were new; *back is false when it is not parked. */
bool outbox_retry(struct db *db, const char *id, int64_t now_ms, bool *back, struct err *err) MUST_CHECK;
/* Rows that wait longer than any wait of ours, counted from the database's own clock, were written by a machine whose
 * clock ran ahead: due now. */
bool outbox_pull_back(struct db *db, int64_t resend_after_ms, int64_t *rows, struct err *err) MUST_CHECK;
/* For /status: rows not yet processed and the age of the oldest, ms. */
bool outbox_backlog(struct db *db, int64_t now_ms, int64_t *pending, int64_t *oldest_age_ms,
                    struct err *err) MUST_CHECK;

#endif
