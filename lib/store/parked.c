#include "store/parked.h"

#include <assert.h>

static_assert(PARKED_LIST_MAX == 200, "as LIST says");

static const struct stmt_def INSERT = {"parked.insert",
                                       "INSERT INTO parked_messages (event_id, message_id, reason, body, parked_at)"
                                       " VALUES (LEFT(?, 64), LEFT(?, 80), LEFT(?, 255), ?, ?)"
                                       " ON DUPLICATE KEY UPDATE id = id",
                                       "ttttm", ""};

#define COLUMNS "id, parked_at, event_id, message_id, reason"

static const struct stmt_def LIST = {
    "parked.list", "SELECT " COLUMNS ", NULL FROM parked_messages WHERE id > ? ORDER BY id LIMIT 200", "i", "imtttt"};

static const struct stmt_def FIND = {"parked.find", "SELECT " COLUMNS ", body FROM parked_messages WHERE id = ?", "i",
                                     "imtttt"};

static const struct stmt_def DELETE = {"parked.delete", "DELETE FROM parked_messages WHERE id = ?", "i", ""};

static const struct stmt_def DELETE_EVENT = {"parked.delete_event", "DELETE FROM parked_messages WHERE event_id = ?",
                                             "t", ""};

static const struct stmt_def COUNT = {"parked.count", "SELECT COUNT(*) FROM parked_messages", "", "i"};

bool parked_insert(struct db *db, const struct parked_row *row, int64_t now_ms, struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_text(row->event_id), db_text(row->message_id), db_text(row->reason), db_text(row->body),
                           db_instant(now_ms)),
                   NULL, err);
}

static struct parked_row from_row(struct db_row *row)
{
    return (struct parked_row){.id = row_int(row, 0),
                               .parked_at_ms = row_instant(row, 1),
                               .event_id = row_text(row, 2),
                               .message_id = row_text(row, 3),
                               .reason = row_text(row, 4),
                               .body = row_text(row, 5)};
}

struct list {
    struct parked_row *rows;
    size_t count;
};

static bool add_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct list *list = to;
    list->rows[list->count++] = from_row(row);
    return true;
}

bool parked_list(struct db *db, int64_t after, struct arena *mem, struct parked_row *rows, size_t *count,
                 struct err *err)
{
    struct list list = {.rows = rows};
    if (!db_query(db, &LIST, DB_ARGS(db_int(after)), mem, add_row, &list, NULL, err))
        return false;
    *count = list.count;
    return true;
}

static bool read_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct parked_row *)to = from_row(row);
    return true;
}

bool parked_find(struct db *db, int64_t id, struct arena *mem, struct parked_row *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(id)), mem, read_row, out, err);
}

bool parked_delete(struct db *db, int64_t id, struct err *err)
{
    return db_exec(db, &DELETE, DB_ARGS(db_int(id)), NULL, err);
}

bool parked_delete_event(struct db *db, struct text event_id, struct err *err)
{
    return db_exec(db, &DELETE_EVENT, DB_ARGS(db_text(event_id)), NULL, err);
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
