#include "store/jar_entry.h"

#include "base/buf.h"
#include "base/date.h"
#include "base/json.h"

const char *const ENTRY_KINDS[] = {"allocation", "spend", "refund", "transfer", "adjustment"};

enum { SUMS_MAX = 65536, SET_JSON_MAX = 8 * 1024 * 1024 };

/* A set travels as one JSON array and becomes rows by JSON_TABLE (MySQL 8.0.4+, MariaDB 10.6+): one round trip for any
 * number of jars. */
#define ENTRY_SET                                                                                                                \
    "JSON_TABLE(?, '$[*]' COLUMNS (jar BIGINT PATH '$.jar', kind VARCHAR(10) PATH '$.kind', reason VARCHAR(12) PATH '$.reason'," \
    " amount BIGINT PATH '$.amount', day DATE PATH '$.day', tx BIGINT PATH '$.tx', reverses BIGINT PATH '$.reverses')) s"
#define SUM_SET                                                                                                             \
    "JSON_TABLE(?, '$[*]' COLUMNS (jar BIGINT PATH '$.jar', month INT PATH '$.month', allocated BIGINT PATH '$.allocated'," \
    " moved BIGINT PATH '$.moved', spent BIGINT PATH '$.spent', net BIGINT PATH '$.net'))"

static const struct stmt_def INSERT_SET = {
    "entry.insert_set",
    "INSERT INTO jar_entries (household_id, jar_id, kind, reason, amount, occurred_on, transaction_id, reverses_id, created_at)"
    " SELECT ?, s.jar, s.kind, s.reason, s.amount, s.day, s.tx, s.reverses, ? FROM " ENTRY_SET,
    "imt", ""};

static const struct stmt_def ADD_BALANCES = {"entry.add_balances",
                                             "UPDATE jars j JOIN (SELECT s.jar, SUM(s.net) AS net FROM " SUM_SET
                                             " s GROUP BY s.jar) d ON d.jar = j.id SET j.balance = j.balance + d.net"
                                             " WHERE j.household_id = ?",
                                             "ti", ""};

/* A new row carries what the month before left available. */
static const struct stmt_def ADD_MONTHS = {
    "entry.add_months",
    "INSERT INTO jar_months (household_id, jar_id, month, carried, allocated, moved, spent)"
    " SELECT ?, s.jar, s.month, COALESCE((SELECT p.carried + p.allocated + p.moved - p.spent FROM jar_months p WHERE p.household_id = ?"
    " AND p.jar_id = s.jar AND p.month < s.month ORDER BY p.month DESC LIMIT 1), 0), s.allocated, s.moved, s.spent FROM " SUM_SET
    " s"
    " ON DUPLICATE KEY UPDATE allocated = jar_months.allocated + VALUES(allocated), moved = jar_months.moved + VALUES(moved),"
    " spent = jar_months.spent + VALUES(spent)",
    "iit", ""};

static const struct stmt_def SHIFT_LATER = {
    "entry.shift_later",
    "UPDATE jar_months m SET m.carried = m.carried + COALESCE((SELECT SUM(s.net) FROM " SUM_SET
    " s WHERE s.jar = m.jar_id AND s.month < m.month), 0)"
    " WHERE m.household_id = ? AND m.month > ? AND m.jar_id IN (SELECT f.jar FROM " SUM_SET " f)",
    "tiit", ""};

#define ENTRY_COLUMNS "e.id, e.jar_id, e.kind, e.amount, e.occurred_on, e.transaction_id, j.active, j.name"
#define ENTRY_TYPES "iitidiit"

static const struct stmt_def LIVE = {
    "entry.live",
    "SELECT " ENTRY_COLUMNS " FROM jar_entries e JOIN jars j ON j.household_id = e.household_id AND j.id = e.jar_id"
    " LEFT JOIN jar_entries r ON r.reverses_id = e.id"
    " WHERE e.household_id = ? AND e.transaction_id = ? AND e.reverses_id IS NULL AND r.id IS NULL ORDER BY e.id",
    "ii", ENTRY_TYPES};

static const struct stmt_def UNDONE = {
    "entry.undone_at",
    "SELECT " ENTRY_COLUMNS " FROM jar_entries e JOIN jars j ON j.household_id = e.household_id AND j.id = e.jar_id"
    " JOIN jar_entries r ON r.reverses_id = e.id AND r.created_at = ?"
    " WHERE e.household_id = ? AND e.transaction_id = ? AND e.reverses_id IS NULL ORDER BY e.id",
    "mii", ENTRY_TYPES};

#define CATEGORY_ENTRIES                                                                                                               \
    " FROM transactions t JOIN jar_entries e ON e.household_id = t.household_id AND e.transaction_id = t.id AND e.reverses_id IS NULL" \
    " JOIN jars j ON j.household_id = e.household_id AND j.id = e.jar_id"                                                              \
    " LEFT JOIN jar_entries r ON r.reverses_id = e.id"                                                                                 \
    " WHERE t.household_id = ? AND t.category_id = ? AND t.deleted_at IS NULL AND r.id IS NULL"
#define MONTH_OF_ENTRY "YEAR(e.occurred_on) * 100 + MONTH(e.occurred_on)"

static const struct stmt_def CATEGORY_SUMS = {"entry.category_sums",
                                              "SELECT e.jar_id, " MONTH_OF_ENTRY
                                              ", e.kind, CAST(SUM(e.amount) AS SIGNED), MAX(j.active)" CATEGORY_ENTRIES
                                              " GROUP BY e.jar_id, " MONTH_OF_ENTRY ", e.kind",
                                              "ii", "iitii"};

static const struct stmt_def REVERSE_CATEGORY = {
    "entry.reverse_category",
    "INSERT INTO jar_entries (household_id, jar_id, kind, amount, occurred_on, transaction_id, reverses_id, created_at)"
    " SELECT e.household_id, e.jar_id, CASE e.kind WHEN 'spend' THEN 'refund' ELSE e.kind END, -e.amount, e.occurred_on, e.transaction_id, e.id, ?" CATEGORY_ENTRIES,
    "mii", ""};

static const struct stmt_def SUMS_FROM = {
    "entry.sums_from",
    "SELECT e.jar_id, " MONTH_OF_ENTRY ", e.kind, CAST(SUM(e.amount) AS SIGNED), MAX(j.active)"
    " FROM jar_entries e JOIN jars j ON j.household_id = e.household_id AND j.id = e.jar_id"
    " WHERE e.household_id = ? AND e.occurred_on >= ? GROUP BY e.jar_id, " MONTH_OF_ENTRY
    ", e.kind ORDER BY e.jar_id, " MONTH_OF_ENTRY,
    "id", "iitii"};

static const struct stmt_def BALANCES = {
    "entry.balances",
    "SELECT j.id, j.balance, CAST(COALESCE(SUM(e.amount), 0) AS SIGNED) FROM jars j LEFT JOIN jar_entries e ON e.household_id = j.household_id"
    " AND e.jar_id = j.id WHERE j.household_id = ? GROUP BY j.id, j.balance",
    "i", "iii"};

static const struct stmt_def SET_BALANCE = {"jar.set_balance",
                                            "UPDATE jars SET balance = ? WHERE household_id = ? AND id = ?", "iii", ""};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

/* Gives the finished JSON to the arena and releases the buffer. */
static bool keep(struct buf *buf, struct arena *mem, struct text *out, struct err *err)
{
    *out = buf->failed ? TEXT_NONE : arena_text(mem, buf_view(buf));
    return out->p ? true : no_memory(err);
}

bool entry_insert_set(struct db *db, int64_t household, const struct jar_entry *entries, size_t count, int64_t now_ms,
                      struct arena *mem, struct err *err)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, SET_JSON_MAX);
    struct json_out j;
    json_out_init(&j, &buf);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++) {
        const struct jar_entry *e = &entries[i];
        json_begin_object(&j);
        json_put_int(&j, "jar", e->jar_id);
        json_put_str(&j, "kind", ENTRY_KINDS[e->kind]);
        json_put_str(&j, "reason", e->reason);
        json_put_int(&j, "amount", e->amount);
        json_put_date(&j, "day", e->occurred_on);
        json_put_id(&j, "tx", e->transaction_id);
        json_put_id(&j, "reverses", e->reverses_id);
        json_end_object(&j);
    }
    json_end_array(&j);
    struct text set;
    return keep(&buf, mem, &set, err) &&
           db_exec(db, &INSERT_SET, DB_ARGS(db_int(household), db_instant(now_ms), db_text(set)), NULL, err);
}

static void write_sum(struct json_out *j, const struct entry_sum *sum)
{
    bool spent = sum->kind == ENTRY_SPEND || sum->kind == ENTRY_REFUND, allocated = sum->kind == ENTRY_ALLOCATION;
    json_begin_object(j);
    json_put_int(j, "jar", sum->jar_id);
    json_put_int(j, "month", sum->month);
    json_put_int(j, "allocated", allocated ? sum->amount : 0);
    json_put_int(j, "moved", !spent && !allocated ? sum->amount : 0);
    json_put_int(j, "spent", spent ? -sum->amount : 0);
    json_put_int(j, "net", sum->amount);
    json_end_object(j);
}

bool entry_apply_sums(struct db *db, int64_t household, const struct entry_sum *sums, size_t count, struct arena *mem,
                      struct err *err)
{
    if (!count)
        return true;
    AUTO(buf) struct buf buf;
    buf_init(&buf, SET_JSON_MAX);
    struct json_out j;
    json_out_init(&j, &buf);
    json_begin_array(&j);
    int32_t first = sums[0].month;
    for (size_t i = 0; i < count; i++) {
        write_sum(&j, &sums[i]);
        first = sums[i].month < first ? sums[i].month : first;
    }
    json_end_array(&j);
    struct text set;
    struct db_value owner = db_int(household);
    return keep(&buf, mem, &set, err) && db_exec(db, &ADD_BALANCES, DB_ARGS(db_text(set), owner), NULL, err) &&
           db_exec(db, &ADD_MONTHS, DB_ARGS(owner, owner, db_text(set)), NULL, err) &&
           db_exec(db, &SHIFT_LATER, DB_ARGS(db_text(set), owner, db_int(first), db_text(set)), NULL, err);
}

static enum entry_kind kind_of(struct text word)
{
    for (size_t kind = 0; kind < ENTRY_ADJUSTMENT; kind++)
        if (text_eq(word, text_of(ENTRY_KINDS[kind])))
            return (enum entry_kind)kind;
    return ENTRY_ADJUSTMENT;
}

struct entries_read {
    struct jar_entry *items;
    size_t count, max;
};

static bool append_entry(struct db_row *row, void *to, struct err *err)
{
    struct entries_read *read = to;
    if (read->count == read->max)
        return err_set(err, ERR_INTERNAL, "A transaction has more entries than a command can hold");
    read->items[read->count++] = (struct jar_entry){.id = row_int(row, 0),
                                                    .jar_id = row_int(row, 1),
                                                    .kind = kind_of(row_text(row, 2)),
                                                    .amount = row_int(row, 3),
                                                    .occurred_on = row_date(row, 4),
                                                    .transaction_id = row_int(row, 5),
                                                    .jar_deleted = row_is_null(row, 6),
                                                    .jar_name = row_text(row, 7)};
    return true;
}

bool entry_live(struct db *db, int64_t household, int64_t transaction, struct arena *mem, struct jar_entry *out,
                size_t max, size_t *count, struct err *err)
{
    struct entries_read read = {.items = out, .max = max};
    if (!db_query(db, &LIVE, DB_ARGS(db_int(household), db_int(transaction)), mem, append_entry, &read, NULL, err))
        return false;
    *count = read.count;
    return true;
}

bool entry_undone_at(struct db *db, int64_t household, int64_t transaction, int64_t deleted_at_ms, struct arena *mem,
                     struct jar_entry *out, size_t max, size_t *count, struct err *err)
{
    struct entries_read read = {.items = out, .max = max};
    if (!db_query(db, &UNDONE, DB_ARGS(db_instant(deleted_at_ms), db_int(household), db_int(transaction)), mem,
                  append_entry, &read, NULL, err))
        return false;
    *count = read.count;
    return true;
}

/* Grows by doubling inside the arena; sums of one household: jars x months x kinds. */
struct sums_read {
    struct arena *mem;
    struct entry_sum *items;
    size_t count, cap;
};

static bool append_sum(struct db_row *row, void *to, struct err *err)
{
    struct sums_read *read = to;
    if (read->count == read->cap) {
        size_t cap = read->cap ? read->cap * 2 : 64;
        struct entry_sum *items = cap <= SUMS_MAX ? arena_array(read->mem, cap, sizeof *items) : NULL;
        if (!items)
            return no_memory(err);
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

static bool read_sums(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem,
                      struct entry_sum **out, size_t *count, struct err *err)
{
    struct sums_read read = {.mem = mem};
    if (!db_query(db, def, args, mem, append_sum, &read, NULL, err))
        return false;
    *out = read.items;
    *count = read.count;
    return true;
}

bool entry_category_sums(struct db *db, int64_t household, int64_t category, struct arena *mem, struct entry_sum **out,
                         size_t *count, struct err *err)
{
    return read_sums(db, &CATEGORY_SUMS, DB_ARGS(db_int(household), db_int(category)), mem, out, count, err);
}

bool entry_reverse_category(struct db *db, int64_t household, int64_t category, int64_t now_ms, struct err *err)
{
    return db_exec(db, &REVERSE_CATEGORY, DB_ARGS(db_instant(now_ms), db_int(household), db_int(category)), NULL, err);
}

bool entry_sums_from(struct db *db, int64_t household, int32_t from_day, struct arena *mem, struct entry_sum **out,
                     size_t *count, struct err *err)
{
    return read_sums(db, &SUMS_FROM, DB_ARGS(db_int(household), db_date(from_day)), mem, out, count, err);
}

enum { BALANCES_MAX = 4096 };

struct balances_read {
    struct jar_balance *items;
    size_t count;
};

static bool append_balance(struct db_row *row, void *to, struct err *err)
{
    struct balances_read *read = to;
    if (read->count == BALANCES_MAX)
        return err_set(err, ERR_INTERNAL, "A household has more jars than can be checked");
    read->items[read->count++] =
        (struct jar_balance){.jar_id = row_int(row, 0), .balance = row_int(row, 1), .entries = row_int(row, 2)};
    return true;
}

bool entry_balances(struct db *db, int64_t household, struct arena *mem, struct jar_balance **out, size_t *count,
                    struct err *err)
{
    struct balances_read read = {.items = arena_array(mem, BALANCES_MAX, sizeof(struct jar_balance))};
    if (!read.items)
        return no_memory(err);
    if (!db_query(db, &BALANCES, DB_ARGS(db_int(household)), mem, append_balance, &read, NULL, err))
        return false;
    *out = read.items;
    *count = read.count;
    return true;
}

bool jar_set_balance(struct db *db, int64_t household, int64_t jar, int64_t balance, struct err *err)
{
    return db_exec(db, &SET_BALANCE, DB_ARGS(db_int(balance), db_int(household), db_int(jar)), NULL, err);
}
