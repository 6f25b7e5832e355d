/* The parts of SigV4's canonical request: path, query, headers. Pure text work for sigv4.c. */
#ifndef SERVICE_AWS_CANONICAL_H
#define SERVICE_AWS_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "service/http.h"

enum { CANONICAL_MAX = 64 * 1024, CANONICAL_HEADERS_MAX = 32, CANONICAL_PARAMS_MAX = 64 };

/* Names and values collected from several places, sorted and joined by canonical_sort(). */
struct canonical_headers {
    struct http_header rows[CANONICAL_HEADERS_MAX]; /* names lower-case, values trimmed */
    size_t count;
};

void canonical_path(struct buf *out, struct text path, bool s3);
/* False with more than CANONICAL_PARAMS_MAX parameters or without memory. */
bool canonical_query(struct buf *out, struct text query, struct arena *mem, struct err *err) MUST_CHECK;

/* Adds one header; those that must never be signed are passed over. */
bool canonical_add(struct canonical_headers *h, const char *name, struct text value, struct arena *mem,
                   struct err *err) MUST_CHECK;
/* Sorts by name alone and joins repeated names with ',' in their order of appearance. */
bool canonical_sort(struct canonical_headers *h, struct arena *mem, struct err *err) MUST_CHECK;
void canonical_lines(struct buf *out, const struct canonical_headers *h);
void canonical_names(struct buf *out, const struct canonical_headers *h); /* "host;x-amz-date" */

#endif
