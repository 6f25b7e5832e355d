#include <unistd.h>

#include "finance/documents.h"
#include "finance/file_link.h"
#include "handlers/document.h"
#include "http/download.h"
#include "http/own_tx.h"
#include "http/upload.h"
#include "service/aws/s3.h"
#include "service/log.h"

enum { OFFICE_LIFE_S = 15 * 60, RETRY_AFTER_S = 5 };

static const char *const UPLOAD_KINDS[] = {"receipt", "image", "file", NULL};

struct document_fields {
    int64_t kind, transaction_id;
    bool kind_given;
};

static const struct field FIELDS[] = {
    {.name = "kind",
     .kind = FK_CHOICE,
     .offset = offsetof(struct document_fields, kind),
     .given_offset = offsetof(struct document_fields, kind_given),
     .choices = UPLOAD_KINDS},
    FIELD_ID("transactionId", struct document_fields, transaction_id, FF_ZERO_IS_NULL),
    FIELD_END,
};

const struct upload_def DOCUMENT_UPLOAD = {.fields = FIELDS,
                                           .size = sizeof(struct document_fields),
                                           .strict = true,
                                           .max_bytes = DOCUMENT_BYTES_MAX,
                                           .types = MEDIA_IMAGES | MEDIA_BIT(MEDIA_PDF)};
const struct upload_def PICTURE_UPLOAD = {.max_bytes = DOCUMENT_BYTES_MAX, .types = MEDIA_IMAGES};

static int64_t quota(const struct call *call)
{
    return call->app->config.documents_quota_mb * 1024 * 1024;
}

/* ---- what is stored: the file as it came, a picture without its metadata ---- */

struct bytes {
    int fd;   /* the upload's own, or one to be closed */
    bool own; /* the latter */
    int64_t size;
    char sha256[DIGEST_TEXT];
};

static bool strip(struct call *call, struct bytes *b, struct err *err)
{
    const struct upload *up = call->upload;
    *b = (struct bytes){.fd = spool_open(&call->app->config, err)};
    b->own = b->fd >= 0;
    return b->own && spool_copy_bare(up->fd, up->size, up->type, b->fd, err) &&
           spool_measure(b->fd, &b->size, b->sha256, err);
}

static bool take_bytes(struct call *call, struct bytes *b, struct err *err)
{
    const struct upload *up = call->upload;
    if (MEDIA_IMAGES & MEDIA_BIT(up->type))
        return strip(call, b, err);
    *b = (struct bytes){.fd = up->fd, .size = up->size};
    memcpy(b->sha256, up->sha256, sizeof b->sha256);
    return true;
}

/* ---- pending, object, stored ---- */

struct storing {
    struct document_new in;
    int64_t quota;
    struct text base;
    struct document d;
};

static bool begin_tx(struct scope *s, void *arg, struct err *err)
{
    struct storing *st = arg;
    return documents_begin(s, &st->in, st->quota, &st->d, err);
}

static bool keep_tx(struct scope *s, void *arg, struct err *err)
{
    struct storing *st = arg;
    return documents_keep(s, &st->d, st->base, err);
}

static bool undo_tx(struct scope *s, void *arg, struct err *err)
{
    const struct storing *st = arg;
    struct document was;
    return documents_drop(s, st->d.id, &was, err);
}

/* What was begun is not left to take room: the worker deletes it. A COMMIT whose answer was lost may have stored it, so
 * its transaction stops showing it too. */
static void give_up(struct call *call, struct storing *st)
{
    struct err later = {0};
    if (!own_tx(call, undo_tx, st, &later))
        log_err(LOG_WARN, "documents", "an upload that failed is left pending", &later);
}

static bool put_object(struct call *call, const struct storing *st, const struct bytes *b, struct err *err)
{
    const struct http_source file = {b->fd, 0, b->size};
    const struct s3_put put = {
        .key = st->d.object_key, .file = &file, .sha256 = text_of(b->sha256), .content_type = st->in.content_type};
    if (s3_put(call->app->s3, &put, err))
        return true;
    if (err->code == ERR_UNAVAILABLE && !err->retry_after_seconds)
        err->retry_after_seconds = RETRY_AFTER_S;
    return false;
}

static bool store_bytes(struct call *call, struct storing *st, struct bytes *b, struct err *err)
{
    st->in.name = call->upload->name;
    st->in.content_type = text_of(media_mime(call->upload->type));
    st->in.sha256 = text_of(b->sha256);
    st->in.size = b->size;
    st->quota = quota(call);
    st->base = public_base(call);
    if (!own_tx(call, begin_tx, st, err))
        return false;
    if (put_object(call, st, b, err) && own_tx(call, keep_tx, st, err))
        return true;
    give_up(call, st);
    return false;
}

static bool store(struct call *call, struct storing *st, struct err *err)
{
    struct bytes *b = arena_new_of(call->scope.mem, struct bytes);
    if (!b)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    bool ok = take_bytes(call, b, err) && store_bytes(call, st, b, err);
    if (b->own)
        close(b->fd);
    return ok;
}

static enum document_kind kind_of(const struct call *call, const struct document_fields *fields)
{
    if (fields->kind_given)
        return (enum document_kind)fields->kind;
    if (fields->transaction_id)
        return DOCUMENT_RECEIPT;
    return call->upload->type == MEDIA_PDF ? DOCUMENT_FILE : DOCUMENT_IMAGE;
}

/* POST /documents   multipart: file, kind?, transactionId? (then its receipt)   201: Document   errors: 404, 413, 415,
 * 422 quota_exceeded, 503 */
bool document_post(struct call *call, struct response *res, struct err *err)
{
    const struct document_fields *fields = call->body;
    struct storing st = {.in = {.kind = kind_of(call, fields), .transaction_id = fields->transaction_id}};
    if (!store(call, &st, err))
        return false;
    json_begin_object(&res->json);
    bool ok = document_write_members(call, &res->json, &st.d, err);
    json_end_object(&res->json);
    return ok && response_created(call, res, "documents", st.d.id, err);
}

/* POST /files/upload   multipart: file (a picture)   200: {secure_url, message}   errors: 413, 415, 422, 503 */
bool picture_post(struct call *call, struct response *res, struct err *err)
{
    struct storing st = {.in = {.kind = DOCUMENT_IMAGE, .is_public = true}};
    if (!public_base(call).p)
        return err_set(err, ERR_BAD_REQUEST, "The request has no Host");
    if (!store(call, &st, err))
        return false;
    char key[DOCUMENT_PUBLIC_KEY];
    snprintf(key, sizeof key, "%.*s", TEXT_ARG(st.d.public_key));
    char *url = file_link_url(st.base, key, call->scope.mem);
    if (!url)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    json_begin_object(&res->json);
    json_put_str(&res->json, "secure_url", url);
    json_put_str(&res->json, "message", "Tải ảnh lên thành công.");
    json_end_object(&res->json);
    return true;
}

/* ---- from the office network straight to S3 ---- */

struct office_body {
    struct text name, content_type;
    int64_t size, kind, transaction_id;
};

static const struct field OFFICE_FIELDS[] = {
    FIELD_TEXT("name", struct office_body, name, FF_REQUIRED, 1, 255),
    FIELD_TEXT("contentType", struct office_body, content_type, FF_REQUIRED, 1, 100),
    FIELD_INT("size", struct office_body, size, FF_REQUIRED, 1, DOCUMENT_BYTES_MAX),
    FIELD_CHOICE("kind", struct office_body, kind, 0, UPLOAD_KINDS),
    FIELD_ID("transactionId", struct office_body, transaction_id, FF_ZERO_IS_NULL),
    FIELD_END,
};

const struct body_def OFFICE_UPLOAD_BODY = {
    .fields = OFFICE_FIELDS, .size = sizeof(struct office_body), .strict = true};

static void write_form(struct json_out *j, const struct storing *st, const struct s3_form *form, int64_t expires_ms)
{
    json_begin_object(j);
    json_put_int(j, "documentId", st->d.id);
    json_put_text(j, "url", form->url);
    json_put_instant(j, "expiresAt", expires_ms);
    json_key(j, "fields");
    json_begin_object(j);
    for (size_t i = 0; i < form->count; i++)
        json_put_text(j, form->fields[i].name, form->fields[i].value);
    json_end_object(j);
    json_end_object(j);
}

/* POST /documents/uploads   body: name, contentType, size, kind?, transactionId?   201: {documentId, url, expiresAt,
 * fields{}}: a form to be sent with the file as its last part   errors: 404 outside the office setting, 415, 422. The
 * document stays pending until the worker has looked at what arrived. */
bool document_office(struct call *call, struct response *res, struct err *err)
{
    const struct office_body *body = call->body;
    const char *office = call->app->config.s3_office_endpoint;
    struct s3_form form;
    int64_t expires_ms;
    if (!office)
        return err_set(err, ERR_NOT_FOUND, "There is no such address");
    enum media_type type = media_of_mime(body->content_type);
    if (type == MEDIA_OTHER)
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Files of this kind are not taken here");
    struct storing st = {.in = {.kind = (enum document_kind)body->kind,
                                .name = upload_clean_name(body->name, call->scope.mem),
                                .content_type = text_of(media_mime(type)),
                                .size = body->size,
                                .transaction_id = body->transaction_id},
                         .quota = quota(call)};
    if (!st.in.name.p)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!own_tx(call, begin_tx, &st, err))
        return false;
    const struct s3_post post = {.key = st.d.object_key,
                                 .size_min = body->size,
                                 .size_max = body->size,
                                 .content_type = st.in.content_type,
                                 .expires_s = OFFICE_LIFE_S,
                                 .endpoint_url = office};
    if (!s3_post_form(call->app->s3, &post, call->scope.mem, &form, &expires_ms, err)) {
        give_up(call, &st);
        return false;
    }
    write_form(&res->json, &st, &form, expires_ms);
    return response_created(call, res, "documents", st.d.id, err);
}
