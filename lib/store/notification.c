#include "store/notification.h"

static const struct stmt_def INSERT = {
    "notification.add",
    "INSERT INTO notifications (household_id, user_id, event_id, type, subject_id, title, message, created_at)"
    " VALUES (?, ?, ?, ?, ?, LEFT(?, 255), LEFT(?, 1000), ?) ON DUPLICATE KEY UPDATE id = id",
    "iittittm", ""};

bool notification_add(struct db *db, const struct notification_row *row, int64_t now_ms, struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_int(row->household_id), db_int(row->user_id), db_str(row->event_id), db_str(row->type),
                           db_int(row->subject_id), db_text(row->title), db_text(row->message), db_instant(now_ms)),
                   NULL, err);
}
