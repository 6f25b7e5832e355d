/* Many rows of one household in two round trips. */
#include "base/buf.h"
#include "base/json.h"
#include "store/transaction.h"

enum { SET_JSON_MAX = 4 * 1024 * 1024 };

/* The set travels as one JSON array (as in store/jar_entry.c); absent members are NULL. */
static const struct stmt_def INSERT_SET = {
    "transaction.insert_set",
    "INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, jar_id, name, icon, note, receipt_location,"
    " receipt_image_url, created_by, created_at, updated_at)"
    " SELECT ?, s.kind, s.amount, s.day, s.category, s.jar, s.name, s.icon, s.note, s.place, s.image, ?, ?, ? FROM JSON_TABLE(?, '$[*]' COLUMNS"
    " (nr FOR ORDINALITY, kind VARCHAR(8) PATH '$.kind', amount BIGINT PATH '$.amount', day DATE PATH '$.day', category BIGINT PATH '$.category',"
    " jar BIGINT PATH '$.jar', name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name', icon VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.icon',"
    " note VARCHAR(2000) CHARACTER SET utf8mb4 PATH '$.note', place VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.place',"
    " image VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.image')) s ORDER BY s.nr",
    "iimmt", ""};

/* Under the household's lock nobody else adds rows to it, so those from the first new id on are the set's, in its
 * order. */
static const struct stmt_def NEW_IDS = {
    "transaction.new_ids", "SELECT id FROM transactions WHERE household_id = ? AND id >= ? ORDER BY id LIMIT ?", "iii",
    "i"};

static void put_id(struct json_out *j, const char *key, int64_t id)
{
    if (id)
        json_put_int(j, key, id);
}

static void put_text(struct json_out *j, const char *key, struct text t)
{
    if (t.p)
        json_put_text(j, key, t);
}

static void write_row(struct json_out *j, const struct transaction *t)
{
    json_begin_object(j);
    json_put_str(j, "kind", TRANSACTION_KINDS[t->kind]);
    json_put_int(j, "amount", t->amount);
    json_put_date(j, "day", t->occurred_on);
    put_id(j, "category", t->category_id);
    put_id(j, "jar", t->jar_id);
    put_text(j, "name", t->name);
    put_text(j, "icon", t->icon);
    put_text(j, "note", t->note);
    put_text(j, "place", t->receipt_location);
    put_text(j, "image", t->receipt_image_url);
    json_end_object(j);
}

struct numbering {
    struct transaction *rows;
    size_t count, done;
    int64_t now_ms;
};

static bool take_id(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct numbering *n = to;
    if (n->done == n->count)
        return true;
    struct transaction *t = &n->rows[n->done++];
    t->id = row_int(row, 0);
    t->version = 1;
    t->created_at_ms = t->updated_at_ms = n->now_ms;
    return true;
}

bool transaction_insert_set(struct db *db, int64_t household, int64_t user, struct transaction *rows, size_t count,
                            int64_t now_ms, struct err *err)
{
    AUTO(buf) struct buf set;
    struct json_out j;
    struct db_result res;
    struct numbering n = {.rows = rows, .count = count, .now_ms = now_ms};
    buf_init(&set, SET_JSON_MAX);
    json_out_init(&j, &set);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++)
        write_row(&j, &rows[i]);
    json_end_array(&j);
    if (set.failed)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_exec(
            db, &INSERT_SET,
            DB_ARGS(db_int(household), db_int(user), db_instant(now_ms), db_instant(now_ms), db_text(buf_view(&set))),
            &res, err) ||
        !db_query(db, &NEW_IDS, DB_ARGS(db_int(household), db_int(res.insert_id), db_int((int64_t)count)), NULL,
                  take_id, &n, NULL, err))
        return false;
    return n.done == count || err_set(err, ERR_INTERNAL, "Not all rows of a set were inserted");
}
