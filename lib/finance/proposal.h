/*
 * A write that the assistant understood is a proposal first: stored, shown to the user, and executed only by
 * confirm-action, once an id, through the same rules as the API.
 */
#ifndef FINANCE_PROPOSAL_H
#define FINANCE_PROPOSAL_H

#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "finance/nova/understand.h"
#include "finance/scope.h"

enum { PROPOSAL_MINUTES = 30, PROPOSAL_FIELDS_MAX = 16 };

/* Fields travel under the contract's keys (3.21): amount, categoryName, date, description, jarName, name, icon, type,
 * targetPercentage, color, fromJarName, toJarName. */
struct proposal {
    char id[UUID_TEXT_MAX]; /* proposalId */
    enum nova_intent_kind kind;
    struct text fields;                       /* JSON object of extractedFields, proposalId inside */
    const char *missing[PROPOSAL_FIELDS_MAX]; /* field keys that must still be said */
    size_t missing_count;
    struct text prompt; /* what the user is asked to confirm, in the sentence's language; or what is missing */
};

/* Makes and stores a proposal (a transaction of its own; no money moves). With missing fields nothing is stored and id
 * is "". */
bool proposal_make(struct scope *s, const struct nova_intent *intent, const struct nova_context *ctx,
                   struct proposal *out, struct err *err) MUST_CHECK;

struct proposal_result {
    bool done;     /* false: refused, with the reason in message */
    bool repeated; /* it was executed before: nothing happened now */
    struct text message;
};

/* Inside a command (the household's lock is held). `kind` and `fields` are what the client sends back, maybe corrected
   by the user; with a proposalId among them it is executed once, without one at each call. A refusal by a rule is a
   result with done false, and nothing is changed (the caller rolls back); false only for faults. */
bool proposal_execute(struct scope *s, enum nova_intent_kind kind, const struct json_node *fields,
                      struct proposal_result *out, struct err *err) MUST_CHECK;

#endif
