#include "store/insight.h"

/* Each statement comes in two forms: over a whole period, and over one category or jar of it. The first is what is
 * asked most, over the most rows, and its rows need no look at the other conditions. */
#define ALL                                                                                                            \
    " FROM transactions FORCE INDEX (tx_kind) WHERE household_id = ? AND kind = ? AND deleted_at IS NULL"              \
    " AND occurred_on >= ? AND occurred_on <= ?"
#define ALL_PARAMS "itdd"
#define ONE ALL " AND (? IS NULL OR category_id = ?) AND (? IS NULL OR jar_id = ?)"
#define ONE_PARAMS ALL_PARAMS "iiii"
#define SUMS "CAST(SUM(amount) AS SIGNED) AS total, COUNT(*) AS n"

struct insight_def {
    struct stmt_def all, one;
};

#define TOTAL_SQL(range) "SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED), COUNT(*)" range
static const struct insight_def TOTAL = {{"insight.total", TOTAL_SQL(ALL), ALL_PARAMS, "ii"},
                                         {"insight.total_one", TOTAL_SQL(ONE), ONE_PARAMS, "ii"}};

#define NAMED_SQL(column, table, range)                                                                                \
    "SELECT g." column ", x.name, 0, g.total, g.n FROM (SELECT " column ", " SUMS range " GROUP BY " column            \
    " ORDER BY total DESC, " column " LIMIT ?) g"                                                                      \
    " LEFT JOIN " table " x ON x.household_id = ? AND x.id = g." column " ORDER BY g.total DESC, g." column
static const struct insight_def BY_CATEGORY = {
    {"insight.by_category", NAMED_SQL("category_id", "categories", ALL), ALL_PARAMS "ii", "itiii"},
    {"insight.by_category_one", NAMED_SQL("category_id", "categories", ONE), ONE_PARAMS "ii", "itiii"}};
static const struct insight_def BY_JAR = {
    {"insight.by_jar", NAMED_SQL("jar_id", "jars", ALL), ALL_PARAMS "ii", "itiii"},
    {"insight.by_jar_one", NAMED_SQL("jar_id", "jars", ONE), ONE_PARAMS "ii", "itiii"}};

#define MONTH_SQL(range)                                                                                               \
    "SELECT 0, NULL, EXTRACT(YEAR_MONTH FROM occurred_on) AS ym, " SUMS range " GROUP BY ym ORDER BY ym LIMIT ?"
static const struct insight_def BY_MONTH = {{"insight.by_month", MONTH_SQL(ALL), ALL_PARAMS "i", "itiii"},
                                            {"insight.by_month_one", MONTH_SQL(ONE), ONE_PARAMS "i", "itiii"}};

/* The largest are found in the index; only they are read as rows. */
#define BIGGEST_SQL(range)                                                                                             \
    "SELECT t.id, t.name, CAST(DATE_FORMAT(t.occurred_on, '%Y%m%d') AS SIGNED), t.amount, 1 FROM (SELECT id" range     \
    " ORDER BY amount DESC, id DESC LIMIT ?) g JOIN transactions t ON t.id = g.id AND t.household_id = ?"              \
    " ORDER BY t.amount DESC, t.id DESC"
static const struct insight_def BIGGEST = {{"insight.biggest", BIGGEST_SQL(ALL), ALL_PARAMS "ii", "itiii"},
                                           {"insight.biggest_one", BIGGEST_SQL(ONE), ONE_PARAMS "ii", "itiii"}};

enum { ARGS_MAX = 10 };

struct insight_args {
    const struct stmt_def *def;
    struct db_value v[ARGS_MAX];
    size_t n;
};

static struct insight_args args_of(const struct insight_def *def, int64_t household, const struct insight_query *q)
{
    struct db_value category = db_id(q->category_id), jar = db_id(q->jar_id);
    struct insight_args a = {.def = &def->all,
                             .v = {db_int(household), db_str(TRANSACTION_KINDS[q->kind]), db_date(q->from),
                                   db_date(q->to), category, category, jar, jar},
                             .n = 4};
    if (q->category_id || q->jar_id) {
        a.def = &def->one;
        a.n = 8;
    }
    return a;
}

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
    struct insight_args a = args_of(&TOTAL, household, q);
    return db_one(db, a.def, (struct db_args){a.v, a.n}, NULL, take_total, out, err);
}

static bool collect(struct db *db, const struct insight_args *a, int64_t limit, struct arena *mem,
                    struct insight_list *out, struct err *err)
{
    struct collector c = {.max = (size_t)limit};
    c.list.items = arena_array(mem, c.max, sizeof *c.list.items);
    if (!c.list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, a->def, (struct db_args){a->v, a->n}, mem, append, &c, NULL, err))
        return false;
    *out = c.list;
    return true;
}

/* Those that join names or rows to the result name the household once more. */
static bool collect_joined(struct db *db, const struct insight_def *def, int64_t household,
                           const struct insight_query *q, struct arena *mem, struct insight_list *out, struct err *err)
{
    struct insight_args a = args_of(def, household, q);
    a.v[a.n++] = db_int(q->limit);
    a.v[a.n++] = db_int(household);
    return collect(db, &a, q->limit, mem, out, err);
}

bool insight_by_category(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                         struct insight_list *out, struct err *err)
{
    return collect_joined(db, &BY_CATEGORY, household, q, mem, out, err);
}

bool insight_by_jar(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                    struct insight_list *out, struct err *err)
{
    return collect_joined(db, &BY_JAR, household, q, mem, out, err);
}

bool insight_by_month(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                      struct insight_list *out, struct err *err)
{
    struct insight_args a = args_of(&BY_MONTH, household, q);
    a.v[a.n++] = db_int(q->limit);
    return collect(db, &a, q->limit, mem, out, err);
}

bool insight_biggest(struct db *db, int64_t household, const struct insight_query *q, struct arena *mem,
                     struct insight_list *out, struct err *err)
{
    return collect_joined(db, &BIGGEST, household, q, mem, out, err);
}
