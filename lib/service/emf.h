/*
 * Metrics for CloudWatch in its embedded metric format (EMF): one JSON object is an event of its own in the log group,
 * and CloudWatch counts what it names. Without a copy of the log nothing is sent.
 */
#ifndef SERVICE_EMF_H
#define SERVICE_EMF_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define EMF_NAMESPACE "MoneyManager"

struct emf_metric {
    const char *name; /* "OutboxAgeSeconds": a literal */
    const char *unit; /* CloudWatch's: "Seconds", "Count", "Milliseconds", "Bytes" */
    int64_t value;
};

enum { EMF_METRICS_MAX = 100, EMF_EVERY_MS = 60 * 1000 };

/* The object without a line end. Metrics have no dimensions, which the empty set says. At most EMF_METRICS_MAX rows. */
void emf_write(struct buf *out, int64_t at_ms, const struct emf_metric *rows, size_t n);
/* As an event to the log group, besides the log's lines. */
void emf_send(int64_t at_ms, const struct emf_metric *rows, size_t n);

#endif
