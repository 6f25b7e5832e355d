#include "store/otp.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/attr.h"

enum { HOUR_MS = 60 * 60 * 1000, DECOYS = 4096 };

static const struct otp_purpose PURPOSES[] = {
    {OTP_ACTIVATE, "otp_activate", "/activate?token=", 24 * HOUR_MS, false},
    {OTP_RESET, "otp_reset", "/reset-password?token=", HOUR_MS / 2, false},
    {OTP_EMAIL, "email_change", "/activate?token=", 24 * HOUR_MS, true},
    {OTP_TRANSACTION, "otp_transaction", NULL, 0, false},
};

static const struct stmt_def REQUESTED_AT = {
    "otp.requested_at", "SELECT requested_at FROM otp_codes WHERE user_id = ? AND purpose = ?", "it", "m"};
static const struct stmt_def REQUEST = {
    "otp.request",
    "INSERT INTO otp_codes (user_id, purpose, requested_at, event_id) VALUES (?, ?, ?, ?)"
    " ON DUPLICATE KEY UPDATE requested_at = VALUES(requested_at), event_id = VALUES(event_id), code_hash = NULL,"
    " link_hash = NULL, expires_at = NULL, link_expires_at = NULL, tries = 0, used_at = NULL",
    "itmt", ""};
static const struct stmt_def STORE_CODE = {
    "otp.store_code",
    "UPDATE otp_codes SET code_hash = ?, link_hash = ?, expires_at = ?, link_expires_at = ?, tries = 0"
    " WHERE user_id = ? AND purpose = ? AND event_id = ? AND used_at IS NULL",
    "ttmmitt", ""};
static const struct stmt_def TRY = {
    "otp.try",
    "UPDATE otp_codes SET tries = tries + 1 WHERE user_id = ? AND purpose = ? AND code_hash IS NOT NULL"
    " AND used_at IS NULL AND expires_at > ? AND tries < ?",
    "itmi", ""};
static const struct stmt_def CODE_HASH = {
    "otp.code_hash", "SELECT code_hash FROM otp_codes WHERE user_id = ? AND purpose = ?", "it", "t"};
static const struct stmt_def GIVE_TRY_BACK = {
    "otp.give_try_back",
    "UPDATE otp_codes SET tries = tries - 1 WHERE user_id = ? AND purpose = ? AND code_hash = ? AND tries > 0", "itt",
    ""};
static const struct stmt_def USE = {
    "otp.use",
    "UPDATE otp_codes SET used_at = ? WHERE user_id = ? AND purpose = ? AND used_at IS NULL"
    " AND ((code_hash = ? AND expires_at > ?) OR (link_hash = ? AND link_expires_at > ?))",
    "mittmtm", ""};
static const struct stmt_def FIND_LINK = {
    "otp.find_link", "SELECT user_id, purpose, used_at, link_expires_at FROM otp_codes WHERE link_hash = ?", "t",
    "itmm"};
static const struct stmt_def VOID = {"otp.void",
                                     "UPDATE otp_codes SET used_at = ?, code_hash = NULL, link_hash = NULL"
                                     " WHERE user_id = ? AND purpose = ? AND used_at IS NULL",
                                     "mit", ""};
static const struct stmt_def DELETE = {"otp.delete", "DELETE FROM otp_codes WHERE user_id = ?", "i", ""};

const struct otp_purpose *otp_purpose_find(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(PURPOSES); i++)
        if (text_eq(name, text_of(PURPOSES[i].name)))
            return &PURPOSES[i];
    return NULL;
}

/* Six digits are soon guessed from a hash alone; with user and purpose inside, one list of hashes fits no second row.
 */
void otp_hash(struct text code, int64_t user_id, const char *purpose, char out[OTP_HASH_TEXT])
{
    char whole[96];
    int n = snprintf(whole, sizeof(whole), "%" PRId64 ":%s:%.*s", user_id, purpose, TEXT_ARG(code));
    digest_hex(n < 0 || (size_t)n >= sizeof(whole) ? TEXT_NONE : (struct text){whole, (size_t)n}, out);
}

void otp_link_hash(struct text token, char out[OTP_HASH_TEXT])
{
    digest_hex(token, out);
}

static bool one_row(struct db *db, const struct stmt_def *def, struct db_args args, enum err_code otherwise,
                    const char *detail, struct err *err)
{
    struct db_result res = {0};
    if (!db_exec(db, def, args, &res, err))
        return false;
    return res.affected > 0 || err_set(err, otherwise, "%s", detail);
}

static bool wrong_code(struct err *err)
{
    return err_set(err, ERR_WRONG_CODE, OTP_WRONG_TEXT);
}

bool otp_store_code(struct db *db, int64_t user_id, const char *purpose, const char *event_id, const char *code_hash,
                    const char *link_hash, int64_t now_ms, struct err *err)
{
    const struct otp_purpose *row = otp_purpose_find(text_of(purpose));
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "There is no such kind of code");
    return one_row(db, &STORE_CODE,
                   DB_ARGS(db_str(code_hash), db_str(link_hash), db_instant(now_ms + OTP_LIFE_MS),
                           db_instant(now_ms + row->link_life_ms), db_int(user_id), db_str(purpose), db_str(event_id)),
                   ERR_NOT_FOUND, "A newer code was asked for", err);
}

static bool instant_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_instant(row, 0);
    return true;
}

bool otp_wait(struct db *db, int64_t user_id, const char *purpose, int64_t now_ms, int64_t *wait_ms, struct err *err)
{
    int64_t requested_at = 0;
    if (!db_query(db, &REQUESTED_AT, DB_ARGS(db_int(user_id), db_str(purpose)), NULL, instant_from_row, &requested_at,
                  NULL, err))
        return false;
    int64_t free_at = requested_at + OTP_PAUSE_MS;
    *wait_ms = requested_at && free_at > now_ms ? free_at - now_ms : 0;
    return true;
}

bool otp_request(struct db *db, int64_t user_id, const char *purpose, const char *event_id, int64_t now_ms,
                 struct err *err)
{
    return db_exec(db, &REQUEST, DB_ARGS(db_int(user_id), db_str(purpose), db_instant(now_ms), db_str(event_id)), NULL,
                   err);
}

/* Rows of users that cannot be: negative ids, few of them. */
bool otp_decoy(struct db *db, struct text email, int64_t now_ms, struct err *err)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < email.n; i++)
        h = (h ^ (unsigned char)email.p[i]) * 16777619u;
    return otp_request(db, -1 - (int64_t)(h % DECOYS), "decoy", "", now_ms, err);
}

static bool text_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct text *)to = row_text(row, 0);
    return true;
}

bool otp_check(struct db *db, int64_t user_id, const char *purpose, struct text code, int64_t now_ms, struct arena *mem,
               struct err *err)
{
    struct db_result res = {0};
    if (!db_exec(db, &TRY, DB_ARGS(db_int(user_id), db_str(purpose), db_instant(now_ms), db_int(OTP_TRIES)), &res, err))
        return false;
    if (!res.affected)
        return otp_decoy(db, code, now_ms, err) && wrong_code(err);
    struct text stored = TEXT_NONE;
    if (!db_query(db, &CODE_HASH, DB_ARGS(db_int(user_id), db_str(purpose)), mem, text_from_row, &stored, NULL, err))
        return false;
    char given[OTP_HASH_TEXT];
    otp_hash(code, user_id, purpose, given);
    if (!stored.p || !text_eq_secret(text_of(given), stored))
        return wrong_code(err);
    return db_exec(db, &GIVE_TRY_BACK, DB_ARGS(db_int(user_id), db_str(purpose), db_str(given)), NULL, err);
}

bool otp_use(struct db *db, int64_t user_id, const char *purpose, const char *hash, int64_t now_ms, struct err *err)
{
    return one_row(db, &USE,
                   DB_ARGS(db_instant(now_ms), db_int(user_id), db_str(purpose), db_str(hash), db_instant(now_ms),
                           db_str(hash), db_instant(now_ms)),
                   ERR_WRONG_CODE, OTP_WRONG_TEXT, err);
}

static bool link_from_row(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct otp_link *)to = (struct otp_link){.user_id = row_int(row, 0),
                                               .purpose = row_text(row, 1),
                                               .used_at_ms = row_instant(row, 2),
                                               .link_expires_at_ms = row_instant(row, 3)};
    return true;
}

bool otp_find_link(struct db *db, const char *link_hash, struct arena *mem, struct otp_link *out, struct err *err)
{
    return db_one(db, &FIND_LINK, DB_ARGS(db_str(link_hash)), mem, link_from_row, out, err);
}

bool otp_void(struct db *db, int64_t user_id, const char *purpose, int64_t now_ms, struct err *err)
{
    return db_exec(db, &VOID, DB_ARGS(db_instant(now_ms), db_int(user_id), db_str(purpose)), NULL, err);
}

bool otp_delete(struct db *db, int64_t user_id, struct err *err)
{
    return db_exec(db, &DELETE, DB_ARGS(db_int(user_id)), NULL, err);
}
