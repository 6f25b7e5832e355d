/*
 * Copies the log to CloudWatch Logs. Every line is on stderr first; the copy goes through a ring of fixed size and one
 * thread, so no request ever waits for it. Lines that find no room, that the service refuses or leaves out are counted
 * and told once lines flow again. What this thread itself has to say about its faults stays on stderr.
 */
#ifndef SERVICE_LOG_SHIP_H
#define SERVICE_LOG_SHIP_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/config.h"

struct log_ship_options {
    const char *group, *stream, *region, *endpoint_url; /* copied */
    size_t buffer_bytes;
};

struct log_ship;
/* From here on all lines are copied. Two threads (the keys' and its own) and the ring; nothing is connected yet. One at
 * a time in a program. */
struct log_ship *log_ship_start(const struct log_ship_options *opts, struct err *err) MUST_CHECK;
/* With the settings LOG_*: stream <prefix>/<host>/<process id>. NULL without LOG_GROUP, and when it cannot start, which
 * is told in the log: the programs run without the copy. */
struct log_ship *log_ship_configured(const struct config *config);
/* Sends what waits, for two seconds at the most. NULL is fine. */
void log_ship_stop(struct log_ship *s);

/* Lines that did not and will not arrive, of this process. 0 without a copy. */
int64_t log_ship_lost(void);

#endif
