/* A growing buffer with a named maximum. A failed append sets `failed` and later appends do nothing: check once at the
 * end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/text.h"

struct buf {
    char *p; /* always NUL-terminated once something was appended */
    size_t n;
    size_t cap;
    size_t max;
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_reset(struct buf *b); /* keeps the memory */
/* Makes room for `n` bytes, so that appending as many cannot fail. False without memory. */
bool buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_text(struct buf *b, struct text t);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* RFC 3986 percent-encoding: unreserved characters stay; '/' too when keep_slash. */
void buf_uri(struct buf *b, struct text t, bool keep_slash);
struct text buf_view(const struct buf *b);
static inline void buf_auto(struct buf *b)
{
    buf_release(b);
}

#endif
