/* The rows of the guard: one phrase that a message must not hold, over folded text. Used by guard.c only. */
#ifndef FINANCE_GUARD_RULES_H
#define FINANCE_GUARD_RULES_H

#include <stddef.h>

#include "finance/guard.h"

/*
 * `words`: words by blanks, each a choice by '|'; "*" stands for up to three words of any kind. Folding makes some
 * words alike that are not ("tự tử" and "từ từ"): such a row has `exact`, and what was typed with marks must be that
 * (lower or capital first letter).
 */
struct guard_rule {
    enum guard_verdict verdict;
    const char *words;
    const char *exact;
};

extern const struct guard_rule GUARD_RULES[]; /* in the order of their weight: the first that fits counts */
extern const size_t GUARD_RULE_COUNT;
extern const char *const GUARD_MONEY_WORDS; /* a question about health with one of these is about money */

#endif
