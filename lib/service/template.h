/*
 * Small text templates: {{name}} is replaced by the value, {{#name}}...{{/name}} stays when the value is not empty,
 * {{^name}}...{{/name}} when it is. A name that has no value at all is an error, so a template and its data cannot
 * drift apart unseen. Pure.
 */
#ifndef SERVICE_TEMPLATE_H
#define SERVICE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum template_escape {
    TEMPLATE_PLAIN,
    TEMPLATE_HTML, /* values are escaped */
    TEMPLATE_LINE  /* values are put on one line: control characters become spaces */
};

struct template_value {
    const char *name;
    struct text value;
    bool ready; /* put as it is: a part that was rendered before */
};

/* `extra` goes before `json` (an object, or NULL): strings and numbers of it. */
struct template_values {
    const struct template_value *extra;
    size_t extra_count;
    const struct json_node *json;
};

/* ERR_PERMANENT: a name without a value, or a template that cannot be read. */
bool template_render(struct text source, enum template_escape escape, const struct template_values *values,
                     struct buf *out, struct err *err) MUST_CHECK;

#endif
