/* What the counting and the writing of metrics share. */
#ifndef SERVICE_METRICS_INTERNAL_H
#define SERVICE_METRICS_INTERNAL_H

#include <stdatomic.h>

#include "service/metrics.h"

enum metric_kind { KIND_COUNTER, KIND_HISTOGRAM, GAUGE_SUM, GAUGE_MAX, GAUGE_MIN };

struct label {
    const char *name; /* NULL: no such label */
    const char *const *values;
    size_t count; /* of the values; an index beyond is "other" */
    size_t room;  /* of cells */
};

struct metric_row {
    enum metric m;
    const char *name, *help;
    enum metric_kind kind;
    unsigned programs; /* which have it (enum program) */
    struct label a, b;
};

enum {
    BUCKETS = 14,            /* the last one is +Inf */
    HISTOGRAM = BUCKETS + 1, /* cells: the buckets (each for itself) and the sum of microseconds */
    PROCESSES_MAX = 64       /* that show their gauges */
};
extern const int64_t BUCKET_US[BUCKETS - 1];

/* A row with its cells: `first` counts in `counts` for counters and histograms, in a process's `gauges` for gauges. */
struct metric_place {
    struct metric_row row;
    size_t first;
};
extern struct metric_place METRIC_PLACES[METRIC_COUNT];
bool metrics_are_open(enum program *program);

size_t metric_cell(const struct metric_place *p, size_t a, size_t b);
uint64_t metric_count(size_t cell);
/* Over the living processes. *any: one has set it. */
int64_t metric_gauge(const struct metric_place *p, size_t cell, bool *any);
size_t metric_processes(void);

#endif
