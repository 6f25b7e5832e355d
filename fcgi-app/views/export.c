#include "views/export.h"

#include <inttypes.h>

#include "base/date.h"
#include "finance/export.h"

void export_period_dates(const struct call *call, const struct export_period *p, int32_t *from, int32_t *to)
{
    static const struct export_period THIS_MONTH = {0};
    if (!p)
        p = &THIS_MONTH;
    int32_t now = date_month(call->scope.today);
    int32_t year = p->year ? (int32_t)p->year : now / 100;
    int32_t first = p->month ? (int32_t)p->month : p->year ? 1 : now % 100;
    int32_t last = p->month || !p->year ? first : 12;
    *from = p->all ? EXPORT_FIRST_DAY : month_first_day(year * 100 + first);
    *to = p->all ? EXPORT_LAST_DAY : month_last_day(year * 100 + last);
}

void export_write_json(struct json_out *j, const struct export *e)
{
    bool done = e->state == EXPORT_DONE && e->document_id;
    json_begin_object(j);
    json_put_int(j, "id", e->id);
    json_put_str(j, "status", EXPORT_STATES[e->state]);
    json_put_int(j, "progress", e->progress);
    json_put_str(j, "kind", EXPORT_KINDS[e->kind]);
    json_put_str(j, "format", EXPORT_FORMATS[e->format]);
    json_put_date(j, "from", e->from);
    json_put_date(j, "to", e->to);
    json_put_bool(j, "email", e->email);
    json_put_instant(j, "createdAt", e->created_at_ms);
    json_put_instant(j, "finishedAt", e->finished_at_ms);
    json_put_id(j, "documentId", done ? e->document_id : 0);
    json_key(j, "downloadUrl");
    if (done) {
        char url[80];
        int n = snprintf(url, sizeof(url), BASE_PATH "/documents/%" PRId64 "/content", e->document_id);
        json_text(j, (struct text){url, (size_t)n});
    } else {
        json_null(j);
    }
    json_put_text(j, "error", e->error);
    json_end_object(j);
}
