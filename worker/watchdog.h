/*
 * The hard limit of jobs. A thread of its own cuts off the database connections of jobs that are over JOB_LIMIT_MS
 * (service/db.h), so a job that hangs on a database that trickles ends and its message goes its usual way. A handler
 * that does not come back even then (a loop without an end) ends the whole program before its message is visible again:
 * nothing else can stop a thread, and the process manager starts a fresh one.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

enum { JOB_STUCK_MS = 45 * 1000 };

struct watchdog;
struct watchdog *watchdog_start(struct worker *w, struct err *err) MUST_CHECK;
/* Told by the handler thread in `slot` (0 to WORKER_HANDLERS - 1). A NULL watchdog is fine. */
void watchdog_begin(struct watchdog *d, size_t slot);
void watchdog_end(struct watchdog *d, size_t slot);
/* Whether a handler has been at work for longer than JOB_STUCK_MS (monotonic clock): what ends the program. */
bool watchdog_sees_stuck(struct watchdog *d, int64_t now_ms);
void watchdog_stop(struct watchdog *d);

#endif
