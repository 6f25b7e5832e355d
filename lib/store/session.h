/* Table sessions: one row a sign-in. A token names its session, so that a session can end at once, whatever the token
 * says. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum { SESSION_LIFE_MS = 10 * 60 * 60 * 1000 };

struct session_row {
    int64_t user_id, household_id;
    bool admin;
    char currency[4]; /* of the household */
    int64_t expires_at_ms;
};

/* The session while it can be used: not revoked, not expired, its user active. ERR_NOT_FOUND otherwise. */
bool session_find(struct db *db, const char *session_id, int64_t user_id, int64_t now_ms, struct arena *mem,
                  struct session_row *out, struct err *err) MUST_CHECK;
/* Lasts until now_ms + SESSION_LIFE_MS. */
bool session_insert(struct db *db, const char *session_id, int64_t user_id, int64_t household_id, int64_t now_ms,
                    struct err *err) MUST_CHECK;
/* One that is gone, or was revoked before, is no error. The caller moves the user's cache generation after COMMIT. */
bool session_revoke(struct db *db, const char *session_id, int64_t user_id, int64_t now_ms, struct err *err) MUST_CHECK;
bool session_revoke_all(struct db *db, int64_t user_id, int64_t now_ms, struct err *err) MUST_CHECK;

#endif
