#include "store/retention.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* Each statement deletes by an index on the age, so that it costs what it deletes. */
static const struct retention {
    struct stmt_def stmt;
    int64_t keep_ms;
} RETENTION[] = {
    /* A client may repeat a request for 24 h. */
    {{"idempotency_keys", "DELETE FROM idempotency_keys WHERE created_at < ? LIMIT ?", "mi", ""}, 25 * HOUR},
    /* SQS keeps a message for 14 days at most; after that no copy of the event can come any more. */
    {{"outbox", "DELETE FROM outbox WHERE processed_at < ? LIMIT ?", "mi", ""}, 15 * DAY},
    /* An expired session answers 401 either way. */
    {{"sessions", "DELETE FROM sessions WHERE expires_at < ? LIMIT ?", "mi", ""}, 7 * DAY},
    /* Long after its half hour: a repeated confirmation still learns that it was done. */
    {{"proposals", "DELETE FROM proposals WHERE expires_at < ? LIMIT ?", "mi", ""}, 7 * DAY},
    {{"transaction_codes", "DELETE FROM transaction_codes WHERE expires_at < ? LIMIT ?", "mi", ""}, DAY},
    /* Of previews that nobody confirmed; the rows stay, only the columns cannot be changed any more. */
    {{"import_files", "DELETE FROM import_files WHERE created_at < ? LIMIT ?", "mi", ""}, 30 * DAY},
    /* Files made of the books can be made again, and must not fill the household's room. The hourly task then removes
       the object and the row. */
    {{"exports", "DELETE FROM exports WHERE created_at < ? LIMIT ?", "mi", ""}, 30 * DAY},
    {{"documents.reports",
      "UPDATE documents SET state = 'deleting', deleted_at = UTC_TIMESTAMP(3) WHERE kind = 'report' AND state = 'stored'"
      " AND created_at < ? LIMIT ?",
      "mi", ""},
     30 * DAY},
    /* Few rows; the latest of each task is what catch-up starts from. */
    {{"periodic_tasks", "DELETE FROM periodic_tasks WHERE done_at < ? LIMIT ?", "mi", ""}, 400 * DAY},
};

size_t retention_count(void)
{
    return ARRAY_LEN(RETENTION);
}

const char *retention_name(size_t i)
{
    return RETENTION[i].stmt.name;
}

bool retention_prune(struct db *db, size_t i, int64_t now_ms, int64_t *removed, struct err *err)
{
    const struct retention *r = &RETENTION[i];
    struct db_result res;
    if (!db_exec(db, &r->stmt, DB_ARGS(db_instant(now_ms - r->keep_ms), db_int(RETENTION_BATCH)), &res, err))
        return false;
    *removed = res.affected;
    return true;
}
