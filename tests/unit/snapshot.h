/* The whole database as it was at one moment: kept beside itself, compared, and brought back. One a test program. */
#ifndef TESTS_SNAPSHOT_H
#define TESTS_SNAPSHOT_H

#include <stdbool.h>

#include "service/db.h"

/* A failure fails the test. The pool must have one connection only. */
void snapshot_take(struct db_pool *pool);
void snapshot_restore(struct db_pool *pool);
bool snapshot_differs(struct db_pool *pool);
/* How many rows each table has, and sums that tell whether rows were changed as they should; lives until the next call.
 * Equal after the same work. */
const char *snapshot_counts(struct db_pool *pool);

#endif
