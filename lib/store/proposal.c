#include "store/proposal.h"

static const struct stmt_def INSERT = {
    "proposal.insert",
    "INSERT INTO proposals (id, household_id, user_id, intent, language, fields, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "tiitttmm", ""};

static const struct stmt_def FIND = {
    "proposal.find",
    "SELECT id, intent, language, fields, expires_at, executed_at, result FROM proposals WHERE household_id = ? AND user_id = ? AND id = ?",
    "iit", "ttttmmt"};

static const struct stmt_def EXECUTE = {
    "proposal.execute",
    "UPDATE proposals SET executed_at = ?, result = ? WHERE household_id = ? AND id = ? AND executed_at IS NULL",
    "mtit", ""};

bool proposal_row_insert(struct db *db, int64_t household, int64_t user, const struct proposal_row *row, int64_t now_ms,
                         struct err *err)
{
    return db_exec(db, &INSERT,
                   DB_ARGS(db_text(row->id), db_int(household), db_int(user), db_text(row->intent),
                           db_text(row->language), db_text(row->fields), db_instant(now_ms),
                           db_instant(row->expires_at_ms)),
                   NULL, err);
}

static bool take_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct proposal_row *)to = (struct proposal_row){.id = row_text(row, 0),
                                                       .intent = row_text(row, 1),
                                                       .language = row_text(row, 2),
                                                       .fields = row_text(row, 3),
                                                       .expires_at_ms = row_instant(row, 4),
                                                       .executed_at_ms = row_instant(row, 5),
                                                       .result = row_text(row, 6)};
    return true;
}

bool proposal_row_find(struct db *db, int64_t household, int64_t user, struct text id, struct arena *mem,
                       struct proposal_row *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(user), db_text(id)), mem, take_row, out, err);
}

bool proposal_row_execute(struct db *db, int64_t household, struct text id, struct text result, int64_t now_ms,
                          struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &EXECUTE, DB_ARGS(db_instant(now_ms), db_text(result), db_int(household), db_text(id)), &res, err))
        return false;
    return res.affected ? true : err_set(err, ERR_CONFLICT, "The proposal was executed before");
}
