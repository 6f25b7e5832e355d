/* Links in an answer. A model may have been told by somebody else's text to send its reader, or the reader's figures,
 * somewhere. */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "finance/guard.h"

enum { MASKED_MAX = 1024 * 1024 };
static const char MASK[] = "[liên kết đã ẩn]";

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool in_host(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

/* What ends a link: white space, and what Markdown and HTML put around it. */
static bool ends_link(char c)
{
    return c == '\0' || strchr(" \t\r\n()[]<>{}\"'`|", c) != NULL;
}

static size_t link_end(struct text t, size_t at)
{
    while (at < t.n && !ends_link(t.p[at]))
        at++;
    return at;
}

static bool ends_with(struct text t, struct text end)
{
    return t.n >= end.n && text_eq_nocase(text_slice(t, t.n - end.n, t.n), end);
}

/* The host behind a scheme: without user and port. */
static struct text host_of(struct text link)
{
    size_t from = 0, end = 0;
    while (end < link.n && link.p[end] != '/' && link.p[end] != '\\' && link.p[end] != '?' && link.p[end] != '#')
        end++;
    for (size_t i = 0; i < end; i++)
        if (link.p[i] == '@')
            from = i + 1;
    struct text host = text_slice(link, from, end);
    const char *colon = host.n ? memchr(host.p, ':', host.n) : NULL;
    return colon ? text_slice(host, 0, (size_t)(colon - host.p)) : host;
}

static bool is_own(struct text host, struct text own)
{
    return own.n && text_eq_nocase(host, own);
}

/* "https:" or another scheme that a page follows; *n its length with the slashes. */
static bool scheme_at(struct text t, size_t at, size_t *n)
{
    static const char *const SCHEMES[] = {"https:", "http:",   "ftp:", "javascript:", "data:",   "vbscript:",
                                          "file:",  "mailto:", "tel:", "sms:",        "intent:", "//"};
    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
        size_t length = strlen(SCHEMES[i]);
        if (at + length < t.n && strncasecmp(t.p + at, SCHEMES[i], length) == 0 && !ends_link(t.p[at + length])) {
            *n = length;
            while (at + *n < t.n && (t.p[at + *n] == '/' || t.p[at + *n] == '\\'))
                (*n)++;
            return true;
        }
    }
    return false;
}

/* "evil.com", "www.evil.example/x": letters behind the last dot that are a known end of names, or a path. */
static bool domain_at(struct text t, size_t at, size_t *n)
{
    static const char *const ENDS[] = {".com",  ".net",    ".org",  ".io",   ".vn", ".xyz", ".info", ".top",
                                       ".site", ".online", ".app",  ".dev",  ".co", ".me",  ".ru",   ".cn",
                                       ".link", ".click",  ".biz",  ".cc",   ".tk", ".ly",  ".gg",   ".to",
                                       ".ai",   ".shop",   ".club", ".live", ".us", ".uk"};
    size_t end = at;
    while (end < t.n && in_host(t.p[end]))
        end++;
    struct text host = text_slice(t, at, end);
    while (host.n && host.p[host.n - 1] == '.')
        host.n--;
    *n = host.n;
    if (host.n > 4 && strncasecmp(host.p, "www.", 4) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
        if (host.n > strlen(ENDS[i]) && ends_with(host, text_of(ENDS[i])))
            return true;
    return false;
}

struct text guard_mask_links(struct text answer, struct text own_host, struct arena *mem)
{
    AUTO(buf) struct buf out;
    buf_init(&out, MASKED_MAX);
    buf_str(&out, "");
    for (size_t i = 0; i < answer.n;) {
        size_t n = 0;
        bool starts = i == 0 || !in_host(answer.p[i - 1]);
        bool scheme = scheme_at(answer, i, &n);
        bool link = scheme || (starts && domain_at(answer, i, &n));
        if (!link) {
            buf_char(&out, answer.p[i++]);
            continue;
        }
        size_t end = link_end(answer, i);
        struct text host = host_of(text_slice(answer, scheme ? i + n : i, end));
        bool web = !scheme || answer.p[i] == '/' || strncasecmp(answer.p + i, "http", 4) == 0;
        if (web && is_own(host, own_host))
            buf_text(&out, text_slice(answer, i, end));
        else
            buf_str(&out, MASK);
        i = end;
    }
    return out.failed ? TEXT_NONE : arena_text(mem, buf_view(&out));
}
