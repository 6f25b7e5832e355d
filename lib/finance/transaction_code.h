/*
 * A code by mail before a write (contract 3.6): the user says what they are about to write, gets a code, trades it for
 * an authorization, and sends that with the write. It allows one write of those values. Optional: a write without one
 * is accepted.
 */
#ifndef FINANCE_TRANSACTION_CODE_H
#define FINANCE_TRANSACTION_CODE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "finance/scope.h"
#include "store/transaction.h"
#include "store/transaction_code.h"

enum {
    TRANSACTION_CODE_LIFE_MS = 5 * 60 * 1000, /* from the request on */
    TRANSACTION_CODE_PAUSE_MS = 60 * 1000,
    TRANSACTION_CODE_TRIES = 5,
    AUTHORIZATION_LIFE_MS = 5 * 60 * 1000,
    AUTHORIZATION_TEXT = 64
};

enum transaction_action {
    ACTION_INCOME,
    ACTION_EXPENSE,
    ACTION_DELETE_INCOME,
    ACTION_DELETE_EXPENSE,
    ACTION_CONTRIBUTION
};
/* "INCOME", ..., NULL: also the words of a FIELD_CHOICE. */
extern const char *const TRANSACTION_ACTIONS[];

struct transaction_code_request {
    int64_t action;
    int64_t income_id, expense_id, goal_id;
    int64_t category_id, amount;
    int32_t date;
    struct text name, note;
};

struct transaction_code {
    char id[UUID_TEXT_MAX];
    const char *masked_email; /* in the arena */
    int64_t expires_ms, resend_ms;
};

struct authorization {
    char token[AUTHORIZATION_TEXT];
    int64_t expires_ms;
};

/* Inside a command. ERR_VALIDATION for an action without what it is about, ERR_NOT_FOUND for a category or transaction
 * that is not the household's, ERR_RATE_LIMITED with the time to wait. */
bool transaction_code_ask(struct scope *s, const struct transaction_code_request *in, struct transaction_code *out,
                          struct err *err) MUST_CHECK;
/* Outside a transaction, for a try counts whatever comes after. ERR_NOT_FOUND, ERR_WRONG_CODE. A right code may be sent
 * again until its authorization was used: the last one counts. */
bool transaction_code_verify(struct scope *s, struct text id, struct text code, struct authorization *out,
                             struct err *err) MUST_CHECK;
/* Inside the write's command, after it: what was written (or deleted) is what the authorization allows, or
 * ERR_VALIDATION of transactionAuthorizationToken. True without a token. */
bool authorization_spend(struct scope *s, enum transaction_action action, const struct transaction *t,
                         struct text token, struct err *err) MUST_CHECK;

/* "ab***@example.com"; pure. NULL without memory. */
char *mask_email(struct text email, struct arena *mem) MUST_CHECK;

#endif
