/* Table transaction_codes: codes by mail that allow one write each (contract 3.6). */
#ifndef STORE_TRANSACTION_CODE_H
#define STORE_TRANSACTION_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

/* What a write is: of a request those values that it named (0, TEXT_NONE: not named), of a write all. */
struct transaction_code_values {
    const char *action;     /* "INCOME" */
    int64_t transaction_id; /* of a deletion */
    int64_t category_id, amount;
    int32_t occurred_on;
    struct text name, note;
};

struct transaction_code_key {
    int64_t household_id, user_id;
    struct text id;
};

/* How long the user has to wait for the next code of this action: until pause_ms after the last one that was not
 * answered. 0: not at all. */
bool transaction_code_wait(struct db *db, int64_t household, int64_t user, const char *action, int64_t pause_ms,
                           int64_t now_ms, int64_t *wait_ms, struct err *err) MUST_CHECK;
/* What was asked for before and not answered is void from now on. */
bool transaction_code_insert(struct db *db, const struct transaction_code_key *key,
                             const struct transaction_code_values *values, int64_t now_ms, int64_t expires_ms,
                             struct err *err) MUST_CHECK;
/* For the mailer, at the moment of sending. ERR_NOT_FOUND: superseded or over. */
bool transaction_code_store(struct db *db, const struct transaction_code_key *key, const char *code_hash,
                            int64_t now_ms, struct err *err) MUST_CHECK;
/* Counts a try. ERR_NOT_FOUND: no such request of this user; ERR_WRONG_CODE: over, spent or out of tries. */
bool transaction_code_try(struct db *db, const struct transaction_code_key *key, int64_t tries_max, int64_t now_ms,
                          struct err *err) MUST_CHECK;
/* After a try: with the right code the token is the request's, and what it had before is void. ERR_WRONG_CODE. */
bool transaction_code_accept(struct db *db, const struct transaction_code_key *key, const char *code_hash,
                             const char *token_hash, int64_t token_expires_ms, struct err *err) MUST_CHECK;
/* In the write's transaction. *spent: whether the token was good for just this write. */
bool transaction_code_spend(struct db *db, int64_t household, int64_t user, const char *token_hash,
                            const struct transaction_code_values *values, int64_t now_ms, bool *spent,
                            struct err *err) MUST_CHECK;

#endif
