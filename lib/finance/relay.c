#include "finance/relay.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/id.h"
#include "store/outbox.h"
#include "store/parked.h"

_Static_assert((int)OUTBOX_CLAIM_MAX == (int)QUEUE_BATCH_MAX, "one claim is one batch");

enum { TOKEN_BYTES = 16, GROUP_MAX = 24 };

struct round {
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    struct queue_entry entries[QUEUE_BATCH_MAX];
    char groups[QUEUE_BATCH_MAX][GROUP_MAX];
    char token[2 * TOKEN_BYTES + 1];
    size_t count;
    int64_t now_ms, resend_after_ms;
};

int64_t relay_backoff_ms(int64_t age_ms, uint32_t chance)
{
    int64_t wait = age_ms / 2;
    if (wait < 1000)
        wait = 1000;
    if (wait > 60000)
        wait = 60000;
    return wait - wait * (int64_t)(chance & 255) / 1024;
}

static bool claim(struct round *r, struct db_pool *pool, struct arena *mem, struct err *err)
{
    AUTO(db) struct db *db = db_take(pool, err);
    random_hex(TOKEN_BYTES, r->token);
    return db && outbox_claim(db, r->token, r->now_ms, mem, r->rows, &r->count, err);
}

/* Fair queues: one household's burst does not delay the others. */
static void address(struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        int n = snprintf(r->groups[i], GROUP_MAX, "h%" PRId64, r->rows[i].household_id);
        r->entries[i] = (struct queue_entry){.body = r->rows[i].body, .group = {r->groups[i], (size_t)n}};
    }
}

static bool park(struct round *r, size_t i, struct db *db, struct relay_round *out, struct err *err)
{
    struct parked_row row = {
        .event_id = text_of(r->rows[i].id), .reason = text_of(r->entries[i].reason), .body = r->rows[i].body};
    snprintf(out->reason, sizeof out->reason, "%s", r->entries[i].reason);
    out->parked++;
    return parked_insert(db, &row, r->now_ms, err) &&
           outbox_park(db, r->rows[i].id, r->entries[i].reason, r->now_ms, err);
}

static bool back_off(struct round *r, size_t i, const char *reason, struct db *db, struct relay_round *out,
                     struct err *err)
{
    const struct outbox_row *row = &r->rows[i];
    int64_t next = r->now_ms + relay_backoff_ms(r->now_ms - row->created_at_ms, random_below(256));
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    out->delayed++;
    return outbox_back_off(db, row->id, r->token, next, reason, err);
}

/* `whole` is the reason when the call itself failed, else NULL. */
static bool settle(struct round *r, size_t i, const char *whole, struct db *db, struct relay_round *out,
                   struct err *err)
{
    const struct queue_entry *e = &r->entries[i];
    if (whole)
        return back_off(r, i, whole, db, out, err);
    if (e->sender_fault)
        return park(r, i, db, out, err);
    if (!e->accepted)
        return back_off(r, i, e->reason, db, out, err);
    out->sent++;
    return outbox_mark_sent(db, r->rows[i].id, r->token, r->now_ms, r->resend_after_ms, err);
}

/* One transaction, so that a batch costs one flush of the log. */
static bool settle_all(struct round *r, const char *whole, struct db_pool *pool, struct relay_round *out,
                       struct err *err)
{
    AUTO(db) struct db *db = db_take(pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx)
        return false;
    for (size_t i = 0; i < r->count; i++)
        if (!settle(r, i, whole, db, out, err))
            return false;
    return tx_commit(tx, err);
}

bool relay_run_once(struct db_pool *pool, struct queue *queue, int64_t resend_after_ms, int64_t now_ms,
                    struct arena *mem, struct relay_round *out, struct err *err)
{
    struct round r = {.now_ms = now_ms, .resend_after_ms = resend_after_ms};
    struct err send_err = {0};
    *out = (struct relay_round){0};
    if (!claim(&r, pool, mem, err))
        return false;
    out->claimed = r.count;
    if (!r.count)
        return true;
    address(&r);
    bool sent = queue_send(queue, r.entries, r.count, mem, &send_err);
    if (!settle_all(&r, sent ? NULL : send_err.detail, pool, out, err))
        return false;
    if (!sent)
        *err = send_err;
    return sent;
}
