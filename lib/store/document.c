#include "store/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"

const char *const DOCUMENT_KINDS[] = {"receipt", "image", "file", "report", "import", NULL};
const char *const DOCUMENT_STATES[] = {"pending", "stored", "deleting", NULL};

#define COLUMNS                                                                                                        \
    "id, household_id, user_id, kind, state, object_key, public_key, name, content_type, sha256, size,"                \
    " transaction_id, created_at, stored_at"
#define COLUMN_TYPES "iiitttttttiimm"

static const struct stmt_def INSERT = {
    "document.insert",
    "INSERT INTO documents (household_id, user_id, kind, state, object_key, public_key, name, content_type, size, sha256,"
    " transaction_id, created_at) VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?)",
    "iitttttitim", ""};

static const struct stmt_def STORED = {
    "document.stored",
    "UPDATE documents SET state = 'stored', size = ?, content_type = ?, sha256 = ?, stored_at = ?"
    " WHERE household_id = ? AND id = ? AND state = 'pending'",
    "ittmii", ""};

static const struct stmt_def DELETING = {
    "document.deleting",
    "UPDATE documents SET state = 'deleting', transaction_id = NULL, public_key = NULL, deleted_at = ?"
    " WHERE household_id = ? AND id = ? AND state <> 'deleting'",
    "mii", ""};

static const struct stmt_def REMOVE = {"document.remove", "DELETE FROM documents WHERE household_id = ? AND id = ?",
                                       "ii", ""};

static const struct stmt_def ATTACH = {
    "document.attach",
    "UPDATE documents SET transaction_id = ? WHERE household_id = ? AND id = ? AND state <> 'deleting'", "iii", ""};

static const struct stmt_def FIND = {
    "document.find", "SELECT " COLUMNS " FROM documents WHERE household_id = ? AND id = ? AND state <> 'deleting'",
    "ii", COLUMN_TYPES};

static const struct stmt_def FIND_PUBLIC = {
    "document.find_public", "SELECT " COLUMNS " FROM documents WHERE public_key = ? AND state = 'stored'", "t",
    COLUMN_TYPES};

static const struct stmt_def LIST = {
    "document.list",
    "SELECT " COLUMNS " FROM documents WHERE household_id = ? AND state = 'stored' AND id < ? ORDER BY id DESC LIMIT ?",
    "iii", COLUMN_TYPES};

static const struct stmt_def LIST_OF_TRANSACTION = {
    "document.list_of_transaction",
    "SELECT " COLUMNS " FROM documents WHERE household_id = ? AND transaction_id = ? AND state = 'stored'"
    " ORDER BY id DESC LIMIT 100",
    "ii", COLUMN_TYPES};

static const struct stmt_def BYTES = {
    "document.bytes", "SELECT CAST(COALESCE(SUM(size), 0) AS SIGNED) FROM documents WHERE household_id = ?", "i", "i"};

static const struct stmt_def LIST_STATE = {
    "document.list_state",
    "SELECT " COLUMNS
    " FROM documents WHERE state = ? AND created_at < ? AND (created_at > ? OR created_at = ? AND id > ?)"
    " ORDER BY created_at, id LIMIT 100",
    "tmmmi", COLUMN_TYPES};

static const struct stmt_def KEYS_BETWEEN = {
    "document.keys_between",
    "SELECT object_key FROM documents WHERE object_key BETWEEN ? AND ? ORDER BY object_key LIMIT ?", "tti", "t"};

static int64_t index_of(const char *const *words, struct text word)
{
    int64_t i = 0;
    while (words[i + 1] && !text_eq(word, text_of(words[i])))
        i++;
    return i;
}

static struct document document_from_row(struct db_row *row)
{
    return (struct document){.id = row_int(row, 0),
                             .household_id = row_int(row, 1),
                             .user_id = row_int(row, 2),
                             .kind = index_of(DOCUMENT_KINDS, row_text(row, 3)),
                             .state = index_of(DOCUMENT_STATES, row_text(row, 4)),
                             .object_key = row_text(row, 5),
                             .public_key = row_text(row, 6),
                             .name = row_text(row, 7),
                             .content_type = row_text(row, 8),
                             .sha256 = row_text(row, 9),
                             .size = row_int(row, 10),
                             .transaction_id = row_int(row, 11),
                             .created_at_ms = row_instant(row, 12),
                             .stored_at_ms = row_instant(row, 13)};
}

void document_object_key(int64_t household, enum document_kind kind, int64_t now_ms, char out[DOCUMENT_OBJECT_KEY])
{
    char uuid[UUID_TEXT_MAX];
    uuid7(now_ms, uuid);
    snprintf(out, DOCUMENT_OBJECT_KEY, "h/%" PRId64 "/%s/%s", household, DOCUMENT_KINDS[kind], uuid);
}

void document_public_key(char out[DOCUMENT_PUBLIC_KEY])
{
    random_hex((DOCUMENT_PUBLIC_KEY - 1) / 2, out);
}

bool document_insert(struct db *db, struct document *d, int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_int(d->household_id), db_int(d->user_id), db_str(DOCUMENT_KINDS[d->kind]),
                         db_text(d->object_key), db_text(d->public_key), db_text(d->name), db_text(d->content_type),
                         db_int(d->size), db_text(d->sha256), db_id(d->transaction_id), db_instant(now_ms)),
                 &res, err))
        return false;
    d->id = res.insert_id;
    d->state = DOCUMENT_PENDING;
    d->created_at_ms = now_ms;
    return true;
}

static bool changed_one(bool done, const struct db_result *res, struct err *err)
{
    return done && (res->affected || err_set(err, ERR_NOT_FOUND, "There is no such document"));
}

bool document_stored(struct db *db, int64_t household, int64_t id, int64_t size, struct text content_type,
                     struct text sha256, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &STORED,
                        DB_ARGS(db_int(size), db_text(content_type), db_text(sha256), db_instant(now_ms),
                                db_int(household), db_int(id)),
                        &res, err);
    return changed_one(done, &res, err);
}

bool document_deleting(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &DELETING, DB_ARGS(db_instant(now_ms), db_int(household), db_int(id)), &res, err);
    return changed_one(done, &res, err);
}

bool document_remove(struct db *db, int64_t household, int64_t id, struct err *err)
{
    return db_exec(db, &REMOVE, DB_ARGS(db_int(household), db_int(id)), NULL, err);
}

bool document_attach(struct db *db, int64_t household, int64_t id, int64_t transaction, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &ATTACH, DB_ARGS(db_id(transaction), db_int(household), db_int(id)), &res, err);
    return changed_one(done, &res, err);
}

static bool take_document(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct document *)to = document_from_row(row);
    return true;
}

bool document_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct document *out,
                   struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, take_document, out, err);
}

bool document_find_public(struct db *db, struct text public_key, struct arena *mem, struct document *out,
                          struct err *err)
{
    return db_one(db, &FIND_PUBLIC, DB_ARGS(db_text(public_key)), mem, take_document, out, err);
}

static bool append_document(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct document_list *list = to;
    if (list->count < DOCUMENT_PAGE_MAX)
        list->items[list->count++] = document_from_row(row);
    return true;
}

static bool list_by(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem,
                    struct document_list *out, struct err *err)
{
    struct document_list list = {.items = arena_array(mem, DOCUMENT_PAGE_MAX, sizeof(struct document))};
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, def, args, mem, append_document, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

bool document_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                   struct document_list *out, struct err *err)
{
    int64_t n = limit < DOCUMENT_PAGE_MAX ? limit : DOCUMENT_PAGE_MAX;
    return list_by(db, &LIST, DB_ARGS(db_int(household), db_int(before_id ? before_id : INT64_MAX), db_int(n)), mem,
                   out, err);
}

bool document_list_of_transaction(struct db *db, int64_t household, int64_t transaction, struct arena *mem,
                                  struct document_list *out, struct err *err)
{
    return list_by(db, &LIST_OF_TRANSACTION, DB_ARGS(db_int(household), db_int(transaction)), mem, out, err);
}

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool document_bytes(struct db *db, int64_t household, int64_t *bytes, struct err *err)
{
    return db_one(db, &BYTES, DB_ARGS(db_int(household)), NULL, take_int, bytes, err);
}

bool document_list_state(struct db *db, enum document_state state, int64_t before_ms, int64_t after_created_ms,
                         int64_t after_id, struct arena *mem, struct document_list *out, struct err *err)
{
    int64_t after = after_created_ms ? after_created_ms : 1; /* the epoch: 0 would be NULL */
    return list_by(db, &LIST_STATE,
                   DB_ARGS(db_str(DOCUMENT_STATES[state]), db_instant(before_ms), db_instant(after), db_instant(after),
                           db_int(after_id)),
                   mem, out, err);
}

struct keys {
    struct text *out;
    size_t count, max;
};

static bool append_key(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct keys *keys = to;
    if (keys->count < keys->max)
        keys->out[keys->count++] = row_text(row, 0);
    return true;
}

bool document_keys_between(struct db *db, struct text first, struct text last, size_t max, struct arena *mem,
                           struct text *out, size_t *count, struct err *err)
{
    struct keys keys = {.out = out, .max = max};
    if (!db_query(db, &KEYS_BETWEEN, DB_ARGS(db_text(first), db_text(last), db_int((int64_t)max)), mem, append_key,
                  &keys, NULL, err))
        return false;
    *count = keys.count;
    return true;
}
