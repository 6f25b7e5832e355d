#include "store/household.h"

static const struct stmt_def LOCK = {"household.lock", "UPDATE households SET change_seq = change_seq + 1 WHERE id = ?",
                                     "i", ""};
static const struct stmt_def CURRENCY = {"household.currency", "SELECT currency FROM households WHERE id = ?", "i",
                                         "t"};
static const struct stmt_def UNASSIGNED = {"household.unassigned", "SELECT unassigned FROM households WHERE id = ?",
                                           "i", "i"};
static const struct stmt_def UNASSIGNED_ADD = {
    "household.unassigned_add", "UPDATE households SET unassigned = unassigned + ? WHERE id = ?", "ii", ""};

static bool one_changed(const struct db_result *res, struct err *err)
{
    return res->affected == 1 || err_set(err, ERR_NOT_FOUND, "There is no such household");
}

bool household_lock(struct db *db, int64_t household, struct err *err)
{
    struct db_result res;
    return db_exec(db, &LOCK, DB_ARGS(db_int(household)), &res, err) && one_changed(&res, err);
}

static bool currency_from_row(struct db_row *row, void *to, struct err *err)
{
    const struct currency **currency = to;
    *currency = currency_find(row_text(row, 0));
    return *currency || err_set(err, ERR_INTERNAL, "The household has no readable currency");
}

bool household_currency(struct db *db, int64_t household, struct arena *mem, const struct currency **currency,
                        struct err *err)
{
    return db_one(db, &CURRENCY, DB_ARGS(db_int(household)), mem, currency_from_row, currency, err);
}

static bool amount_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool household_unassigned(struct db *db, int64_t household, int64_t *amount, struct err *err)
{
    int64_t found = 0;
    if (!db_one(db, &UNASSIGNED, DB_ARGS(db_int(household)), NULL, amount_from_row, &found, err))
        return false;
    *amount = found;
    return true;
}

bool household_unassigned_add(struct db *db, int64_t household, int64_t change, struct err *err)
{
    struct db_result res;
    return db_exec(db, &UNASSIGNED_ADD, DB_ARGS(db_int(change), db_int(household)), &res, err) &&
           one_changed(&res, err);
}
