/* One log line, made safe: user text can neither forge a line nor trip the error filter. Pure; service/log writes it.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/date.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_line {
    enum log_level level;
    int64_t at_ms;
    const char *thread;     /* "req-3" */
    const char *logger;     /* "http", "relay" */
    const char *request_id; /* "" outside a request */
    struct text message;
};

/* "yyyy-MM-dd HH:mm:ss.SSS [thread] LEVEL logger - msg" (level padded to five), wall clock of the zone. Ends with LF.
   Control characters in msg are written as \xNN, and line breaks as \n. */
void log_line_text(struct buf *out, const struct log_line *line, const struct zone *zone);
void log_line_json(struct buf *out, const struct log_line *line);
/* Appends key="value" with value quoted and escaped; the words ERROR and Exception inside are broken so that filters do
 * not match. */
void log_quote(struct buf *out, const char *key, struct text value);

#endif
