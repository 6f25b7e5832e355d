/*
 * A look at JSON text before json-c reads it. Versions of json-c differ in what they let pass (NaN, control characters
 * in strings, "01", "1.") and clamp integers beyond 64 bits; here the tokens are held against RFC 8259, so json-c is
 * left with the structure only.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Integers of this many digits may not fit 64 bits. */
enum { JSON_LONG_INTEGER_DIGITS = 19 };

struct json_scan {
    size_t place;         /* offset of the fault */
    const char *fault;    /* English, NULL when there is none */
    size_t long_integers; /* how many have JSON_LONG_INTEGER_DIGITS or more */
};

/*
 * False with place and fault when a token is not JSON's, a comma has nothing behind it, or the nesting is deeper than
 * `depth_max`.
 */
bool json_scan(struct text t, int depth_max, struct json_scan *out);

/* Nothing but white space from `at` on. */
bool json_scan_blank(struct text t, size_t at);

/* The length of the number at the start of t (0: not a number); *integer_digits is 0 unless it is an integer. */
size_t json_scan_number(struct text t, size_t *integer_digits);

/* The length of the string at the start of t with its quotes; 0 when it is not one. */
size_t json_scan_string(struct text t);

#endif
