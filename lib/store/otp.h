/*
 * Table otp_codes: one row a user and purpose. A request (in the account's transaction, with its event otp.requested)
 * makes the row without a code; the mailer makes code and link token at the moment of sending and stores their hashes
 * here. A newer request voids what an older mail says. Codes are six digits, valid OTP_LIFE_MS, OTP_TRIES tries; link
 * tokens are of one use.
 *
 * What the mailer does for the mail of an event otp.requested {"purpose": "activate" | "reset" | "email"}:
 *     purpose  = otp_purpose_find(data.purpose): template, link_path, and whether the mail goes to data.email instead
 * of the user's address code     = six random digits; token = 32 random bytes, base64url otp_hash(code, user_id,
 * purpose->name, code_hash); otp_link_hash(token, link_hash) otp_store_code(...): ERR_NOT_FOUND means superseded: the
 * mail is not sent link     = WEB_BASE_URL + purpose->link_path + token
 */
#ifndef STORE_OTP_H
#define STORE_OTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "service/db.h"
#include "service/digest.h"

enum {
    OTP_DIGITS = 6,
    OTP_LIFE_MS = 210 * 1000,
    OTP_TRIES = 5,
    OTP_PAUSE_MS = 180 * 1000, /* between two requests of one purpose */
    OTP_HASH_TEXT = DIGEST_TEXT
};

#define OTP_ACTIVATE "activate"
#define OTP_RESET "reset"
#define OTP_EMAIL "email"             /* the change of an address: link only */
#define OTP_TRANSACTION "transaction" /* before a write: table transaction_codes, named by the event's data.request */
#define OTP_NOTICE "notice" /* no code: how often an owner is told that someone tried to register the address */

/* One text for all cases. */
#define OTP_WRONG_TEXT "The code is wrong, expired or used up"

struct otp_purpose {
    const char *name;
    const char *template_name; /* of the mail */
    const char *link_path;     /* below WEB_BASE_URL; the token follows. NULL: code only */
    int64_t link_life_ms;
    bool to_new_address; /* the mail goes to the event's data.email */
};

/* NULL for a word that is no purpose with a mail. */
const struct otp_purpose *otp_purpose_find(struct text name);

/* SHA-256 as hex over user, purpose and code; and over a link token. */
void otp_hash(struct text code, int64_t user_id, const char *purpose, char out[OTP_HASH_TEXT]);
void otp_link_hash(struct text token, char out[OTP_HASH_TEXT]);

/* For the mailer: sets hashes, expiry and a full number of tries while the row still answers event_id and is unused;
 * else ERR_NOT_FOUND. */
bool otp_store_code(struct db *db, int64_t user_id, const char *purpose, const char *event_id, const char *code_hash,
                    const char *link_hash, int64_t now_ms, struct err *err) MUST_CHECK;

/* In a transaction that holds the user's row. *wait_ms is 0 when a new request may be made, else how long that takes
 * from now. */
bool otp_wait(struct db *db, int64_t user_id, const char *purpose, int64_t now_ms, int64_t *wait_ms,
              struct err *err) MUST_CHECK;
/* A new request: the row waits for the code of event_id, and what went before is void. */
bool otp_request(struct db *db, int64_t user_id, const char *purpose, const char *event_id, int64_t now_ms,
                 struct err *err) MUST_CHECK;
/* Costs what a request or a try costs, for an address that has no account: answers take the same time. */
bool otp_decoy(struct db *db, struct text email, int64_t now_ms, struct err *err) MUST_CHECK;

/* Outside a transaction, for the try must count whatever comes after. A right code costs no try and stays usable.
   ERR_WRONG_CODE when it is wrong, expired, used, superseded or out of tries. */
bool otp_check(struct db *db, int64_t user_id, const char *purpose, struct text code, int64_t now_ms, struct arena *mem,
               struct err *err) MUST_CHECK;
/* In the transaction of what the code allows: marks it used; ERR_WRONG_CODE when it is used or replaced meanwhile.
 * Hash: otp_hash or otp_link_hash. */
bool otp_use(struct db *db, int64_t user_id, const char *purpose, const char *hash, int64_t now_ms,
             struct err *err) MUST_CHECK;

struct otp_link {
    int64_t user_id, used_at_ms, link_expires_at_ms;
    struct text purpose;
};

/* ERR_NOT_FOUND for an unknown or superseded token; expired and used ones are found. */
bool otp_find_link(struct db *db, const char *link_hash, struct arena *mem, struct otp_link *out,
                   struct err *err) MUST_CHECK;
/* Voids the purpose's code and link, if there are any. */
bool otp_void(struct db *db, int64_t user_id, const char *purpose, int64_t now_ms, struct err *err) MUST_CHECK;
bool otp_delete(struct db *db, int64_t user_id, struct err *err) MUST_CHECK;

#endif
