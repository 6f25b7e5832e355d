#include "store/outbox.h"

#include <stdio.h>

/*
 * next_try_at is the one column that says when a row is due, whatever for: first send, next try, a claim that lapsed, a
 * message that the queue seems to have lost. So the claim is one range of the index outbox_due per state, and rows that
 * wait cost nothing.
 */

static const struct stmt_def INSERT = {
    "outbox.insert",
    "INSERT INTO outbox (id, type, household_id, body, next_try_at, created_at) VALUES (?, ?, ?, ?, ?, ?)", "ttitmm",
    ""};

static const struct stmt_def DUE = {"outbox.due",
                                    "SELECT id, body, household_id, send_count, created_at FROM outbox"
                                    " WHERE state IN ('recorded', 'sent') AND next_try_at <= ?"
                                    " ORDER BY state, next_try_at, id LIMIT 10 FOR UPDATE SKIP LOCKED",
                                    "m", "ttiim"};

static const struct stmt_def CLAIM = {"outbox.claim",
                                      "UPDATE outbox SET claim_token = ?, claimed_until = ?, next_try_at = ?"
                                      " WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                      "tmmtttttttttt", ""};

/* The last send that OUTBOX_SEND_MAX allows leaves the row to wait for its worker, never due again. */
static const struct stmt_def MARK_SENT = {
    "outbox.mark_sent",
    "UPDATE outbox SET state = 'sent', sent_at = ?,"
    " next_try_at = IF(send_count + 1 >= ?, '9999-12-31', ?), send_count = send_count + 1,"
    " claim_token = NULL, claimed_until = NULL, last_error = NULL"
    " WHERE id = ? AND claim_token = ? AND state IN ('recorded', 'sent')",
    "mimtt", ""};

static const struct stmt_def BACK_OFF = {
    "outbox.back_off",
    "UPDATE outbox SET next_try_at = ?, claim_token = NULL, claimed_until = NULL, last_error = LEFT(?, 255)"
    " WHERE id = ? AND claim_token = ? AND state IN ('recorded', 'sent')",
    "mttt", ""};

static const struct stmt_def MARK_PROCESSED = {
    "outbox.mark_processed",
    "UPDATE outbox SET processed_at = ?, state = 'processed', claim_token = NULL, claimed_until = NULL"
    " WHERE id = ? AND household_id = ? AND processed_at IS NULL AND state <> 'parked'",
    "mti", ""};

/* As the numbers of enum outbox_state. */
static const struct stmt_def STATE = {
    "outbox.state", "SELECT 1 + FIELD(state, 'processed', 'parked') FROM outbox WHERE id = ? AND household_id = ?",
    "ti", "i"};
_Static_assert(OUTBOX_OPEN == 1 && OUTBOX_PROCESSED == 2 && OUTBOX_PARKED == 3, "outbox.state tells these numbers");

static const struct stmt_def PARK = {"outbox.park",
                                     "UPDATE outbox SET state = 'parked', last_error = LEFT(?, 255), next_try_at = ?,"
                                     " claim_token = NULL, claimed_until = NULL"
                                     " WHERE id = ? AND state IN ('recorded', 'sent')",
                                     "tmt", ""};

static const struct stmt_def RETRY = {
    "outbox.retry",
    "UPDATE outbox SET state = 'recorded', send_count = 0, sent_at = NULL, next_try_at = ?, last_error = NULL"
    " WHERE id = ? AND state = 'parked'",
    "mt", ""};

/* The last send left 9999. */
static const struct stmt_def PULL_BACK = {
    "outbox.pull_back",
    "UPDATE outbox SET next_try_at = UTC_TIMESTAMP(3) WHERE state IN ('recorded', 'sent')"
    " AND next_try_at > UTC_TIMESTAMP(3) + INTERVAL ? SECOND AND next_try_at < '9000-01-01'",
    "i", ""};

static const struct stmt_def BACKLOG = {
    "outbox.backlog", "SELECT COUNT(*), MIN(created_at) FROM outbox WHERE state IN ('recorded', 'sent')", "", "im"};

bool outbox_insert(struct db *db, int64_t household, const char *id, const char *type, struct text body, int64_t now_ms,
                   struct err *err)
{
    return db_exec(
        db, &INSERT,
        DB_ARGS(db_str(id), db_str(type), db_int(household), db_text(body), db_instant(now_ms), db_instant(now_ms)),
        NULL, err);
}

struct claim {
    struct outbox_row *rows;
    size_t count;
};

static bool take_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct claim *claim = to;
    struct outbox_row *out = &claim->rows[claim->count++];
    struct text id = row_text(row, 0);
    snprintf(out->id, sizeof out->id, "%.*s", TEXT_ARG(id));
    out->body = row_text(row, 1);
    out->household_id = row_int(row, 2);
    out->send_count = row_int(row, 3);
    out->created_at_ms = row_instant(row, 4);
    return true;
}

/* One statement for all of them: an IN list padded with its first id. */
static bool mark_claimed(struct db *db, const char *token, int64_t until_ms, const struct claim *claim, struct err *err)
{
    struct db_value v[3 + OUTBOX_CLAIM_MAX] = {db_str(token), db_instant(until_ms), db_instant(until_ms)};
    for (size_t i = 0; i < OUTBOX_CLAIM_MAX; i++)
        v[3 + i] = db_str(claim->rows[i < claim->count ? i : 0].id);
    return db_exec(db, &CLAIM, (struct db_args){v, ARRAY_LEN(v)}, NULL, err);
}

bool outbox_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct outbox_row *rows,
                  size_t *count, struct err *err)
{
    struct claim claim = {.rows = rows};
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx)
        return false;
    if (!db_query(db, &DUE, DB_ARGS(db_instant(now_ms)), mem, take_row, &claim, NULL, err))
        return false;
    if (claim.count && !mark_claimed(db, token, now_ms + OUTBOX_LEASE_MS, &claim, err))
        return false;
    if (!tx_commit(tx, err))
        return false;
    *count = claim.count;
    return true;
}

bool outbox_mark_sent(struct db *db, const char *id, const char *token, int64_t now_ms, int64_t resend_after_ms,
                      struct err *err)
{
    return db_exec(db, &MARK_SENT,
                   DB_ARGS(db_instant(now_ms), db_int(OUTBOX_SEND_MAX), db_instant(now_ms + resend_after_ms),
                           db_str(id), db_str(token)),
                   NULL, err);
}

bool outbox_back_off(struct db *db, const char *id, const char *token, int64_t next_try_at_ms, const char *reason,
                     struct err *err)
{
    return db_exec(db, &BACK_OFF, DB_ARGS(db_instant(next_try_at_ms), db_str(reason), db_str(id), db_str(token)), NULL,
                   err);
}

static bool state_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(enum outbox_state *)to = (enum outbox_state)row_int(row, 0);
    return true;
}

bool outbox_find_state(struct db *db, int64_t household, const char *id, enum outbox_state *state, struct err *err)
{
    enum outbox_state found = OUTBOX_ABSENT;
    if (!db_query(db, &STATE, DB_ARGS(db_str(id), db_int(household)), NULL, state_from_row, &found, NULL, err))
        return false;
    *state = found;
    return true;
}

bool outbox_mark_processed(struct db *db, int64_t household, const char *id, int64_t now_ms, bool *first,
                           struct err *err)
{
    struct db_result res;
    enum outbox_state state = OUTBOX_OPEN;
    if (!db_exec(db, &MARK_PROCESSED, DB_ARGS(db_instant(now_ms), db_str(id), db_int(household)), &res, err))
        return false;
    *first = res.affected == 1;
    if (!*first && !outbox_find_state(db, household, id, &state, err))
        return false;
    return state != OUTBOX_ABSENT || err_set(err, ERR_PERMANENT, "the event is not in the outbox of its household");
}

bool outbox_park(struct db *db, const char *id, const char *reason, int64_t now_ms, struct err *err)
{
    return db_exec(db, &PARK, DB_ARGS(db_str(reason), db_instant(now_ms), db_str(id)), NULL, err);
}

bool outbox_retry(struct db *db, const char *id, int64_t now_ms, bool *back, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &RETRY, DB_ARGS(db_instant(now_ms), db_str(id)), &res, err))
        return false;
    *back = res.affected == 1;
    return true;
}

bool outbox_pull_back(struct db *db, int64_t resend_after_ms, int64_t *rows, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &PULL_BACK, DB_ARGS(db_int((resend_after_ms + OUTBOX_WAIT_MAX_MS) / 1000)), &res, err))
        return false;
    *rows = res.affected;
    return true;
}

struct backlog {
    int64_t pending, oldest_at_ms;
};

static bool backlog_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct backlog *b = to;
    b->pending = row_int(row, 0);
    b->oldest_at_ms = row_instant(row, 1);
    return true;
}

bool outbox_backlog(struct db *db, int64_t now_ms, int64_t *pending, int64_t *oldest_age_ms, struct err *err)
{
    struct backlog b = {0};
    if (!db_one(db, &BACKLOG, DB_NO_ARGS, NULL, backlog_from_row, &b, err))
        return false;
    *pending = b.pending;
    *oldest_age_ms = b.oldest_at_ms && b.oldest_at_ms < now_ms ? now_ms - b.oldest_at_ms : 0;
    return true;
}
