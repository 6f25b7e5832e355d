#include "service/csv_out.h"

#include "base/cell.h"
#include "service/spool.h"

enum { BUFFER_MAX = 256 * 1024, FLUSH_AT = 64 * 1024 };

void csv_begin(struct csv_out *c, int fd)
{
    *c = (struct csv_out){.fd = fd};
    buf_init(&c->buf, BUFFER_MAX);
    buf_str(&c->buf, "\xEF\xBB\xBF");
}

static void separate(struct csv_out *c)
{
    if (c->inside)
        buf_char(&c->buf, ',');
    c->inside = true;
}

static bool needs_quotes(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == ',' || t.p[i] == '"' || t.p[i] == '\r' || t.p[i] == '\n' || t.p[i] == ';' || t.p[i] == '\t')
            return true;
    return t.n && (t.p[0] == ' ' || t.p[t.n - 1] == ' ');
}

void csv_text(struct csv_out *c, struct text t)
{
    bool formula = cell_is_formula(t), quoted = needs_quotes(t);
    separate(c);
    if (quoted)
        buf_char(&c->buf, '"');
    if (formula)
        buf_char(&c->buf, '\'');
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == '"')
            buf_char(&c->buf, '"');
        buf_char(&c->buf, t.p[i]);
    }
    if (quoted)
        buf_char(&c->buf, '"');
}

void csv_plain(struct csv_out *c, struct text t)
{
    separate(c);
    buf_text(&c->buf, t);
}

static bool flush(struct csv_out *c, struct err *err)
{
    if (c->buf.failed)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    if (c->buf.n && !spool_write(c->fd, c->buf.p, c->buf.n, err))
        return false;
    buf_reset(&c->buf);
    return true;
}

bool csv_row_end(struct csv_out *c, struct err *err)
{
    buf_str(&c->buf, "\r\n");
    c->inside = false;
    return c->buf.n < FLUSH_AT || flush(c, err);
}

bool csv_end(struct csv_out *c, bool ok, struct err *err)
{
    ok = ok && flush(c, err);
    buf_release(&c->buf);
    return ok;
}
