#include "base/log_line.h"

#include <string.h>

#include "base/json.h"

static const char *const LEVELS[] = {"DEBUG", "INFO", "WARN", "ERROR"};

/* What the metric filter of the log group looks for. It matches anywhere in a line, so text that merely mentions one of
   them is written with its fourth letter escaped; the level itself stays. */
static const struct {
    struct text word;
    const char *broken;
    const char *broken_json;
} FILTERED[] = {
    {{"ERROR", 5}, "ERR\\x4fR", "ERR\\u004fR"},
    {{"Exception", 9}, "Exc\\x65ption", "Exc\\u0065ption"},
};

/* The index of the filtered word at `at`, or -1. */
static int filtered_at(struct text t, size_t at)
{
    struct text rest = text_slice(t, at, t.n);
    for (size_t i = 0; i < ARRAY_LEN(FILTERED); i++)
        if (text_starts(rest, FILTERED[i].word))
            return (int)i;
    return -1;
}

static void put_code_point(struct buf *out, struct text t, size_t at, size_t n, uint32_t c)
{
    if (c == '\n')
        buf_str(out, "\\n");
    else if (c == '\r')
        buf_str(out, "\\r");
    else if (c == '\t')
        buf_str(out, "\\t");
    else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
        buf_printf(out, "\\x%02x", (unsigned)c);
    else if (c == 0x2028 || c == 0x2029) /* line ends to some viewers */
        buf_printf(out, "\\u%04x", (unsigned)c);
    else
        buf_put(out, t.p + at, n);
}

/* Text in one line without filtered words; `quoted` escapes quotes and backslashes too. */
static void put_safe(struct buf *out, struct text t, bool quoted)
{
    for (size_t at = 0, n; at < t.n; at += n) {
        uint32_t c;
        int word = filtered_at(t, at);
        n = word >= 0 ? FILTERED[word].word.n : text_decode(t, at, &c);
        if (word >= 0) {
            buf_str(out, FILTERED[word].broken);
        } else if (n == 0) {
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)t.p[at]);
            n = 1;
        } else {
            if (quoted && (c == '"' || c == '\\'))
                buf_char(out, '\\');
            put_code_point(out, t, at, n, c);
        }
    }
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

void log_line_text(struct buf *out, const struct log_line *line, const struct zone *zone)
{
    struct instant_parts p = zone ? zone_split(zone, line->at_ms) : instant_split(line->at_ms);
    buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d [%s] %-5s %s - ", p.year, p.month, p.day, p.hour, p.minute,
               p.second, p.millis, or_empty(line->thread), LEVELS[line->level], or_empty(line->logger));
    put_safe(out, line->message, false);
    if (line->request_id && line->request_id[0]) {
        buf_char(out, ' ');
        log_quote(out, "request", text_of(line->request_id));
    }
    buf_char(out, '\n');
}

/* The written JSON text, its filtered words broken by escapes that read back as the same letters. */
static void put_text(struct json_out *j, const char *key, struct text t)
{
    json_key(j, key);
    struct buf quoted;
    struct json_out inner;
    buf_init(&quoted, SIZE_MAX - 1);
    json_out_init(&inner, &quoted);
    json_text(&inner, t.p ? t : TEXT(""));
    json_raw(j, TEXT(""));
    struct text rest = buf_view(&quoted);
    for (size_t at = 0; at < rest.n;) {
        int word = filtered_at(rest, at);
        if (word < 0) {
            buf_char(j->buf, rest.p[at++]);
            continue;
        }
        buf_str(j->buf, FILTERED[word].broken_json);
        at += FILTERED[word].word.n;
    }
    buf_release(&quoted);
}

void log_line_json(struct buf *out, const struct log_line *line)
{
    struct json_out j;
    json_out_init(&j, out);
    json_begin_object(&j);
    json_put_instant(&j, "timestamp", line->at_ms);
    json_put_str(&j, "level", LEVELS[line->level]);
    json_put_str(&j, "thread", or_empty(line->thread));
    json_put_str(&j, "logger", or_empty(line->logger));
    if (line->request_id && line->request_id[0])
        put_text(&j, "requestId", text_of(line->request_id));
    put_text(&j, "message", line->message);
    json_end_object(&j);
    buf_char(out, '\n');
}

void log_quote(struct buf *out, const char *key, struct text value)
{
    buf_str(out, key);
    buf_put(out, "=\"", 2);
    put_safe(out, value, true);
    buf_char(out, '"');
}
