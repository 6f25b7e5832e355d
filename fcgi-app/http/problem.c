#include "http/problem.h"

enum { RETRY_AFTER_DEFAULT_S = 5 };

/* Faults of our own: what happened stays in the log. */
static bool is_internal(enum err_code code)
{
    return err_row(code)->status == 500 || code == ERR_NO_MEMORY;
}

static int retry_after(const struct err *err, int status)
{
    if (status != 429 && status != 503)
        return 0;
    return err->retry_after_seconds > 0 ? err->retry_after_seconds : RETRY_AFTER_DEFAULT_S;
}

static void put_errors(struct json_out *j, const struct err *err)
{
    json_key(j, "errors");
    json_begin_object(j);
    for (size_t i = 0; i < err->field_count; i++) {
        /* Field names come from the request ("items[2].amount"), so they are written as texts. */
        json_text(j, text_of(err->fields[i].name));
        buf_char(j->buf, ':');
        j->comma = false;
        json_text(j, text_of(err->fields[i].text));
    }
    json_end_object(j);
}

static void put_members(struct json_out *j, const struct err *err, const struct err_row *row, struct text instance,
                        struct text request_id)
{
    char type[96];
    snprintf(type, sizeof(type), "urn:moneymanager:problem:%s", row->name);
    int retry = retry_after(err, row->status);
    json_begin_object(j);
    json_put_str(j, "type", type);
    json_put_str(j, "title", row->title);
    json_put_int(j, "status", row->status);
    json_put_str(j, "detail", is_internal(row->code) || !err->detail[0] ? row->title : err->detail);
    json_put_text(j, "instance", text_is_utf8(instance) ? instance : TEXT_NONE);
    json_put_str(j, "code", row->name);
    json_put_str(j, "message", row->message);
    json_put_str(j, "error", row->message);
    json_put_bool(j, "success", false);
    json_put_text(j, "requestId", request_id);
    if (err->field_count)
        put_errors(j, err);
    if (retry)
        json_put_int(j, "retryAfterSeconds", retry);
    if (err->extra[0]) {
        buf_char(j->buf, ',');
        buf_str(j->buf, err->extra);
    }
    json_end_object(j);
}

void problem_write(struct response *res, const struct err *err, struct text instance, struct text request_id,
                   struct arena *mem)
{
    const struct err_row *row = err_row(err->code);
    response_reset(res);
    res->status = row->status;
    res->content_type = "application/problem+json";
    res->no_store = true;
    put_members(&res->json, err, row, instance, request_id);
    int retry = retry_after(err, row->status);
    char *text = retry ? arena_printf(mem, "%d", retry) : NULL;
    if (text)
        response_header(res, "Retry-After", text_of(text));
    if (row->status == 401)
        response_header(res, "WWW-Authenticate", TEXT("Bearer"));
}
