#include "store/import_post.h"

#include <string.h>

enum { SUMS_MAX = 65536, LINKS_JSON_MAX = 1024 * 1024 };

#define RANGE "r.household_id = ? AND r.import_id = ? AND r.row_no > ? AND r.row_no <= ?"
#define TAKEN                                                                                                          \
    " AND r.transaction_id IS NULL AND r.verdict <> 'bad'"                                                             \
    " AND (r.include = 1 OR (r.include IS NULL AND (r.verdict = 'new' OR (r.verdict = 'probable' AND ? = 1))))"

static const struct stmt_def CLAIM = {
    "import_post.claim",
    "INSERT INTO import_keys (household_id, dedup_key, import_id, row_no)"
    " SELECT r.household_id, r.dedup_key, r.import_id, r.row_no FROM import_rows r WHERE " RANGE TAKEN
    " ORDER BY r.dedup_key ON DUPLICATE KEY UPDATE row_no = import_keys.row_no",
    "iiiii", ""};

/* Who said that a known duplicate is to go in has said so. */
static const struct stmt_def LOSE = {
    "import_post.lose",
    "UPDATE import_rows r FORCE INDEX (PRIMARY) STRAIGHT_JOIN import_keys k FORCE INDEX (PRIMARY) ON k.household_id = r.household_id AND k.dedup_key = r.dedup_key"
    " SET r.verdict = 'duplicate', r.duplicate_of = k.transaction_id, r.include = NULL WHERE " RANGE TAKEN
    " AND r.verdict <> 'duplicate' AND (k.import_id <> r.import_id OR k.row_no <> r.row_no)",
    "iiiii", ""};

static const struct stmt_def LAST_ID = {"import_post.last_id", "SELECT COALESCE(MAX(id), 0) FROM transactions", "",
                                        "i"};

#define OWN_CATEGORY                                                                                                   \
    " LEFT JOIN categories c ON c.household_id = r.household_id AND c.id = r.category_id AND c.active = 1"             \
    " AND c.type = CASE WHEN r.amount > 0 THEN 'income' ELSE 'expense' END"

static const struct stmt_def NEEDS = {
    "import_post.needs",
    "SELECT COALESCE(MAX(r.amount > 0), 0), COALESCE(MAX(r.amount < 0), 0) FROM import_rows r" OWN_CATEGORY
    " WHERE " RANGE TAKEN " AND c.id IS NULL",
    "iiiii", "ii"};

/* What became of a category or a jar since the preview counts: one that is gone, or of the other kind, is not taken. */
static const struct stmt_def INSERT = {
    "import_post.insert",
    "INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, jar_id, name, note, import_id, import_row,"
    " created_by, created_at, updated_at)"
    " SELECT r.household_id, CASE WHEN r.amount > 0 THEN 'income' ELSE 'expense' END, ABS(r.amount), r.occurred_on,"
    " COALESCE(c.id, CASE WHEN r.amount > 0 THEN ? ELSE ? END), j.id,"
    " COALESCE(NULLIF(r.name, ''), NULLIF(LEFT(r.text, 255), ''), 'Sao kê'),"
    " CASE WHEN r.name IS NULL THEN NULL ELSE NULLIF(r.text, '') END, r.import_id, r.row_no, ?, ?, ?"
    " FROM import_rows r" OWN_CATEGORY
    " LEFT JOIN jars j ON j.household_id = r.household_id AND j.id = r.jar_id AND j.active = 1 AND r.amount < 0"
    " WHERE " RANGE TAKEN " ORDER BY r.occurred_on, r.row_no",
    "iiimmiiiii", ""};

/* The new ones are the last ones of the primary key, so no index by import is needed. Only a SELECT may walk it: any
 * other statement would lock what other households are inserting there at this moment, and wait for it. */
static const struct stmt_def LIST = {
    "import_post.list",
    "SELECT t.id, t.import_row, t.kind = 'income', t.amount, t.occurred_on, t.jar_id FROM transactions t FORCE INDEX (PRIMARY)"
    " WHERE t.id > ? AND t.household_id = ? AND t.import_id = ? AND t.import_row > ? AND t.import_row <= ? ORDER BY t.id",
    "iiiii", "iiiidi"};

static const struct stmt_def LINK_ROWS = {
    "import_post.link_rows",
    "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (row_no INT PATH '$.no', tx BIGINT PATH '$.tx')) s STRAIGHT_JOIN import_rows r FORCE INDEX (PRIMARY)"
    " ON r.household_id = ? AND r.import_id = ? AND r.row_no = s.row_no SET r.transaction_id = s.tx, r.tx_version = 1",
    "tii", ""};

static const struct stmt_def LINK_KEYS = {
    "import_post.link_keys",
    "UPDATE import_keys k FORCE INDEX (import_keys_import) STRAIGHT_JOIN import_rows r FORCE INDEX (PRIMARY)"
    " ON r.household_id = k.household_id AND r.import_id = k.import_id AND r.row_no = k.row_no"
    " SET k.transaction_id = r.transaction_id WHERE k.household_id = ? AND k.import_id = ? AND k.row_no > ? AND k.row_no <= ?",
    "iiii", ""};

/* Unedited: as the import left it. The order and the keys are told, since the tables' statistics know nothing yet of
 * rows that came by thousands a moment ago. */
#define UNDOABLE                                                                                                       \
    " FROM import_rows r FORCE INDEX (PRIMARY) STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY)"                     \
    " ON t.household_id = r.household_id AND t.id = r.transaction_id AND t.version = r.tx_version"                     \
    " AND t.deleted_at IS NULL"
#define UNDOABLE_ENTRIES                                                                                               \
    UNDOABLE                                                                                                           \
    " STRAIGHT_JOIN jar_entries e FORCE INDEX (entries_transaction) ON e.household_id = t.household_id"                \
    " AND e.transaction_id = t.id AND e.reverses_id IS NULL"                                                           \
    " STRAIGHT_JOIN jars j ON j.household_id = e.household_id AND j.id = e.jar_id"                                     \
    " LEFT JOIN jar_entries x FORCE INDEX (entries_reverses) ON x.reverses_id = e.id WHERE " RANGE " AND x.id IS NULL"
#define MONTH_OF_ENTRY "YEAR(e.occurred_on) * 100 + MONTH(e.occurred_on)"

static const struct stmt_def UNDO_SUMS = {"import_undo.sums",
                                          "SELECT e.jar_id, " MONTH_OF_ENTRY
                                          ", e.kind, CAST(SUM(e.amount) AS SIGNED), MAX(j.active)" UNDOABLE_ENTRIES
                                          " GROUP BY e.jar_id, " MONTH_OF_ENTRY ", e.kind",
                                          "iiii", "iitii"};

static const struct stmt_def UNDO_NET = {
    "import_undo.net",
    "SELECT CAST(COALESCE(SUM(CASE t.kind WHEN 'income' THEN t.amount ELSE -t.amount END), 0) AS SIGNED)" UNDOABLE
    " WHERE " RANGE,
    "iiii", "i"};

static const struct stmt_def UNDO_REVERSE = {
    "import_undo.reverse",
    "INSERT INTO jar_entries (household_id, jar_id, kind, amount, occurred_on, transaction_id, reverses_id, created_at)"
    " SELECT e.household_id, e.jar_id, CASE e.kind WHEN 'spend' THEN 'refund' ELSE e.kind END, -e.amount, e.occurred_on,"
    " e.transaction_id, e.id, ?" UNDOABLE_ENTRIES,
    "miiii", ""};

static const struct stmt_def UNDO_DELETE = {
    "import_undo.delete",
    "UPDATE import_rows r FORCE INDEX (PRIMARY) STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY)"
    " ON t.household_id = r.household_id AND t.id = r.transaction_id AND t.version = r.tx_version AND t.deleted_at IS NULL"
    " SET t.deleted_at = ?, t.updated_at = ?, t.version = t.version + 1 WHERE " RANGE,
    "mmiiii", ""};

static const struct stmt_def UNDO_KEYS = {
    "import_undo.keys",
    "DELETE k FROM import_keys k FORCE INDEX (import_keys_import) STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY) ON t.household_id = k.household_id AND t.id = k.transaction_id"
    " WHERE k.household_id = ? AND k.import_id = ? AND k.row_no > ? AND k.row_no <= ? AND t.deleted_at IS NOT NULL",
    "iiii", ""};

static const struct stmt_def KEPT = {
    "import_undo.kept",
    "SELECT t.id FROM import_rows r FORCE INDEX (PRIMARY) STRAIGHT_JOIN transactions t FORCE INDEX (PRIMARY) ON t.household_id = r.household_id AND t.id = r.transaction_id"
    " WHERE r.household_id = ? AND r.import_id = ? AND t.deleted_at IS NULL ORDER BY r.row_no",
    "ii", "i"};

#define RANGE_ARGS(r) db_int((r)->household), db_int((r)->import), db_int((r)->after), db_int((r)->to)

bool import_post_claim(struct db *db, const struct import_range *r, bool with_probable, struct err *err)
{
    struct db_args args = DB_ARGS(RANGE_ARGS(r), db_int(with_probable));
    return db_exec(db, &CLAIM, args, NULL, err) && db_exec(db, &LOSE, args, NULL, err);
}

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

static bool take_needs(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    bool *needs = to;
    needs[0] = row_int(row, 0) != 0;
    needs[1] = row_int(row, 1) != 0;
    return true;
}

bool import_post_needs(struct db *db, const struct import_range *r, bool with_probable, bool *income, bool *expense,
                       struct err *err)
{
    bool needs[2] = {false, false};
    if (!db_one(db, &NEEDS, DB_ARGS(RANGE_ARGS(r), db_int(with_probable)), NULL, take_needs, needs, err))
        return false;
    *income = needs[0];
    *expense = needs[1];
    return true;
}

bool import_post_insert(struct db *db, const struct import_range *r, const struct import_posting *p, int64_t *after_tx,
                        int64_t *added, struct err *err)
{
    struct db_result res;
    if (!db_one(db, &LAST_ID, DB_NO_ARGS, NULL, take_int, after_tx, err) ||
        !db_exec(db, &INSERT,
                 DB_ARGS(db_id(p->income_category), db_id(p->expense_category), db_int(p->user), db_instant(p->now_ms),
                         db_instant(p->now_ms), RANGE_ARGS(r), db_int(p->with_probable)),
                 &res, err))
        return false;
    *added = res.affected;
    return true;
}

bool import_post_link(struct db *db, const struct import_range *r, const struct import_match *links, size_t count,
                      struct err *err)
{
    AUTO(buf) struct buf set;
    buf_init(&set, LINKS_JSON_MAX);
    import_matches_write(&set, links, count);
    if (set.failed)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    return db_exec(db, &LINK_ROWS, DB_ARGS(db_text(buf_view(&set)), db_int(r->household), db_int(r->import)), NULL,
                   err) &&
           db_exec(db, &LINK_KEYS, DB_ARGS(RANGE_ARGS(r)), NULL, err);
}

bool import_post_list(struct db *db, const struct import_range *r, int64_t after_tx, db_row_fn *each, void *to,
                      struct err *err)
{
    return db_query(db, &LIST, DB_ARGS(db_int(after_tx), RANGE_ARGS(r)), NULL, each, to, NULL, err);
}

struct import_posted import_posted_from_row(struct db_row *row)
{
    return (struct import_posted){.id = row_int(row, 0),
                                  .row_no = row_int(row, 1),
                                  .income = row_int(row, 2) != 0,
                                  .amount = row_int(row, 3),
                                  .occurred_on = row_date(row, 4),
                                  .jar_id = row_int(row, 5)};
}

struct sums_read {
    struct arena *mem;
    struct entry_sum *items;
    size_t count, cap;
};

static enum entry_kind kind_of(struct text word)
{
    for (size_t kind = 0; kind < ENTRY_ADJUSTMENT; kind++)
        if (text_eq(word, text_of(ENTRY_KINDS[kind])))
            return (enum entry_kind)kind;
    return ENTRY_ADJUSTMENT;
}

static bool append_sum(struct db_row *row, void *to, struct err *err)
{
    struct sums_read *read = to;
    if (read->count == read->cap) {
        size_t cap = read->cap ? read->cap * 2 : 64;
        struct entry_sum *items = cap <= SUMS_MAX ? arena_array(read->mem, cap, sizeof *items) : NULL;
        if (!items)
            return err_set(err, ERR_NO_MEMORY, "Out of memory");
        if (read->count)
            memcpy(items, read->items, read->count * sizeof *items);
        read->items = items;
        read->cap = cap;
    }
    read->items[read->count++] = (struct entry_sum){.jar_id = row_int(row, 0),
                                                    .month = (int32_t)row_int(row, 1),
                                                    .kind = kind_of(row_text(row, 2)),
                                                    .amount = row_int(row, 3),
                                                    .jar_deleted = row_is_null(row, 4)};
    return true;
}

bool import_undo_sums(struct db *db, const struct import_range *r, struct arena *mem, struct entry_sum **out,
                      size_t *count, int64_t *net, struct err *err)
{
    struct sums_read read = {.mem = mem};
    if (!db_query(db, &UNDO_SUMS, DB_ARGS(RANGE_ARGS(r)), mem, append_sum, &read, NULL, err) ||
        !db_one(db, &UNDO_NET, DB_ARGS(RANGE_ARGS(r)), NULL, take_int, net, err))
        return false;
    *out = read.items;
    *count = read.count;
    return true;
}

bool import_undo_reverse(struct db *db, const struct import_range *r, int64_t now_ms, struct err *err)
{
    return db_exec(db, &UNDO_REVERSE, DB_ARGS(db_instant(now_ms), RANGE_ARGS(r)), NULL, err);
}

bool import_undo_delete(struct db *db, const struct import_range *r, int64_t now_ms, int64_t *removed, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &UNDO_DELETE, DB_ARGS(db_instant(now_ms), db_instant(now_ms), RANGE_ARGS(r)), &res, err))
        return false;
    *removed = res.affected;
    return true;
}

bool import_undo_free_keys(struct db *db, const struct import_range *r, struct err *err)
{
    return db_exec(db, &UNDO_KEYS, DB_ARGS(RANGE_ARGS(r)), NULL, err);
}

struct kept {
    int64_t *ids;
    size_t max;
    int64_t count;
};

static bool take_kept(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct kept *kept = to;
    if (kept->count < (int64_t)kept->max)
        kept->ids[kept->count] = row_int(row, 0);
    kept->count++;
    return true;
}

bool import_kept(struct db *db, int64_t household, int64_t import, int64_t *ids, size_t max, int64_t *count,
                 struct err *err)
{
    struct kept kept = {.ids = ids, .max = max};
    if (!db_query(db, &KEPT, DB_ARGS(db_int(household), db_int(import)), NULL, take_kept, &kept, NULL, err))
        return false;
    *count = kept.count;
    return true;
}
