/* The fields of a proposal as they travel: the contract's keys, and two of our own (proposalId, transactionId). */
#ifndef FINANCE_PROPOSAL_FIELDS_H
#define FINANCE_PROPOSAL_FIELDS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/money.h"
#include "base/text.h"

/* What is absent, null or "" is TEXT_NONE, 0 or -1. */
struct proposal_fields {
    struct text proposal_id, description, category_name, jar_name, name, icon, color, from_jar_name, to_jar_name;
    int64_t amount, transaction_id;
    int64_t type;      /* enum category_type; -1 */
    int32_t date;      /* ymd */
    int32_t target_bp; /* -1 */
};

/* ERR_VALIDATION with all bad fields. Unknown keys are passed over: clients send back more than was proposed. */
bool proposal_fields_read(const struct json_node *v, const struct currency *cur, struct arena *mem,
                          struct proposal_fields *out, struct err *err) MUST_CHECK;
/* The JSON object of what is there; p == NULL without memory. */
struct text proposal_fields_write(const struct proposal_fields *f, const struct currency *cur,
                                  struct arena *mem) MUST_CHECK;

#endif
