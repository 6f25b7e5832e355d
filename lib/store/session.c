#include "store/session.h"

#include <stdio.h>

static const struct stmt_def FIND = {
    "session.find",
    "SELECT s.user_id, s.household_id, u.role = 'admin', h.currency, s.expires_at"
    " FROM sessions s JOIN users u ON u.id = s.user_id JOIN households h ON h.id = s.household_id"
    " WHERE s.id = ? AND s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ? AND u.status = 'active'",
    "tim", "iiitm"};
static const struct stmt_def INSERT = {
    "session.insert", "INSERT INTO sessions (id, user_id, household_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
    "tiimm", ""};
static const struct stmt_def REVOKE = {
    "session.revoke", "UPDATE sessions SET revoked_at = ? WHERE id = ? AND user_id = ? AND revoked_at IS NULL", "mti",
    ""};
static const struct stmt_def REVOKE_ALL = {
    "session.revoke_all", "UPDATE sessions SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL", "mi", ""};

static bool from_row(struct db_row *row, void *to, struct err *err)
{
    struct session_row *out = to;
    struct text currency = row_text(row, 3);
    if (currency.n >= sizeof(out->currency))
        return err_set(err, ERR_INTERNAL, "The session's household has no readable currency");
    *out = (struct session_row){.user_id = row_int(row, 0),
                                .household_id = row_int(row, 1),
                                .admin = row_int(row, 2) != 0,
                                .expires_at_ms = row_instant(row, 4)};
    snprintf(out->currency, sizeof out->currency, "%.*s", TEXT_ARG(currency));
    return true;
}

bool session_find(struct db *db, const char *session_id, int64_t user_id, int64_t now_ms, struct arena *mem,
                  struct session_row *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_str(session_id), db_int(user_id), db_instant(now_ms)), mem, from_row, out, err);
}

bool session_insert(struct db *db, const char *session_id, int64_t user_id, int64_t household_id, int64_t now_ms,
                    struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_str(session_id), db_int(user_id), db_int(household_id), db_instant(now_ms),
                           db_instant(now_ms + SESSION_LIFE_MS)),
                   NULL, err);
}

bool session_revoke(struct db *db, const char *session_id, int64_t user_id, int64_t now_ms, struct err *err)
{
    return db_exec(db, &REVOKE, DB_ARGS(db_instant(now_ms), db_str(session_id), db_int(user_id)), NULL, err);
}

bool session_revoke_all(struct db *db, int64_t user_id, int64_t now_ms, struct err *err)
{
    return db_exec(db, &REVOKE_ALL, DB_ARGS(db_instant(now_ms), db_int(user_id)), NULL, err);
}
