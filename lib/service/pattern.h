/* A regular expression that a user wrote (PCRE2): without regard to case, UTF-8, and bounded, however it was written: a
 * match that takes too many steps is none. */
#ifndef SERVICE_PATTERN_H
#define SERVICE_PATTERN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

enum { PATTERN_MAX = 200 /* characters */ };

struct pattern;

/* ERR_VALIDATION for the field `pattern` when it cannot be read. */
struct pattern *pattern_new(struct text source, struct err *err) MUST_CHECK;
void pattern_free(struct pattern *p);
/* subject: valid UTF-8. *gave_up (may be NULL) is set when the steps did not suffice. */
bool pattern_matches(const struct pattern *p, struct text subject, bool *gave_up);

#endif
