#include "service/redis_url.h"

#include <string.h>

#include "base/text.h"

enum { PORT_DEFAULT = 6379, PORT_MAX = 65535, DB_MAX = 1023 };

static bool fault(struct err *err, const char *what)
{
    return err_set(err, ERR_VALIDATION, "the Redis URL %s", what);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Percent-decoded copy; false when it does not fit, is badly encoded or holds a NUL. */
static bool decode(struct text t, char out[REDIS_URL_PART_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        int c = (unsigned char)t.p[i];
        if (c == '%') {
            int high = i + 2 < t.n ? hex_value(t.p[i + 1]) : -1;
            int low = i + 2 < t.n ? hex_value(t.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || n + 1 >= REDIS_URL_PART_MAX)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

/* Cuts *t at the first `sep`; the rest goes to *after (TEXT_NONE without one). */
static void cut(struct text *t, char sep, struct text *after)
{
    const char *at = t->n ? memchr(t->p, sep, t->n) : NULL;
    *after = TEXT_NONE;
    if (!at)
        return;
    size_t before = (size_t)(at - t->p);
    *after = text_slice(*t, before + 1, t->n);
    *t = text_slice(*t, 0, before);
}

static bool number(struct text t, int least, int most, int *out)
{
    int64_t v;
    if (!text_to_int64(t, &v) || v < least || v > most)
        return false;
    *out = (int)v;
    return true;
}

/* The last '@' counts: a password may hold one that nobody encoded. */
static bool read_credentials(struct text *authority, struct redis_address *out)
{
    const char *at = authority->n ? memrchr(authority->p, '@', authority->n) : NULL;
    if (!at)
        return true;
    size_t before = (size_t)(at - authority->p);
    struct text user = text_slice(*authority, 0, before), password;
    *authority = text_slice(*authority, before + 1, authority->n);
    cut(&user, ':', &password);
    return decode(user, out->user) && (!password.p || decode(password, out->password));
}

/* host[:port]; an IPv6 address stands in brackets. */
static bool read_host(struct text t, struct redis_address *out)
{
    struct text port;
    if (t.n && t.p[0] == '[') {
        t = text_slice(t, 1, t.n);
        cut(&t, ']', &port);
        if (!port.p || (port.n && port.p[0] != ':'))
            return false;
        port = port.n ? text_slice(port, 1, port.n) : TEXT_NONE;
    } else {
        cut(&t, ':', &port);
    }
    out->port = PORT_DEFAULT;
    return t.n && decode(t, out->host) && (!port.p || number(port, 1, PORT_MAX, &out->port));
}

static bool parse_network(struct text rest, struct redis_address *out, struct err *err)
{
    struct text credentials_and_host = rest, db, query;
    /* A slash before the '@' belongs to the password. */
    const char *at = rest.n ? memrchr(rest.p, '@', rest.n) : NULL;
    size_t skip = at ? (size_t)(at - rest.p) : 0;
    struct text tail = text_slice(rest, skip, rest.n);
    cut(&tail, '/', &db);
    credentials_and_host.n = skip + tail.n;
    if (db.p)
        cut(&db, '?', &query);
    if (!read_credentials(&credentials_and_host, out))
        return fault(err, "has a user or password that cannot be read");
    if (!read_host(credentials_and_host, out))
        return fault(err, "has no valid host and port");
    if (db.n && !number(db, 0, DB_MAX, &out->db))
        return fault(err, "has no valid database number");
    return true;
}

static bool parse_unix(struct text path, struct redis_address *out, struct err *err)
{
    struct text query;
    cut(&path, '?', &query);
    if (path.n < 2 || path.p[0] != '/' || !decode(path, out->socket))
        return fault(err, "has no valid socket path");
    if (query.n && (!text_starts(query, TEXT("db=")) || !number(text_slice(query, 3, query.n), 0, DB_MAX, &out->db)))
        return fault(err, "has no valid database number");
    return true;
}

bool redis_url_parse(const char *url, struct redis_address *out, struct err *err)
{
    static const struct {
        const char *scheme;
        bool tls, unix_socket;
    } SCHEMES[] = {{"redis://", false, false}, {"rediss://", true, false}, {"unix://", false, true}};
    struct text t = text_of(url);

    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
        struct text scheme = text_of(SCHEMES[i].scheme);
        if (!text_starts(t, scheme))
            continue;
        struct redis_address read = {.tls = SCHEMES[i].tls};
        struct text rest = text_slice(t, scheme.n, t.n);
        if (!(SCHEMES[i].unix_socket ? parse_unix(rest, &read, err) : parse_network(rest, &read, err)))
            return false;
#ifndef HAVE_HIREDIS_SSL
        if (read.tls)
            return fault(err, "asks for TLS, which this build's hiredis does not have");
#endif
        *out = read;
        return true;
    }
    return fault(err, "must start with redis://, rediss:// or unix://");
}
