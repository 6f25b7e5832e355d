/* A file that was made here as a document of its household: the row first, then the object, then the row says it is
 * there. */
#ifndef FINANCE_REPORT_DOCUMENT_H
#define FINANCE_REPORT_DOCUMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/aws/s3.h"
#include "service/digest.h"
#include "store/document.h"

struct report_file {
    int fd;
    int64_t size;
    char sha256[DIGEST_TEXT];
    const char *name, *content_type;
};

/* The pending row, in the arena. */
bool report_document_insert(struct db *db, int64_t household, int64_t user, const struct report_file *file,
                            int64_t now_ms, struct arena *mem, struct document *out, struct err *err) MUST_CHECK;
/* Its object; a repetition replaces it. */
bool report_document_put(struct s3 *s3, const struct document *d, const struct report_file *file,
                         struct err *err) MUST_CHECK;
bool report_document_stored(struct db *db, const struct document *d, const struct report_file *file, int64_t now_ms,
                            struct err *err) MUST_CHECK;

#endif
