/*
 * Table periodic_tasks: one row a task and due time, so that each is run once whichever worker comes first. A run is a
 * lease; a worker that dies in it leaves the row to the next one when the lease has passed.
 */
#ifndef STORE_PERIODIC_H
#define STORE_PERIODIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum { PERIODIC_LEASE_MS = 10 * 60 * 1000 };

/* The time as the database tells it: one clock for all machines. */
bool periodic_clock(struct db *db, int64_t *now_ms, struct err *err) MUST_CHECK;
/* Due time of the latest run that was done; 0 when there was none. */
bool periodic_last_done(struct db *db, const char *name, int64_t *due_ms, struct err *err) MUST_CHECK;
/* *claimed is false when it is done, or another worker is at it. token: 32 characters. */
bool periodic_claim(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t now_ms, bool *claimed,
                    struct err *err) MUST_CHECK;
bool periodic_mark_done(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t now_ms,
                        struct err *err) MUST_CHECK;
/* After a failure: free for another try at retry_at_ms. */
bool periodic_back_off(struct db *db, const char *name, int64_t due_ms, const char *token, int64_t retry_at_ms,
                       struct err *err) MUST_CHECK;

#endif
