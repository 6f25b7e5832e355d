/* One line of a receipt as printed: a name, then numbers of which the last is the amount. And dates as printed. Pure.
 */
#ifndef FINANCE_RECEIPT_LINE_H
#define FINANCE_RECEIPT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/text.h"

struct receipt_line {
    struct text name; /* what stands before the numbers, trimmed; empty: only numbers */
    size_t numbers;   /* that end the line */
    bool has_amount;  /* the last of them looks like one */
    bool negative;    /* written with a minus or in brackets */
    int64_t amount;   /* minor units, >= 0 */
};

/* True when marks in it show that it is in another currency (of those that are easily taken for ours). */
bool receipt_is_foreign(struct text text, const struct currency *cur);
struct receipt_line receipt_line_read(struct text line, const struct currency *cur);
/* A number as tills print it: "45.000", "45,000.00", "1.234,56", "45k", "₫45.000". *marked: a currency sign, a grouping
 * or decimals show that it is money. False when it is no amount of the currency, or carries
 * the mark of another one. */
bool receipt_amount(struct text t, const struct currency *cur, int64_t *minor, bool *marked);
/* receipt_date.c: the first date with a year: "05/03/2026", "2026-03-05", "5.3.26", "ngày 05 tháng 03 năm 2026", "Mar
 * 5, 2026". Day before month unless that cannot be. `folded` is the line after nova_fold. 0: none. */
int32_t receipt_date(struct text folded);
/* hh:mm somewhere in the line. */
bool receipt_has_time(struct text line);

#endif
