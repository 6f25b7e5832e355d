/* Table users, with the household that a user belongs to (household_members). Addresses are lower-case here. */
#ifndef STORE_USER_H
#define STORE_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"
#include "service/db.h"

enum user_status { USER_PENDING, USER_ACTIVE, USER_DISABLED };

struct user_row {
    int64_t id, household_id;
    struct text email, full_name, password_hash, profile_image_url, language, pending_email;
    enum user_status status;
    bool admin;
    int64_t large_transaction_amount; /* minor units; 0: the configured default */
    int64_t activated_at_ms, created_at_ms, updated_at_ms;
};

/* Any status. ERR_NOT_FOUND when there is none. */
bool user_find(struct db *db, int64_t id, struct arena *mem, struct user_row *out, struct err *err) MUST_CHECK;
bool user_find_by_email(struct db *db, struct text email, struct arena *mem, struct user_row *out,
                        struct err *err) MUST_CHECK;
/* The same inside a transaction, the user's row locked: what changes an account does so one at a time. */
bool user_lock(struct db *db, int64_t id, struct arena *mem, struct user_row *out, struct err *err) MUST_CHECK;
bool user_lock_by_email(struct db *db, struct text email, struct arena *mem, struct user_row *out,
                        struct err *err) MUST_CHECK;

/* What a registration brings. full_name "" and the others without text when not given. */
struct user_new {
    struct text email, full_name, password_hash, profile_image_url;
};

/* User, household and membership. ERR_DUPLICATE when the address was taken meanwhile. */
bool user_insert_pending(struct db *db, const struct user_new *user, const struct currency *currency, int64_t now_ms,
                         int64_t *id, int64_t *household_id, struct err *err) MUST_CHECK;
/* The same address registered once more before it was activated. */
bool user_replace_pending(struct db *db, int64_t id, const struct user_new *user, int64_t now_ms,
                          struct err *err) MUST_CHECK;
/* The user and an empty household. Only while pending: ERR_NOT_FOUND otherwise. */
bool user_delete_pending(struct db *db, int64_t id, int64_t household_id, struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND unless pending. */
bool user_activate(struct db *db, int64_t id, int64_t now_ms, struct err *err) MUST_CHECK;
/* First name and password of an account activated after `activated_after_ms` that has no password yet; ERR_NOT_FOUND
 * otherwise. */
bool user_complete(struct db *db, struct text email, struct text full_name, struct text password_hash,
                   int64_t activated_after_ms, int64_t now_ms, struct err *err) MUST_CHECK;
bool user_set_password(struct db *db, int64_t id, struct text password_hash, int64_t now_ms,
                       struct err *err) MUST_CHECK;
bool user_set_profile(struct db *db, int64_t id, struct text full_name, struct text profile_image_url, int64_t now_ms,
                      struct err *err) MUST_CHECK;
/* Without text: no change is pending any more. */
bool user_set_pending_email(struct db *db, int64_t id, struct text email, int64_t now_ms, struct err *err) MUST_CHECK;
/* The pending address becomes the address. ERR_DUPLICATE when somebody has it by now. */
bool user_apply_pending_email(struct db *db, int64_t id, int64_t now_ms, struct err *err) MUST_CHECK;
/* large_transaction_amount 0: the configured default. */
bool user_set_preferences(struct db *db, int64_t id, const char *language, int64_t large_transaction_amount,
                          int64_t now_ms, struct err *err) MUST_CHECK;

#endif
