/* What the readers of statements share: amounts, dates and texts as banks write them. Pure. */
#ifndef FINANCE_STATEMENT_PARTS_H
#define FINANCE_STATEMENT_PARTS_H

#include "finance/statement/statement.h"

extern const struct statement_format STATEMENT_CSV, STATEMENT_OFX, STATEMENT_QIF, STATEMENT_CAMT, STATEMENT_MT940;

extern const char BAD_DATE[], BAD_AMOUNT[], BAD_ZERO[], BAD_CURRENCY[], BAD_LARGE[], BAD_PENDING[], BAD_LINE[];

/* Takes blanks, currency signs and thousands separators away: "1.500.000 ₫", "(12,50)", "12.50-", "+3". decimal: '.'
 * or ','. NULL, or the reason. */
const char *part_amount(struct text t, char decimal, const struct currency *cur, int64_t *minor) MUST_CHECK;
/* Which sign the decimals of this amount have: '.', ',' or 0 when it has none. A sign before three digits parts
 * thousands. */
char part_decimal_of(struct text t);

/* A date's numbers in their order; a time that follows is ignored. */
struct date_parts {
    int n[3];
    int digits[3]; /* how many each has */
    bool month_named;
};
bool part_date_split(struct text t, struct date_parts *out) MUST_CHECK;
/* Four digits first: year, month, day; else day and month as told, the year last (two digits: 1970..2069). */
bool part_date(const struct date_parts *d, bool day_first, int32_t *ymd) MUST_CHECK;
/* What dates tell of their order while they are looked at. */
struct date_order {
    bool day_first, month_first, seen; /* seen: one that needs to be told */
};
void part_date_order(struct date_order *order, struct text t);

/* One line of valid UTF-8: blanks made one, control characters left out, cut to `max` bytes; returns a text in out. */
struct text part_clean(struct text t, char *out, size_t max);
/* Joins what is not empty with " - " into out (STATEMENT_TEXT_MAX + 1 bytes), cleaned. */
struct text part_join(const struct text *parts, size_t count, char *out);

/* A date of digits only, year first: "20260328", with anything behind it; or "2026-03-28". */
bool part_date_iso(struct text t, int32_t *ymd) MUST_CHECK;
/* The currency that a file names; an empty one passes. */
bool part_is_currency(struct text code, const struct currency *cur);
/* Whether a line of the first 4 KiB begins so. */
bool part_has_line(struct text file, struct text begin);

/* The next line without its end; false at the end. *line counts them. */
bool part_line(struct text *rest, int64_t *line, struct text *out);

/* Has 0 bytes or other control characters that no text has. */
bool part_is_binary(struct text file);

/* A row with both checked: sets bad for zero and for more than can be kept. */
void part_check_amount(struct statement_row *row, const struct currency *cur);

#endif
