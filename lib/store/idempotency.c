#include "store/idempotency.h"

static const struct stmt_def FIND = {"idempotency.find",
                                     "SELECT request_hash, status, headers, body FROM idempotency_keys"
                                     " WHERE user_id = ? AND route = ? AND idempotency_key = ?",
                                     "itt", "titt"};
static const struct stmt_def INSERT = {
    "idempotency.insert",
    "INSERT INTO idempotency_keys (user_id, route, idempotency_key, request_hash, status, headers, body, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "itttittm", ""};
static const struct stmt_def PRUNE = {
    "idempotency.prune", "DELETE FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?", "mi", ""};

static bool from_row(struct db_row *row, void *to, struct err *err)
{
    struct idempotency_row *out = to;
    (void)err;
    out->request_hash = row_text(row, 0);
    out->status = (int)row_int(row, 1);
    out->headers = row_text(row, 2);
    out->body = row_text(row, 3);
    return true;
}

bool idempotency_find(struct db *db, int64_t user, const char *route, struct text key, struct arena *mem,
                      struct idempotency_row *out, bool *found, struct err *err)
{
    size_t count = 0;
    if (!db_query(db, &FIND, DB_ARGS(db_int(user), db_str(route), db_text(key)), mem, from_row, out, &count, err))
        return false;
    *found = count > 0;
    return true;
}

bool idempotency_insert(struct db *db, int64_t user, const char *route, struct text key,
                        const struct idempotency_row *row, int64_t now_ms, struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_int(user), db_str(route), db_text(key), db_text(row->request_hash), db_int(row->status),
                           db_text(row->headers), db_text(row->body), db_instant(now_ms)),
                   NULL, err);
}

bool idempotency_prune(struct db *db, int64_t before_ms, int64_t limit, int64_t *removed, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &PRUNE, DB_ARGS(db_instant(before_ms), db_int(limit)), &res, err))
        return false;
    *removed = res.affected;
    return true;
}
