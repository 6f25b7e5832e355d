#include "handlers/document.h"

#include <inttypes.h>

#include "finance/documents.h"
#include "finance/file_link.h"
#include "http/download.h"
#include "http/own_tx.h"
#include "service/aws/s3.h"
#include "service/log.h"
#include "views/money_body.h"
#include "views/view.h"

enum { LIMIT_DEFAULT = 50, OFFICE_LIFE_S = 15 * 60 };

struct documents_query {
    int64_t transaction_id, limit;
    struct text cursor;
};

static const struct field QUERY_FIELDS[] = {
    FIELD_ID("transactionId", struct documents_query, transaction_id, 0),
    FIELD_INT("limit", struct documents_query, limit, 0, 1, DOCUMENT_PAGE_MAX - 1),
    FIELD_TEXT("cursor", struct documents_query, cursor, 0, 1, 64),
    FIELD_END,
};

const struct query_def DOCUMENTS_QUERY = {.fields = QUERY_FIELDS, .size = sizeof(struct documents_query)};

/* ---- how it looks ---- */

/* An address for the office network, where there is one. */
static bool put_office_url(struct call *call, struct json_out *j, const struct document *d, struct err *err)
{
    const char *office = call->app->config.s3_office_endpoint;
    if (!office || d->state != DOCUMENT_STORED)
        return true;
    struct text url;
    char *disposition = content_disposition(d->name, true, call->scope.mem);
    const struct s3_presign sign = {.method = "GET",
                                    .key = d->object_key,
                                    .expires_s = OFFICE_LIFE_S,
                                    .endpoint_url = office,
                                    .content_disposition = text_of(disposition),
                                    .content_type = d->content_type};
    if (!disposition)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!s3_presign(call->app->s3, &sign, call->scope.mem, &url, NULL, err))
        return false;
    json_put_text(j, "downloadUrl", url);
    return true;
}

bool document_write_members(struct call *call, struct json_out *j, const struct document *d, struct err *err)
{
    char *content = arena_printf(call->scope.mem, BASE_PATH "/documents/%" PRId64 "/content", d->id);
    if (!content)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    json_put_int(j, "id", d->id);
    json_put_str(j, "kind", DOCUMENT_KINDS[d->kind]);
    json_put_str(j, "status", DOCUMENT_STATES[d->state]);
    json_put_text(j, "name", d->name);
    json_put_text(j, "contentType", d->content_type);
    json_put_int(j, "size", d->size);
    json_put_text(j, "sha256", d->sha256);
    json_put_id(j, "transactionId", d->transaction_id);
    json_put_str(j, "contentUrl", content);
    json_put_instant(j, "createdAt", d->created_at_ms);
    return true;
}

/* ---- reading ---- */

/* GET /documents   q: transactionId?, limit?, cursor?   200: Document[], newest first */
bool documents_get(struct call *call, struct response *res, struct err *err)
{
    const struct documents_query *q = call->query;
    struct scope *s = &call->scope;
    struct document_list list;
    int64_t before = 0, unused = 0, limit = q->limit ? q->limit : LIMIT_DEFAULT;
    if (q->cursor.n && !cursor_read(q->cursor, &before, &unused, err))
        return false;
    bool ok = q->transaction_id
                  ? document_list_of_transaction(s->db, s->household_id, q->transaction_id, s->mem, &list, err)
                  : document_list(s->db, s->household_id, before, limit + 1, s->mem, &list, err);
    if (!ok)
        return false;
    size_t shown = !q->transaction_id && list.count > (size_t)limit ? (size_t)limit : list.count;
    json_begin_array(&res->json);
    for (size_t i = 0; i < shown; i++) {
        json_begin_object(&res->json);
        if (!document_write_members(call, &res->json, &list.items[i], err))
            return false;
        json_end_object(&res->json);
    }
    json_end_array(&res->json);
    return shown == list.count || response_next_page(call, res, list.items[shown - 1].id, 0, err);
}

/* GET /documents/{id}   200: Document; in the office with downloadUrl   errors: 404 */
bool document_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct document d;
    if (!document_find(s->db, s->household_id, call->ids[0], s->mem, &d, err))
        return false;
    json_begin_object(&res->json);
    bool ok = document_write_members(call, &res->json, &d, err) && put_office_url(call, &res->json, &d, err);
    json_end_object(&res->json);
    return ok;
}

/* GET /documents/{id}/content   200, 206: the bytes   errors: 404, 503 */
bool document_content(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct document d;
    if (!document_find(s->db, s->household_id, call->ids[0], s->mem, &d, err))
        return false;
    if (d.state != DOCUMENT_STORED)
        return err_set(err, ERR_NOT_FOUND, "There is no such document");
    return download_answer(call, res, &d, err);
}

static bool find_by_link(struct call *call, struct document *d, struct err *err)
{
    struct scope *s = &call->scope;
    struct file_link link;
    if (!file_link_read(call->app->token_keys, call->word, s->now_ms / 1000, &link, err) ||
        !document_find(s->db, link.household_id, link.document_id, s->mem, d, err))
        return false;
    return d->state == DOCUMENT_STORED || err_set(err, ERR_NOT_FOUND, "There is no such file");
}

/* GET /files/{key}   public   200, 206: the bytes   errors: 404, 503 */
bool file_get(struct call *call, struct response *res, struct err *err)
{
    struct document d;
    bool is_public = call->word.n == DOCUMENT_PUBLIC_KEY - 1;
    if (!(is_public ? document_find_public(call->scope.db, call->word, call->scope.mem, &d, err)
                    : find_by_link(call, &d, err)))
        return false;
    if (is_public)
        res->cache_control = "public, max-age=31536000, immutable";
    return download_answer(call, res, &d, err);
}

/* ---- deleting ---- */

struct drop {
    int64_t id;
    struct document was;
};

static bool drop_tx(struct scope *s, void *arg, struct err *err)
{
    struct drop *drop = arg;
    return documents_drop(s, drop->id, &drop->was, err);
}

static bool remove_tx(struct scope *s, void *arg, struct err *err)
{
    const struct drop *drop = arg;
    return document_remove(s->db, s->household_id, drop->id, err);
}

/* DELETE /documents/{id}   204   errors: 404. The object goes at once where S3 answers, else by the worker. */
bool document_delete(struct call *call, struct response *res, struct err *err)
{
    struct drop drop = {.id = call->ids[0]};
    struct err later = {0};
    if (!own_tx(call, drop_tx, &drop, err))
        return false;
    if (!s3_delete(call->app->s3, drop.was.object_key, &later) || !own_tx(call, remove_tx, &drop, &later))
        log_err(LOG_WARN, "documents", "left to the worker", &later);
    response_no_content(res);
    return true;
}

/* ---- receipts of transactions ---- */

struct receipt_body {
    int64_t document_id;
    bool given;
};

static const struct field RECEIPT_FIELDS[] = {
    FIELD_ID_GIVEN("documentId", struct receipt_body, document_id, given, FF_ZERO_IS_NULL),
    FIELD_END,
};

const struct body_def TRANSACTION_RECEIPT_BODY = {
    .fields = RECEIPT_FIELDS, .size = sizeof(struct receipt_body), .strict = true};

/* PUT /transactions/{id}/receipt   body: documentId (null: none)   200: Transaction   errors: 404, 422 */
bool transaction_receipt_put(struct call *call, struct response *res, struct err *err)
{
    const struct receipt_body *body = call->body;
    struct transaction t;
    if (!body->given)
        return err_field(err, "documentId", "Vui lòng chọn tệp, hoặc gửi null để bỏ");
    if (!documents_attach(&call->scope, call->ids[0], body->document_id, public_base(call), err) ||
        !find_alive(call, -1, &t, err))
        return false;
    transaction_write_json(&res->json, &t, call->scope.currency);
    return response_etag(call, res, t.version, err);
}
