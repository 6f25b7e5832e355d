#include "store/notification.h"

static const struct stmt_def INSERT = {
    "notification.insert",
    "INSERT INTO notifications (household_id, user_id, event_id, type, title, message, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON DUPLICATE KEY UPDATE id = id",
    "iittttm", ""};

bool notification_insert(struct db *db, int64_t household, const struct notification_row *row, int64_t now_ms, struct err *err) {
    return db_exec(db, &INSERT,
                   DB_ARGS(db_int(household), db_int(row->user_id), db_str(row->event_id), db_str(row->type), db_text(row->title),
                           db_text(row->message), db_instant(now_ms)),
                   NULL, err);
}
