/* URLs and forms for S3 that others use without our keys. Pure but for the clock and the keys. */
#include "service/aws/s3_internal.h"

#include "service/aws/sigv4.h"

#include <assert.h>
#include <string.h>

static_assert((int)S3_FORM_FIELDS_MAX >= (int)SIGV4_POST_FIELDS_MAX, "every signed field has room");

enum { VALUES_MAX = 2048, QUERY_MAX = 4 * VALUES_MAX, HEADERS_MAX = 8 };

/* Where a URL leads: endpoint, host, path. */
struct place {
    char endpoint[S3_ENDPOINT_MAX], host[S3_ENDPOINT_MAX];
    bool path_style;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory to sign an address");
}

static bool place_of(const struct s3 *s, const char *endpoint_url, struct place *out, struct err *err)
{
    bool other = endpoint_url && *endpoint_url;
    out->path_style = other || s->path_style;
    if (!aws_endpoint_of(other ? endpoint_url : s->endpoint, out->endpoint, sizeof(out->endpoint)) ||
        !aws_host_of(out->endpoint, out->host, sizeof(out->host)).p)
        return err_set(err, ERR_INTERNAL, "The address of S3 is not an http or https URL");
    return true;
}

/* Keys that live long enough for a promise of *expires_s seconds, which it shortens to what they have left. */
static bool keys_for(struct s3 *s, int64_t wanted_s, struct aws_keys *keys, int64_t *expires_s, struct err *err)
{
    for (int i = 0; i < 2; i++) {
        if (!aws_credentials_get(s->creds, keys, err))
            return false;
        *expires_s = sigv4_presign_expiry(wanted_s, keys->expires_at_ms, aws_client_now_ms(s->client));
        if (*expires_s > 0)
            return true;
        if (!aws_credentials_renew(s->creds, keys->generation))
            break;
    }
    return err_set(err, ERR_UNAVAILABLE, "There are no keys that live long enough for a signed address");
}

static void put_param(struct buf *out, const char *name, struct text value)
{
    if (value.n == 0)
        return;
    if (out->n > 0)
        buf_char(out, '&');
    buf_str(out, name);
    buf_char(out, '=');
    buf_uri(out, value, false);
}

static bool sign_query(const struct s3 *s, const struct s3_presign *p, const struct place *at, struct text path,
                       const struct aws_keys *keys, int64_t expires_s, struct arena *mem, struct text *query,
                       struct err *err)
{
    AUTO(buf) struct buf own;
    struct http_header headers[1 + HEADERS_MAX] = {{"Host", text_of(at->host)}};
    if (p->content_disposition.n + p->content_type.n > VALUES_MAX || p->header_count > HEADERS_MAX)
        return err_set(err, ERR_INTERNAL, "A signed address carries too much");
    buf_init(&own, QUERY_MAX);
    put_param(&own, "response-content-disposition", p->content_disposition);
    put_param(&own, "response-content-type", p->content_type);
    if (own.failed)
        return no_memory(err);
    for (size_t i = 0; i < p->header_count; i++)
        headers[1 + i] = p->headers[i];
    const struct sigv4_request req = {.method = p->method,
                                      .path = path,
                                      .query = own.n > 0 ? buf_view(&own) : TEXT(""),
                                      .headers = headers,
                                      .header_count = 1 + p->header_count,
                                      .region = s->region,
                                      .service = "s3",
                                      .at_ms = aws_client_now_ms(s->client),
                                      .flags = SIGV4_S3};
    struct sigv4_keys view = aws_keys_view(keys);
    return sigv4_presign(&req, &view, expires_s, mem, query, err);
}

bool s3_presign(struct s3 *s, const struct s3_presign *p, struct arena *mem, struct text *url, int64_t *expires_at_ms,
                struct err *err)
{
    struct place at;
    AUTO(aws_keys) struct aws_keys keys = {0};
    int64_t expires_s, now_ms = aws_client_now_ms(s->client);
    struct text query;
    if (!place_of(s, p->endpoint_url, &at, err) || !keys_for(s, p->expires_s, &keys, &expires_s, err))
        return false;
    struct text path = s3_path(s, at.path_style, p->key, mem, err);
    if (!path.p || !sign_query(s, p, &at, path, &keys, expires_s, mem, &query, err))
        return false;
    char *whole = arena_printf(mem, "%s%.*s?%.*s", at.endpoint, TEXT_ARG(path), TEXT_ARG(query));
    if (!whole)
        return no_memory(err);
    *url = text_of(whole);
    if (expires_at_ms)
        *expires_at_ms = now_ms + expires_s * 1000;
    return true;
}

/* ---- forms ---- */

static bool sign_form(const struct s3 *s, const struct s3_post *p, const struct aws_keys *keys, int64_t expires_s,
                      struct arena *mem, struct sigv4_form *out, struct err *err)
{
    const struct http_header fields[] = {
        {"key", p->key}, {"Content-Type", p->content_type}, {"x-amz-server-side-encryption", TEXT("AES256")}};
    int64_t now_ms = aws_client_now_ms(s->client);
    const struct sigv4_post post = {.region = s->region,
                                    .bucket = s->bucket,
                                    .key_prefix = p->key,
                                    .size_min = p->size_min,
                                    .size_max = p->size_max,
                                    .at_ms = now_ms,
                                    .expires_at_ms = now_ms + expires_s * 1000,
                                    .fields = fields,
                                    .field_count = ARRAY_LEN(fields)};
    struct sigv4_keys view = aws_keys_view(keys);
    return sigv4_post_form(&post, &view, mem, out, err);
}

bool s3_post_form(struct s3 *s, const struct s3_post *p, struct arena *mem, struct s3_form *form,
                  int64_t *expires_at_ms, struct err *err)
{
    struct place at;
    AUTO(aws_keys) struct aws_keys keys = {0};
    struct sigv4_form fields;
    int64_t expires_s;
    if (!place_of(s, p->endpoint_url, &at, err) || !s3_path(s, true, p->key, mem, err).p ||
        !keys_for(s, p->expires_s, &keys, &expires_s, err) || !sign_form(s, p, &keys, expires_s, mem, &fields, err))
        return false;
    char *url = at.path_style ? arena_printf(mem, "%s/%s", at.endpoint, s->bucket) : arena_strdup(mem, at.endpoint);
    if (!url)
        return no_memory(err);
    form->url = text_of(url);
    form->count = fields.count;
    memcpy(form->fields, fields.fields, fields.count * sizeof(fields.fields[0]));
    if (expires_at_ms)
        *expires_at_ms = aws_client_now_ms(s->client) + expires_s * 1000;
    return true;
}
