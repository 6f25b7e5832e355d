#include "service/aws/credentials_source.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/json.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>

#define CONTAINER_ENDPOINT "http://169.254.170.2"
#define IMDS_ENDPOINT "http://169.254.169.254"
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"

enum { IMDS_TOKEN_TTL_S = 21600, IMDS_TOKEN_MARGIN_S = 5 };

static bool is_set(const char *s)
{
    return s && *s;
}

/* ---- parsing ---- */

static bool copy_key(struct text t, char *out, size_t cap)
{
    if (!t.p || t.n == 0 || t.n >= cap || text_has_control(t, false))
        return false;
    memcpy(out, t.p, t.n);
    out[t.n] = '\0';
    return true;
}

static bool read_document(const struct json_node *root, struct aws_keys *keys, struct err *err)
{
    struct text code = json_get_text(root, "Code");
    if (code.p && !text_eq(code, TEXT("Success"))) {
        err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
        return err_cause(err, "credentials: the source answered Code %.*s", TEXT_ARG(code));
    }
    struct text token = json_get_text(root, "Token"), ends = json_get_text(root, "Expiration");
    if (copy_key(json_get_text(root, "AccessKeyId"), keys->access_key_id, sizeof(keys->access_key_id)) &&
        copy_key(json_get_text(root, "SecretAccessKey"), keys->secret_access_key, sizeof(keys->secret_access_key)) &&
        (token.n == 0 || copy_key(token, keys->session_token, sizeof(keys->session_token))) &&
        (ends.n == 0 || instant_parse(ends, &keys->expires_at_ms)))
        return true;
    err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
    return err_cause(err, "credentials: the role document lacks a usable key, token or expiration");
}

bool credentials_parse(struct text document, struct aws_keys *out, struct err *err)
{
    struct err why = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(document, &why);
    if (!doc || json_kind(json_root(doc)) != JSON_OBJECT) {
        err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
        return err_cause(err, "credentials: the role document is not a JSON object");
    }
    AUTO(aws_keys) struct aws_keys keys = {0};
    if (!read_document(json_root(doc), &keys, err))
        return false;
    *out = keys;
    return true;
}

/* ---- which sources there are ---- */

/* The host part of an http URL: "127.0.0.1" of "http://user@127.0.0.1:80/x" is not accepted, '@' is refused. */
static struct text http_host(struct text after_scheme)
{
    size_t n = 0;
    while (n < after_scheme.n && !strchr("/?#", after_scheme.p[n]))
        n++;
    struct text host = text_slice(after_scheme, 0, n);
    if (memchr(host.p, '@', host.n))
        return TEXT("");
    if (host.n > 0 && host.p[0] == '[') {
        const char *end = memchr(host.p, ']', host.n);
        return end ? text_slice(host, 0, (size_t)(end - host.p) + 1) : TEXT("");
    }
    const char *colon = memchr(host.p, ':', host.n);
    return colon ? text_slice(host, 0, (size_t)(colon - host.p)) : host;
}

static bool is_loopback_v4(struct text host)
{
    if (!text_starts(host, TEXT("127.")))
        return false;
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    }
    return true;
}

bool credentials_uri_allowed(const char *uri)
{
    static const char *const HOSTS[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    struct text t = text_of(uri);
    if (text_starts(t, TEXT("https://")))
        return t.n > 8;
    if (!text_starts(t, TEXT("http://")))
        return false;
    struct text host = http_host(text_slice(t, 7, t.n));
    for (size_t i = 0; i < ARRAY_LEN(HOSTS); i++) {
        if (text_eq_nocase(host, text_of(HOSTS[i])))
            return true;
    }
    return is_loopback_v4(host);
}

static bool copy(char *out, const char *first, const char *second)
{
    int n = snprintf(out, SOURCE_TEXT_MAX, "%s%s", first ? first : "", second ? second : "");
    return n >= 0 && n < SOURCE_TEXT_MAX;
}

static bool container_init(struct credentials_source *s, const struct aws_credentials_options *opts)
{
    const char *endpoint = is_set(opts->container_endpoint) ? opts->container_endpoint : CONTAINER_ENDPOINT;
    if (is_set(opts->container_relative_uri))
        return opts->container_relative_uri[0] == '/' && copy(s->container_url, endpoint, opts->container_relative_uri);
    if (!is_set(opts->container_full_uri))
        return true;
    return credentials_uri_allowed(opts->container_full_uri) && copy(s->container_url, opts->container_full_uri, NULL);
}

bool credentials_source_init(struct credentials_source *s, const struct aws_credentials_options *opts, struct err *err)
{
    memset(s, 0, sizeof(*s));
    if (!container_init(s, opts))
        return err_set(err, ERR_INTERNAL, "The container credentials' address is not one that may be asked");
    const char *imds = is_set(opts->imds_endpoint) ? opts->imds_endpoint : IMDS_ENDPOINT;
    bool ok = copy(s->container_token, opts->container_token, NULL) &&
              copy(s->container_token_file, opts->container_token_file, NULL) &&
              copy(s->imds_endpoint, opts->imds_disabled ? "" : imds, NULL);
    size_t n = strlen(s->imds_endpoint);
    if (n > 0 && s->imds_endpoint[n - 1] == '/')
        s->imds_endpoint[n - 1] = '\0';
    return ok || err_set(err, ERR_INTERNAL, "A setting of the AWS credentials is too long");
}

/* ---- fetching ---- */

static bool refused(const char *what, const struct http_response *res, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
    return err_cause(err, "credentials: %s answered status %d", what, res->status);
}

static bool take_document(const char *what, struct http_response *res, struct aws_keys *out, struct err *err)
{
    bool ok = res->status == 200 ? credentials_parse(res->body, out, err) : refused(what, res, err);
    OPENSSL_cleanse((void *)res->body.p, res->body.n); /* the arena's copy of the secret */
    return ok;
}

static bool container_token(const struct credentials_source *s, char token[SOURCE_TEXT_MAX], struct err *err)
{
    if (!*s->container_token_file)
        return copy(token, s->container_token, NULL);
    FILE *f = fopen(s->container_token_file, "re");
    size_t n = f ? fread(token, 1, SOURCE_TEXT_MAX - 1, f) : 0;
    if (f)
        fclose(f);
    token[n] = '\0';
    while (n > 0 && strchr("\r\n ", token[n - 1]))
        token[--n] = '\0';
    if (n > 0)
        return true;
    err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
    return err_cause(err, "credentials: the container's token file cannot be read");
}

static bool container_fetch(struct credentials_source *s, struct http *http, struct arena *mem, struct aws_keys *out,
                            struct err *err)
{
    char token[SOURCE_TEXT_MAX];
    if (!container_token(s, token, err))
        return false;
    struct http_header auth = {"Authorization", text_of(token)};
    struct http_request req = {.method = "GET",
                               .url = s->container_url,
                               .headers = &auth,
                               .header_count = *token ? 1 : 0,
                               .cancellable = true};
    struct http_response res;
    bool ok = http_call(http, &req, mem, &res, err) && take_document("the container endpoint", &res, out, err);
    OPENSSL_cleanse(token, sizeof(token));
    return ok;
}

static bool imds_token(struct credentials_source *s, struct http *http, struct arena *mem, struct err *err)
{
    if (*s->imds_token && clock_monotonic_ms() < s->imds_token_ends_ms)
        return true;
    char url[SOURCE_TEXT_MAX + 64], ttl[16];
    snprintf(url, sizeof(url), "%s/latest/api/token", s->imds_endpoint);
    snprintf(ttl, sizeof(ttl), "%d", IMDS_TOKEN_TTL_S);
    struct http_header header = {"X-aws-ec2-metadata-token-ttl-seconds", text_of(ttl)};
    struct http_request req = {.method = "PUT", .url = url, .headers = &header, .header_count = 1, .cancellable = true};
    struct http_response res;
    if (!http_call(http, &req, mem, &res, err))
        return false;
    if (res.status != 200 || !copy_key(text_trim(res.body), s->imds_token, sizeof(s->imds_token)))
        return refused("the metadata service's token", &res, err);
    s->imds_token_ends_ms = clock_monotonic_ms() + (IMDS_TOKEN_TTL_S - IMDS_TOKEN_MARGIN_S) * 1000LL;
    return true;
}

static bool imds_get_once(struct credentials_source *s, struct http *http, const char *path, struct arena *mem,
                          struct http_response *res, struct err *err)
{
    char url[SOURCE_TEXT_MAX + 512];
    if (!imds_token(s, http, mem, err))
        return false;
    snprintf(url, sizeof(url), "%s%s", s->imds_endpoint, path);
    struct http_header header = {"X-aws-ec2-metadata-token", text_of(s->imds_token)};
    struct http_request req = {.method = "GET", .url = url, .headers = &header, .header_count = 1, .cancellable = true};
    return http_call(http, &req, mem, res, err);
}

/* A 401 means that the token ended early: one more try with a new one. */
static bool imds_get(struct credentials_source *s, struct http *http, const char *path, struct arena *mem,
                     struct http_response *res, struct err *err)
{
    if (!imds_get_once(s, http, path, mem, res, err))
        return false;
    if (res->status != 401)
        return true;
    s->imds_token[0] = '\0';
    return imds_get_once(s, http, path, mem, res, err);
}

static bool is_role_name(struct text t)
{
    if (t.n == 0 || t.n > 128)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr("+=,.@_-", c)))
            return false;
    }
    return true;
}

static bool imds_fetch(struct credentials_source *s, struct http *http, struct arena *mem, struct aws_keys *out,
                       struct err *err)
{
    struct http_response res;
    if (!imds_get(s, http, ROLE_PATH, mem, &res, err))
        return false;
    struct text role, lines = res.body;
    if (res.status != 200 || !text_split(&lines, '\n', &role) || !is_role_name(text_trim(role)))
        return refused("the metadata service's role", &res, err);
    char path[sizeof(ROLE_PATH) + 130];
    role = text_trim(role);
    snprintf(path, sizeof(path), ROLE_PATH "%.*s", TEXT_ARG(role));
    return imds_get(s, http, path, mem, &res, err) && take_document("the metadata service", &res, out, err);
}

bool credentials_source_fetch(struct credentials_source *s, struct http *http, struct arena *mem, struct aws_keys *out,
                              struct err *err)
{
    if (*s->container_url)
        return container_fetch(s, http, mem, out, err);
    if (*s->imds_endpoint)
        return imds_fetch(s, http, mem, out, err);
    err_set(err, ERR_UNAVAILABLE, "There are no credentials for AWS");
    return err_cause(err, "credentials: neither in the environment nor from a container or instance");
}
