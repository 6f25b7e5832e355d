/*
 * The household's rules: a text that contains something, without regard to case and marks, or that matches a regular
 * expression, has a category, a jar, a name. The first rule by priority that matches decides alone.
 */
#ifndef FINANCE_IMPORTS_RULES_H
#define FINANCE_IMPORTS_RULES_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/import_rule.h"

struct rules;

/* All rules, compiled. The texts lie in the scope's arena. */
struct rules *rules_load(struct scope *s, struct err *err) MUST_CHECK;
void rules_free(struct rules *r);
static inline void rules_auto(struct rules **r)
{
    rules_free(*r);
}
/* The rule of a row, NULL when there is none. scratch is used and not reset. ERR_VALIDATION for `pattern` when regular
 * expressions took too long altogether: so no set of rules holds a thread up. */
bool rules_pick(struct rules *r, struct text text, bool income, struct arena *scratch, const struct import_rule **rule,
                struct err *err) MUST_CHECK;

/* Checks what a rule names, and takes over its kind from it. ERR_VALIDATION, ERR_NOT_FOUND. */
bool rule_check(struct scope *s, struct import_rule *rule, struct err *err) MUST_CHECK;

/* To the past: transactions that an import made and nobody edited since, from a day on. */
struct rules_applied {
    int64_t scanned, changed;
    bool more; /* the rest goes on in the worker */
};
bool rules_apply(struct scope *s, int32_t after_day, int64_t after_id, struct rules_applied *out,
                 struct err *err) MUST_CHECK;

#endif
