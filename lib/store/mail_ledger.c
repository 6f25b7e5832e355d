#include "store/mail_ledger.h"

/* As in the outbox, next_try_at alone says when a row is due: a lease that lapses is a row that becomes due again. */

static const struct stmt_def ENQUEUE = {
    "mail.enqueue",
    "INSERT INTO mail_ledger (event_id, household_id, user_id, recipient, template, language, data, document_id,"
    " next_try_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE id = id",
    "tiitttti"
    "mm",
    ""};

static const struct stmt_def DUE = {
    "mail.due",
    "SELECT id, household_id, user_id, attempts, in_doubt, finishing_at IS NOT NULL, created_at,"
    " event_id, recipient, template, language, data, document_id"
    " FROM mail_ledger WHERE state IN ('pending', 'sending') AND next_try_at <= ?"
    " ORDER BY state, next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
    "m", "iiiiiimttttti"};

static const struct stmt_def CLAIM = {"mail.claim",
                                      "UPDATE mail_ledger SET state = 'sending', lease_token = ?, lease_until = ?,"
                                      " next_try_at = ?, in_doubt = ?, finishing_at = NULL WHERE id = ?",
                                      "tmmii", ""};

static const struct stmt_def HOLD = {
    "mail.hold",
    "SELECT 1 FROM mail_ledger WHERE id = ? AND lease_token = ? AND state = 'sending' AND lease_until > ? FOR UPDATE",
    "itm", "i"};

static const struct stmt_def ANNOUNCE = {
    "mail.announce_finish",
    "UPDATE mail_ledger SET finishing_at = ? WHERE id = ? AND lease_token = ? AND state = 'sending'"
    " AND lease_until > ?",
    "mitm", ""};

static const struct stmt_def MARK_SENT = {
    "mail.mark_sent",
    "UPDATE mail_ledger SET state = 'sent', sent_at = ?, provider_id = LEFT(?, 120),"
    " finishing_at = NULL, lease_token = NULL, lease_until = NULL, last_error = NULL"
    " WHERE id = ? AND state IN ('pending', 'sending')",
    "mti", ""};

static const struct stmt_def MARK_REFUSED = {"mail.mark_refused",
                                             "UPDATE mail_ledger SET state = 'refused', last_error = LEFT(?, 255),"
                                             " finishing_at = NULL, lease_token = NULL, lease_until = NULL"
                                             " WHERE id = ? AND lease_token = ? AND state = 'sending'",
                                             "tit", ""};

/* An answer ends the doubt. */
static const struct stmt_def BACK_OFF = {
    "mail.back_off",
    "UPDATE mail_ledger SET state = 'pending', next_try_at = ?, attempts = attempts + ?,"
    " finishing_at = IF(?, NULL, finishing_at), last_error = LEFT(?, 255), lease_token = NULL, lease_until = NULL"
    " WHERE id = ? AND lease_token = ? AND state = 'sending'",
    "miitit", ""};

static const struct stmt_def PULL_BACK = {
    "mail.pull_back",
    "UPDATE mail_ledger SET next_try_at = UTC_TIMESTAMP(3) WHERE state IN ('pending', 'sending')"
    " AND next_try_at > UTC_TIMESTAMP(3) + INTERVAL ? SECOND",
    "i", ""};

static const struct stmt_def BACKLOG = {
    "mail.backlog", "SELECT COUNT(*) FROM mail_ledger WHERE state IN ('pending', 'sending')", "", "i"};

bool mail_enqueue(struct db *db, const struct mail_row *row, int64_t now_ms, struct err *err)
{
    return db_exec(db, &ENQUEUE,
                   DB_ARGS(db_text(row->event_id), db_int(row->household_id), db_int(row->user_id),
                           db_text(row->recipient), db_text(row->template_name), db_text(row->language),
                           db_text(row->data), db_id(row->document_id), db_instant(now_ms), db_instant(now_ms)),
                   NULL, err);
}

static bool mail_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct mail_row *out = to;
    out->id = row_int(row, 0);
    out->household_id = row_int(row, 1);
    out->user_id = row_int(row, 2);
    out->attempts = row_int(row, 3);
    out->doubtful = row_int(row, 5) != 0;
    out->in_doubt = row_int(row, 4) + out->doubtful;
    out->created_at_ms = row_instant(row, 6);
    out->event_id = row_text(row, 7);
    out->recipient = row_text(row, 8);
    out->template_name = row_text(row, 9);
    out->language = row_text(row, 10);
    out->data = row_text(row, 11);
    out->document_id = row_int(row, 12);
    return true;
}

bool mail_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct mail_row *out, bool *found,
                struct err *err)
{
    size_t count = 0;
    int64_t until = now_ms + MAIL_LEASE_MS;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx)
        return false;
    if (!db_query(db, &DUE, DB_ARGS(db_instant(now_ms)), mem, mail_from_row, out, &count, err))
        return false;
    if (count &&
        !db_exec(db, &CLAIM,
                 DB_ARGS(db_str(token), db_instant(until), db_instant(until), db_int(out->in_doubt), db_int(out->id)),
                 NULL, err))
        return false;
    if (!tx_commit(tx, err))
        return false;
    *found = count == 1;
    return true;
}

bool mail_hold(struct db *db, int64_t id, const char *token, int64_t now_ms, bool *held, struct err *err)
{
    size_t count;
    if (!db_query(db, &HOLD, DB_ARGS(db_int(id), db_str(token), db_instant(now_ms)), NULL, NULL, NULL, &count, err))
        return false;
    *held = count == 1;
    return true;
}

bool mail_announce_finish(struct db *db, int64_t id, const char *token, int64_t now_ms, int64_t until_ms, bool *held,
                          struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &ANNOUNCE, DB_ARGS(db_instant(now_ms), db_int(id), db_str(token), db_instant(until_ms)), &res,
                 err))
        return false;
    *held = res.affected == 1;
    return true;
}

bool mail_mark_sent(struct db *db, int64_t id, const char *provider_id, int64_t now_ms, struct err *err)
{
    return db_exec(db, &MARK_SENT, DB_ARGS(db_instant(now_ms), db_str(provider_id), db_int(id)), NULL, err);
}

bool mail_mark_refused(struct db *db, int64_t id, const char *token, const char *reason, struct err *err)
{
    return db_exec(db, &MARK_REFUSED, DB_ARGS(db_str(reason), db_int(id), db_str(token)), NULL, err);
}

bool mail_back_off(struct db *db, int64_t id, const char *token, enum mail_cause cause, int64_t next_try_at_ms,
                   const char *reason, struct err *err)
{
    return db_exec(db, &BACK_OFF,
                   DB_ARGS(db_instant(next_try_at_ms), db_int(cause == MAIL_DEFERRED), db_int(cause != MAIL_NO_ANSWER),
                           db_str(reason), db_int(id), db_str(token)),
                   NULL, err);
}

bool mail_pull_back(struct db *db, int64_t *rows, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &PULL_BACK, DB_ARGS(db_int(MAIL_WAIT_MAX_MS / 1000)), &res, err))
        return false;
    *rows = res.affected;
    return true;
}

static bool read_count(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool mail_backlog(struct db *db, int64_t *pending, struct err *err)
{
    return db_one(db, &BACKLOG, DB_NO_ARGS, NULL, read_count, pending, err);
}
