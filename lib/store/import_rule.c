#include "store/import_rule.h"

#include "base/buf.h"
#include "base/json.h"
#include "store/transaction.h"

enum { SET_JSON_MAX = 2 * 1024 * 1024 };

#define COLUMNS "id, priority, is_regex, pattern, name, kind, category_id, jar_id, version, created_at, updated_at"
#define COLUMN_TYPES "iiitttiiimm"

static const struct stmt_def LIST = {
    "import_rule.list", "SELECT " COLUMNS " FROM import_rules WHERE household_id = ? ORDER BY priority, id LIMIT 100",
    "i", COLUMN_TYPES};
static const struct stmt_def FIND = {
    "import_rule.find", "SELECT " COLUMNS " FROM import_rules WHERE household_id = ? AND id = ?", "ii", COLUMN_TYPES};
static const struct stmt_def INSERT = {
    "import_rule.insert",
    "INSERT INTO import_rules (household_id, priority, is_regex, pattern, name, kind, category_id, jar_id, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "iiitttiimm", ""};
static const struct stmt_def UPDATE = {
    "import_rule.update",
    "UPDATE import_rules SET priority = ?, is_regex = ?, pattern = ?, name = ?, kind = ?, category_id = ?, jar_id = ?,"
    " updated_at = ?, version = version + 1 WHERE household_id = ? AND id = ?",
    "iitttiimii", ""};
static const struct stmt_def REMOVE = {"import_rule.remove",
                                       "DELETE FROM import_rules WHERE household_id = ? AND id = ?", "ii", ""};

static const struct stmt_def IMPORTED = {
    "imported.list",
    "SELECT t.id, t.import_id, t.import_row, t.kind = 'income', t.amount, t.occurred_on, t.category_id, t.jar_id, t.name, r.text"
    " FROM transactions t FORCE INDEX (tx_all) STRAIGHT_JOIN import_rows r FORCE INDEX (PRIMARY)"
    " ON r.household_id = t.household_id AND r.import_id = t.import_id AND r.row_no = t.import_row AND r.tx_version = t.version"
    " WHERE t.household_id = ? AND t.deleted_at IS NULL AND t.occurred_on >= ? AND (t.occurred_on > ? OR t.id > ?)"
    " ORDER BY t.occurred_on, t.id LIMIT ?",
    "iddii", "iiiiidiitt"};

#define CHANGE_SET                                                                                                     \
    "JSON_TABLE(?, '$[*]' COLUMNS (tx BIGINT PATH '$.tx', import BIGINT PATH '$.import', row_no INT PATH '$.no',"      \
    " category BIGINT PATH '$.category', name VARCHAR(255) PATH '$.name')) s"

static const struct stmt_def UPDATE_SET = {
    "imported.update_set",
    "UPDATE " CHANGE_SET " STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY) ON t.household_id = ? AND t.id = s.tx"
    " SET t.category_id = s.category, t.name = s.name, t.updated_at = ?, t.version = t.version + 1",
    "tim", ""};
static const struct stmt_def KEEP_SET = {
    "imported.keep_set",
    "UPDATE " CHANGE_SET
    " STRAIGHT_JOIN import_rows r FORCE INDEX (PRIMARY) ON r.household_id = ? AND r.import_id = s.import"
    " AND r.row_no = s.row_no STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY) ON t.household_id = r.household_id AND t.id = s.tx"
    " SET r.tx_version = t.version",
    "ti", ""};

static struct import_rule rule_from_row(struct db_row *row)
{
    struct text kind = row_text(row, 5);
    return (struct import_rule){.id = row_int(row, 0),
                                .priority = row_int(row, 1),
                                .is_regex = row_int(row, 2) != 0,
                                .pattern = row_text(row, 3),
                                .name = row_text(row, 4),
                                .kind = !kind.p                         ? -1
                                        : text_eq(kind, TEXT("income")) ? KIND_INCOME
                                                                        : KIND_EXPENSE,
                                .category_id = row_int(row, 6),
                                .jar_id = row_int(row, 7),
                                .version = row_int(row, 8),
                                .created_at_ms = row_instant(row, 9),
                                .updated_at_ms = row_instant(row, 10)};
}

static bool append_rule(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct import_rule_list *list = to;
    if (list->count < IMPORT_RULE_MAX)
        list->items[list->count++] = rule_from_row(row);
    return true;
}

bool import_rule_list(struct db *db, int64_t household, struct arena *mem, struct import_rule_list *out,
                      struct err *err)
{
    struct import_rule_list list = {.items = arena_array(mem, IMPORT_RULE_MAX, sizeof(struct import_rule))};
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &LIST, DB_ARGS(db_int(household)), mem, append_rule, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

static bool take_rule(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct import_rule *)to = rule_from_row(row);
    return true;
}

bool import_rule_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct import_rule *out,
                      struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, take_rule, out, err);
}

static struct db_value kind_value(const struct import_rule *r)
{
    return r->kind < 0 ? db_null() : db_str(TRANSACTION_KINDS[r->kind]);
}

bool import_rule_insert(struct db *db, int64_t household, struct import_rule *r, int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_int(household), db_int(r->priority), db_int(r->is_regex), db_text(r->pattern),
                         db_text(r->name), kind_value(r), db_id(r->category_id), db_id(r->jar_id), db_instant(now_ms),
                         db_instant(now_ms)),
                 &res, err))
        return false;
    r->id = res.insert_id;
    r->version = 1;
    r->created_at_ms = r->updated_at_ms = now_ms;
    return true;
}

static bool changed_one(bool done, const struct db_result *res, struct err *err)
{
    return done && (res->affected || err_set(err, ERR_NOT_FOUND, "There is no such rule"));
}

bool import_rule_update(struct db *db, int64_t household, struct import_rule *r, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done =
        db_exec(db, &UPDATE,
                DB_ARGS(db_int(r->priority), db_int(r->is_regex), db_text(r->pattern), db_text(r->name), kind_value(r),
                        db_id(r->category_id), db_id(r->jar_id), db_instant(now_ms), db_int(household), db_int(r->id)),
                &res, err);
    if (!changed_one(done, &res, err))
        return false;
    r->version++;
    r->updated_at_ms = now_ms;
    return true;
}

bool import_rule_remove(struct db *db, int64_t household, int64_t id, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &REMOVE, DB_ARGS(db_int(household), db_int(id)), &res, err);
    return changed_one(done, &res, err);
}

static bool append_imported(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct imported_list *list = to;
    if (list->count < IMPORTED_SET_MAX)
        list->items[list->count++] = (struct imported){.id = row_int(row, 0),
                                                       .import_id = row_int(row, 1),
                                                       .row_no = row_int(row, 2),
                                                       .income = row_int(row, 3) != 0,
                                                       .amount = row_int(row, 4),
                                                       .occurred_on = row_date(row, 5),
                                                       .category_id = row_int(row, 6),
                                                       .jar_id = row_int(row, 7),
                                                       .name = row_text(row, 8),
                                                       .text = row_text(row, 9)};
    return true;
}

bool imported_list(struct db *db, int64_t household, int32_t after_day, int64_t after_id, int64_t limit,
                   struct arena *mem, struct imported_list *out, struct err *err)
{
    struct imported_list list = {.items = arena_array(mem, IMPORTED_SET_MAX, sizeof(struct imported))};
    int64_t n = limit < IMPORTED_SET_MAX ? limit : IMPORTED_SET_MAX;
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &IMPORTED,
                  DB_ARGS(db_int(household), db_date(after_day), db_date(after_day), db_int(after_id), db_int(n)), mem,
                  append_imported, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

static bool write_set(struct buf *buf, const struct imported *items, size_t count, struct err *err)
{
    struct json_out j;
    buf_init(buf, SET_JSON_MAX);
    json_out_init(&j, buf);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&j);
        json_put_int(&j, "tx", items[i].id);
        json_put_int(&j, "import", items[i].import_id);
        json_put_int(&j, "no", items[i].row_no);
        json_put_id(&j, "category", items[i].category_id);
        json_put_text(&j, "name", items[i].name);
        json_end_object(&j);
    }
    json_end_array(&j);
    return !buf->failed || err_set(err, ERR_NO_MEMORY, "Out of memory");
}

bool imported_update_set(struct db *db, int64_t household, const struct imported *items, size_t count, int64_t now_ms,
                         struct err *err)
{
    AUTO(buf) struct buf set = {0};
    if (!count)
        return true;
    return write_set(&set, items, count, err) &&
           db_exec(db, &UPDATE_SET, DB_ARGS(db_text(buf_view(&set)), db_int(household), db_instant(now_ms)), NULL,
                   err) &&
           db_exec(db, &KEEP_SET, DB_ARGS(db_text(buf_view(&set)), db_int(household)), NULL, err);
}

bool imported_keep(struct db *db, int64_t household, const struct imported *one, struct err *err)
{
    AUTO(buf) struct buf set = {0};
    return write_set(&set, one, 1, err) &&
           db_exec(db, &KEEP_SET, DB_ARGS(db_text(buf_view(&set)), db_int(household)), NULL, err);
}
