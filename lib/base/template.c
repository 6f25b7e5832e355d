#include "base/template.h"

enum tag_kind { TAG_VALUE, TAG_RAW, TAG_WHEN, TAG_UNLESS, TAG_END };

struct tag {
    enum tag_kind kind;
    struct text name;
};

struct renderer {
    struct text rest;
    const struct template_values *values;
    bool html;
    struct buf *out;
    struct text open[TEMPLATE_DEPTH_MAX];
    size_t depth, hidden_at; /* hidden_at: depth from which nothing is written; 0 when all is */
};

static bool fault(struct err *err, const char *what, struct text name)
{
    return err_set(err, ERR_PERMANENT, "a template's %s: %.*s", what, TEXT_ARG(name));
}

static bool is_name(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!((t.p[i] | 32) >= 'a' && (t.p[i] | 32) <= 'z'))
            return false;
    return t.n > 0 && t.n <= TEMPLATE_NAME_MAX;
}

static void put_html(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        switch (t.p[i]) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        default:
            buf_char(out, t.p[i]);
        }
}

static bool shown(const struct renderer *r)
{
    return !r->hidden_at;
}

/* Writes what stands before the next tag and steps over it. */
static bool text_before(struct renderer *r, const char *at)
{
    size_t n = at ? (size_t)(at - r->rest.p) : r->rest.n;
    if (shown(r))
        buf_put(r->out, r->rest.p, n);
    r->rest = text_slice(r->rest, n, r->rest.n);
    return at != NULL;
}

static bool read_tag(struct renderer *r, struct tag *tag, struct err *err)
{
    static const char marks[] = {[TAG_RAW] = '&', [TAG_WHEN] = '#', [TAG_UNLESS] = '^', [TAG_END] = '/'};
    const char *end = memmem(r->rest.p, r->rest.n, "}}", 2);
    if (!end)
        return fault(err, "tag has no end", text_slice(r->rest, 0, TEMPLATE_NAME_MAX));
    tag->kind = TAG_VALUE;
    tag->name = text_slice(r->rest, 2, (size_t)(end - r->rest.p));
    for (size_t i = TAG_RAW; i < ARRAY_LEN(marks) && tag->name.n; i++)
        if (tag->name.p[0] == marks[i])
            tag->kind = (enum tag_kind)i;
    if (tag->kind != TAG_VALUE)
        tag->name = text_slice(tag->name, 1, tag->name.n);
    r->rest = text_slice(r->rest, (size_t)(end - r->rest.p) + 2, r->rest.n);
    return is_name(tag->name) || fault(err, "tag has no good name", tag->name);
}

static bool open_section(struct renderer *r, const struct tag *tag, bool holds, struct err *err)
{
    if (r->depth == TEMPLATE_DEPTH_MAX)
        return fault(err, "sections nest too deep", tag->name);
    r->open[r->depth++] = tag->name;
    if (!holds && shown(r))
        r->hidden_at = r->depth;
    return true;
}

static bool close_section(struct renderer *r, const struct tag *tag, struct err *err)
{
    if (!r->depth || !text_eq(r->open[r->depth - 1], tag->name))
        return fault(err, "section ends that was not open", tag->name);
    if (r->hidden_at == r->depth)
        r->hidden_at = 0;
    r->depth--;
    return true;
}

/* A value is asked for in hidden sections too, so that a wrong name never waits for the rare case. */
static bool run_tag(struct renderer *r, const struct tag *tag, struct err *err)
{
    struct text value = TEXT_NONE;
    if (tag->kind == TAG_END)
        return close_section(r, tag, err);
    if (!r->values->find(r->values->from, tag->name, &value))
        return fault(err, "value is missing", tag->name);
    if (tag->kind == TAG_WHEN || tag->kind == TAG_UNLESS)
        return open_section(r, tag, (value.n > 0) == (tag->kind == TAG_WHEN), err);
    if (!shown(r))
        return true;
    if (r->html && tag->kind != TAG_RAW)
        put_html(r->out, value);
    else
        buf_text(r->out, value);
    return true;
}

bool template_render(struct text template_text, const struct template_values *values, bool html, struct buf *out,
                     struct err *err)
{
    struct renderer r = {.rest = template_text, .values = values, .html = html, .out = out};
    struct tag tag;
    while (r.rest.n && text_before(&r, memmem(r.rest.p, r.rest.n, "{{", 2)))
        if (!read_tag(&r, &tag, err) || !run_tag(&r, &tag, err))
            return false;
    if (r.depth)
        return fault(err, "section has no end", r.open[r.depth - 1]);
    return !out->failed || err_set(err, ERR_NO_MEMORY, "no memory for a text, or it is too long");
}
