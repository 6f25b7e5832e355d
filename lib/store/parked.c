#include "store/parked.h"

static const struct stmt_def INSERT = {"parked.insert",
                                       "INSERT INTO parked_messages (event_id, message_id, reason, body, parked_at)"
                                       " VALUES (LEFT(?, 64), LEFT(?, 80), LEFT(?, 255), ?, ?)"
                                       " ON DUPLICATE KEY UPDATE id = id",
                                       "ttttm", ""};

static const struct stmt_def COUNT = {"parked.count", "SELECT COUNT(*) FROM parked_messages", "", "i"};

bool parked_insert(struct db *db, const struct parked_row *row, int64_t now_ms, struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_text(row->event_id), db_text(row->message_id), db_text(row->reason), db_text(row->body),
                           db_instant(now_ms)),
                   NULL, err);
}

static bool read_count(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool parked_count(struct db *db, int64_t *count, struct err *err)
{
    return db_one(db, &COUNT, DB_NO_ARGS, NULL, read_count, count, err);
}
