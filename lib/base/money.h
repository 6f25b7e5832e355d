/*
 * Money is int64_t minor units of an ISO 4217 currency (VND: exponent 0, USD: 2). No floating point anywhere.
 * Percentages are basis points (int32_t, 10000 = 100 %).
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/text.h"

/* The contract's largest amount: 9,999,999,999,999.99 (section 4, item 10), in whole units. */
#define MONEY_MAX_WHOLE INT64_C(9999999999999)

struct currency {
    char code[4];
    int exponent; /* digits after the point, 0..3 */
};

enum money_fault {
    MONEY_OK,
    MONEY_NOT_A_NUMBER, /* exponent, NaN, leading garbage, leading zeros such as 007 are fine */
    MONEY_TOO_FINE,     /* a non-zero digit beyond the currency's exponent */
    MONEY_TOO_LARGE
};

/* NULL for an unknown code. */
const struct currency *currency_find(struct text code);
/* Largest amount accepted from outside, in minor units of this currency. */
int64_t money_max(const struct currency *cur);
/* Exact reading of "-?digits(.digits)?"; *minor untouched unless MONEY_OK. */
enum money_fault money_parse(struct text t, const struct currency *cur, int64_t *minor);

enum { MONEY_TEXT_MAX = 32 };
/* Exact decimal ("150000", "-12.5" is written "-12.50"); no exponent, NUL-terminated. Returns its length. */
size_t money_format(int64_t minor, const struct currency *cur, char out[MONEY_TEXT_MAX]);
/* For people: "1.500.000 ₫" (vi) or "1,500,000 VND" (en). Returns its length; out gets NUL. */
size_t money_format_human(int64_t minor, const struct currency *cur, bool vietnamese, char *out, size_t cap);

bool money_add(int64_t a, int64_t b, int64_t *sum) MUST_CHECK; /* false on overflow, *sum untouched */
bool money_sub(int64_t a, int64_t b, int64_t *difference) MUST_CHECK;

/*
 * Largest-remainder split: parts[i] ~ total * weights[i] / whole, sum(parts) = total * sum(weights) / whole rounded
 * down when sum(weights) < whole, and exactly total when sum(weights) >= whole (weights are then scaled down). Ties go
 * to the earlier part. total >= 0, weights >= 0. False on overflow or when count > MONEY_SPLIT_MAX.
 */
enum { MONEY_SPLIT_MAX = 256 };
bool money_split(int64_t total, const int64_t *weights, size_t count, int64_t whole, int64_t *parts) MUST_CHECK;

/* "55", "12.5", "9.899999999" -> basis points, rounded half up to two decimals of a percent; false when not a number or
 * outside int32. */
bool percent_parse(struct text t, int32_t *basis_points);
/* 5500 -> "55", 1250 -> "12.5", 990 -> "9.9". */
size_t percent_format(int32_t basis_points, char out[MONEY_TEXT_MAX]);

#endif
