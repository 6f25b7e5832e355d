/*
 * The jars' monthly limits: carried + allocated + moved = limit, limit - spent = available, carried = the month
 * before's available. Rows of jar_months are kept by every write (ledger.h); the recalculation recomputes them from the
 * entries, from a month forward, and repairs what differs. Twice is once. The caller holds the household's lock (a
 * transaction that began with household_lock).
 */
#ifndef FINANCE_JAR_LIMITS_H
#define FINANCE_JAR_LIMITS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/jar.h"

struct recalculation {
    int64_t jars, months;      /* looked at */
    int64_t repaired_months;   /* rows of jar_months that were wrong: drift, to be logged as ERROR */
    int64_t repaired_balances; /* jars.balance that was not the sum of its entries: the same */
    int64_t resets;            /* entries that closed months of `reset` jars */
    int64_t alerts;            /* thresholds told now */
};

/* Recomputes from `from_month` (ym) forward, closes ended months of `reset` jars, and tells thresholds of the current
   month (80 %, 100 %, each once a month) as notifications to scope->user_id under event_id (may be NULL: no
   notifications). */
bool jar_limits_recalculate(struct scope *s, int32_t from_month, const char *event_id, struct recalculation *out,
                            struct err *err) MUST_CHECK;

/* The figures of one jar in one month; a month without a row is derived from the one before. ERR_NOT_FOUND for a jar
 * that is not the household's. */
bool jar_limits_month(struct scope *s, int64_t jar_id, int32_t month, struct jar *jar, struct jar_month *out,
                      struct err *err) MUST_CHECK;

/* What may be spent a day from today until the end of its month, at least 0, rounded down; days_left (>= 1) counts
 * today. */
int64_t jar_limits_per_day(int64_t available, int32_t today, int *days_left);

/* Derives the month asked for from the latest row at or before it (row->month 0: none). */
struct jar_month jar_month_derive(const struct jar *jar, const struct jar_month *row, int32_t month);

#endif
