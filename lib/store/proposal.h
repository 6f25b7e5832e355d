/* Table proposals: writes that the assistant understood, each executed once at most. */
#ifndef STORE_PROPOSAL_H
#define STORE_PROPOSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { PROPOSAL_RESULT_MAX = 1000 }; /* code points */

struct proposal_row {
    struct text id, intent, language, fields;
    int64_t expires_at_ms, executed_at_ms; /* 0: not yet */
    struct text result;
};

bool proposal_row_insert(struct db *db, int64_t household, int64_t user, const struct proposal_row *row, int64_t now_ms,
                         struct err *err) MUST_CHECK;
/* The user's own; ERR_NOT_FOUND. */
bool proposal_row_find(struct db *db, int64_t household, int64_t user, struct text id, struct arena *mem,
                       struct proposal_row *out, struct err *err) MUST_CHECK;
/* ERR_CONFLICT when it was executed before. */
bool proposal_row_execute(struct db *db, int64_t household, struct text id, struct text result, int64_t now_ms,
                          struct err *err) MUST_CHECK;

#endif
