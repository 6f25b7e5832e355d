/*
 * The rules of accounts: who may register, activate, reset, change. Each function runs inside a transaction of the
 * caller; what is to be mailed is recorded as an event in it. No answer tells whether an address has an account, so the
 * ways through a function cost alike: where there is nothing to do, a decoy row is written.
 */
#ifndef FINANCE_ACCOUNT_H
#define FINANCE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "service/password.h"
#include "store/otp.h"
#include "store/user.h"

enum {
    PASSWORD_MIN = 8, /* code points */
    PASSWORD_MAX = 128,
    ACCOUNT_COMPLETE_MS = 15 * 60 * 1000,   /* after activation: name and password of one registered by address alone */
    ACCOUNT_LINK_REPEAT_MS = 10 * 60 * 1000 /* a link opened twice by an eager browser answers the same */
};

/* A new address: user and household, and its code. One not yet activated: its data replaced and a new code, every
   OTP_PAUSE_MS at most. An active one: its owner is told. ERR_DEADLOCK when somebody registered it at the same moment:
   once more. */
bool account_register(struct scope *s, const struct user_new *user, const struct currency *currency,
                      struct err *err) MUST_CHECK;
/* A new code for an account not yet activated, every OTP_PAUSE_MS at most. */
bool account_resend(struct scope *s, struct text email, struct err *err) MUST_CHECK;
/* Removes an account that was never activated. */
bool account_cancel(struct scope *s, struct text email, struct err *err) MUST_CHECK;
/* hash: of the code or of the link's token. ERR_WRONG_CODE when used or replaced. */
bool account_activate(struct scope *s, int64_t user_id, const char *hash, struct err *err) MUST_CHECK;
/* The link of an activation or of a new address. *email_changed tells which. ERR_NOT_FOUND for anything that opens
 * nothing. */
bool account_open_link(struct scope *s, const char *link_hash, bool *email_changed, struct err *err) MUST_CHECK;
/* ERR_VALIDATION in all cases in which it may not be. */
bool account_complete(struct scope *s, struct text email, struct text full_name, struct text password_hash,
                      struct err *err) MUST_CHECK;

/* Outside a transaction, for a try counts whatever comes after: the user of an address, and in `hash` the proof for
   what the code allows. ERR_WRONG_CODE alike for a wrong code and an unknown address. A right code stays usable. */
bool account_check_code(struct scope *s, struct text email, const char *purpose, struct text code, int64_t *user_id,
                        char hash[OTP_HASH_TEXT], struct err *err) MUST_CHECK;
/* The user whose password a link may reset now. ERR_WRONG_CODE otherwise. */
bool account_check_reset_link(struct scope *s, const char *link_hash, int64_t *user_id, struct err *err) MUST_CHECK;

bool account_request_reset(struct scope *s, struct text email, struct err *err) MUST_CHECK;
/* hash as above. Ends every session; the caller moves the user's cache generation after COMMIT. */
bool account_reset_password(struct scope *s, int64_t user_id, const char *hash, struct text password_hash,
                            struct err *err) MUST_CHECK;

/* A session while the account is still as it was when the password was verified; ERR_INVALID_CREDENTIALS otherwise. */
bool account_sign_in(struct scope *s, const struct user_row *verified, const char *session_id,
                     struct err *err) MUST_CHECK;

struct account_change {
    struct text full_name, profile_image_url;
    struct text new_email;         /* TEXT_NONE: as it is */
    struct text new_password_hash; /* TEXT_NONE: as it is */
    const char *new_session_id;    /* for the caller, when the password changes */
};

/* *user: as it was when its password was verified, afterwards as it is. A new password ends all sessions but the new
   one. A new address only becomes pending and gets a mail (an address in use: its owner does); the same one once more
   within OTP_PAUSE_MS gets none. */
bool account_change(struct scope *s, const struct account_change *change, struct user_row *user,
                    struct err *err) MUST_CHECK;

#endif
