/* Writes log lines to stderr, one write(2) a line; a full disk or pipe drops lines and counts them, never blocks for
 * long. Thread-safe. */
#ifndef SERVICE_LOG_H
#define SERVICE_LOG_H

#include "base/attr.h"
#include "base/err.h"
#include "base/log_line.h"

void log_open(enum log_level least, bool json, const struct zone *zone);
void log_thread_name(const char *name); /* of the calling thread, copied (15 chars) */
void log_request_id(const char *id);    /* of the calling thread, copied; "" ends it */
void log_at(enum log_level level, const char *logger, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* "what: code detail [cause]" at the given level. */
void log_err(enum log_level level, const char *logger, const char *what, const struct err *err);
#define log_info(logger, ...) log_at(LOG_INFO, logger, __VA_ARGS__)
#define log_warn(logger, ...) log_at(LOG_WARN, logger, __VA_ARGS__)
#define log_error(logger, ...) log_at(LOG_ERROR, logger, __VA_ARGS__)

#endif
