/*
 * Texts with holes. {{name}} is the value of name, {{&name}} the same never escaped; {{#name}}...{{/name}} is there only when the value is
 * not empty, {{^name}}...{{/name}} only when it is. Sections nest. A name that has no value is an error, so a mail never goes out with a hole.
 */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum { TEMPLATE_DEPTH_MAX = 4, TEMPLATE_NAME_MAX = 32 };

struct template_values {
    /* False when the name is unknown. */
    bool (*find)(const void *from, struct text name, struct text *value);
    const void *from;
};

/* Appends to out; html escapes the values. ERR_PERMANENT (with the name or the place) for a fault of the template or a missing value. */
bool template_render(struct text template_text, const struct template_values *values, bool html, struct buf *out,
                     struct err *err) MUST_CHECK;

#endif
