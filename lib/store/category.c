#include "store/category.h"

const char *const CATEGORY_TYPES[] = {"income", "expense", NULL};

#define CATEGORY_COLUMNS "id, name, icon, type, version, created_at, updated_at"
#define CATEGORY_TYPES_SQL "itttimm"

static const struct stmt_def LIST = {"category.list",
                                     "SELECT " CATEGORY_COLUMNS
                                     " FROM categories WHERE household_id = ? AND active = 1 ORDER BY id LIMIT 1000",
                                     "i", CATEGORY_TYPES_SQL};

static const struct stmt_def FIND = {
    "category.find", "SELECT " CATEGORY_COLUMNS " FROM categories WHERE household_id = ? AND id = ? AND active = 1",
    "ii", CATEGORY_TYPES_SQL};

static const struct stmt_def INSERT = {
    "category.insert",
    "INSERT INTO categories (household_id, name, icon, type, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
    "itttmm", ""};

static const struct stmt_def UPDATE = {
    "category.update",
    "UPDATE categories SET name = ?, icon = ?, type = ?, updated_at = ?, version = version + 1"
    " WHERE household_id = ? AND id = ? AND active = 1",
    "tttmii", ""};

static const struct stmt_def DEACTIVATE = {
    "category.deactivate",
    "UPDATE categories SET active = NULL, updated_at = ?, version = version + 1 WHERE household_id = ? AND id = ? AND active = 1",
    "mii", ""};

static const struct stmt_def IN_USE = {
    "category.in_use",
    "SELECT COUNT(*) FROM (SELECT id FROM transactions WHERE household_id = ? AND category_id = ? AND deleted_at IS NULL LIMIT 1) one",
    "ii", "i"};

static const struct stmt_def COUNT = {
    "category.count", "SELECT COUNT(*) FROM categories WHERE household_id = ? AND active = 1", "i", "i"};

static struct category category_from_row(struct db_row *row)
{
    return (struct category){.id = row_int(row, 0),
                             .name = row_text(row, 1),
                             .icon = row_text(row, 2),
                             .type = text_eq(row_text(row, 3), TEXT("income")) ? CATEGORY_INCOME : CATEGORY_EXPENSE,
                             .version = row_int(row, 4),
                             .created_at_ms = row_instant(row, 5),
                             .updated_at_ms = row_instant(row, 6)};
}

static bool append_category(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct category_list *list = to;
    if (list->count < CATEGORY_MAX)
        list->items[list->count++] = category_from_row(row);
    return true;
}

bool category_list(struct db *db, int64_t household, struct arena *mem, struct category_list *out, struct err *err)
{
    struct category_list list = {.items = arena_array(mem, CATEGORY_MAX, sizeof(struct category))};
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &LIST, DB_ARGS(db_int(household)), mem, append_category, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

static bool take_category(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct category *)to = category_from_row(row);
    return true;
}

bool category_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct category *out,
                   struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, take_category, out, err);
}

static bool name_fault(bool done, struct err *err)
{
    if (!done && err->code == ERR_DUPLICATE)
        err_set(err, ERR_NAME_IN_USE, "A category of this name and type exists already");
    return done;
}

bool category_insert(struct db *db, int64_t household, struct category *c, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &INSERT,
                        DB_ARGS(db_int(household), db_text(c->name), db_text(c->icon), db_str(CATEGORY_TYPES[c->type]),
                                db_instant(now_ms), db_instant(now_ms)),
                        &res, err);
    if (!name_fault(done, err))
        return false;
    c->id = res.insert_id;
    c->version = 1;
    c->created_at_ms = c->updated_at_ms = now_ms;
    return true;
}

static bool changed_one(const struct db_result *res, struct err *err)
{
    return res->affected ? true : err_set(err, ERR_NOT_FOUND, "There is no such category");
}

bool category_update(struct db *db, int64_t household, const struct category *c, int64_t now_ms, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &UPDATE,
                        DB_ARGS(db_text(c->name), db_text(c->icon), db_str(CATEGORY_TYPES[c->type]), db_instant(now_ms),
                                db_int(household), db_int(c->id)),
                        &res, err);
    return name_fault(done, err) && changed_one(&res, err);
}

bool category_deactivate(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err)
{
    struct db_result res;
    return db_exec(db, &DEACTIVATE, DB_ARGS(db_instant(now_ms), db_int(household), db_int(id)), &res, err) &&
           changed_one(&res, err);
}

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool category_in_use(struct db *db, int64_t household, int64_t id, bool *used, struct err *err)
{
    int64_t n = 0;
    if (!db_one(db, &IN_USE, DB_ARGS(db_int(household), db_int(id)), NULL, take_int, &n, err))
        return false;
    *used = n > 0;
    return true;
}

bool category_count(struct db *db, int64_t household, int64_t *count, struct err *err)
{
    return db_one(db, &COUNT, DB_ARGS(db_int(household)), NULL, take_int, count, err);
}
