#include "store/insight.h"

#define SUMMED                                                                                                         \
    " FROM transactions FORCE INDEX (tx_kind) WHERE household_id = ? AND kind = ? AND deleted_at IS NULL"              \
    " AND occurred_on >= ? AND occurred_on <= ? AND (? IS NULL OR category_id = ?) AND (? IS NULL OR jar_id = ?)"
#define SUMMED_PARAMS "itddiiii"
#define SUMS "CAST(SUM(amount) AS SIGNED) AS total, COUNT(*) AS n"

static const struct stmt_def TOTAL = {
    "insight.total", "SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED), COUNT(*)" SUMMED, SUMMED_PARAMS, "ii"};

static const struct stmt_def BY_CATEGORY = {
    "insight.by_category",
    "SELECT g.category_id, c.name, 0, g.total, g.n FROM (SELECT category_id, " SUMS SUMMED
    " GROUP BY category_id ORDER BY total DESC, category_id LIMIT ?) g"
    " LEFT JOIN categories c ON c.household_id = ? AND c.id = g.category_id ORDER BY g.total DESC, g.category_id",
    SUMMED_PARAMS "ii", "itiii"};

static const struct stmt_def BY_JAR = {
    "insight.by_jar",
    "SELECT g.jar_id, j.name, 0, g.total, g.n FROM (SELECT jar_id, " SUMS SUMMED
    " GROUP BY jar_id ORDER BY total DESC, jar_id LIMIT ?) g"
    " LEFT JOIN jars j ON j.household_id = ? AND j.id = g.jar_id ORDER BY g.total DESC, g.jar_id",
    SUMMED_PARAMS "ii", "itiii"};

static const struct stmt_def BY_MONTH = {"insight.by_month",
                                         "SELECT 0, NULL, EXTRACT(YEAR_MONTH FROM occurred_on) AS ym, " SUMS SUMMED
                                         " GROUP BY ym ORDER BY ym LIMIT ?",
                                         SUMMED_PARAMS "i", "itiii"};

/* The largest are found in the index; only they are read as rows. */
static const struct stmt_def BIGGEST = {
    "insight.biggest",
    "SELECT t.id, t.name, CAST(DATE_FORMAT(t.occurred_on, '%Y%m%d') AS SIGNED), t.amount, 1 FROM (SELECT id" SUMMED
    " ORDER BY amount DESC, id DESC LIMIT ?) g JOIN transactions t ON t.id = g.id AND t.household_id = ?"
    " ORDER BY t.amount DESC, t.id DESC",
    SUMMED_PARAMS "ii", "itiii"};

#define SUMMED_ARGS(household, q)                                                                                      \
    db_int(household), db_str(TRANSACTION_KINDS[(q)->kind]), db_date((q)->from), db_date((q)->to),                     \
        db_id((q)->category_id), db_id((q)->category_id), db_id((q)->jar_id), db_id((q)->jar_id)

struct collector {
    struct insight_list list;
    size_t max;
};

static bool append(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct collector *c = to;
    if (c->list.count < c->max)
        c->list.items[c->list.count++] = (struct insight_row){.id = row_int(row, 0),
                                                              .label = row_text(row, 1),
                                                              .when = (int32_t)row_int(row, 2),
                                                              .amount = row_int(row, 3),
                                                              .count = row_int(row, 4)};
    return true;
}

static bool take_total(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct insight_row *)to = (struct insight_row){.amount = row_int(row, 0), .count = row_int(row, 1)};
    return true;
}

bool insight_total(struct db *db, int64_t household, const struct insight_query *q, struct insight_row *out,
                   struct err *err)
{
    return db_one(db, &TOTAL, DB_ARGS(SUMMED_ARGS(household, q)), NULL, take_total, out, err);
}

static bool collect(struct db *db, const struct stmt_def *def, struct db_args args, int64_t limit, struct arena *mem,
                    struct insight_list *out, struct err *err)
{
    struct collector c = {.max = (size_t)limit};
    c.list.items = arena_array(mem, c.max, sizeof *c.list.items);
    if (!c.list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, def, args, mem, append, &c, NULL, err))
        return false;
    *out = c.list;
    return true;
}

bool insight_by_category(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                         struct insight_list *out, struct err *err)
{
    return collect(db, &BY_CATEGORY, DB_ARGS(SUMMED_ARGS(household, q), db_int(q->limit), db_int(household)), q->limit,
                   mem, out, err);
}

bool insight_by_jar(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                    struct insight_list *out, struct err *err)
{
    return collect(db, &BY_JAR, DB_ARGS(SUMMED_ARGS(household, q), db_int(q->limit), db_int(household)), q->limit, mem,
                   out, err);
}

bool insight_by_month(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                      struct insight_list *out, struct err *err)
{
    return collect(db, &BY_MONTH, DB_ARGS(SUMMED_ARGS(household, q), db_int(q->limit)), q->limit, mem, out, err);
}

bool insight_biggest(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                     struct insight_list *out, struct err *err)
{
    return collect(db, &BIGGEST, DB_ARGS(SUMMED_ARGS(household, q), db_int(q->limit), db_int(household)), q->limit, mem,
                   out, err);
}
