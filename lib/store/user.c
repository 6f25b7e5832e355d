#include "store/user.h"

#define USER_SELECT                                                                                                    \
    "SELECT u.id, m.household_id, u.email, u.full_name, u.password_hash, u.profile_image_url, u.language,"             \
    " u.pending_email, u.status, u.role = 'admin', u.large_transaction_amount, u.activated_at, u.created_at,"          \
    " u.updated_at FROM users u JOIN household_members m ON m.user_id = u.id"
#define USER_TYPES "iitttttttiimmm"

static const struct stmt_def FIND = {"user.find", USER_SELECT " WHERE u.id = ?", "i", USER_TYPES};
static const struct stmt_def FIND_BY_EMAIL = {"user.find_by_email", USER_SELECT " WHERE u.email = ?", "t", USER_TYPES};
/* Apart from the row's reading, which joins: the lock must not reach the household. */
static const struct stmt_def LOCK = {"user.lock", "SELECT id FROM users WHERE id = ? FOR UPDATE", "i", "i"};
static const struct stmt_def LOCK_BY_EMAIL = {"user.lock_by_email", "SELECT id FROM users WHERE email = ? FOR UPDATE",
                                              "t", "i"};
static const struct stmt_def INSERT = {
    "user.insert",
    "INSERT INTO users (email, full_name, password_hash, profile_image_url, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "ttttmm", ""};
static const struct stmt_def INSERT_HOUSEHOLD = {
    "user.insert_household", "INSERT INTO households (currency, created_at) VALUES (?, ?)", "tm", ""};
static const struct stmt_def INSERT_MEMBER = {
    "user.insert_member", "INSERT INTO household_members (household_id, user_id, joined_at) VALUES (?, ?, ?)", "iim",
    ""};
static const struct stmt_def REPLACE_PENDING = {
    "user.replace_pending",
    "UPDATE users SET full_name = ?, password_hash = ?, profile_image_url = ?, updated_at = ?, version = version + 1"
    " WHERE id = ? AND status = 'pending'",
    "tttmi", ""};
static const struct stmt_def DELETE_PENDING = {"user.delete_pending",
                                               "DELETE FROM users WHERE id = ? AND status = 'pending'", "i", ""};
static const struct stmt_def DELETE_MEMBER = {
    "user.delete_member", "DELETE FROM household_members WHERE household_id = ? AND user_id = ?", "ii", ""};
static const struct stmt_def DELETE_HOUSEHOLD = {"user.delete_household", "DELETE FROM households WHERE id = ?", "i",
                                                 ""};
static const struct stmt_def ACTIVATE = {
    "user.activate",
    "UPDATE users SET status = 'active', activated_at = ?, updated_at = ?, version = version + 1"
    " WHERE id = ? AND status = 'pending'",
    "mmi", ""};
static const struct stmt_def COMPLETE = {
    "user.complete",
    "UPDATE users SET full_name = ?, password_hash = ?, updated_at = ?, version = version + 1"
    " WHERE email = ? AND status = 'active' AND password_hash IS NULL AND activated_at > ?",
    "ttmtm", ""};
static const struct stmt_def SET_PASSWORD = {
    "user.set_password", "UPDATE users SET password_hash = ?, updated_at = ?, version = version + 1 WHERE id = ?",
    "tmi", ""};
static const struct stmt_def SET_PROFILE = {
    "user.set_profile",
    "UPDATE users SET full_name = ?, profile_image_url = ?, updated_at = ?, version = version + 1 WHERE id = ?", "ttmi",
    ""};
static const struct stmt_def SET_PENDING_EMAIL = {
    "user.set_pending_email", "UPDATE users SET pending_email = ?, updated_at = ?, version = version + 1 WHERE id = ?",
    "tmi", ""};
static const struct stmt_def APPLY_PENDING_EMAIL = {
    "user.apply_pending_email",
    "UPDATE users SET email = pending_email, pending_email = NULL, updated_at = ?, version = version + 1"
    " WHERE id = ? AND pending_email IS NOT NULL",
    "mi", ""};
static const struct stmt_def SET_PREFERENCES = {
    "user.set_preferences",
    "UPDATE users SET language = ?, large_transaction_amount = ?, updated_at = ?, version = version + 1 WHERE id = ?",
    "timi", ""};

static enum user_status status_of(struct text word)
{
    return text_eq(word, TEXT("active")) ? USER_ACTIVE : text_eq(word, TEXT("pending")) ? USER_PENDING : USER_DISABLED;
}

static bool from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct user_row *)to = (struct user_row){.id = row_int(row, 0),
                                               .household_id = row_int(row, 1),
                                               .email = row_text(row, 2),
                                               .full_name = row_text(row, 3),
                                               .password_hash = row_text(row, 4),
                                               .profile_image_url = row_text(row, 5),
                                               .language = row_text(row, 6),
                                               .pending_email = row_text(row, 7),
                                               .status = status_of(row_text(row, 8)),
                                               .admin = row_int(row, 9) != 0,
                                               .large_transaction_amount = row_int(row, 10),
                                               .activated_at_ms = row_instant(row, 11),
                                               .created_at_ms = row_instant(row, 12),
                                               .updated_at_ms = row_instant(row, 13)};
    return true;
}

static bool id_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

static bool changed(struct db *db, const struct stmt_def *def, struct db_args args, struct err *err)
{
    struct db_result res = {0};
    if (!db_exec(db, def, args, &res, err))
        return false;
    return res.affected > 0 || err_set(err, ERR_NOT_FOUND, "There is no such account, or not in this state");
}

bool user_find(struct db *db, int64_t id, struct arena *mem, struct user_row *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(id)), mem, from_row, out, err);
}

bool user_find_by_email(struct db *db, struct text email, struct arena *mem, struct user_row *out, struct err *err)
{
    return db_one(db, &FIND_BY_EMAIL, DB_ARGS(db_text(email)), mem, from_row, out, err);
}

bool user_lock(struct db *db, int64_t id, struct arena *mem, struct user_row *out, struct err *err)
{
    int64_t locked;
    return db_one(db, &LOCK, DB_ARGS(db_int(id)), NULL, id_from_row, &locked, err) && user_find(db, id, mem, out, err);
}

bool user_lock_by_email(struct db *db, struct text email, struct arena *mem, struct user_row *out, struct err *err)
{
    int64_t id;
    return db_one(db, &LOCK_BY_EMAIL, DB_ARGS(db_text(email)), NULL, id_from_row, &id, err) &&
           user_find(db, id, mem, out, err);
}

bool user_insert_pending(struct db *db, const struct user_new *user, const struct currency *currency, int64_t now_ms,
                         int64_t *id, int64_t *household_id, struct err *err)
{
    struct db_result res = {0};
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_text(user->email), db_text(user->full_name), db_text(user->password_hash),
                         db_text(user->profile_image_url), db_instant(now_ms), db_instant(now_ms)),
                 &res, err))
        return false;
    int64_t new_id = res.insert_id;
    if (!db_exec(db, &INSERT_HOUSEHOLD, DB_ARGS(db_str(currency->code), db_instant(now_ms)), &res, err))
        return false;
    int64_t new_household = res.insert_id;
    if (!db_exec(db, &INSERT_MEMBER, DB_ARGS(db_int(new_household), db_int(new_id), db_instant(now_ms)), NULL, err))
        return false;
    *id = new_id;
    *household_id = new_household;
    return true;
}

bool user_replace_pending(struct db *db, int64_t id, const struct user_new *user, int64_t now_ms, struct err *err)
{
    return changed(db, &REPLACE_PENDING,
                   DB_ARGS(db_text(user->full_name), db_text(user->password_hash), db_text(user->profile_image_url),
                           db_instant(now_ms), db_int(id)),
                   err);
}

bool user_delete_pending(struct db *db, int64_t id, int64_t household_id, struct err *err)
{
    return changed(db, &DELETE_PENDING, DB_ARGS(db_int(id)), err) &&
           db_exec(db, &DELETE_MEMBER, DB_ARGS(db_int(household_id), db_int(id)), NULL, err) &&
           db_exec(db, &DELETE_HOUSEHOLD, DB_ARGS(db_int(household_id)), NULL, err);
}

bool user_activate(struct db *db, int64_t id, int64_t now_ms, struct err *err)
{
    return changed(db, &ACTIVATE, DB_ARGS(db_instant(now_ms), db_instant(now_ms), db_int(id)), err);
}

bool user_complete(struct db *db, struct text email, struct text full_name, struct text password_hash,
                   int64_t activated_after_ms, int64_t now_ms, struct err *err)
{
    return changed(db, &COMPLETE,
                   DB_ARGS(db_text(full_name), db_text(password_hash), db_instant(now_ms), db_text(email),
                           db_instant(activated_after_ms)),
                   err);
}

bool user_set_password(struct db *db, int64_t id, struct text password_hash, int64_t now_ms, struct err *err)
{
    return changed(db, &SET_PASSWORD, DB_ARGS(db_text(password_hash), db_instant(now_ms), db_int(id)), err);
}

bool user_set_profile(struct db *db, int64_t id, struct text full_name, struct text profile_image_url, int64_t now_ms,
                      struct err *err)
{
    return changed(db, &SET_PROFILE,
                   DB_ARGS(db_text(full_name), db_text(profile_image_url), db_instant(now_ms), db_int(id)), err);
}

bool user_set_pending_email(struct db *db, int64_t id, struct text email, int64_t now_ms, struct err *err)
{
    return changed(db, &SET_PENDING_EMAIL, DB_ARGS(db_text(email), db_instant(now_ms), db_int(id)), err);
}

bool user_apply_pending_email(struct db *db, int64_t id, int64_t now_ms, struct err *err)
{
    return changed(db, &APPLY_PENDING_EMAIL, DB_ARGS(db_instant(now_ms), db_int(id)), err);
}

bool user_set_preferences(struct db *db, int64_t id, const char *language, int64_t large_transaction_amount,
                          int64_t now_ms, struct err *err)
{
    return changed(db, &SET_PREFERENCES,
                   DB_ARGS(db_str(language), db_id(large_transaction_amount), db_instant(now_ms), db_int(id)), err);
}
