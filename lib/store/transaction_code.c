#include "store/transaction_code.h"

static const struct stmt_def WAIT = {
    "transaction_code.wait",
    "SELECT MAX(requested_at) FROM transaction_codes WHERE household_id = ? AND user_id = ? AND action = ?"
    " AND requested_at > ? AND token_hash IS NULL",
    "iitm", "m"};
static const struct stmt_def FORGET = {
    "transaction_code.forget",
    "DELETE FROM transaction_codes WHERE household_id = ? AND user_id = ? AND action = ? AND token_hash IS NULL", "iit",
    ""};
static const struct stmt_def INSERT = {
    "transaction_code.insert",
    "INSERT INTO transaction_codes (id, household_id, user_id, action, transaction_id, category_id, amount, occurred_on,"
    " name, note, requested_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "tiitiiidttmm", ""};
static const struct stmt_def STORE = {
    "transaction_code.store",
    "UPDATE transaction_codes SET code_hash = ? WHERE household_id = ? AND user_id = ? AND id = ? AND expires_at > ?"
    " AND token_hash IS NULL",
    "tiitm", ""};
static const struct stmt_def TRY = {
    "transaction_code.try",
    "UPDATE transaction_codes SET tries = tries + 1 WHERE household_id = ? AND user_id = ? AND id = ? AND expires_at > ?"
    " AND tries < ? AND spent_at IS NULL AND code_hash IS NOT NULL",
    "iitmi", ""};
static const struct stmt_def EXISTS = {
    "transaction_code.exists",
    "SELECT COUNT(*) FROM transaction_codes WHERE household_id = ? AND user_id = ? AND id = ?", "iit", "i"};
static const struct stmt_def ACCEPT = {
    "transaction_code.accept",
    "UPDATE transaction_codes SET token_hash = ?, token_expires_at = ?, tries = tries - 1"
    " WHERE household_id = ? AND user_id = ? AND id = ? AND code_hash = ? AND spent_at IS NULL",
    "tmiitt", ""};
static const struct stmt_def SPEND = {
    "transaction_code.spend",
    "UPDATE transaction_codes SET spent_at = ? WHERE household_id = ? AND user_id = ? AND token_hash = ? AND action = ?"
    " AND spent_at IS NULL AND token_expires_at > ? AND (transaction_id IS NULL OR transaction_id = ?)"
    " AND (category_id IS NULL OR category_id = ?) AND (amount IS NULL OR amount = ?)"
    " AND (occurred_on IS NULL OR occurred_on = ?) AND (name IS NULL OR name = ?) AND (note IS NULL OR note = ?)",
    "miittmiiidtt", ""};

static bool take_instant(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_instant(row, 0);
    return true;
}

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool transaction_code_wait(struct db *db, int64_t household, int64_t user, const char *action, int64_t pause_ms,
                           int64_t now_ms, int64_t *wait_ms, struct err *err)
{
    int64_t last = 0;
    if (!db_one(db, &WAIT, DB_ARGS(db_int(household), db_int(user), db_str(action), db_instant(now_ms - pause_ms)),
                NULL, take_instant, &last, err))
        return false;
    *wait_ms = last && last + pause_ms > now_ms ? last + pause_ms - now_ms : 0;
    return true;
}

bool transaction_code_insert(struct db *db, const struct transaction_code_key *key,
                             const struct transaction_code_values *v, int64_t now_ms, int64_t expires_ms,
                             struct err *err)
{
    return db_exec(db, &FORGET, DB_ARGS(db_int(key->household_id), db_int(key->user_id), db_str(v->action)), NULL,
                   err) &&
           db_exec(db, &INSERT,
                   DB_ARGS(db_text(key->id), db_int(key->household_id), db_int(key->user_id), db_str(v->action),
                           db_id(v->transaction_id), db_id(v->category_id), db_id(v->amount), db_date(v->occurred_on),
                           db_text(v->name), db_text(v->note), db_instant(now_ms), db_instant(expires_ms)),
                   NULL, err);
}

bool transaction_code_store(struct db *db, const struct transaction_code_key *key, const char *code_hash,
                            int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &STORE,
                 DB_ARGS(db_str(code_hash), db_int(key->household_id), db_int(key->user_id), db_text(key->id),
                         db_instant(now_ms)),
                 &res, err))
        return false;
    return res.affected ? true : err_set(err, ERR_NOT_FOUND, "A newer code was asked for");
}

static bool wrong_code(struct err *err)
{
    return err_set(err, ERR_WRONG_CODE, "The code is wrong, expired or used up");
}

bool transaction_code_try(struct db *db, const struct transaction_code_key *key, int64_t tries_max, int64_t now_ms,
                          struct err *err)
{
    struct db_result res;
    int64_t n = 0;
    if (!db_exec(db, &TRY,
                 DB_ARGS(db_int(key->household_id), db_int(key->user_id), db_text(key->id), db_instant(now_ms),
                         db_int(tries_max)),
                 &res, err))
        return false;
    if (res.affected)
        return true;
    if (!db_one(db, &EXISTS, DB_ARGS(db_int(key->household_id), db_int(key->user_id), db_text(key->id)), NULL, take_int,
                &n, err))
        return false;
    return n ? wrong_code(err) : err_set(err, ERR_NOT_FOUND, "There is no such request for a code");
}

bool transaction_code_accept(struct db *db, const struct transaction_code_key *key, const char *code_hash,
                             const char *token_hash, int64_t token_expires_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &ACCEPT,
                 DB_ARGS(db_str(token_hash), db_instant(token_expires_ms), db_int(key->household_id),
                         db_int(key->user_id), db_text(key->id), db_str(code_hash)),
                 &res, err))
        return false;
    return res.affected ? true : wrong_code(err);
}

bool transaction_code_spend(struct db *db, int64_t household, int64_t user, const char *token_hash,
                            const struct transaction_code_values *v, int64_t now_ms, bool *spent, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &SPEND,
                 DB_ARGS(db_instant(now_ms), db_int(household), db_int(user), db_str(token_hash), db_str(v->action),
                         db_instant(now_ms), db_int(v->transaction_id), db_int(v->category_id), db_int(v->amount),
                         db_date(v->occurred_on), db_text(v->name), db_text(v->note)),
                 &res, err))
        return false;
    *spent = res.affected > 0;
    return true;
}
