#include "store/audit.h"

static const struct stmt_def INSERT = {
    "audit.insert", "INSERT INTO audit_log (request_id, household_id, user_id, action, at) VALUES (?, ?, ?, ?, ?)",
    "tiitm", ""};
static const struct stmt_def EXISTS = {
    "audit.exists", "SELECT COUNT(*) FROM audit_log WHERE request_id = ? AND household_id = ?", "ti", "i"};

bool audit_insert(struct db *db, int64_t household, int64_t user, const char *command_id, const char *action,
                  int64_t now_ms, struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_str(command_id), db_int(household), db_int(user), db_str(action), db_instant(now_ms)),
                   NULL, err);
}

static bool exists_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(bool *)to = row_int(row, 0) > 0;
    return true;
}

bool audit_exists(struct db *db, int64_t household, const char *command_id, bool *exists, struct err *err)
{
    bool found = false;
    if (!db_one(db, &EXISTS, DB_ARGS(db_str(command_id), db_int(household)), NULL, exists_from_row, &found, err))
        return false;
    *exists = found;
    return true;
}
