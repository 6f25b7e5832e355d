/* The encoding of a text file, found out and made UTF-8: UTF-8, UTF-16 by its mark or its zero bytes, Windows-1258 by
 * its Vietnamese tone marks, else Windows-1252. Pure. */
#ifndef FINANCE_STATEMENT_CHARSET_H
#define FINANCE_STATEMENT_CHARSET_H

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

/* iconv's name, or "UTF-8". */
const char *charset_of(struct text file);
/* Takes a piece of what was converted; false with *err set ends the conversion. */
typedef bool charset_sink_fn(void *to, struct text piece, struct err *err);
/* What the encoding does not have becomes U+FFFD. ERR_VALIDATION for `file` when the encoding is unknown here. */
bool charset_convert(const char *from, struct text file, charset_sink_fn *sink, void *sink_to,
                     struct err *err) MUST_CHECK;
/* UTF-8 without its mark. */
struct text charset_past_mark(struct text t);

#endif
