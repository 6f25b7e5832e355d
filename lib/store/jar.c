#include "store/jar.h"

#include "base/buf.h"
#include "base/json.h"

#define JAR_COLUMNS                                                                                                    \
    "j.id, j.name, j.icon, j.color, j.target_bp, j.rollover, j.reset_from, j.balance, j.version, j.created_at, j.updated_at"
#define JAR_TYPES "itttitiiimm"
#define MONTH_COLUMNS "m.month, m.carried, m.allocated, m.moved, m.spent"
#define MONTH_TYPES "iiiii"
enum { JAR_COLUMN_COUNT = 11 };

/* The row of the latest month at or before the one asked for rides along: one round trip for a whole list. */
#define JOIN_LATEST_MONTH                                                                                              \
    " LEFT JOIN jar_months m ON m.household_id = j.household_id AND m.jar_id = j.id AND m.month ="                     \
    " (SELECT MAX(x.month) FROM jar_months x WHERE x.household_id = j.household_id AND x.jar_id = j.id AND x.month <= ?)"

static const struct stmt_def LIST = {"jar.list",
                                     "SELECT " JAR_COLUMNS ", " MONTH_COLUMNS " FROM jars j" JOIN_LATEST_MONTH
                                     " WHERE j.household_id = ? AND j.active = 1 ORDER BY j.id LIMIT 200",
                                     "ii", JAR_TYPES MONTH_TYPES};

static const struct stmt_def FIND = {"jar.find",
                                     "SELECT " JAR_COLUMNS ", " MONTH_COLUMNS " FROM jars j" JOIN_LATEST_MONTH
                                     " WHERE j.household_id = ? AND j.id = ? AND j.active = 1",
                                     "iii", JAR_TYPES MONTH_TYPES};

static const struct stmt_def EVER = {
    "jar.ever", "SELECT COUNT(*) FROM (SELECT id FROM jars WHERE household_id = ? LIMIT 1) one", "i", "i"};

static const struct stmt_def UPDATE = {
    "jar.update",
    "UPDATE jars SET name = ?, icon = ?, color = ?, target_bp = ?, rollover = ?, reset_from = ?, updated_at = ?, version = version + 1"
    " WHERE household_id = ? AND id = ? AND active = 1",
    "tttitimii", ""};

static const struct stmt_def DEACTIVATE = {
    "jar.deactivate",
    "UPDATE jars SET active = NULL, updated_at = ?, version = version + 1 WHERE household_id = ? AND id = ? AND active = 1",
    "mii", ""};

static const struct stmt_def MONTHS = {
    "jar.months",
    "SELECT " JAR_COLUMNS ", " MONTH_COLUMNS
    " FROM jars j LEFT JOIN jar_months m ON m.household_id = j.household_id AND m.jar_id = j.id"
    " AND m.month <= ? AND m.month >= COALESCE((SELECT MAX(x.month) FROM jar_months x WHERE x.household_id = j.household_id AND x.jar_id = j.id"
    " AND x.month < ?), 0) WHERE j.household_id = ? AND j.id = ? AND j.active = 1 ORDER BY m.month",
    "iiii", JAR_TYPES MONTH_TYPES};

static const struct stmt_def INSERT_SET = {
    "jar.insert_set",
    "INSERT INTO jars (household_id, name, icon, color, target_bp, rollover, reset_from, created_at, updated_at)"
    " SELECT ?, s.name, s.icon, s.color, s.target, s.rollover, s.reset_from, ?, ? FROM"
    " JSON_TABLE(?, '$[*]' COLUMNS (place FOR ORDINALITY, name VARCHAR(255) PATH '$.name', icon VARCHAR(500) PATH '$.icon',"
    " color CHAR(7) PATH '$.color', target INT PATH '$.target', rollover VARCHAR(5) PATH '$.rollover', reset_from INT PATH '$.resetFrom'))"
    " s ORDER BY s.place",
    "immt", ""};

static const struct stmt_def MONTH_ROWS = {
    "jar.month_rows",
    "SELECT m.jar_id, j.active, j.rollover, j.reset_from, " MONTH_COLUMNS
    " FROM jars j JOIN jar_months m ON m.household_id = j.household_id"
    " AND m.jar_id = j.id AND m.month >= COALESCE((SELECT MAX(x.month) FROM jar_months x WHERE x.household_id = j.household_id"
    " AND x.jar_id = j.id AND x.month < ?), 0) WHERE j.household_id = ? ORDER BY m.jar_id, m.month",
    "ii", "iiti" MONTH_TYPES};

static const struct stmt_def MONTH_PUT_SET = {
    "jar.month_put_set",
    "INSERT INTO jar_months (household_id, jar_id, month, carried, allocated, moved, spent) SELECT ?, s.jar, s.month, s.carried, s.allocated, s.moved, s.spent"
    " FROM JSON_TABLE(?, '$[*]' COLUMNS (jar BIGINT PATH '$.jar', month INT PATH '$.month', carried BIGINT PATH '$.carried',"
    " allocated BIGINT PATH '$.allocated', moved BIGINT PATH '$.moved', spent BIGINT PATH '$.spent')) s ON DUPLICATE KEY UPDATE"
    " carried = VALUES(carried), allocated = VALUES(allocated), moved = VALUES(moved), spent = VALUES(spent)",
    "it", ""};

static const struct stmt_def MONTH_ENSURE = {
    "jar.month_ensure",
    "INSERT INTO jar_months (household_id, jar_id, month, carried) SELECT ?, ?, ?, COALESCE((SELECT p.carried + p.allocated + p.moved - p.spent"
    " FROM jar_months p WHERE p.household_id = ? AND p.jar_id = ? AND p.month < ? ORDER BY p.month DESC LIMIT 1), 0)"
    " ON DUPLICATE KEY UPDATE carried = jar_months.carried",
    "iiiiii", ""};

/* Over all households: asked by the month-end task, which then works under each one's lock. */
static const struct stmt_def RESET_HOUSEHOLDS = {
    "jar.reset_households",
    "SELECT DISTINCT household_id FROM jars WHERE household_id > ? AND active = 1 AND rollover = 'reset' ORDER BY household_id LIMIT ?",
    "ii", "i"};

static const struct stmt_def TELL = {
    "jar.threshold_tell",
    "INSERT IGNORE INTO threshold_alerts (household_id, subject, subject_id, month, threshold, told_at) VALUES (?, 'jar', ?, ?, ?, ?)",
    "iiiim", ""};

static struct jar_month month_from_row(const struct db_row *row, size_t at)
{
    return (struct jar_month){.month = (int32_t)row_int(row, at),
                              .carried = row_int(row, at + 1),
                              .allocated = row_int(row, at + 2),
                              .moved = row_int(row, at + 3),
                              .spent = row_int(row, at + 4)};
}

static struct jar jar_from_row(struct db_row *row)
{
    return (struct jar){.id = row_int(row, 0),
                        .name = row_text(row, 1),
                        .icon = row_text(row, 2),
                        .color = row_text(row, 3),
                        .target_bp = (int32_t)row_int(row, 4),
                        .reset = text_eq(row_text(row, 5), TEXT("reset")),
                        .reset_from = (int32_t)row_int(row, 6),
                        .balance = row_int(row, 7),
                        .version = row_int(row, 8),
                        .created_at_ms = row_instant(row, 9),
                        .updated_at_ms = row_instant(row, 10),
                        .latest = month_from_row(row, JAR_COLUMN_COUNT)};
}

static bool append_jar(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct jar_list *list = to;
    if (list->count < JAR_MAX)
        list->items[list->count++] = jar_from_row(row);
    return true;
}

bool jar_list(struct db *db, int64_t household, int32_t month, struct arena *mem, struct jar_list *out, struct err *err)
{
    struct jar_list list = {.items = arena_array(mem, JAR_MAX, sizeof(struct jar))};
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &LIST, DB_ARGS(db_int(month), db_int(household)), mem, append_jar, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

static bool take_jar(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct jar *)to = jar_from_row(row);
    return true;
}

bool jar_find(struct db *db, int64_t household, int64_t id, int32_t month, struct arena *mem, struct jar *out,
              struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(month), db_int(household), db_int(id)), mem, take_jar, out, err);
}

static bool take_count(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(bool *)to = row_int(row, 0) > 0;
    return true;
}

bool jar_ever(struct db *db, int64_t household, bool *any, struct err *err)
{
    return db_one(db, &EVER, DB_ARGS(db_int(household)), NULL, take_count, any, err);
}

/* A duplicate in `jars` can only be the name. */
static bool name_fault(bool done, struct err *err)
{
    if (!done && err->code == ERR_DUPLICATE)
        err_set(err, ERR_NAME_IN_USE, "A jar of this name exists already");
    return done;
}

static struct text rollover(const struct jar *jar)
{
    return jar->reset ? TEXT("reset") : TEXT("carry");
}

bool jar_update(struct db *db, int64_t household, const struct jar *jar, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &UPDATE,
                        DB_ARGS(db_text(jar->name), db_text(jar->icon), db_text(jar->color), db_int(jar->target_bp),
                                db_text(rollover(jar)), db_id(jar->reset_from), db_instant(now_ms), db_int(household),
                                db_int(jar->id)),
                        &res, err);
    if (!name_fault(done, err))
        return false;
    return res.affected ? true : err_set(err, ERR_NOT_FOUND, "There is no such jar");
}

bool jar_deactivate(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &DEACTIVATE, DB_ARGS(db_instant(now_ms), db_int(household), db_int(id)), &res, err))
        return false;
    return res.affected ? true : err_set(err, ERR_NOT_FOUND, "There is no such jar");
}

enum { MONTHS_MAX = 2048 }; /* 1970..2100 and the one before */

struct months_read {
    struct jar *owner;
    struct jar_month_list list;
};

static bool append_month(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct months_read *read = to;
    if (!read->owner->id)
        *read->owner = jar_from_row(row);
    if (!row_is_null(row, JAR_COLUMN_COUNT) && read->list.count < MONTHS_MAX)
        read->list.items[read->list.count++] = month_from_row(row, JAR_COLUMN_COUNT);
    return true;
}

bool jar_month_list(struct db *db, int64_t household, int64_t jar, int32_t from, int32_t to, struct arena *mem,
                    struct jar *owner, struct jar_month_list *out, struct err *err)
{
    struct months_read read = {.owner = owner, .list.items = arena_array(mem, MONTHS_MAX, sizeof(struct jar_month))};
    if (!read.list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    owner->id = 0;
    if (!db_query(db, &MONTHS, DB_ARGS(db_int(to), db_int(from), db_int(household), db_int(jar)), mem, append_month,
                  &read, NULL, err))
        return false;
    if (!owner->id)
        return err_set(err, ERR_NOT_FOUND, "There is no such jar");
    *out = read.list;
    return true;
}

enum { SET_JSON_MAX = 8 * 1024 * 1024, MONTH_ROWS_MAX = 262144 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static bool finish_set(struct json_out *j, struct arena *mem, struct text *out, struct err *err)
{
    json_end_array(j);
    *out = j->buf->failed ? TEXT_NONE : arena_text(mem, buf_view(j->buf));
    return out->p ? true : no_memory(err);
}

bool jar_insert_set(struct db *db, int64_t household, const struct jar *jars, size_t count, int64_t now_ms,
                    struct arena *mem, struct err *err)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, SET_JSON_MAX);
    struct json_out j;
    json_out_init(&j, &buf);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&j);
        json_put_text(&j, "name", jars[i].name);
        json_put_text(&j, "icon", jars[i].icon);
        json_put_text(&j, "color", jars[i].color);
        json_put_int(&j, "target", jars[i].target_bp);
        json_put_text(&j, "rollover", rollover(&jars[i]));
        json_put_id(&j, "resetFrom", jars[i].reset_from);
        json_end_object(&j);
    }
    struct text set;
    if (!finish_set(&j, mem, &set, err))
        return false;
    bool done = db_exec(db, &INSERT_SET,
                        DB_ARGS(db_int(household), db_instant(now_ms), db_instant(now_ms), db_text(set)), NULL, err);
    return name_fault(done, err);
}

struct month_rows_read {
    struct arena *mem;
    struct jar_month_row *items;
    size_t count, cap;
};

static bool append_month_row(struct db_row *row, void *to, struct err *err)
{
    struct month_rows_read *read = to;
    if (read->count == read->cap) {
        size_t cap = read->cap ? read->cap * 2 : 64;
        struct jar_month_row *items = cap <= MONTH_ROWS_MAX ? arena_array(read->mem, cap, sizeof *items) : NULL;
        if (!items)
            return no_memory(err);
        if (read->count)
            memcpy(items, read->items, read->count * sizeof *items);
        read->items = items;
        read->cap = cap;
    }
    read->items[read->count++] = (struct jar_month_row){.jar_id = row_int(row, 0),
                                                        .jar_active = !row_is_null(row, 1),
                                                        .jar_reset = text_eq(row_text(row, 2), TEXT("reset")),
                                                        .reset_from = (int32_t)row_int(row, 3),
                                                        .m = month_from_row(row, 4)};
    return true;
}

bool jar_month_rows(struct db *db, int64_t household, int32_t from, struct arena *mem, struct jar_month_row **out,
                    size_t *count, struct err *err)
{
    struct month_rows_read read = {.mem = mem};
    if (!db_query(db, &MONTH_ROWS, DB_ARGS(db_int(from), db_int(household)), mem, append_month_row, &read, NULL, err))
        return false;
    *out = read.items;
    *count = read.count;
    return true;
}

bool jar_month_put_set(struct db *db, int64_t household, const struct jar_month_row *rows, size_t count,
                       struct arena *mem, struct err *err)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, SET_JSON_MAX);
    struct json_out j;
    json_out_init(&j, &buf);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&j);
        json_put_int(&j, "jar", rows[i].jar_id);
        json_put_int(&j, "month", rows[i].m.month);
        json_put_int(&j, "carried", rows[i].m.carried);
        json_put_int(&j, "allocated", rows[i].m.allocated);
        json_put_int(&j, "moved", rows[i].m.moved);
        json_put_int(&j, "spent", rows[i].m.spent);
        json_end_object(&j);
    }
    struct text set;
    return finish_set(&j, mem, &set, err) &&
           db_exec(db, &MONTH_PUT_SET, DB_ARGS(db_int(household), db_text(set)), NULL, err);
}

bool jar_month_ensure(struct db *db, int64_t household, int64_t jar, int32_t month, struct err *err)
{
    struct db_value h = db_int(household), j = db_int(jar), m = db_int(month);
    return db_exec(db, &MONTH_ENSURE, DB_ARGS(h, j, m, h, j, m), NULL, err);
}

struct ids_read {
    int64_t *ids;
    size_t count, max;
};

static bool append_id(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct ids_read *read = to;
    if (read->count < read->max)
        read->ids[read->count++] = row_int(row, 0);
    return true;
}

bool jar_reset_households(struct db *db, int64_t after, int64_t *ids, size_t max, size_t *count, struct err *err)
{
    struct ids_read read = {.ids = ids, .max = max};
    if (!db_query(db, &RESET_HOUSEHOLDS, DB_ARGS(db_int(after), db_int((int64_t)max)), NULL, append_id, &read, NULL,
                  err))
        return false;
    *count = read.count;
    return true;
}

bool jar_threshold_tell(struct db *db, int64_t household, int64_t jar, int32_t month, int threshold, int64_t now_ms,
                        bool *first, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &TELL,
                 DB_ARGS(db_int(household), db_int(jar), db_int(month), db_int(threshold), db_instant(now_ms)), &res,
                 err))
        return false;
    *first = res.affected > 0;
    return true;
}
