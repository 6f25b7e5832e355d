/* How long rows are kept that nobody needs any more: one row a table in retention.c. */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum { RETENTION_BATCH = 1000 }; /* rows a statement: short locks */

size_t retention_count(void);
const char *retention_name(size_t i); /* "idempotency_keys" */
/* Deletes at most RETENTION_BATCH rows of the i-th table that are too old at now_ms. */
bool retention_prune(struct db *db, size_t i, int64_t now_ms, int64_t *removed, struct err *err) MUST_CHECK;

#endif
