/* Files that are under way: unlinked from the start, so that nothing stays behind whatever happens. In SPOOL_DIR. */
#ifndef SERVICE_SPOOL_H
#define SERVICE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/media.h"
#include "service/config.h"
#include "service/digest.h"

/* A new unlinked file, to be closed by the caller; -1 with ERR_UNAVAILABLE. */
int spool_open(const struct config *config, struct err *err) MUST_CHECK;
/* Writes all of it. ERR_UNAVAILABLE when there is no room. */
bool spool_write(int fd, const void *p, size_t n, struct err *err) MUST_CHECK;
/* Copies the first `size` bytes of the file `from` to the end of `to`, a picture without its metadata (base/media.h).
 * ERR_UNSUPPORTED_MEDIA_TYPE for a broken one. */
bool spool_copy_bare(int from, int64_t size, enum media_type type, int to, struct err *err) MUST_CHECK;
/* Size and SHA-256 (hex) of the whole file. */
bool spool_measure(int fd, int64_t *size, char sha256[DIGEST_TEXT], struct err *err) MUST_CHECK;

#endif
