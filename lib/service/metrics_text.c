/* Prometheus' text form of the metrics (prometheus.io/docs/instrumenting/exposition_formats). */
#include <inttypes.h>

#include "service/metrics_internal.h"

#define PREFIX "moneymanager_"

/* Names are ours and hold nothing that needs escaping. */
static const char *value_of(const struct label *label, size_t i)
{
    return i < label->count ? label->values[i] : "other";
}

/* name{a="x",b="y"}, with `more` as a further label. */
static void write_name(struct buf *out, const struct metric_row *row, const char *suffix, size_t a, size_t b,
                       const char *more)
{
    const char *between = "{";
    buf_printf(out, PREFIX "%s%s", row->name, suffix);
    if (row->a.name) {
        buf_printf(out, "%s%s=\"%s\"", between, row->a.name, value_of(&row->a, a));
        between = ",";
    }
    if (row->b.name) {
        buf_printf(out, "%s%s=\"%s\"", between, row->b.name, value_of(&row->b, b));
        between = ",";
    }
    if (more) {
        buf_printf(out, "%s%s", between, more);
        between = ",";
    }
    buf_str(out, *between == ',' ? "} " : " ");
}

/* us / 1,000,000 without a detour by floating point. */
static void write_seconds(struct buf *out, uint64_t us)
{
    buf_printf(out, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static void write_bucket(struct buf *out, const struct metric_row *row, size_t a, size_t i, uint64_t count)
{
    char le[40];
    if (i < BUCKETS - 1)
        snprintf(le, sizeof le, "le=\"%" PRId64 ".%04" PRId64 "\"", BUCKET_US[i] / 1000000,
                 BUCKET_US[i] % 1000000 / 100);
    else
        snprintf(le, sizeof le, "le=\"+Inf\"");
    write_name(out, row, "_bucket", a, 0, le);
    buf_printf(out, "%" PRIu64 "\n", count);
}

static void write_histogram(struct buf *out, const struct metric_place *p, size_t a)
{
    size_t cell = metric_cell(p, a, 0);
    uint64_t counts[BUCKETS], all = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        all += counts[i] = metric_count(cell + i);
    if (!all)
        return;
    all = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        write_bucket(out, &p->row, a, i, all += counts[i]);
    write_name(out, &p->row, "_sum", a, 0, NULL);
    write_seconds(out, metric_count(cell + BUCKETS));
    buf_char(out, '\n');
    write_name(out, &p->row, "_count", a, 0, NULL);
    buf_printf(out, "%" PRIu64 "\n", all);
}

static void write_counter(struct buf *out, const struct metric_place *p, size_t a, size_t b)
{
    uint64_t count = metric_count(metric_cell(p, a, b));
    if (!count && p->row.a.name)
        return;
    write_name(out, &p->row, "", a, b, NULL);
    buf_printf(out, "%" PRIu64 "\n", count);
}

static void write_gauge(struct buf *out, const struct metric_place *p, size_t a)
{
    bool any;
    int64_t value = metric_gauge(p, metric_cell(p, a, 0), &any);
    if (!any)
        return;
    write_name(out, &p->row, "", a, 0, NULL);
    buf_printf(out, "%" PRId64 "\n", value);
}

static size_t series(const struct label *label)
{
    return label->name ? label->count + 1 : 1;
}

static void write_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void write_metric(struct buf *out, const struct metric_place *p)
{
    static const char *const TYPES[] = {[KIND_COUNTER] = "counter",
                                        [KIND_HISTOGRAM] = "histogram",
                                        [GAUGE_SUM] = "gauge",
                                        [GAUGE_MAX] = "gauge",
                                        [GAUGE_MIN] = "gauge"};
    write_head(out, p->row.name, p->row.help, TYPES[p->row.kind]);
    for (size_t a = 0; a < series(&p->row.a); a++) {
        if (p->row.kind == KIND_HISTOGRAM)
            write_histogram(out, p, a);
        else if (p->row.kind != KIND_COUNTER)
            write_gauge(out, p, a);
        else
            for (size_t b = 0; b < series(&p->row.b); b++)
                write_counter(out, p, a, b);
    }
}

void metrics_write(struct buf *out)
{
    enum program program;
    if (!metrics_are_open(&program))
        return;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (METRIC_PLACES[i].row.programs & (unsigned)program)
            write_metric(out, &METRIC_PLACES[i]);
    write_head(out, "processes", "Processes that run", "gauge");
    buf_printf(out, PREFIX "processes %zu\n", metric_processes());
}
