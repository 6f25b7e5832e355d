#include "store/periodic.h"

static const struct stmt_def LAST_DONE = {
    "periodic.last_done", "SELECT MAX(due_at) FROM periodic_tasks WHERE name = ? AND done_at IS NOT NULL", "t", "m"};

static const struct stmt_def ADD = {
    "periodic.add", "INSERT INTO periodic_tasks (name, due_at) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = name", "tm",
    ""};

static const struct stmt_def CLAIM = {"periodic.claim",
                                      "UPDATE periodic_tasks SET lease_until = ?, lease_token = ?"
                                      " WHERE name = ? AND due_at = ? AND done_at IS NULL"
                                      " AND (lease_until IS NULL OR lease_until <= ?)",
                                      "mttmm", ""};

static const struct stmt_def MARK_DONE = {
    "periodic.mark_done",
    "UPDATE periodic_tasks SET done_at = ?, lease_until = NULL, lease_token = NULL"
    " WHERE name = ? AND due_at = ? AND lease_token = ?",
    "mtmt", ""};

static const struct stmt_def BACK_OFF = {"periodic.back_off",
                                         "UPDATE periodic_tasks SET lease_until = ?, lease_token = NULL"
                                         " WHERE name = ? AND due_at = ? AND lease_token = ? AND done_at IS NULL",
                                         "mtmt", ""};

static const struct stmt_def CLOCK = {"periodic.clock", "SELECT UTC_TIMESTAMP(3)", "", "m"};

static bool read_due(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_instant(row, 0);
    return true;
}

bool periodic_clock(struct db *db, int64_t *now_ms, struct err *err)
{
    return db_one(db, &CLOCK, DB_NO_ARGS, NULL, read_due, now_ms, err);
}

bool periodic_last_done(struct db *db, const char *name, int64_t *due_ms, struct err *err)
{
    return db_one(db, &LAST_DONE, DB_ARGS(db_str(name)), NULL, read_due, due_ms, err);
}

bool periodic_claim(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t now_ms, bool *claimed,
                    struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &ADD, DB_ARGS(db_str(name), db_instant(due_ms)), NULL, err) ||
        !db_exec(db, &CLAIM,
                 DB_ARGS(db_instant(now_ms + PERIODIC_LEASE_MS), db_str(token), db_str(name), db_instant(due_ms),
                         db_instant(now_ms)),
                 &res, err))
        return false;
    *claimed = res.affected == 1;
    return true;
}

bool periodic_mark_done(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t now_ms,
                        struct err *err)
{
    return db_exec(db, &MARK_DONE, DB_ARGS(db_instant(now_ms), db_str(name), db_instant(due_ms), db_str(token)), NULL,
                   err);
}

bool periodic_back_off(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t retry_at_ms,
                       struct err *err)
{
    return db_exec(db, &BACK_OFF, DB_ARGS(db_instant(retry_at_ms), db_str(name), db_instant(due_ms), db_str(token)),
                   NULL, err);
}
