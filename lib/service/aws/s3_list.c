/* S3's answers in XML, read by a scanner that knows elements and the five entities and no more. */
#include "service/aws/s3_internal.h"

#include "base/date.h"

#include <stdio.h>
#include <string.h>

enum { QUERY_MAX = 8 * 1024, NAME_MAX_LEN = 64 };

/* ---- XML ---- */

/* "<name" that is followed by the end of the name; the position behind the tag's '>' and whether it has no content. */
static const char *find_open(struct text t, const char *name, bool *empty)
{
    size_t n = strlen(name);
    const char *end = t.p + t.n;
    for (const char *at = t.p; at < end && (at = memchr(at, '<', (size_t)(end - at))); at++) {
        if ((size_t)(end - at) < n + 2 || memcmp(at + 1, name, n) != 0 || !strchr(" \t\r\n/>", at[n + 1]) || !at[n + 1])
            continue;
        const char *close = memchr(at, '>', (size_t)(end - at));
        if (!close)
            return NULL;
        *empty = close[-1] == '/';
        return close + 1;
    }
    return NULL;
}

bool s3_xml_find(struct text *rest, const char *name, struct text *inside)
{
    char close[NAME_MAX_LEN];
    bool empty = false;
    int n = snprintf(close, sizeof(close), "</%s>", name);
    const char *from = rest->n > 0 && n > 0 && (size_t)n < sizeof(close) ? find_open(*rest, name, &empty) : NULL;
    if (!from)
        return false;
    size_t left = rest->n - (size_t)(from - rest->p);
    const char *to = empty ? from : memmem(from, left, close, (size_t)n);
    if (!to)
        return false;
    *inside = (struct text){from, (size_t)(to - from)};
    size_t skip = (size_t)(to - from) + (empty ? 0 : (size_t)n);
    *rest = (struct text){from + skip, left - skip};
    return true;
}

static size_t put_code_point(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xf0u) | c);
    return n;
}

/* "#x41" or "#65"; 0 for what is none. */
static uint32_t numeric(struct text t)
{
    unsigned base = t.n > 1 && (t.p[1] == 'x' || t.p[1] == 'X') ? 16 : 10;
    uint32_t value = 0;
    for (size_t i = base == 16 ? 2 : 1; i < t.n; i++) {
        const char *digit = memchr("0123456789abcdefABCDEF", t.p[i], base == 16 ? 22 : 10);
        if (!digit)
            return 0;
        size_t d = (size_t)(digit - (const char *)"0123456789abcdefABCDEF");
        value = value * base + (uint32_t)(d > 15 ? d - 6 : d);
        if (value > 0x10ffff)
            return 0;
    }
    return value >= 0xd800 && value < 0xe000 ? 0 : value;
}

static uint32_t entity(struct text name)
{
    static const struct {
        struct text name;
        char c;
    } NAMED[] = {{TEXT_INIT("amp"), '&'},
                 {TEXT_INIT("lt"), '<'},
                 {TEXT_INIT("gt"), '>'},
                 {TEXT_INIT("quot"), '"'},
                 {TEXT_INIT("apos"), '\''}};
    if (name.n > 1 && name.p[0] == '#')
        return numeric(name);
    for (size_t i = 0; i < ARRAY_LEN(NAMED); i++) {
        if (text_eq(name, NAMED[i].name))
            return (unsigned char)NAMED[i].c;
    }
    return 0;
}

struct text s3_xml_text(struct text raw, struct arena *mem)
{
    char *out = arena_alloc(mem, raw.n + 1); /* a resolved entity is never longer than it was */
    size_t n = 0;
    for (size_t i = 0; out && i < raw.n; i++) {
        const char *semicolon = raw.p[i] == '&' ? memchr(raw.p + i, ';', raw.n - i) : NULL;
        size_t end = semicolon ? (size_t)(semicolon - raw.p) : 0;
        uint32_t c = semicolon ? entity(text_slice(raw, i + 1, end)) : 0;
        if (c == 0) {
            out[n++] = raw.p[i];
            continue;
        }
        n += put_code_point(out + n, c);
        i = end;
    }
    return out ? (struct text){out, n} : TEXT_NONE;
}

/* ---- a list ---- */

static struct text child(struct text of, const char *name)
{
    struct text inside;
    return s3_xml_find(&of, name, &inside) ? inside : TEXT("");
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is no memory for a list of files");
}

static bool unreadable(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "The file store's list could not be read");
}

static bool item_of(struct text xml, struct arena *mem, struct s3_item *out, struct err *err)
{
    struct text etag = s3_xml_text(child(xml, "ETag"), mem);
    *out = (struct s3_item){.key = s3_xml_text(child(xml, "Key"), mem)};
    if (!etag.p || !out->key.p)
        return no_memory(err);
    if (etag.n >= 2 && etag.p[0] == '"')
        etag = text_slice(etag, 1, etag.n - 1);
    out->etag = etag;
    if (out->key.n == 0 || !text_to_int64(child(xml, "Size"), &out->size) || out->size < 0)
        return unreadable(err);
    return instant_parse(child(xml, "LastModified"), &out->modified_at_ms) || unreadable(err);
}

bool s3_parse_list(struct text xml, size_t limit, struct arena *mem, struct s3_list *out, struct err *err)
{
    struct text rest = xml, all, one;
    *out = (struct s3_list){0};
    if (!s3_xml_find(&rest, "ListBucketResult", &all))
        return unreadable(err);
    out->items = arena_array(mem, limit > 0 ? limit : 1, sizeof(*out->items));
    if (!out->items)
        return no_memory(err);
    for (rest = all; out->count < limit && s3_xml_find(&rest, "Contents", &one); out->count++) {
        if (!item_of(one, mem, &out->items[out->count], err))
            return false;
    }
    if (!text_eq(child(all, "IsTruncated"), TEXT("true")))
        return true;
    out->next = s3_xml_text(child(all, "NextContinuationToken"), mem);
    if (!out->next.p)
        return no_memory(err);
    return out->next.n > 0 || unreadable(err); /* without a token there would be no end */
}

/* Parameters sorted by name, as the signature needs them. */
static struct text query_of(struct text prefix, struct text next, size_t limit, struct arena *mem)
{
    AUTO(buf) struct buf query;
    buf_init(&query, QUERY_MAX);
    if (next.n > 0) {
        buf_str(&query, "continuation-token=");
        buf_uri(&query, next, false);
        buf_char(&query, '&');
    }
    buf_printf(&query, "list-type=2&max-keys=%zu&prefix=", limit);
    buf_uri(&query, prefix, false);
    return query.failed ? TEXT_NONE : arena_text(mem, buf_view(&query));
}

bool s3_list(struct s3 *s, struct text prefix, struct text next, size_t limit, struct arena *mem, struct s3_list *out,
             struct err *err)
{
    if (limit < 1 || limit > S3_LIST_MAX)
        return err_set(err, ERR_INTERNAL, "A list of files cannot have that length");
    AUTO(s3_call) struct s3_call c;
    if (!s3_call_begin(&c, s, "ListObjectsV2", 0, err))
        return false;
    char *path = s->path_style ? arena_printf(c.mem, "/%s/", s->bucket) : arena_strdup(c.mem, "/");
    const struct aws_http req = {.method = "GET", .path = text_of(path), .query = query_of(prefix, next, limit, c.mem)};
    if (!path || !req.query.p)
        return no_memory(err);
    return s3_call_run(&c, &req, err) && s3_parse_list(c.answer.body, limit, mem, out, err);
}
