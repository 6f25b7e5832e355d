#include "store/import_row.h"

#include "base/buf.h"
#include "base/json.h"

const char *const IMPORT_VERDICTS[] = {"new", "duplicate", "probable", "bad", NULL};

enum { SET_JSON_MAX = 8 * 1024 * 1024 };

#define COLUMNS                                                                                                        \
    "row_no, line, occurred_on, amount, text, bank_id, dedup_key, verdict, duplicate_of, reason, category_id, jar_id," \
    " name, include, transaction_id"
#define COLUMN_TYPES                                                                                                   \
    "iiditttti"                                                                                                        \
    "tiitii"

/* A new row whose key was taken before is a duplicate. The key's words are ascii, as the column's: else no index would
 * find them. */
static const struct stmt_def INSERT_SET = {
    "import_row.insert_set",
    "INSERT INTO import_rows (household_id, import_id, row_no, line, occurred_on, amount, text, bank_id, dedup_key, verdict,"
    " duplicate_of, reason, category_id, jar_id, name) SELECT ?, ?, s.row_no, s.line, s.day, s.amount, s.text, s.bank, s.dedup,"
    " CASE WHEN s.verdict = 'new' AND k.dedup_key IS NOT NULL THEN 'duplicate' ELSE s.verdict END, k.transaction_id,"
    " s.reason, s.category, s.jar, s.name FROM JSON_TABLE(?, '$[*]' COLUMNS (row_no INT PATH '$.no', line INT PATH '$.line',"
    " day DATE PATH '$.day', amount BIGINT PATH '$.amount', text VARCHAR(500) PATH '$.text', bank VARCHAR(128) PATH '$.bank',"
    " dedup VARCHAR(64) PATH '$.key', verdict VARCHAR(9) PATH '$.verdict', reason VARCHAR(160) PATH '$.reason',"
    " category BIGINT PATH '$.category', jar BIGINT PATH '$.jar', name VARCHAR(255) PATH '$.name')) s"
    " LEFT JOIN import_keys k FORCE INDEX (PRIMARY) ON k.household_id = ? AND k.dedup_key = CONVERT(s.dedup USING ascii)",
    "iiti", ""};

static const struct stmt_def CLEAR = {"import_row.clear",
                                      "DELETE FROM import_rows WHERE household_id = ? AND import_id = ?", "ii", ""};

static const struct stmt_def CANDIDATES = {
    "import_row.candidates",
    "SELECT row_no, amount, occurred_on FROM import_rows WHERE household_id = ? AND import_id = ? AND verdict = 'new'"
    " ORDER BY amount, occurred_on, row_no",
    "ii", "iid"};

static const struct stmt_def MANUAL = {
    "import_row.manual_transactions",
    "SELECT id, CASE kind WHEN 'income' THEN amount ELSE -amount END, occurred_on FROM transactions FORCE INDEX (tx_all)"
    " WHERE household_id = ? AND deleted_at IS NULL AND occurred_on >= ? AND occurred_on <= ? AND import_id IS NULL"
    " AND kind <> 'transfer' ORDER BY occurred_on, id LIMIT ?",
    "iddi", "iid"};

static const struct stmt_def MARK_PROBABLE = {
    "import_row.mark_probable",
    "UPDATE import_rows r JOIN JSON_TABLE(?, '$[*]' COLUMNS (row_no INT PATH '$.no', tx BIGINT PATH '$.tx')) s"
    " ON s.row_no = r.row_no SET r.verdict = 'probable', r.duplicate_of = s.tx"
    " WHERE r.household_id = ? AND r.import_id = ? AND r.verdict = 'new'",
    "tii", ""};

static const struct stmt_def COUNT = {
    "import_row.count",
    "SELECT verdict, COUNT(*), CAST(COALESCE(SUM(CASE WHEN include = 1 OR (include IS NULL AND verdict = 'new') THEN 1 ELSE 0 END), 0) AS SIGNED)"
    " FROM import_rows WHERE household_id = ? AND import_id = ? GROUP BY verdict",
    "ii", "tii"};

static const struct stmt_def LIST = {
    "import_row.list",
    "SELECT " COLUMNS
    " FROM import_rows WHERE household_id = ? AND import_id = ? AND row_no > ? ORDER BY row_no LIMIT ?",
    "iiii", COLUMN_TYPES};

static const struct stmt_def LIST_VERDICT = {
    "import_row.list_verdict",
    "SELECT " COLUMNS " FROM import_rows WHERE household_id = ? AND import_id = ? AND verdict = ? AND row_no > ?"
    " ORDER BY row_no LIMIT ?",
    "iitii", COLUMN_TYPES};

static const struct stmt_def FIND = {
    "import_row.find", "SELECT " COLUMNS " FROM import_rows WHERE household_id = ? AND import_id = ? AND row_no = ?",
    "iii", COLUMN_TYPES};

static const struct stmt_def UPDATE = {
    "import_row.update",
    "UPDATE import_rows SET category_id = ?, jar_id = ?, name = ?, include = ? WHERE household_id = ? AND import_id = ? AND row_no = ?",
    "iitiiii", ""};

static void write_row(struct json_out *j, const struct import_row *r)
{
    json_begin_object(j);
    json_put_int(j, "no", r->row_no);
    json_put_int(j, "line", r->line);
    json_put_date(j, "day", r->occurred_on);
    json_put_int(j, "amount", r->amount);
    json_put_text(j, "text", r->text);
    json_put_text(j, "bank", r->bank_id);
    json_put_text(j, "key", r->dedup_key);
    json_put_str(j, "verdict", IMPORT_VERDICTS[r->verdict]);
    json_put_text(j, "reason", r->reason);
    json_put_id(j, "category", r->category_id);
    json_put_id(j, "jar", r->jar_id);
    json_put_text(j, "name", r->name);
    json_end_object(j);
}

bool import_rows_insert(struct db *db, int64_t household, int64_t import, const struct import_row *rows, size_t count,
                        struct err *err)
{
    if (!count)
        return true;
    AUTO(buf) struct buf buf;
    buf_init(&buf, SET_JSON_MAX);
    struct json_out j;
    json_out_init(&j, &buf);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++)
        write_row(&j, &rows[i]);
    json_end_array(&j);
    if (buf.failed)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    return db_exec(db, &INSERT_SET,
                   DB_ARGS(db_int(household), db_int(import), db_text(buf_view(&buf)), db_int(household)), NULL, err);
}

bool import_rows_clear(struct db *db, int64_t household, int64_t import, struct err *err)
{
    return db_exec(db, &CLEAR, DB_ARGS(db_int(household), db_int(import)), NULL, err);
}

struct import_candidate import_candidate_from_row(struct db_row *row)
{
    return (struct import_candidate){.id = row_int(row, 0), .amount = row_int(row, 1), .day = row_date(row, 2)};
}

bool import_rows_candidates(struct db *db, int64_t household, int64_t import, db_row_fn *each, void *to,
                            struct err *err)
{
    return db_query(db, &CANDIDATES, DB_ARGS(db_int(household), db_int(import)), NULL, each, to, NULL, err);
}

bool import_manual_transactions(struct db *db, int64_t household, int32_t from, int32_t to, int64_t limit,
                                db_row_fn *each, void *arg, struct err *err)
{
    return db_query(db, &MANUAL, DB_ARGS(db_int(household), db_date(from), db_date(to), db_int(limit)), NULL, each, arg,
                    NULL, err);
}

void import_matches_write(struct buf *out, const struct import_match *matches, size_t count)
{
    struct json_out j;
    json_out_init(&j, out);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&j);
        json_put_int(&j, "no", matches[i].row_no);
        json_put_int(&j, "tx", matches[i].transaction_id);
        json_end_object(&j);
    }
    json_end_array(&j);
}

bool import_rows_mark_probable(struct db *db, int64_t household, int64_t import, const struct import_match *matches,
                               size_t count, struct err *err)
{
    if (!count)
        return true;
    AUTO(buf) struct buf set;
    buf_init(&set, SET_JSON_MAX);
    import_matches_write(&set, matches, count);
    if (set.failed)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    return db_exec(db, &MARK_PROBABLE, DB_ARGS(db_text(buf_view(&set)), db_int(household), db_int(import)), NULL, err);
}

static int64_t verdict_of(struct text word)
{
    int64_t i = 0;
    while (IMPORT_VERDICTS[i + 1] && !text_eq(word, text_of(IMPORT_VERDICTS[i])))
        i++;
    return i;
}

static bool add_count(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct import_counts *counts = to;
    counts->by_verdict[verdict_of(row_text(row, 0))] = row_int(row, 1);
    counts->included += row_int(row, 2);
    return true;
}

bool import_rows_count(struct db *db, int64_t household, int64_t import, struct arena *mem, struct import_counts *out,
                       struct err *err)
{
    *out = (struct import_counts){0};
    return db_query(db, &COUNT, DB_ARGS(db_int(household), db_int(import)), mem, add_count, out, NULL, err);
}

static struct import_row import_row_from_row(struct db_row *row)
{
    return (struct import_row){.row_no = row_int(row, 0),
                               .line = row_int(row, 1),
                               .occurred_on = row_date(row, 2),
                               .amount = row_int(row, 3),
                               .text = row_text(row, 4),
                               .bank_id = row_text(row, 5),
                               .dedup_key = row_text(row, 6),
                               .verdict = verdict_of(row_text(row, 7)),
                               .duplicate_of = row_int(row, 8),
                               .reason = row_text(row, 9),
                               .category_id = row_int(row, 10),
                               .jar_id = row_int(row, 11),
                               .name = row_text(row, 12),
                               .include = row_is_null(row, 13) ? -1 : row_int(row, 13),
                               .transaction_id = row_int(row, 14)};
}

static bool append_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct import_row_list *list = to;
    if (list->count < IMPORT_ROW_PAGE_MAX)
        list->items[list->count++] = import_row_from_row(row);
    return true;
}

bool import_rows_list(struct db *db, int64_t household, int64_t import, int64_t verdict, int64_t after_no,
                      int64_t limit, struct arena *mem, struct import_row_list *out, struct err *err)
{
    struct import_row_list list = {.items = arena_array(mem, IMPORT_ROW_PAGE_MAX, sizeof(struct import_row))};
    struct db_value owner = db_int(household), id = db_int(import), after = db_int(after_no);
    struct db_value most = db_int(limit < IMPORT_ROW_PAGE_MAX ? limit : IMPORT_ROW_PAGE_MAX);
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    bool ok = verdict < 0
                  ? db_query(db, &LIST, DB_ARGS(owner, id, after, most), mem, append_row, &list, NULL, err)
                  : db_query(db, &LIST_VERDICT, DB_ARGS(owner, id, db_str(IMPORT_VERDICTS[verdict]), after, most), mem,
                             append_row, &list, NULL, err);
    if (ok)
        *out = list;
    return ok;
}

static bool take_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct import_row *)to = import_row_from_row(row);
    return true;
}

bool import_row_find(struct db *db, int64_t household, int64_t import, int64_t row_no, struct arena *mem,
                     struct import_row *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(import), db_int(row_no)), mem, take_row, out, err);
}

bool import_row_update(struct db *db, int64_t household, int64_t import, const struct import_row *row, struct err *err)
{
    return db_exec(db, &UPDATE,
                   DB_ARGS(db_id(row->category_id), db_id(row->jar_id), db_text(row->name),
                           row->include < 0 ? db_null() : db_int(row->include), db_int(household), db_int(import),
                           db_int(row->row_no)),
                   NULL, err);
}
