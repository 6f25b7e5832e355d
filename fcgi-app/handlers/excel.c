#include "handlers/excel.h"

#include <unistd.h>

#include "base/clock.h"
#include "finance/export.h"
#include "finance/file_link.h"
#include "finance/report_document.h"
#include "http/download.h"
#include "http/own_tx.h"
#include "service/spool.h"
#include "store/household.h"
#include "store/user_contact.h"
#include "views/export.h"

enum {
    LEFT_MS = 1000,        /* of the request's time, for what comes after the last row */
    LINK_LIFE_S = 60 * 60, /* clients open it at once */
    RETRY_AFTER_S = 10
};

static const struct field PERIOD_FIELDS[] = {
    FIELD_INT("month", struct export_period, month, 0, 1, 12),
    FIELD_INT("year", struct export_period, year, 0, 1970, 2100),
    FIELD_BOOL("all", struct export_period, all, 0),
    FIELD_END,
};
const struct query_def EXCEL_QUERY = {.fields = PERIOD_FIELDS, .size = sizeof(struct export_period)};
const struct body_def REPORT_BODY = {.fields = PERIOD_FIELDS, .size = sizeof(struct export_period), .optional = true};

/* ---- the file ---- */

/* Nobody waits any longer than the contract says. */
static bool in_time(void *to, int64_t rows, struct err *err)
{
    const struct call *call = to;
    (void)rows;
    if (clock_monotonic_ms() < call->deadline_ms - LEFT_MS)
        return true;
    err_set(err, ERR_TIMEOUT, "The file could not be made in time; ask for it by POST /exports");
    err->retry_after_seconds = RETRY_AFTER_S;
    return false;
}

static bool read_owner(struct call *call, struct export_source *s, struct err *err)
{
    struct user_contact contact = {0};
    if (!call_db(call, err))
        return false;
    struct scope *scope = &call->scope;
    bool ok = household_currency(scope->db, scope->household_id, scope->mem, &s->currency, err) &&
              user_contact_find(scope->db, scope->household_id, scope->user_id, scope->mem, &contact, err);
    call_db_done(call);
    s->vietnamese = !text_eq(contact.language, TEXT("en"));
    return ok;
}

/* A spreadsheet of one kind in a spool file, to be closed by the caller; -1 when there is none. */
static int make_file(struct call *call, struct export_source *s, struct err *err)
{
    s->pool = call->app->db_pool;
    s->household_id = call->scope.household_id;
    s->format = EXPORT_XLSX;
    s->config = &call->app->config;
    s->progress = in_time;
    s->progress_to = call;
    if (!read_owner(call, s, err) || (s->fd = spool_open(s->config, err)) < 0)
        return -1;
    if (export_sheet(s, err))
        return s->fd;
    close(s->fd);
    return -1;
}

/* ---- as the answer ---- */

static bool download(struct call *call, struct response *res, int64_t kind, struct err *err)
{
    struct export_source s = {.kind = kind};
    char name[EXPORT_NAME_MAX];
    export_period_dates(call, call->query, &s.from, &s.to);
    export_name(kind, EXPORT_XLSX, s.from, s.to, name);
    char *disposition = arena_printf(call->scope.mem, "attachment; filename=\"%s\"", name);
    if (!disposition)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the answer");
    int fd = make_file(call, &s, err);
    if (fd < 0)
        return false;
    response_file(res, export_content_type(EXPORT_XLSX), fd, (int64_t)lseek(fd, 0, SEEK_END));
    response_header(res, "Content-Disposition", text_of(disposition));
    return true;
}

/* GET /excel/download/income   query: month?, year?, all?   200: xlsx   errors: 429 with blockedUntil, 503 */
bool excel_income(struct call *call, struct response *res, struct err *err)
{
    return download(call, res, EXPORT_INCOME, err);
}

/* GET /excel/download/expense   as above */
bool excel_expense(struct call *call, struct response *res, struct err *err)
{
    return download(call, res, EXPORT_EXPENSE, err);
}

/* ---- behind an address ---- */

static bool store(struct call *call, struct report_file *file, struct document *d, struct err *err)
{
    struct scope *s = &call->scope;
    if (!call_db(call, err) ||
        !report_document_insert(s->db, s->household_id, s->user_id, file, s->now_ms, s->mem, d, err))
        return false;
    call_db_done(call);
    return report_document_put(call->app->s3, d, file, err) && call_db(call, err) &&
           report_document_stored(s->db, d, file, clock_now_ms(), err);
}

static bool answer(struct call *call, struct response *res, const struct document *d, struct err *err)
{
    char key[FILE_LINK_TEXT];
    const struct file_link link = {
        .household_id = d->household_id,
        .document_id = d->id,
        .expires_s = call->scope.now_ms / 1000 + LINK_LIFE_S,
    };
    if (!file_link_make(call->app->token_keys, &link, key, err))
        return false;
    const char *url = file_link_url(public_base(call), key, call->scope.mem);
    if (!url)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the answer");
    json_begin_object(&res->json);
    json_put_text(&res->json, "s3Key", d->object_key);
    json_put_str(&res->json, "presignedUrl", url);
    json_end_object(&res->json);
    res->no_store = true; /* whoever has the address may read */
    return true;
}

static bool report(struct call *call, struct response *res, int64_t kind, struct err *err)
{
    struct export_source s = {.kind = kind};
    struct document d;
    char name[EXPORT_NAME_MAX];
    export_period_dates(call, call->body, &s.from, &s.to);
    export_name(kind, EXPORT_XLSX, s.from, s.to, name);
    /* Without S3 a file would be made for nothing. */
    if (!s3_ping(call->app->s3, NULL, err))
        return false;
    struct report_file file = {
        .fd = make_file(call, &s, err), .name = name, .content_type = export_content_type(EXPORT_XLSX)};
    if (file.fd < 0)
        return false;
    bool ok = spool_measure(file.fd, &file.size, file.sha256, err) && store(call, &file, &d, err);
    close(file.fd);
    return ok && answer(call, res, &d, err);
}

/* POST /documents/report/income   body: month?, year?, all?   200: {s3Key, presignedUrl}; the file is there   errors:
 * 429 with blockedUntil, 503 */
bool report_income(struct call *call, struct response *res, struct err *err)
{
    return report(call, res, EXPORT_INCOME, err);
}

/* POST /documents/report/expense   as above */
bool report_expense(struct call *call, struct response *res, struct err *err)
{
    return report(call, res, EXPORT_EXPENSE, err);
}
