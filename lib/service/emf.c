#include "service/emf.h"

#include <assert.h>

#include "base/attr.h"
#include "base/json.h"
#include "service/log.h"

enum { LINE_MAX_BYTES = 16 * 1024 };

static void write_directive(struct json_out *j, const struct emf_metric *rows, size_t n)
{
    json_begin_object(j);
    json_put_str(j, "Namespace", EMF_NAMESPACE);
    json_key(j, "Dimensions");
    json_raw(j, TEXT("[[]]"));
    json_key(j, "Metrics");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j);
        json_put_str(j, "Name", rows[i].name);
        json_put_str(j, "Unit", rows[i].unit);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

void emf_write(struct buf *out, int64_t at_ms, const struct emf_metric *rows, size_t n)
{
    struct json_out j;
    assert(n > 0 && n <= EMF_METRICS_MAX);
    json_out_init(&j, out);
    json_begin_object(&j);
    json_key(&j, "_aws");
    json_begin_object(&j);
    json_put_int(&j, "Timestamp", at_ms);
    json_key(&j, "CloudWatchMetrics");
    json_begin_array(&j);
    write_directive(&j, rows, n);
    json_end_array(&j);
    json_end_object(&j);
    for (size_t i = 0; i < n; i++)
        json_put_int(&j, rows[i].name, rows[i].value);
    json_end_object(&j);
}

void emf_send(int64_t at_ms, const struct emf_metric *rows, size_t n)
{
    AUTO(buf) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    emf_write(&line, at_ms, rows, n);
    if (!line.failed)
        log_event(at_ms, buf_view(&line));
}
