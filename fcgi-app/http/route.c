#include "http/route.h"

#include "base/attr.h"

static const char *const METHOD_NAMES[] = {
    [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",       [METHOD_PUT] = "PUT",
    [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS", [METHOD_OTHER] = "OTHER",
};

enum method method_read(struct text name)
{
    for (size_t i = 0; i < METHOD_OTHER; i++)
        if (text_eq(name, text_of(METHOD_NAMES[i])))
            return (enum method)i;
    return METHOD_OTHER;
}

const char *method_name(enum method method)
{
    return METHOD_NAMES[method];
}

/* How well a row's path fits: 0 not at all; else the higher, the more literal its first differing segment is. */
struct fit {
    bool fits;
    uint32_t literal; /* one bit a segment, the first the highest */
    int64_t ids[CALL_PATH_IDS_MAX];
    size_t id_count;
    struct text word;
};

static bool digits_only(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
    return t.n > 0;
}

static bool segment_fits(struct text pattern, struct text segment, struct fit *fit)
{
    fit->literal <<= 1;
    if (pattern.n && pattern.p[0] == '{') {
        if (!text_eq(pattern, TEXT("{id}"))) {
            fit->word = segment;
            return segment.n > 0;
        }
        return fit->id_count < CALL_PATH_IDS_MAX && digits_only(segment) &&
               text_to_int64(segment, &fit->ids[fit->id_count++]);
    }
    fit->literal |= 1;
    return text_eq(pattern, segment);
}

/* Cuts the next segment off *rest, which begins with '/'; false at the end. An empty last segment ("/jars/") counts. */
static bool next_segment(struct text *rest, struct text *segment)
{
    if (!rest->n || rest->p[0] != '/')
        return false;
    const char *slash = memchr(rest->p + 1, '/', rest->n - 1);
    size_t end = slash ? (size_t)(slash - rest->p) : rest->n;
    *segment = text_slice(*rest, 1, end);
    *rest = text_slice(*rest, end, rest->n);
    return true;
}

static struct fit path_fit(const char *pattern, struct text path)
{
    struct fit fit = {0};
    struct text want = text_of(pattern), want_segment, segment;
    for (;;) {
        bool more = next_segment(&want, &want_segment);
        if (more != next_segment(&path, &segment))
            return (struct fit){0};
        if (!more)
            break;
        if (!segment_fits(want_segment, segment, &fit))
            return (struct fit){0};
    }
    fit.fits = true;
    return fit;
}

static void allow_add(char *allow, size_t cap, const char *name)
{
    size_t n = strlen(allow);
    snprintf(allow + n, cap - n, "%s%s", n ? ", " : "", name);
}

/* The methods of all rows whose path fits as well as the best one. */
static void allow_list(const bool *seen, struct route_match *out)
{
    for (size_t m = 0; m < METHOD_OTHER; m++)
        if (seen[m] || (m == METHOD_HEAD && seen[METHOD_GET]) || m == METHOD_OPTIONS)
            allow_add(out->allow, sizeof(out->allow), METHOD_NAMES[m]);
}

/* Where the rows begin whose first segment may fit: the table is sorted by path, so those of one literal stand
 * together. */
static bool same_first_segment(const char *pattern, struct text first)
{
    return pattern[1] == '{' ||
           (strncmp(pattern + 1, first.p, first.n) == 0 && (pattern[first.n + 1] == '/' || !pattern[first.n + 1]));
}

void route_find(enum method method, struct text path, struct route_match *out)
{
    struct text rest = path, first;
    struct fit best = {0};
    bool seen[METHOD_OTHER] = {false};
    *out = (struct route_match){0};
    if (!next_segment(&rest, &first))
        return;
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *row = &ROUTES[i];
        if (!same_first_segment(row->path, first))
            continue;
        struct fit fit = path_fit(row->path, path);
        if (!fit.fits || (out->path_known && fit.literal < best.literal))
            continue;
        if (!out->path_known || fit.literal > best.literal) {
            best = fit;
            memset(seen, 0, sizeof(seen));
            out->route = NULL;
            out->path_known = true;
        }
        seen[row->method] = true;
        if (row->method == wanted)
            out->route = row;
    }
    if (!out->path_known)
        return;
    memcpy(out->ids, best.ids, sizeof(out->ids));
    out->word = best.word;
    allow_list(seen, out);
}
