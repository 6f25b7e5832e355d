#include "service/template.h"

#include <string.h>

enum { NESTING_MAX = 4, NAME_MAX_BYTES = 40 };

struct section {
    char name[NAME_MAX_BYTES + 1];
    bool shown;
};

struct render {
    enum template_escape escape;
    const struct template_values *values;
    struct buf *out;
    struct section open[NESTING_MAX];
    size_t depth;
};

static bool find(const struct template_values *v, const char *name, struct template_value *value)
{
    const struct json_node *node;
    for (size_t i = 0; i < v->extra_count; i++)
        if (strcmp(v->extra[i].name, name) == 0) {
            *value = v->extra[i];
            return true;
        }
    if (!v->json || !json_get(v->json, name, &node))
        return false;
    *value = (struct template_value){.value = json_as_text(node)};
    return true;
}

static void put_html(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        switch (t.p[i]) {
        case '&': buf_str(out, "&amp;"); break;
        case '<': buf_str(out, "&lt;"); break;
        case '>': buf_str(out, "&gt;"); break;
        case '"': buf_str(out, "&quot;"); break;
        case '\'': buf_str(out, "&#39;"); break;
        default: buf_char(out, t.p[i]);
        }
}

static void put_line(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        buf_char(out, (unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f ? ' ' : t.p[i]);
}

static void put_value(struct render *r, const struct template_value *v)
{
    switch (v->ready ? TEMPLATE_PLAIN : r->escape) {
    case TEMPLATE_PLAIN: buf_text(r->out, v->value); break;
    case TEMPLATE_HTML: put_html(r->out, v->value); break;
    case TEMPLATE_LINE: put_line(r->out, v->value); break;
    }
}

static bool shown(const struct render *r)
{
    return r->depth == 0 || r->open[r->depth - 1].shown;
}

static bool open_section(struct render *r, const char *name, bool when_set, const struct template_value *v,
                         struct err *err)
{
    if (r->depth == NESTING_MAX)
        return err_set(err, ERR_PERMANENT, "the template nests too deep at %s", name);
    struct section s = {.shown = shown(r) && (v->value.n > 0) == when_set};
    memcpy(s.name, name, strlen(name) + 1);
    r->open[r->depth++] = s;
    return true;
}

static bool close_section(struct render *r, const char *name, struct err *err)
{
    if (r->depth == 0 || strcmp(r->open[r->depth - 1].name, name) != 0)
        return err_set(err, ERR_PERMANENT, "the template closes %s, which is not open", name);
    r->depth--;
    return true;
}

/* tag: what stands between the braces. */
static bool put_tag(struct render *r, struct text tag, struct err *err)
{
    char name[NAME_MAX_BYTES + 1];
    char kind = tag.n && strchr("#^/", tag.p[0]) ? tag.p[0] : ' ';
    struct text rest = text_trim(text_slice(tag, kind == ' ' ? 0 : 1, tag.n));
    struct template_value value = {0};
    if (!rest.n || rest.n > NAME_MAX_BYTES)
        return err_set(err, ERR_PERMANENT, "the template has a bad name");
    memcpy(name, rest.p, rest.n);
    name[rest.n] = '\0';
    if (kind == '/')
        return close_section(r, name, err);
    if (!find(r->values, name, &value))
        return err_set(err, ERR_PERMANENT, "the template needs a value for %s", name);
    if (kind != ' ')
        return open_section(r, name, kind == '#', &value, err);
    if (shown(r))
        put_value(r, &value);
    return true;
}

/* A tag that opens or closes a section and stands alone on its line takes the line with it. */
static struct text skip_line_end(struct text rest, bool alone)
{
    size_t n = rest.n && rest.p[0] == '\r' ? 1 : 0;
    return alone && rest.n > n && rest.p[n] == '\n' ? text_slice(rest, n + 1, rest.n) : rest;
}

static bool stands_alone(struct text source, const char *open)
{
    return (open == source.p || open[-1] == '\n') && strchr("#^/", open[2]) != NULL;
}

bool template_render(struct text source, enum template_escape escape, const struct template_values *values,
                     struct buf *out, struct err *err)
{
    struct render r = {.escape = escape, .values = values, .out = out};
    struct text rest = source;
    while (rest.n) {
        const char *open = memmem(rest.p, rest.n, "{{", 2);
        struct text before = open ? text_slice(rest, 0, (size_t)(open - rest.p)) : rest;
        if (shown(&r))
            buf_text(out, before);
        if (!open)
            break;
        rest = text_slice(rest, before.n + 2, rest.n);
        const char *close = memmem(rest.p, rest.n, "}}", 2);
        if (!close)
            return err_set(err, ERR_PERMANENT, "the template has an open brace");
        struct text tag = text_slice(rest, 0, (size_t)(close - rest.p));
        rest = skip_line_end(text_slice(rest, tag.n + 2, rest.n), stands_alone(source, open));
        if (!put_tag(&r, tag, err))
            return false;
    }
    if (r.depth)
        return err_set(err, ERR_PERMANENT, "the template leaves %s open", r.open[r.depth - 1].name);
    return !out->failed || err_set(err, ERR_NO_MEMORY, "no memory for a mail");
}
