/* Folding for comparison: lower case, Vietnamese (and Latin) diacritics off, đ -> d, composed and combining forms
 * alike. Pure. */
#ifndef FINANCE_NOVA_FOLD_H
#define FINANCE_NOVA_FOLD_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/text.h"

/* A copy in the arena; p == NULL without memory. Other scripts stay as they are; white space runs become one blank. */
struct text nova_fold(struct text t, struct arena *mem) MUST_CHECK;
/* The same, with map[i] = the byte offset in `t` from which folded byte i came, and map[n] = t.n; so that a match is
 * found again in the original. */
struct text nova_fold_mapped(struct text t, struct arena *mem, size_t **map) MUST_CHECK;

#endif
