/* The writing half of base/json.h. */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"

void json_out_init(struct json_out *j, struct buf *buf)
{
    *j = (struct json_out){.buf = buf};
}

static void separate(struct json_out *j)
{
    if (j->comma)
        buf_char(j->buf, ',');
    j->comma = true;
}

static void begin(struct json_out *j, char bracket)
{
    separate(j);
    buf_char(j->buf, bracket);
    j->comma = false;
}

static void end(struct json_out *j, char bracket)
{
    buf_char(j->buf, bracket);
    j->comma = true;
}

void json_begin_object(struct json_out *j)
{
    begin(j, '{');
}

void json_end_object(struct json_out *j)
{
    end(j, '}');
}

void json_begin_array(struct json_out *j)
{
    begin(j, '[');
}

void json_end_array(struct json_out *j)
{
    end(j, ']');
}

void json_key(struct json_out *j, const char *key)
{
    separate(j);
    buf_char(j->buf, '"');
    buf_str(j->buf, key);
    buf_put(j->buf, "\":", 2);
    j->comma = false;
}

void json_raw(struct json_out *j, struct text t)
{
    separate(j);
    buf_text(j->buf, t);
}

void json_null(struct json_out *j)
{
    json_raw(j, TEXT("null"));
}

void json_bool(struct json_out *j, bool v)
{
    json_raw(j, v ? TEXT("true") : TEXT("false"));
}

void json_int(struct json_out *j, int64_t v)
{
    separate(j);
    buf_int(j->buf, v);
}

/* A value of digits and the like that needs no escaping. */
static void quoted(struct json_out *j, const char *p, size_t n)
{
    separate(j);
    buf_char(j->buf, '"');
    buf_put(j->buf, p, n);
    buf_char(j->buf, '"');
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* Writes what stands at `at` and cannot stay as it is, or a sequence of several bytes; returns its length. */
static size_t special(struct buf *out, struct text t, size_t at)
{
    uint32_t c;
    size_t n = text_decode(t, at, &c);
    if (n == 0) {
        buf_str(out, "\\ufffd"); /* an answer stays JSON whatever got into a text */
        return 1;
    }
    switch (c) {
    case '"': buf_str(out, "\\\""); break;
    case '\\': buf_str(out, "\\\\"); break;
    case '\n': buf_str(out, "\\n"); break;
    case '\r': buf_str(out, "\\r"); break;
    case '\t': buf_str(out, "\\t"); break;
    default:
        if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_put(out, t.p + at, n);
    }
    return n;
}

void json_text(struct json_out *j, struct text t)
{
    if (!t.p) {
        json_null(j);
        return;
    }
    separate(j);
    buf_char(j->buf, '"');
    size_t at = 0;
    while (at < t.n) {
        size_t start = at;
        while (at < t.n && is_plain((unsigned char)t.p[at]))
            at++;
        buf_put(j->buf, t.p + start, at - start);
        if (at < t.n)
            at += special(j->buf, t, at);
    }
    buf_char(j->buf, '"');
}

void json_money(struct json_out *j, int64_t minor, const struct currency *cur)
{
    char text[MONEY_TEXT_MAX];
    size_t n = money_format(minor, cur, text);
    json_raw(j, (struct text){text, n});
}

void json_percent(struct json_out *j, int32_t basis_points)
{
    char text[MONEY_TEXT_MAX];
    size_t n = percent_format(basis_points, text);
    json_raw(j, (struct text){text, n});
}

void json_date(struct json_out *j, int32_t ymd)
{
    char text[DATE_TEXT_MAX];
    if (ymd == 0)
        json_null(j);
    else
        quoted(j, text, date_format(ymd, text));
}

void json_month(struct json_out *j, int32_t ym)
{
    char text[DATE_TEXT_MAX];
    if (ym == 0)
        json_null(j);
    else
        quoted(j, text, month_format(ym, text));
}

void json_instant(struct json_out *j, int64_t ms)
{
    char text[INSTANT_TEXT_MAX];
    if (ms == 0)
        json_null(j);
    else
        quoted(j, text, instant_format(ms, text));
}

void json_put_null(struct json_out *j, const char *key)
{
    json_key(j, key);
    json_null(j);
}

void json_put_bool(struct json_out *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void json_put_int(struct json_out *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_put_id(struct json_out *j, const char *key, int64_t id)
{
    json_key(j, key);
    if (id == 0)
        json_null(j);
    else
        json_int(j, id);
}

void json_put_text(struct json_out *j, const char *key, struct text t)
{
    json_key(j, key);
    json_text(j, t);
}

void json_put_str(struct json_out *j, const char *key, const char *s)
{
    json_put_text(j, key, text_of(s));
}

void json_put_money(struct json_out *j, const char *key, int64_t minor, const struct currency *cur)
{
    json_key(j, key);
    json_money(j, minor, cur);
}

void json_put_percent(struct json_out *j, const char *key, int32_t basis_points)
{
    json_key(j, key);
    json_percent(j, basis_points);
}

void json_put_date(struct json_out *j, const char *key, int32_t ymd)
{
    json_key(j, key);
    json_date(j, ymd);
}

void json_put_month(struct json_out *j, const char *key, int32_t ym)
{
    json_key(j, key);
    json_month(j, ym);
}

void json_put_instant(struct json_out *j, const char *key, int64_t ms)
{
    json_key(j, key);
    json_instant(j, ms);
}
