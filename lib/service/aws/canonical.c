#include "service/aws/canonical.h"

#include <stdlib.h>
#include <string.h>

/* ---- path ---- */

static bool is_dot(struct text segment)
{
    return segment.n == 0 || text_eq(segment, TEXT("."));
}

/* Empty and "." segments go, ".." takes the one before it along; a slash at the end stays (as botocore does it). */
static void put_normalised(struct buf *out, struct text path)
{
    struct text rest = path, segment;
    while (text_split(&rest, '/', &segment)) {
        if (is_dot(segment))
            continue;
        if (!text_eq(segment, TEXT(".."))) {
            buf_char(out, '/');
            buf_text(out, segment);
            continue;
        }
        while (out->n > 0 && out->p[--out->n] != '/')
            continue;
    }
    if (out->n == 0 || path.p[path.n - 1] == '/')
        buf_char(out, '/');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX becomes its byte; '+' stays, for to AWS it is %2B and never a blank. */
static void put_decoded(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        int high = t.p[i] == '%' && i + 2 < t.n ? hex_digit(t.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(t.p[i + 2]) : -1;
        if (low < 0) {
            buf_char(out, t.p[i]);
            continue;
        }
        buf_char(out, (char)(high * 16 + low));
        i += 2;
    }
}

void canonical_path(struct buf *out, struct text path, bool s3)
{
    AUTO(buf) struct buf plain;
    buf_init(&plain, CANONICAL_MAX);
    if (path.n == 0)
        buf_char(&plain, '/');
    else if (s3)
        put_decoded(&plain, path);
    else
        put_normalised(&plain, path);
    buf_uri(out, buf_view(&plain), true);
    out->failed = out->failed || plain.failed;
}

/* ---- query ---- */

struct param {
    struct text name, value; /* encoded */
};

static int text_compare(struct text a, struct text b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (order != 0 || a.n == b.n)
        return order;
    return a.n < b.n ? -1 : 1;
}

static int param_compare(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    int order = text_compare(x->name, y->name);
    return order != 0 ? order : text_compare(x->value, y->value);
}

static bool encoded_again(struct text t, struct arena *mem, struct text *out)
{
    AUTO(buf) struct buf plain, encoded;
    buf_init(&plain, CANONICAL_MAX);
    buf_init(&encoded, CANONICAL_MAX);
    put_decoded(&plain, t);
    buf_uri(&encoded, buf_view(&plain), false);
    if (plain.failed || encoded.failed)
        return false;
    struct text view = buf_view(&encoded);
    *out = arena_text(mem, view.p ? view : TEXT(""));
    return out->p != NULL;
}

static bool param_read(struct text piece, struct arena *mem, struct param *out)
{
    const char *equals = memchr(piece.p, '=', piece.n);
    size_t at = equals ? (size_t)(equals - piece.p) : piece.n;
    struct text value = equals ? text_slice(piece, at + 1, piece.n) : TEXT("");
    return encoded_again(text_slice(piece, 0, at), mem, &out->name) && encoded_again(value, mem, &out->value);
}

bool canonical_query(struct buf *out, struct text query, struct arena *mem, struct err *err)
{
    struct param params[CANONICAL_PARAMS_MAX];
    size_t n = 0;
    struct text rest = query, piece;
    while (rest.n > 0 && text_split(&rest, '&', &piece)) {
        if (piece.n == 0)
            continue;
        if (n == ARRAY_LEN(params))
            return err_set(err, ERR_INTERNAL, "A signed query has too many parameters");
        if (!param_read(piece, mem, &params[n++]))
            return err_set(err, ERR_NO_MEMORY, "There is no memory to sign a request");
    }
    if (n > 0)
        qsort(params, n, sizeof(params[0]), param_compare);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_char(out, '&');
        buf_text(out, params[i].name);
        buf_char(out, '=');
        buf_text(out, params[i].value);
    }
    return true;
}

/* ---- headers ---- */

/* Hops on the way may change these, so a signature over them would break. */
static const char *const NEVER_SIGNED[] = {"connection", "user-agent",        "x-amzn-trace-id",
                                           "upgrade",    "transfer-encoding", "expect"};

static bool is_never_signed(const char *lower)
{
    for (size_t i = 0; i < ARRAY_LEN(NEVER_SIGNED); i++) {
        if (strcmp(lower, NEVER_SIGNED[i]) == 0)
            return true;
    }
    return strncmp(lower, "sec-websocket-", 14) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Trimmed, runs of blanks (folded lines too) as one space; inside quotes as well. */
static bool put_value(struct text value, struct arena *mem, struct text *out)
{
    char *p = arena_alloc(mem, value.n + 1);
    if (!p)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (!is_blank(value.p[i]))
            p[n++] = value.p[i];
        else if (n > 0 && p[n - 1] != ' ')
            p[n++] = ' ';
    }
    if (n > 0 && p[n - 1] == ' ')
        n--;
    *out = (struct text){p, n};
    return true;
}

bool canonical_add(struct canonical_headers *h, const char *name, struct text value, struct arena *mem, struct err *err)
{
    char *lower = arena_alloc(mem, strlen(name) + 1);
    struct text clean;
    if (!lower || !text_lower(text_of(name), lower, strlen(name) + 1) || !put_value(value, mem, &clean))
        return err_set(err, ERR_NO_MEMORY, "There is no memory to sign a request");
    if (is_never_signed(lower))
        return true;
    if (h->count == ARRAY_LEN(h->rows))
        return err_set(err, ERR_INTERNAL, "A signed request has too many headers");
    h->rows[h->count++] = (struct http_header){lower, clean};
    return true;
}

/* Insertion sort: stable, so that repeated names keep their order; the rows are few. */
static void sort_stable(struct canonical_headers *h)
{
    for (size_t i = 1; i < h->count; i++) {
        struct http_header row = h->rows[i];
        size_t at = i;
        for (; at > 0 && strcmp(h->rows[at - 1].name, row.name) > 0; at--)
            h->rows[at] = h->rows[at - 1];
        h->rows[at] = row;
    }
}

bool canonical_sort(struct canonical_headers *h, struct arena *mem, struct err *err)
{
    sort_stable(h);
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        struct http_header *last = kept > 0 ? &h->rows[kept - 1] : NULL;
        if (!last || strcmp(last->name, h->rows[i].name) != 0) {
            h->rows[kept++] = h->rows[i];
            continue;
        }
        char *joined = arena_printf(mem, "%.*s,%.*s", TEXT_ARG(last->value), TEXT_ARG(h->rows[i].value));
        if (!joined)
            return err_set(err, ERR_NO_MEMORY, "There is no memory to sign a request");
        last->value = text_of(joined);
    }
    h->count = kept;
    return true;
}

void canonical_lines(struct buf *out, const struct canonical_headers *h)
{
    for (size_t i = 0; i < h->count; i++) {
        buf_str(out, h->rows[i].name);
        buf_char(out, ':');
        buf_text(out, h->rows[i].value);
        buf_char(out, '\n');
    }
}

void canonical_names(struct buf *out, const struct canonical_headers *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (i > 0)
            buf_char(out, ';');
        buf_str(out, h->rows[i].name);
    }
}
