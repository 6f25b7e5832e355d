#include "store/transaction.h"

#include <inttypes.h>

#include "base/date.h"
#include "store/category.h"

const char *const TRANSACTION_KINDS[] = {"income", "expense", "transfer", NULL};

#define TX_COLUMNS                                                                                                                \
    "t.id, t.kind, t.amount, t.occurred_on, t.category_id, c.name, c.active, j.id, j.name, k.id, k.name, t.name, t.icon, t.note," \
    " t.receipt_location, t.receipt_image_url, t.version, t.deleted_at, t.created_at, t.updated_at,"                              \
    " t.receipt_document_id"
#define TX_TYPES "itiditiitittttttimmmi"
#define TX_JOINS                                                                                                       \
    " LEFT JOIN categories c ON c.household_id = t.household_id AND c.id = t.category_id"                              \
    " LEFT JOIN jars j ON j.household_id = t.household_id AND j.id = t.jar_id AND j.active = 1"                        \
    " LEFT JOIN jars k ON k.household_id = t.household_id AND k.id = t.to_jar_id AND k.active = 1"
enum { TX_COLUMN_COUNT = 21 };

/* What every list has after its leading index columns: the date range, the keyset, then what only narrows. */
#define TX_DATES " AND t.occurred_on >= ? AND t.occurred_on <= ?"
#define TX_RANGE TX_DATES " AND (t.occurred_on < ? OR t.id < ?)"
#define TX_RANGE_PARAMS "dddi"
#define TX_NARROW " AND t.amount >= ? AND t.amount <= ? AND (? IS NULL OR LOWER(t.name) LIKE LOWER(?))"
#define TX_NARROW_PARAMS "iitt"
#define TX_ORDER " ORDER BY t.occurred_on DESC, t.id DESC LIMIT ?"

static const struct stmt_def LIST_ALL = {
    "transaction.list_all",
    "SELECT " TX_COLUMNS " FROM transactions t FORCE INDEX (tx_all)" TX_JOINS
    " WHERE t.household_id = ? AND t.deleted_at IS NULL" TX_RANGE TX_NARROW TX_ORDER,
    "i" TX_RANGE_PARAMS TX_NARROW_PARAMS "i", TX_TYPES};

static const struct stmt_def LIST_KIND = {
    "transaction.list_kind",
    "SELECT " TX_COLUMNS " FROM transactions t FORCE INDEX (tx_kind)" TX_JOINS
    " WHERE t.household_id = ? AND t.kind = ? AND t.deleted_at IS NULL" TX_RANGE TX_NARROW TX_ORDER,
    "it" TX_RANGE_PARAMS TX_NARROW_PARAMS "i", TX_TYPES};

/* First pages that nothing narrows, which is what clients ask for most: the database has less to weigh for each row. */
static const struct stmt_def LIST_ALL_DATES = {"transaction.list_all_dates",
                                               "SELECT " TX_COLUMNS " FROM transactions t FORCE INDEX (tx_all)" TX_JOINS
                                               " WHERE t.household_id = ? AND t.deleted_at IS NULL" TX_DATES TX_ORDER,
                                               "iddi", TX_TYPES};

static const struct stmt_def LIST_KIND_DATES = {
    "transaction.list_kind_dates",
    "SELECT " TX_COLUMNS " FROM transactions t FORCE INDEX (tx_kind)" TX_JOINS
    " WHERE t.household_id = ? AND t.kind = ? AND t.deleted_at IS NULL" TX_DATES TX_ORDER,
    "itddi", TX_TYPES};

static const struct stmt_def LIST_CATEGORY = {
    "transaction.list_category",
    "SELECT " TX_COLUMNS " FROM transactions t FORCE INDEX (tx_category)" TX_JOINS
    " WHERE t.household_id = ? AND t.category_id = ? AND t.deleted_at IS NULL" TX_RANGE TX_NARROW
    " AND (? IS NULL OR t.kind = ?) AND (? IS NULL OR t.jar_id = ?)" TX_ORDER,
    "ii" TX_RANGE_PARAMS TX_NARROW_PARAMS "ttiii", TX_TYPES};

/* A jar pays (jar_id) or receives (to_jar_id): two ranges, each cut by itself, then merged. */
#define TX_JAR_BRANCH(index, column)                                                                                   \
    "(SELECT t.* FROM transactions t FORCE INDEX (" index ") WHERE t.household_id = ? AND t." column                   \
    " = ? AND t.deleted_at IS NULL" TX_RANGE TX_NARROW " AND (? IS NULL OR t.kind = ?)" TX_ORDER ")"
#define TX_JAR_PARAMS "ii" TX_RANGE_PARAMS TX_NARROW_PARAMS "tti"
static const struct stmt_def LIST_JAR = {"transaction.list_jar",
                                         "SELECT " TX_COLUMNS
                                         " FROM (" TX_JAR_BRANCH("tx_jar", "jar_id") " UNION ALL " TX_JAR_BRANCH(
                                             "tx_to_jar", "to_jar_id") ") t" TX_JOINS TX_ORDER,
                                         TX_JAR_PARAMS TX_JAR_PARAMS "i", TX_TYPES};

static const struct stmt_def LIST_INCOMES = {
    "transaction.list_incomes",
    "SELECT " TX_COLUMNS
    ", e.id, e.amount, a.id, a.name, r.id FROM (SELECT t.* FROM transactions t FORCE INDEX (tx_kind)"
    " WHERE t.household_id = ? AND t.kind = 'income' AND t.deleted_at IS NULL" TX_RANGE TX_NARROW TX_ORDER
    ") t" TX_JOINS
    " LEFT JOIN jar_entries e ON e.household_id = t.household_id AND e.transaction_id = t.id AND e.kind = 'allocation' AND e.reverses_id IS NULL"
    " LEFT JOIN jar_entries r ON r.reverses_id = e.id"
    " LEFT JOIN jars a ON a.household_id = t.household_id AND a.id = e.jar_id AND a.active = 1"
    " ORDER BY t.occurred_on DESC, t.id DESC, e.id",
    "i" TX_RANGE_PARAMS TX_NARROW_PARAMS "i", TX_TYPES "iiiti"};

static const struct stmt_def FIND = {
    "transaction.find", "SELECT " TX_COLUMNS " FROM transactions t" TX_JOINS " WHERE t.household_id = ? AND t.id = ?",
    "ii", TX_TYPES};

static const struct stmt_def INSERT = {
    "transaction.insert",
    "INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, jar_id, to_jar_id, name, icon, note, receipt_location,"
    " receipt_image_url, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "itidiiitttttimm", ""};

static const struct stmt_def UPDATE = {
    "transaction.update",
    "UPDATE transactions SET amount = ?, occurred_on = ?, category_id = ?, jar_id = ?, to_jar_id = ?, name = ?, icon = ?, note = ?,"
    " receipt_location = ?, receipt_image_url = ?, receipt_document_id = ?, updated_at = ?, version = version + 1 WHERE household_id = ? AND id = ? AND deleted_at IS NULL",
    "idiiitttttimii", ""};

static const struct stmt_def SET_DELETED = {
    "transaction.set_deleted",
    "UPDATE transactions SET deleted_at = ?, updated_at = ?, version = version + 1 WHERE household_id = ? AND id = ?",
    "mmii", ""};

static const struct stmt_def CATEGORY_NET = {
    "transaction.category_net",
    "SELECT CAST(COALESCE(SUM(CASE kind WHEN 'income' THEN amount ELSE -amount END), 0) AS SIGNED) FROM transactions"
    " WHERE household_id = ? AND category_id = ? AND deleted_at IS NULL",
    "ii", "i"};

static const struct stmt_def DELETE_CATEGORY = {
    "transaction.delete_category",
    "UPDATE transactions SET deleted_at = ?, updated_at = ?, version = version + 1 WHERE household_id = ? AND category_id = ? AND deleted_at IS NULL",
    "mmii", ""};

static const struct stmt_def REFS = {
    "transaction.refs",
    "SELECT c.name, c.type, j.id, j.name, u.large_transaction_amount FROM users u"
    " LEFT JOIN categories c ON c.household_id = ? AND c.id = ? AND c.active = 1"
    " LEFT JOIN jars j ON j.household_id = ? AND j.id = ? AND j.active = 1 WHERE u.id = ?",
    "iiiii", "ttiti"};

static int64_t kind_of(struct text word)
{
    for (int64_t kind = 0; TRANSACTION_KINDS[kind]; kind++)
        if (text_eq(word, text_of(TRANSACTION_KINDS[kind])))
            return kind;
    return KIND_EXPENSE;
}

struct transaction transaction_from_row(struct db_row *row)
{
    return (struct transaction){.id = row_int(row, 0),
                                .kind = kind_of(row_text(row, 1)),
                                .amount = row_int(row, 2),
                                .occurred_on = row_date(row, 3),
                                .category_id = row_int(row, 4),
                                .category_name = row_text(row, 5),
                                .category_deleted = row_is_null(row, 6),
                                .jar_id = row_int(row, 7),
                                .jar_name = row_text(row, 8),
                                .to_jar_id = row_int(row, 9),
                                .to_jar_name = row_text(row, 10),
                                .name = row_text(row, 11),
                                .icon = row_text(row, 12),
                                .note = row_text(row, 13),
                                .receipt_location = row_text(row, 14),
                                .receipt_image_url = row_text(row, 15),
                                .version = row_int(row, 16),
                                .deleted_at_ms = row_instant(row, 17),
                                .created_at_ms = row_instant(row, 18),
                                .updated_at_ms = row_instant(row, 19),
                                .receipt_document_id = row_int(row, 20)};
}

struct transaction transaction_income_from_row(struct db_row *row)
{
    struct transaction t = transaction_from_row(row);
    bool live = !row_is_null(row, TX_COLUMN_COUNT) && !row_is_null(row, TX_COLUMN_COUNT + 2) &&
                row_is_null(row, TX_COLUMN_COUNT + 4);
    if (live) {
        t.entry_id = row_int(row, TX_COLUMN_COUNT);
        t.entry_amount = row_int(row, TX_COLUMN_COUNT + 1);
        t.entry_jar_id = row_int(row, TX_COLUMN_COUNT + 2);
        t.entry_jar_name = row_text(row, TX_COLUMN_COUNT + 3);
    }
    return t;
}

/* "%keyword%" in lower case, with LIKE's own signs escaped: the keyword is plain text. */
static bool like_pattern(struct text keyword, struct arena *mem, struct text *out, struct err *err)
{
    *out = TEXT_NONE;
    if (!keyword.p || !keyword.n)
        return true;
    char *p = arena_alloc(mem, keyword.n * 2 + 3);
    if (!p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    size_t n = 0;
    p[n++] = '%';
    for (size_t i = 0; i < keyword.n; i++) {
        if (keyword.p[i] == '%' || keyword.p[i] == '_' || keyword.p[i] == '\\')
            p[n++] = '\\';
        p[n++] = keyword.p[i];
    }
    p[n++] = '%';
    *out = (struct text){p, n};
    return true;
}

enum { FIRST_DATE = 19700101, LAST_DATE = 21001231 };

/* The parameters that all lists share. */
struct range {
    struct db_value from, to, before_date, before_id, min, max, like, kind, limit;
};

static bool range_of(const struct transaction_filter *f, struct arena *mem, struct range *out, struct err *err)
{
    int32_t to = f->to ? f->to : LAST_DATE;
    struct text like;
    if (!like_pattern(f->keyword, mem, &like, err))
        return false;
    /* The key's date also bounds the index range, so that a page deep in the list does not walk the ones before it. */
    if (f->before_date && f->before_date < to)
        to = f->before_date;
    *out = (struct range){.from = db_date(f->from ? f->from : FIRST_DATE),
                          .to = db_date(to),
                          .before_date = db_date(f->before_date ? f->before_date : 99991231),
                          .before_id = db_int(f->before_date ? f->before_id : INT64_MAX),
                          .min = db_int(f->min_amount),
                          .max = db_int(f->max_amount ? f->max_amount : INT64_MAX),
                          .like = db_text(like),
                          .kind = f->kind < 0 ? db_null() : db_str(TRANSACTION_KINDS[f->kind]),
                          .limit = db_int(f->limit)};
    return true;
}

#define RANGE_ARGS(r) (r).from, (r).to, (r).before_date, (r).before_id, (r).min, (r).max, (r).like, (r).like

static bool is_narrowed(const struct transaction_filter *f)
{
    return f->category_id || f->jar_id || f->before_date || f->min_amount || f->max_amount || f->keyword.n;
}

bool transaction_list(struct db *db, int64_t household, const struct transaction_filter *f, struct arena *mem,
                      db_row_fn *each, void *to, struct err *err)
{
    struct range r;
    if (!range_of(f, mem, &r, err))
        return false;
    struct db_value owner = db_int(household), category = db_int(f->category_id), jar = db_id(f->jar_id);
    if (!is_narrowed(f))
        return f->kind >= 0
                   ? db_query(db, &LIST_KIND_DATES, DB_ARGS(owner, r.kind, r.from, r.to, r.limit), mem, each, to, NULL,
                              err)
                   : db_query(db, &LIST_ALL_DATES, DB_ARGS(owner, r.from, r.to, r.limit), mem, each, to, NULL, err);
    if (f->category_id)
        return db_query(db, &LIST_CATEGORY, DB_ARGS(owner, category, RANGE_ARGS(r), r.kind, r.kind, jar, jar, r.limit),
                        mem, each, to, NULL, err);
    if (f->jar_id)
        return db_query(db, &LIST_JAR,
                        DB_ARGS(owner, jar, RANGE_ARGS(r), r.kind, r.kind, r.limit, owner, jar, RANGE_ARGS(r), r.kind,
                                r.kind, r.limit, r.limit),
                        mem, each, to, NULL, err);
    if (f->kind >= 0)
        return db_query(db, &LIST_KIND, DB_ARGS(owner, r.kind, RANGE_ARGS(r), r.limit), mem, each, to, NULL, err);
    return db_query(db, &LIST_ALL, DB_ARGS(owner, RANGE_ARGS(r), r.limit), mem, each, to, NULL, err);
}

bool transaction_income_list(struct db *db, int64_t household, const struct transaction_filter *f, struct arena *mem,
                             db_row_fn *each, void *to, struct err *err)
{
    struct range r;
    return range_of(f, mem, &r, err) &&
           db_query(db, &LIST_INCOMES, DB_ARGS(db_int(household), RANGE_ARGS(r), r.limit), mem, each, to, NULL, err);
}

static bool take_transaction(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct transaction *)to = transaction_from_row(row);
    return true;
}

bool transaction_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct transaction *out,
                      struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, take_transaction, out, err);
}

bool transaction_insert(struct db *db, int64_t household, int64_t user, struct transaction *t, int64_t now_ms,
                        struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_int(household), db_str(TRANSACTION_KINDS[t->kind]), db_int(t->amount),
                         db_date(t->occurred_on), db_id(t->category_id), db_id(t->jar_id), db_id(t->to_jar_id),
                         db_text(t->name), db_text(t->icon), db_text(t->note), db_text(t->receipt_location),
                         db_text(t->receipt_image_url), db_int(user), db_instant(now_ms), db_instant(now_ms)),
                 &res, err))
        return false;
    t->id = res.insert_id;
    t->version = 1;
    t->created_at_ms = t->updated_at_ms = now_ms;
    return true;
}

static bool changed_one(const struct db_result *res, struct err *err)
{
    return res->affected ? true : err_set(err, ERR_NOT_FOUND, "There is no such transaction");
}

bool transaction_update(struct db *db, int64_t household, struct transaction *t, int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &UPDATE,
                 DB_ARGS(db_int(t->amount), db_date(t->occurred_on), db_id(t->category_id), db_id(t->jar_id),
                         db_id(t->to_jar_id), db_text(t->name), db_text(t->icon), db_text(t->note),
                         db_text(t->receipt_location), db_text(t->receipt_image_url), db_id(t->receipt_document_id),
                         db_instant(now_ms), db_int(household), db_int(t->id)),
                 &res, err) ||
        !changed_one(&res, err))
        return false;
    t->version++;
    t->updated_at_ms = now_ms;
    return true;
}

static const struct stmt_def SET_RECEIPT = {
    "transaction.set_receipt",
    "UPDATE transactions SET receipt_document_id = ?, receipt_image_url = ?, updated_at = ?, version = version + 1"
    " WHERE household_id = ? AND id = ? AND deleted_at IS NULL",
    "itmii", ""};

static const struct stmt_def CLEAR_RECEIPT = {
    "transaction.clear_receipt",
    "UPDATE transactions SET receipt_document_id = NULL, receipt_image_url = NULL, updated_at = ?, version = version + 1"
    " WHERE household_id = ? AND id = ? AND receipt_document_id = ?",
    "miii", ""};

bool transaction_set_receipt(struct db *db, int64_t household, int64_t id, int64_t document, struct text url,
                             int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done =
        db_exec(db, &SET_RECEIPT,
                DB_ARGS(db_id(document), db_text(url), db_instant(now_ms), db_int(household), db_int(id)), &res, err);
    return done && (res.affected || err_set(err, ERR_NOT_FOUND, "There is no such transaction"));
}

bool transaction_clear_receipt(struct db *db, int64_t household, int64_t id, int64_t document, int64_t now_ms,
                               struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &CLEAR_RECEIPT,
                        DB_ARGS(db_instant(now_ms), db_int(household), db_int(id), db_int(document)), &res, err);
    return done && (res.affected || err_set(err, ERR_NOT_FOUND, "It shows another document"));
}

bool transaction_set_deleted(struct db *db, int64_t household, int64_t id, int64_t deleted_at_ms, int64_t now_ms,
                             struct err *err)
{
    struct db_result res;
    return db_exec(db, &SET_DELETED,
                   DB_ARGS(db_instant(deleted_at_ms), db_instant(now_ms), db_int(household), db_int(id)), &res, err) &&
           changed_one(&res, err);
}

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool transaction_category_net(struct db *db, int64_t household, int64_t category, int64_t *net, struct err *err)
{
    return db_one(db, &CATEGORY_NET, DB_ARGS(db_int(household), db_int(category)), NULL, take_int, net, err);
}

bool transaction_delete_category(struct db *db, int64_t household, int64_t category, int64_t now_ms, struct err *err)
{
    return db_exec(db, &DELETE_CATEGORY,
                   DB_ARGS(db_instant(now_ms), db_instant(now_ms), db_int(household), db_int(category)), NULL, err);
}

static bool take_refs(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct transaction_refs *refs = to;
    refs->category_name = row_text(row, 0);
    refs->category_type = row_is_null(row, 1)                         ? -1
                          : text_eq(row_text(row, 1), TEXT("income")) ? CATEGORY_INCOME
                                                                      : CATEGORY_EXPENSE;
    refs->jar_found = !row_is_null(row, 2);
    refs->jar_name = row_text(row, 3);
    refs->large_amount = row_int(row, 4);
    return true;
}

bool transaction_refs(struct db *db, int64_t household, int64_t user, int64_t category, int64_t jar, struct arena *mem,
                      struct transaction_refs *out, struct err *err)
{
    return db_one(db, &REFS, DB_ARGS(db_int(household), db_int(category), db_int(household), db_int(jar), db_int(user)),
                  mem, take_refs, out, err);
}
