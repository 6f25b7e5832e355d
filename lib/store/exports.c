#include "store/exports.h"

#include "base/id.h"

const char *const EXPORT_KINDS[] = {"income", "expense", "all", "statement", NULL};
const char *const EXPORT_FORMATS[] = {"xlsx", "csv", "pdf", NULL};
const char *const EXPORT_STATES[] = {"queued", "running", "done", "failed", NULL};

#define COLUMNS                                                                                                        \
    "id, household_id, user_id, event_id, kind, format, from_date, to_date, email, state, progress, document_id,"      \
    " error, attempts, created_at, finished_at"
#define COLUMN_TYPES                                                                                                   \
    "iiitttddi"                                                                                                        \
    "tiitimm"

static const struct stmt_def INSERT = {
    "exports.insert",
    "INSERT INTO exports (household_id, user_id, event_id, kind, format, from_date, to_date, email, next_try_at, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "iitttddimm", ""};

static const struct stmt_def FIND = {
    "exports.find", "SELECT " COLUMNS " FROM exports WHERE household_id = ? AND id = ?", "ii", COLUMN_TYPES};

static const struct stmt_def LIST = {
    "exports.list",
    "SELECT " COLUMNS " FROM exports WHERE household_id = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?", "iiii",
    COLUMN_TYPES};

/* The newest of a household are looked at, of which there are few within a minute. */
static const struct stmt_def MAILED_SINCE = {"exports.mailed_since",
                                             "SELECT 1 FROM exports WHERE household_id = ? AND user_id = ? AND kind = ?"
                                             " AND email = 1 AND created_at > ? ORDER BY id DESC LIMIT 1",
                                             "iitm", "i"};

/* As in the mail ledger, next_try_at alone says when a row is due. */
static const struct stmt_def DUE = {"exports.due",
                                    "SELECT " COLUMNS " FROM exports WHERE state IN ('queued', 'running')"
                                    " AND next_try_at <= ? ORDER BY state, next_try_at, id LIMIT 1"
                                    " FOR UPDATE SKIP LOCKED",
                                    "m", COLUMN_TYPES};

static const struct stmt_def CLAIM = {
    "exports.claim",
    "UPDATE exports SET state = 'running', lease_token = ?, next_try_at = ?, attempts = attempts + 1"
    " WHERE household_id = ? AND id = ?",
    "tmii", ""};

#define HELD " WHERE household_id = ? AND id = ? AND lease_token = ? AND state = 'running'"

static const struct stmt_def ADVANCE = {
    "exports.advance", "UPDATE exports SET progress = ?, next_try_at = ?" HELD " AND next_try_at > ?", "imiitm", ""};

static const struct stmt_def SET_DOCUMENT = {"exports.set_document", "UPDATE exports SET document_id = ?" HELD, "iiit",
                                             ""};

static const struct stmt_def FINISH = {
    "exports.finish",
    "UPDATE exports SET state = ?, progress = IF(? IS NULL, 100, progress), error = ?, finished_at = ?,"
    " lease_token = NULL" HELD,
    "tttmiit", ""};

static const struct stmt_def BACK_OFF = {
    "exports.back_off",
    "UPDATE exports SET state = 'queued', attempts = attempts - ?, next_try_at = ?,"
    " lease_token = NULL" HELD,
    "imiit", ""};

static int64_t index_of(const char *const words[], struct text word)
{
    for (int64_t i = 0; words[i]; i++)
        if (text_eq(text_of(words[i]), word))
            return i;
    return 0;
}

static struct export from_row(struct db_row *row)
{
    return (struct export){.id = row_int(row, 0),
                           .household_id = row_int(row, 1),
                           .user_id = row_int(row, 2),
                           .event_id = row_text(row, 3),
                           .kind = index_of(EXPORT_KINDS, row_text(row, 4)),
                           .format = index_of(EXPORT_FORMATS, row_text(row, 5)),
                           .from = row_date(row, 6),
                           .to = row_date(row, 7),
                           .email = row_int(row, 8) != 0,
                           .state = index_of(EXPORT_STATES, row_text(row, 9)),
                           .progress = row_int(row, 10),
                           .document_id = row_int(row, 11),
                           .error = row_text(row, 12),
                           .attempts = row_int(row, 13),
                           .created_at_ms = row_instant(row, 14),
                           .finished_at_ms = row_instant(row, 15)};
}

static bool read_one(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct export *)to = from_row(row);
    return true;
}

struct collector {
    struct export_list list;
    size_t max;
};

static bool append(struct db_row *row, void *to, struct err *err)
{
    struct collector *c = to;
    (void)err;
    if (c->list.count < c->max)
        c->list.items[c->list.count++] = from_row(row);
    return true;
}

bool export_insert(struct db *db, struct export *e, int64_t now_ms, struct arena *mem, struct err *err)
{
    char id[UUID_TEXT_MAX];
    struct db_result res;
    uuid7(now_ms, id);
    e->event_id = arena_text(mem, text_of(id));
    if (!e->event_id.p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_int(e->household_id), db_int(e->user_id), db_text(e->event_id),
                         db_str(EXPORT_KINDS[e->kind]), db_str(EXPORT_FORMATS[e->format]), db_date(e->from),
                         db_date(e->to), db_int(e->email), db_instant(now_ms), db_instant(now_ms)),
                 &res, err))
        return false;
    e->id = res.insert_id;
    e->state = EXPORT_QUEUED;
    e->created_at_ms = now_ms;
    return true;
}

bool export_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct export *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, read_one, out, err);
}

bool export_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                 struct export_list *out, struct err *err)
{
    struct collector c = {.max = (size_t)limit};
    c.list.items = arena_array(mem, c.max, sizeof(*c.list.items));
    if (!c.list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &LIST, DB_ARGS(db_int(household), db_id(before_id), db_id(before_id), db_int(limit)), mem, append,
                  &c, NULL, err))
        return false;
    *out = c.list;
    return true;
}

bool export_mailed_since(struct db *db, int64_t household, int64_t user, int64_t kind, int64_t since_ms, bool *mailed,
                         struct err *err)
{
    size_t count;
    if (!db_query(db, &MAILED_SINCE,
                  DB_ARGS(db_int(household), db_int(user), db_str(EXPORT_KINDS[kind]), db_instant(since_ms)), NULL,
                  NULL, NULL, &count, err))
        return false;
    *mailed = count > 0;
    return true;
}

bool export_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct export *out, bool *found,
                  struct err *err)
{
    size_t count = 0;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx || !db_query(db, &DUE, DB_ARGS(db_instant(now_ms)), mem, read_one, out, &count, err))
        return false;
    if (count && !db_exec(db, &CLAIM,
                          DB_ARGS(db_str(token), db_instant(now_ms + EXPORT_LEASE_MS), db_int(out->household_id),
                                  db_int(out->id)),
                          NULL, err))
        return false;
    if (!tx_commit(tx, err))
        return false;
    out->attempts += count == 1;
    *found = count == 1;
    return true;
}

static bool held_by(const struct db_result *res, bool *held)
{
    *held = res->affected == 1;
    return true;
}

bool export_advance(struct db *db, const struct export *e, const char *token, int64_t progress, int64_t now_ms,
                    bool *held, struct err *err)
{
    struct db_result res;
    return db_exec(db, &ADVANCE,
                   DB_ARGS(db_int(progress), db_instant(now_ms + EXPORT_LEASE_MS), db_int(e->household_id),
                           db_int(e->id), db_str(token), db_instant(now_ms)),
                   &res, err) &&
           held_by(&res, held);
}

bool export_set_document(struct db *db, const struct export *e, const char *token, int64_t document, bool *held,
                         struct err *err)
{
    struct db_result res;
    return db_exec(db, &SET_DOCUMENT, DB_ARGS(db_int(document), db_int(e->household_id), db_int(e->id), db_str(token)),
                   &res, err) &&
           held_by(&res, held);
}

bool export_finish(struct db *db, const struct export *e, const char *token, const char *error, int64_t now_ms,
                   bool *held, struct err *err)
{
    struct db_result res;
    return db_exec(db, &FINISH,
                   DB_ARGS(db_str(EXPORT_STATES[error ? EXPORT_FAILED : EXPORT_DONE]), db_str(error), db_str(error),
                           db_instant(now_ms), db_int(e->household_id), db_int(e->id), db_str(token)),
                   &res, err) &&
           held_by(&res, held);
}

bool export_back_off(struct db *db, const struct export *e, const char *token, bool counts, int64_t next_try_at_ms,
                     struct err *err)
{
    return db_exec(
        db, &BACK_OFF,
        DB_ARGS(db_int(!counts), db_instant(next_try_at_ms), db_int(e->household_id), db_int(e->id), db_str(token)),
        NULL, err);
}
