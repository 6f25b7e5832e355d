/* A mail's three texts from its template: <name>.<language>.subject, .txt and .html, the latter two put into
 * layout.<language>. Pure. */
#ifndef MAIL_RENDER_H
#define MAIL_RENDER_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/embedded.h"
#include "base/err.h"
#include "service/template.h"

extern const struct embedded_file mail_template_files[];

struct mail_texts {
    struct text subject, plain, html;
};

enum { MAIL_VALUES_MAX = 12, MAIL_TEXT_MAX = 256 * 1024 };

/* An unknown language is Vietnamese. ERR_PERMANENT: no such template, or it needs a value that is not there. */
bool mail_render(const struct embedded_file *files, struct text template_name, struct text language,
                 const struct template_values *values, struct arena *mem, struct mail_texts *out,
                 struct err *err) MUST_CHECK;

#endif
