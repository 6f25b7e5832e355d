#include "http/multipart.h"

#include <string.h>

static bool broken(struct err *err, const char *what)
{
    return err_set(err, ERR_BAD_REQUEST, "The multipart body is broken: %s", what);
}

/* ---- parameters of a header's value ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 2046's bchars; none of them needs escaping inside a quoted string. */
static bool is_boundary(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return t.n > 0 && t.n <= MULTIPART_BOUNDARY_MAX && t.p[t.n - 1] != ' ';
}

static size_t skip_blanks(struct text t, size_t at)
{
    while (at < t.n && is_blank(t.p[at]))
        at++;
    return at;
}

/* The end of a value that begins at `at`: behind its closing quote, or at the next ';'. A quote is escaped by a
 * backslash; a backslash before anything else is one itself, as in the paths that old browsers send. */
static size_t value_end(struct text t, size_t at)
{
    if (at >= t.n || t.p[at] != '"') {
        while (at < t.n && t.p[at] != ';')
            at++;
        return at;
    }
    for (at++; at < t.n && t.p[at] != '"'; at++)
        if (t.p[at] == '\\' && at + 1 < t.n && t.p[at + 1] == '"')
            at++;
    return at < t.n ? at + 1 : at;
}

static struct text unquoted(struct text value)
{
    value = text_trim(value);
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        return text_slice(value, 1, value.n - 1);
    return value;
}

/* The value of parameter `name` behind the first ';', without its quotes; TEXT_NONE when it is absent. */
static struct text parameter(struct text header, const char *name)
{
    size_t at = 0;
    while (at < header.n && header.p[at] != ';')
        at++;
    while (at < header.n) {
        size_t begin = skip_blanks(header, at + 1), sign = begin;
        while (sign < header.n && header.p[sign] != '=' && header.p[sign] != ';')
            sign++;
        if (sign >= header.n || header.p[sign] == ';') {
            at = sign;
            continue;
        }
        size_t value = skip_blanks(header, sign + 1), end = value_end(header, value);
        if (text_eq_nocase(text_trim(text_slice(header, begin, sign)), text_of(name)))
            return unquoted(text_slice(header, value, end));
        for (at = end; at < header.n && header.p[at] != ';'; at++)
            ;
    }
    return TEXT_NONE;
}

static struct text before_parameters(struct text header)
{
    struct text first;
    return text_split(&header, ';', &first) ? text_trim(first) : TEXT_NONE;
}

struct text multipart_boundary(struct text content_type)
{
    if (!text_eq_nocase(before_parameters(content_type), TEXT("multipart/form-data")))
        return TEXT_NONE;
    struct text boundary = parameter(content_type, "boundary");
    return is_boundary(boundary) ? boundary : TEXT_NONE;
}

/* ---- the head of a part ---- */

/* Takes the escapes of a quoted name out, in place: \" and the %22 that browsers write for it. */
static struct text unescape(char *p, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\' && i + 1 < n && p[i + 1] == '"')
            i++;
        if (n - i >= 3 && memcmp(p + i, "%22", 3) == 0) {
            p[to++] = '"';
            i += 2;
        } else {
            p[to++] = p[i];
        }
    }
    return (struct text){p, to};
}

static struct text own_unescape(struct multipart *m, struct text value)
{
    return value.p ? unescape(m->head + (value.p - m->head), value.n) : value;
}

static bool disposition(struct multipart *m, struct text value, struct multipart_part *part, struct err *err)
{
    if (!text_eq_nocase(before_parameters(value), TEXT("form-data")))
        return broken(err, "a part is no form-data");
    /* Both are looked up before either is changed. */
    struct text name = parameter(value, "name"), file_name = parameter(value, "filename");
    part->name = own_unescape(m, name);
    part->file_name = own_unescape(m, file_name);
    return true;
}

static bool header_line(struct multipart *m, struct text line, struct multipart_part *part, struct err *err)
{
    struct text name, value = line;
    if (!text_split(&value, ':', &name) || !value.p || !name.n || is_blank(name.p[0]))
        return broken(err, "a header of a part cannot be read");
    value = text_trim(value);
    if (text_eq_nocase(name, TEXT("Content-Disposition")))
        return disposition(m, value, part, err);
    if (text_eq_nocase(name, TEXT("Content-Type")))
        part->content_type = value;
    /* RFC 7578 section 4.7: nobody encodes; a file kept in its encoding would be no file. */
    if (text_eq_nocase(name, TEXT("Content-Transfer-Encoding")) && !text_eq_nocase(value, TEXT("binary")) &&
        !text_eq_nocase(value, TEXT("7bit")) && !text_eq_nocase(value, TEXT("8bit")))
        return broken(err, "a part has a Content-Transfer-Encoding");
    return true;
}

/* m->head holds the lines with their ends, and no empty one. */
static bool head_done(struct multipart *m, struct err *err)
{
    struct multipart_part part = {0};
    struct text lines = {m->head, m->head_n}, line;
    if (m->parts++ == MULTIPART_PARTS_MAX)
        return broken(err, "it has too many parts");
    while (text_split(&lines, '\n', &line))
        if (line.n > 1 && !header_line(m, text_slice(line, 0, line.n - 1), &part, err))
            return false;
    if (!part.name.n)
        return broken(err, "a part has no name");
    m->state = MULTIPART_BODY;
    m->matched = 0;
    m->in_part = true;
    return m->handler->begin(m->to, &part, err);
}

/* A line's end is CR LF; the blank line ends the head. */
static bool head_byte(struct multipart *m, char c, struct err *err)
{
    if (m->head_n == sizeof(m->head))
        return broken(err, "the head of a part is too long");
    if (c == '\0' || (c == '\n') != (m->head_n > 0 && m->head[m->head_n - 1] == '\r'))
        return broken(err, "a header of a part holds a stray control character");
    m->head[m->head_n++] = c;
    bool empty_line = c == '\n' && (m->head_n == 2 || (m->head_n > 3 && m->head[m->head_n - 3] == '\n'));
    return !empty_line || head_done(m, err);
}

/* ---- the frame ---- */

void multipart_init(struct multipart *m, struct text boundary, const struct multipart_handler *handler, void *to)
{
    m->handler = handler;
    m->to = to;
    m->state = MULTIPART_BODY;
    m->in_part = false;
    m->parts = m->head_n = 0;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.p, boundary.n);
    m->delimiter_n = boundary.n + 4;
    /* The first boundary may stand at the very beginning, as if a line had ended before it. */
    m->matched = 2;
}

static bool give(struct multipart *m, const char *p, size_t n, struct err *err)
{
    return n == 0 || !m->in_part || m->handler->data(m->to, (struct text){p, n}, err);
}

static bool delimiter_done(struct multipart *m, struct err *err)
{
    bool ended = !m->in_part || m->handler->end(m->to, err);
    m->state = MULTIPART_AFTER;
    m->in_part = false;
    m->matched = 0;
    return ended;
}

/* Bytes of a body up to the end of the piece or of a boundary; *used of them. CR stands at the boundary's beginning and
 * nowhere else in it, so what did not match begins no other match. */
static bool body_bytes(struct multipart *m, struct text bytes, size_t *used, struct err *err)
{
    size_t at = 0, plain = 0; /* bytes[plain, at) belong to the body */
    while (at < bytes.n) {
        if (m->matched == 0) {
            const char *cr = memchr(bytes.p + at, '\r', bytes.n - at);
            at = cr ? (size_t)(cr - bytes.p) : bytes.n;
            if (!give(m, bytes.p + plain, at - plain, err))
                return false;
            plain = at;
            if (!cr)
                break;
        }
        if (bytes.p[at] == m->delimiter[m->matched]) {
            plain = ++at;
            if (++m->matched == m->delimiter_n) {
                *used = at;
                return delimiter_done(m, err);
            }
        } else {
            /* The two that multipart_init took for granted were never sent, and there is no part yet to get them. */
            if (!give(m, m->delimiter, m->matched, err))
                return false;
            m->matched = 0;
        }
    }
    *used = at;
    return true;
}

static bool after_byte(struct multipart *m, char c, struct err *err)
{
    if (m->state == MULTIPART_AFTER_CR) {
        m->state = MULTIPART_HEAD;
        m->head_n = 0;
        return c == '\n' || broken(err, "a line ends without LF");
    }
    if (m->state == MULTIPART_AFTER_DASH) {
        m->state = MULTIPART_DONE;
        return c == '-' || broken(err, "a boundary is followed by something else");
    }
    if (c == '-')
        m->state = MULTIPART_AFTER_DASH;
    else if (c == '\r')
        m->state = MULTIPART_AFTER_CR;
    else if (!is_blank(c))
        return broken(err, "a boundary is followed by something else");
    return true;
}

bool multipart_feed(struct multipart *m, struct text bytes, struct err *err)
{
    size_t at = 0;
    while (at < bytes.n && m->state != MULTIPART_DONE) {
        size_t used = 1;
        bool ok;
        if (m->state == MULTIPART_BODY)
            ok = body_bytes(m, text_slice(bytes, at, bytes.n), &used, err);
        else if (m->state == MULTIPART_HEAD)
            ok = head_byte(m, bytes.p[at], err);
        else
            ok = after_byte(m, bytes.p[at], err);
        if (!ok)
            return false;
        at += used;
    }
    return true;
}

bool multipart_finish(const struct multipart *m, struct err *err)
{
    return m->state == MULTIPART_DONE || broken(err, "it ended early");
}
