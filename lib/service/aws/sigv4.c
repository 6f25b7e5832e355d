#include "service/aws/sigv4.h"

#include "base/buf.h"
#include "base/date.h"
#include "base/id.h"
#include "base/json.h"
#include "service/aws/canonical.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <stdio.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define UNSIGNED "UNSIGNED-PAYLOAD"

enum { SCOPE_MAX = 160, KEY_MAX = 4096, POLICY_MAX = 16 * 1024 };
enum { PRESIGN_MARGIN_S = 60 };

/* ---- hashes ---- */

void sigv4_hash(struct text t, char out[SIGV4_HASH_MAX])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(t.p ? t.p : ""), t.n, digest);
    hex_encode(digest, sizeof(digest), out);
}

struct mac {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
};

static struct mac hmac(const void *key, size_t key_n, struct text data)
{
    struct mac mac = {{0}};
    HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)(data.p ? data.p : ""), data.n, mac.bytes, NULL);
    return mac;
}

void sigv4_signature(const struct sigv4_keys *keys, const char *date, const char *region, const char *service,
                     struct text string_to_sign, char out[SIGV4_HASH_MAX])
{
    char secret[KEY_MAX]; /* not on the heap: a key made without memory would sign wrongly and not fail */
    int n = snprintf(secret, sizeof(secret), "AWS4%.*s", TEXT_ARG(keys->secret_access_key));
    struct mac key = hmac(secret, n > 0 && n < KEY_MAX ? (size_t)n : 0, (struct text){date, 8});
    const struct text steps[] = {text_of(region), text_of(service), TEXT("aws4_request"), string_to_sign};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        key = hmac(key.bytes, sizeof(key.bytes), steps[i]);
    hex_encode(key.bytes, sizeof(key.bytes), out);
    OPENSSL_cleanse(secret, sizeof(secret));
    OPENSSL_cleanse(&key, sizeof(key));
}

void sigv4_date(int64_t at_ms, char out[SIGV4_DATE_MAX])
{
    struct instant_parts t = instant_split(at_ms);
    snprintf(out, SIGV4_DATE_MAX, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)t.year % 10000u, (unsigned)t.month % 100u,
             (unsigned)t.day % 100u, (unsigned)t.hour % 100u, (unsigned)t.minute % 100u, (unsigned)t.second % 100u);
}

/* ---- what both forms share ---- */

struct signing {
    const struct sigv4_request *req;
    const struct sigv4_keys *keys;
    struct arena *mem;
    char date[SIGV4_DATE_MAX];
    char payload_hash[SIGV4_HASH_MAX];
    char scope[SCOPE_MAX]; /* 20150830/us-east-1/sqs/aws4_request */
    struct canonical_headers headers;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory to sign a request");
}

/* Headers that this signer makes: one given by a caller would be sent twice, or signed and not sent. */
static bool is_reserved(const char *name)
{
    static const char *const RESERVED[] = {"authorization", "x-amz-date", "x-amz-content-sha256",
                                           "x-amz-security-token"};
    for (size_t i = 0; i < ARRAY_LEN(RESERVED); i++) {
        if (text_eq_nocase(text_of(name), text_of(RESERVED[i])))
            return true;
    }
    return false;
}

static bool add_own_headers(struct signing *s, struct err *err)
{
    bool host = false;
    for (size_t i = 0; i < s->req->header_count; i++) {
        const struct http_header *h = &s->req->headers[i];
        if (is_reserved(h->name))
            return err_set(err, ERR_INTERNAL, "The header %s is the signer's own", h->name);
        host = host || text_eq_nocase(text_of(h->name), TEXT("host"));
        if (!canonical_add(&s->headers, h->name, h->value, s->mem, err))
            return false;
    }
    return host || err_set(err, ERR_INTERNAL, "A signed request needs its Host header");
}

static bool signing_init(struct signing *s, const struct sigv4_request *req, const struct sigv4_keys *keys,
                         struct arena *mem, struct err *err)
{
    *s = (struct signing){.req = req, .keys = keys, .mem = mem};
    sigv4_date(req->at_ms, s->date);
    int n = snprintf(s->scope, sizeof(s->scope), "%.8s/%s/%s/aws4_request", s->date, req->region, req->service);
    if (n < 0 || (size_t)n >= sizeof(s->scope))
        return err_set(err, ERR_INTERNAL, "The region or service to sign for is too long");
    if (req->flags & SIGV4_UNSIGNED_PAYLOAD)
        snprintf(s->payload_hash, sizeof(s->payload_hash), "%s", UNSIGNED);
    else if (req->payload_sha256.n == SIGV4_HASH_MAX - 1)
        memcpy(s->payload_hash, req->payload_sha256.p, SIGV4_HASH_MAX - 1);
    else
        sigv4_hash(req->body, s->payload_hash);
    return add_own_headers(s, err);
}

static bool canonical_request(const struct signing *s, struct text query, struct buf *out, struct err *err)
{
    buf_str(out, s->req->method);
    buf_char(out, '\n');
    canonical_path(out, s->req->path, (s->req->flags & SIGV4_S3) != 0);
    buf_char(out, '\n');
    if (!canonical_query(out, query, s->mem, err))
        return false;
    buf_char(out, '\n');
    canonical_lines(out, &s->headers);
    buf_char(out, '\n');
    canonical_names(out, &s->headers);
    buf_char(out, '\n');
    buf_str(out, s->payload_hash);
    return !out->failed || no_memory(err);
}

static bool signature(const struct signing *s, struct text query, char out[SIGV4_HASH_MAX], struct err *err)
{
    struct buf text;
    buf_init(&text, CANONICAL_MAX);
    char hash[SIGV4_HASH_MAX];
    bool ok = canonical_request(s, query, &text, err);
    if (ok) {
        sigv4_hash(buf_view(&text), hash);
        buf_reset(&text);
        buf_printf(&text, ALGORITHM "\n%s\n%s\n%s", s->date, s->scope, hash);
        ok = !text.failed || no_memory(err);
    }
    if (ok)
        sigv4_signature(s->keys, s->date, s->req->region, s->req->service, buf_view(&text), out);
    buf_release(&text);
    return ok;
}

/* ---- header form ---- */

static bool add_signed(struct signing *s, struct sigv4_headers *out, const char *name, struct text value,
                       struct err *err)
{
    struct text kept = arena_text(s->mem, value);
    if (!kept.p)
        return no_memory(err);
    out->headers[out->count++] = (struct http_header){name, kept};
    return canonical_add(&s->headers, name, value, s->mem, err);
}

static bool add_signers_headers(struct signing *s, struct sigv4_headers *out, struct err *err)
{
    if (!add_signed(s, out, "x-amz-date", text_of(s->date), err))
        return false;
    if ((s->req->flags & SIGV4_S3) && !add_signed(s, out, "x-amz-content-sha256", text_of(s->payload_hash), err))
        return false;
    if (s->keys->session_token.n == 0 || (s->req->flags & SIGV4_TOKEN_AFTER_SIGNING))
        return true;
    return add_signed(s, out, "x-amz-security-token", s->keys->session_token, err);
}

static bool add_token_unsigned(struct signing *s, struct sigv4_headers *out, struct err *err)
{
    if (s->keys->session_token.n == 0 || !(s->req->flags & SIGV4_TOKEN_AFTER_SIGNING))
        return true;
    struct text kept = arena_text(s->mem, s->keys->session_token);
    if (!kept.p)
        return no_memory(err);
    out->headers[out->count++] = (struct http_header){"x-amz-security-token", kept};
    return true;
}

static bool add_authorization(struct signing *s, struct sigv4_headers *out, const char *sign, struct err *err)
{
    AUTO(buf) struct buf text;
    buf_init(&text, CANONICAL_MAX);
    buf_printf(&text, ALGORITHM " Credential=%.*s/%s, SignedHeaders=", TEXT_ARG(s->keys->access_key_id), s->scope);
    canonical_names(&text, &s->headers);
    buf_printf(&text, ", Signature=%s", sign);
    struct text kept = text.failed ? TEXT_NONE : arena_text(s->mem, buf_view(&text));
    if (!kept.p)
        return no_memory(err);
    out->headers[out->count++] = (struct http_header){"Authorization", kept};
    return true;
}

bool sigv4_sign(const struct sigv4_request *req, const struct sigv4_keys *keys, struct arena *mem,
                struct sigv4_headers *out, struct err *err)
{
    struct signing s;
    char sign[SIGV4_HASH_MAX];
    out->count = 0;
    return signing_init(&s, req, keys, mem, err) && add_signers_headers(&s, out, err) &&
           canonical_sort(&s.headers, mem, err) && signature(&s, req->query, sign, err) &&
           add_authorization(&s, out, sign, err) && add_token_unsigned(&s, out, err);
}

/* ---- presigned query form ---- */

static void put_param(struct buf *out, const char *name, struct text value)
{
    if (out->n > 0)
        buf_char(out, '&');
    buf_str(out, name);
    buf_char(out, '=');
    buf_uri(out, value, false);
}

/* What was made in `scratch`, which is empty again then. */
static void put_made(struct buf *out, const char *name, struct buf *scratch)
{
    put_param(out, name, buf_view(scratch));
    out->failed = out->failed || scratch->failed;
    buf_reset(scratch);
}

static void put_presign_params(const struct signing *s, int64_t expires_s, struct buf *out, struct buf *scratch)
{
    buf_text(out, s->req->query);
    put_param(out, "X-Amz-Algorithm", TEXT(ALGORITHM));
    buf_text(scratch, s->keys->access_key_id);
    buf_char(scratch, '/');
    buf_str(scratch, s->scope);
    put_made(out, "X-Amz-Credential", scratch);
    put_param(out, "X-Amz-Date", text_of(s->date));
    buf_int(scratch, expires_s);
    put_made(out, "X-Amz-Expires", scratch);
    if (s->keys->session_token.n > 0 && !(s->req->flags & SIGV4_TOKEN_AFTER_SIGNING))
        put_param(out, "X-Amz-Security-Token", s->keys->session_token);
    canonical_names(scratch, &s->headers);
    put_made(out, "X-Amz-SignedHeaders", scratch);
}

static bool presigned_query(struct signing *s, int64_t expires_s, struct buf *out, struct buf *scratch, struct err *err)
{
    char sign[SIGV4_HASH_MAX];
    put_presign_params(s, expires_s, out, scratch);
    if (out->failed)
        return no_memory(err);
    if (!signature(s, buf_view(out), sign, err))
        return false;
    put_param(out, "X-Amz-Signature", text_of(sign));
    if (s->keys->session_token.n > 0 && (s->req->flags & SIGV4_TOKEN_AFTER_SIGNING))
        put_param(out, "X-Amz-Security-Token", s->keys->session_token);
    return !out->failed || no_memory(err);
}

bool sigv4_presign(const struct sigv4_request *req, const struct sigv4_keys *keys, int64_t expires_s, struct arena *mem,
                   struct text *query, struct err *err)
{
    if (expires_s < 1 || expires_s > SIGV4_EXPIRES_MAX_S)
        return err_set(err, ERR_INTERNAL, "A presigned URL cannot live that long");
    struct sigv4_request unsigned_body = *req;
    if (req->flags & SIGV4_S3)
        unsigned_body.flags |= SIGV4_UNSIGNED_PAYLOAD; /* whoever opens the URL makes the body */
    struct signing s;
    if (!signing_init(&s, &unsigned_body, keys, mem, err) || !canonical_sort(&s.headers, mem, err))
        return false;
    AUTO(buf) struct buf out, scratch;
    buf_init(&out, CANONICAL_MAX);
    buf_init(&scratch, CANONICAL_MAX);
    if (!presigned_query(&s, expires_s, &out, &scratch, err))
        return false;
    struct text kept = arena_text(mem, buf_view(&out));
    if (!kept.p)
        return no_memory(err);
    *query = kept;
    return true;
}

int64_t sigv4_presign_expiry(int64_t wanted_s, int64_t keys_expire_ms, int64_t now_ms)
{
    int64_t s = wanted_s < SIGV4_EXPIRES_MAX_S ? wanted_s : SIGV4_EXPIRES_MAX_S;
    if (keys_expire_ms > 0) {
        int64_t left = (keys_expire_ms - now_ms) / 1000 - PRESIGN_MARGIN_S;
        s = left < s ? left : s;
    }
    return s > 0 ? s : 0;
}

/* ---- POST policy ---- */

static bool form_add(struct sigv4_form *form, struct arena *mem, const char *name, struct text value, struct err *err)
{
    struct text kept = arena_text(mem, value);
    if (!kept.p)
        return no_memory(err);
    if (form->count == ARRAY_LEN(form->fields))
        return err_set(err, ERR_INTERNAL, "An upload form has too many fields");
    form->fields[form->count++] = (struct http_header){name, kept};
    return true;
}

static void put_triple(struct json_out *j, const char *what, struct text field, struct text value)
{
    json_begin_array(j);
    json_text(j, text_of(what));
    json_text(j, field);
    json_text(j, value);
    json_end_array(j);
}

static void put_exact(struct json_out *j, const char *name, struct text value)
{
    json_begin_object(j);
    json_put_text(j, name, value);
    json_end_object(j);
}

static void put_policy(const struct sigv4_post *post, const struct sigv4_form *form, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out);
    json_begin_object(&j);
    json_put_instant(&j, "expiration", post->expires_at_ms);
    json_key(&j, "conditions");
    json_begin_array(&j);
    put_exact(&j, "bucket", text_of(post->bucket));
    put_triple(&j, "starts-with", TEXT("$key"), post->key_prefix);
    json_begin_array(&j);
    json_text(&j, TEXT("content-length-range"));
    json_int(&j, post->size_min);
    json_int(&j, post->size_max);
    json_end_array(&j);
    for (size_t i = 0; i < form->count; i++)
        put_exact(&j, form->fields[i].name, form->fields[i].value);
    json_end_array(&j);
    json_end_object(&j);
}

/* Base64 with padding, as the form carries it. */
static struct text base64_of(struct text t, struct arena *mem)
{
    unsigned char *out = arena_alloc(mem, (t.n + 2) / 3 * 4 + 1);
    if (!out)
        return TEXT_NONE;
    int n = EVP_EncodeBlock(out, (const unsigned char *)t.p, (int)t.n);
    return (struct text){(char *)out, (size_t)n};
}

static bool form_conditions(const struct sigv4_post *post, const struct sigv4_keys *keys, const char *date,
                            struct arena *mem, struct sigv4_form *form, struct err *err)
{
    for (size_t i = 0; i < post->field_count; i++) {
        if (!form_add(form, mem, post->fields[i].name, post->fields[i].value, err))
            return false;
    }
    char *credential =
        arena_printf(mem, "%.*s/%.8s/%s/s3/aws4_request", TEXT_ARG(keys->access_key_id), date, post->region);
    if (!credential)
        return no_memory(err);
    return form_add(form, mem, "x-amz-algorithm", TEXT(ALGORITHM), err) &&
           form_add(form, mem, "x-amz-credential", text_of(credential), err) &&
           form_add(form, mem, "x-amz-date", text_of(date), err) &&
           (keys->session_token.n == 0 || form_add(form, mem, "x-amz-security-token", keys->session_token, err));
}

bool sigv4_post_form(const struct sigv4_post *post, const struct sigv4_keys *keys, struct arena *mem,
                     struct sigv4_form *form, struct err *err)
{
    char date[SIGV4_DATE_MAX], sign[SIGV4_HASH_MAX];
    sigv4_date(post->at_ms, date);
    form->count = 0;
    if (!form_conditions(post, keys, date, mem, form, err))
        return false;
    AUTO(buf) struct buf policy;
    buf_init(&policy, POLICY_MAX);
    put_policy(post, form, &policy);
    struct text encoded = policy.failed ? TEXT_NONE : base64_of(buf_view(&policy), mem);
    if (!encoded.p)
        return no_memory(err);
    sigv4_signature(keys, date, post->region, "s3", encoded, sign);
    return form_add(form, mem, "policy", encoded, err) && form_add(form, mem, "x-amz-signature", text_of(sign), err);
}
