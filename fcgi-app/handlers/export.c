#include "handlers/export.h"

#include <inttypes.h>

#include "base/date.h"
#include "finance/events.h"
#include "finance/export.h"
#include "views/export.h"

enum { PAGE_DEFAULT = 20, MAIL_PAUSE_MS = 60 * 1000 };

struct export_body {
    int64_t kind, format;
    int32_t from, to;
    struct export_period period;
    bool email;
};

static const struct field BODY_FIELDS[] = {
    FIELD_CHOICE("kind", struct export_body, kind, FF_REQUIRED, EXPORT_KINDS),
    FIELD_CHOICE("format", struct export_body, format, FF_REQUIRED, EXPORT_FORMATS),
    FIELD_DATE("from", struct export_body, from, 0),
    FIELD_DATE("to", struct export_body, to, 0),
    FIELD_INT("month", struct export_body, period.month, 0, 1, 12),
    FIELD_INT("year", struct export_body, period.year, 0, 1970, 2100),
    FIELD_BOOL("all", struct export_body, period.all, 0),
    FIELD_BOOL("email", struct export_body, email, 0),
    FIELD_END,
};
const struct body_def EXPORT_BODY = {.fields = BODY_FIELDS, .size = sizeof(struct export_body), .strict = true};

static const struct field MAIL_FIELDS[] = {
    FIELD_INT("month", struct export_period, month, 0, 1, 12),
    FIELD_INT("year", struct export_period, year, 0, 1970, 2100),
    FIELD_BOOL("all", struct export_period, all, 0),
    FIELD_END,
};
const struct body_def EXPORT_MAIL_BODY = {
    .fields = MAIL_FIELDS, .size = sizeof(struct export_period), .strict = true, .optional = true};

struct page_query {
    int64_t limit;
    struct text cursor;
};
static const struct field PAGE_FIELDS[] = {
    FIELD_INT("limit", struct page_query, limit, 0, 1, EXPORT_PAGE_MAX),
    FIELD_TEXT("cursor", struct page_query, cursor, 0, 1, 64),
    FIELD_END,
};
const struct query_def EXPORTS_QUERY = {.fields = PAGE_FIELDS, .size = sizeof(struct page_query)};

/* ---- asking for one ---- */

/* The row is the work; the event only wakes who does it. */
static bool queue(struct call *call, struct export *e, struct err *err)
{
    struct scope *s = &call->scope;
    e->household_id = s->household_id;
    e->user_id = s->user_id;
    return export_insert(s->db, e, s->now_ms, s->mem, err) &&
           event_record(s, EVENT_REPORT_REQUESTED, e->id, TEXT("{}"), NULL, err);
}

static bool read_dates(const struct call *call, const struct export_body *body, struct export *e, struct err *err)
{
    export_period_dates(call, &body->period, &e->from, &e->to);
    if (!body->from && !body->to)
        return true;
    e->from = body->from ? body->from : EXPORT_FIRST_DAY;
    e->to = body->to ? body->to : EXPORT_LAST_DAY;
    return e->from <= e->to || err_field(err, "to", "Ngày kết thúc phải từ ngày bắt đầu trở đi.");
}

static bool check_format(const struct export_body *body, struct err *err)
{
    if ((body->kind == EXPORT_STATEMENT) == (body->format == EXPORT_PDF))
        return true;
    return err_field(err, "format", "Báo cáo (statement) là tệp pdf; các loại khác là xlsx hoặc csv.");
}

/* POST /exports   body: kind, format, from?, to?, month?, year?, all?, email?   202: Export, Location   errors: 422,
 * 429 with blockedUntil */
bool export_post(struct call *call, struct response *res, struct err *err)
{
    const struct export_body *body = call->body;
    struct export e = {.kind = body->kind, .format = body->format, .email = body->email};
    bool dates = read_dates(call, body, &e, err);
    if (!check_format(body, err) || !dates || !queue(call, &e, err) ||
        !response_created(call, res, "exports", e.id, err))
        return false;
    res->status = 202;
    export_write_json(&res->json, &e);
    return true;
}

/* GET /exports   query: limit?, cursor?   200: Export[], newest first */
bool exports_get(struct call *call, struct response *res, struct err *err)
{
    const struct page_query *q = call->query;
    int64_t limit = q->limit ? q->limit : PAGE_DEFAULT, before = 0, unused = 0;
    struct export_list list;
    if (q->cursor.n && !cursor_read(q->cursor, &before, &unused, err))
        return false;
    /* One more tells whether there is a next page; the largest page goes without. */
    int64_t asked = limit < EXPORT_PAGE_MAX ? limit + 1 : limit;
    if (!export_list(call->scope.db, call->scope.household_id, before, asked, call->scope.mem, &list, err))
        return false;
    size_t shown = list.count < (size_t)limit ? list.count : (size_t)limit;
    json_begin_array(&res->json);
    for (size_t i = 0; i < shown; i++)
        export_write_json(&res->json, &list.items[i]);
    json_end_array(&res->json);
    bool more = list.count == (size_t)asked && shown;
    return !more || response_next_page(call, res, list.items[shown - 1].id, 0, err);
}

/* GET /exports/{id}   200: Export   errors: 404 */
bool export_get(struct call *call, struct response *res, struct err *err)
{
    struct export e;
    if (!export_find(call->scope.db, call->scope.household_id, call->ids[0], call->scope.mem, &e, err))
        return false;
    export_write_json(&res->json, &e);
    return true;
}

/* ---- by mail ---- */

#define MAIL_IS_ON_ITS_WAY "Báo cáo sẽ được gửi đến email của bạn trong giây lát."

static bool queue_mail(struct call *call, int64_t kind, const struct export_period *period, struct err *err)
{
    struct export e = {.kind = kind, .format = EXPORT_XLSX, .email = true};
    export_period_dates(call, period, &e.from, &e.to);
    return queue(call, &e, err);
}

/* A link somewhere else must not make a browser mail anything (contract, section 4, item 20). */
static bool check_source(const struct call *call, struct err *err)
{
    struct text site = call->fetch_site;
    if (!call->from_cookie || config_origin_allowed(&call->app->config, call->origin) ||
        text_eq(site, TEXT("same-origin")) || text_eq(site, TEXT("same-site")))
        return true;
    return err_set(err, ERR_FORBIDDEN_ORIGIN, "The Origin of this request is not allowed");
}

static bool mail_once(struct call *call, struct response *res, int64_t kind, struct err *err)
{
    struct scope *s = &call->scope;
    bool mailed = false;
    if (!check_source(call, err) ||
        !export_mailed_since(s->db, s->household_id, s->user_id, kind, s->now_ms - MAIL_PAUSE_MS, &mailed, err))
        return false;
    call->discard = mailed || call->is_head;
    if (!call->discard && !queue_mail(call, kind, NULL, err))
        return false;
    response_message(res, MAIL_IS_ON_ITS_WAY);
    return true;
}

static bool mail(struct call *call, struct response *res, int64_t kind, struct err *err)
{
    if (!queue_mail(call, kind, call->body, err))
        return false;
    response_message(res, MAIL_IS_ON_ITS_WAY);
    res->status = 202;
    return true;
}

/* GET /email/income-excel   200: Message; repeats within a minute send one mail   errors: 403, 429 with blockedUntil */
bool export_mail_income_get(struct call *call, struct response *res, struct err *err)
{
    return mail_once(call, res, EXPORT_INCOME, err);
}

/* GET /email/expense-excel   as above */
bool export_mail_expense_get(struct call *call, struct response *res, struct err *err)
{
    return mail_once(call, res, EXPORT_EXPENSE, err);
}

/* POST /email/income-excel   body: month?, year?, all?   202: Message   errors: 422, 429 with blockedUntil */
bool export_mail_income(struct call *call, struct response *res, struct err *err)
{
    return mail(call, res, EXPORT_INCOME, err);
}

/* POST /email/expense-excel   as above */
bool export_mail_expense(struct call *call, struct response *res, struct err *err)
{
    return mail(call, res, EXPORT_EXPENSE, err);
}
