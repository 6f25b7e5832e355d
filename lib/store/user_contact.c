#include "store/user_contact.h"

static const struct stmt_def FIND = {"user_contact.find",
                                     "SELECT u.email, u.full_name, u.language, u.status = 'disabled'"
                                     " FROM household_members m JOIN users u ON u.id = m.user_id"
                                     " WHERE m.household_id = ? AND m.user_id = ?",
                                     "ii", "ttti"};

static bool from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct user_contact *c = to;
    c->email = row_text(row, 0);
    c->full_name = row_text(row, 1);
    c->language = row_text(row, 2);
    c->disabled = row_int(row, 3) != 0;
    return true;
}

bool user_contact_find(struct db *db, int64_t household, int64_t user, struct arena *mem, struct user_contact *out,
                       struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(user)), mem, from_row, out, err);
}
