/* Writes log lines to stderr, one write(2) a line; a full disk or pipe drops lines and counts them, never blocks for
 * long. A message beyond 2 KiB is cut and marked. Thread-safe. */
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
/* A further reader of all lines: gets each, with its LF, after stderr did. It must not wait, keep the text, or log.
 * NULL: none. */
typedef void log_copy(void *to, int64_t at_ms, struct text line);
void log_copy_to(log_copy *copy, void *to);
/* Lines of the calling thread go to stderr alone: for the thread that moves the copies. */
void log_keep_here(bool here);
/* For that reader only: an event that is no line of the log. */
void log_event(int64_t at_ms, struct text event);
#define log_info(logger, ...) log_at(LOG_INFO, logger, __VA_ARGS__)
#define log_warn(logger, ...) log_at(LOG_WARN, logger, __VA_ARGS__)
#define log_error(logger, ...) log_at(LOG_ERROR, logger, __VA_ARGS__)

#endif
