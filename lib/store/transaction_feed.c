#include "store/transaction_feed.h"

#define COLUMNS "t.id, t.kind, t.amount, t.occurred_on, t.category_id, t.name, c.name, j.name, k.name, t.note"
#define COLUMN_TYPES "itidittttt"
#define JOINS                                                                                                          \
    " LEFT JOIN categories c ON c.household_id = t.household_id AND c.id = t.category_id"                              \
    " LEFT JOIN jars j ON j.household_id = t.household_id AND j.id = t.jar_id"                                         \
    " LEFT JOIN jars k ON k.household_id = t.household_id AND k.id = t.to_jar_id"
/* The first date is that of the last row that was read, so the index is entered where the page begins. */
#define RANGE                                                                                                          \
    " AND t.deleted_at IS NULL AND t.occurred_on >= ? AND t.occurred_on <= ? AND (t.occurred_on > ? OR t.id > ?)"      \
    " ORDER BY t.occurred_on, t.id LIMIT ?"
#define RANGE_PARAMS "dddii"

static const struct stmt_def ALL = {"transaction_feed.all",
                                    "SELECT " COLUMNS " FROM transactions t FORCE INDEX (tx_all)" JOINS
                                    " WHERE t.household_id = ?" RANGE,
                                    "i" RANGE_PARAMS, COLUMN_TYPES};

static const struct stmt_def KIND = {"transaction_feed.kind",
                                     "SELECT " COLUMNS " FROM transactions t FORCE INDEX (tx_kind)" JOINS
                                     " WHERE t.household_id = ? AND t.kind = ?" RANGE,
                                     "it" RANGE_PARAMS, COLUMN_TYPES};

struct reader {
    feed_fn *each;
    void *to;
};

static int64_t kind_of(struct text word)
{
    for (int64_t kind = 0; TRANSACTION_KINDS[kind]; kind++)
        if (text_eq(word, text_of(TRANSACTION_KINDS[kind])))
            return kind;
    return KIND_EXPENSE;
}

static bool read_row(struct db_row *row, void *to, struct err *err)
{
    const struct reader *r = to;
    const struct feed_row out = {.id = row_int(row, 0),
                                 .kind = kind_of(row_text(row, 1)),
                                 .amount = row_int(row, 2),
                                 .occurred_on = row_date(row, 3),
                                 .category_id = row_int(row, 4),
                                 .name = row_text(row, 5),
                                 .category_name = row_text(row, 6),
                                 .jar_name = row_text(row, 7),
                                 .to_jar_name = row_text(row, 8),
                                 .note = row_text(row, 9)};
    return r->each(&out, r->to, err);
}

bool transaction_feed(struct db *db, int64_t household, const struct feed_query *q, struct arena *mem, feed_fn *each,
                      void *to, struct err *err)
{
    struct reader reader = {each, to};
    int32_t from = q->after_date > q->from ? q->after_date : q->from;
    /* Before the first page any date of the range is after "the last one". */
    int32_t after = q->after_date ? q->after_date : 19691231;
    struct db_value household_id = db_int(household), last = db_int(q->after_id), limit = db_int(q->limit);
    if (q->kind < 0)
        return db_query(db, &ALL, DB_ARGS(household_id, db_date(from), db_date(q->to), db_date(after), last, limit),
                        mem, read_row, &reader, NULL, err);
    return db_query(db, &KIND,
                    DB_ARGS(household_id, db_str(TRANSACTION_KINDS[q->kind]), db_date(from), db_date(q->to),
                            db_date(after), last, limit),
                    mem, read_row, &reader, NULL, err);
}
