#include "service/mime.h"

#include <gmime/gmime.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum { MAIL_MAX = 16 * 1024 * 1024 }; /* ten megabytes of a file in base64, and its mail */

void mime_global_init(void)
{
    g_mime_init();
}

static bool is_header_value(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == '\r' || t.p[i] == '\n' || t.p[i] == '\0')
            return false;
    return true;
}

static bool check(const struct mime_mail *m, struct err *err)
{
    const struct text values[] = {m->from_name, m->from_address, m->to_name,         m->to_address,
                                  m->subject,   m->event_id,     m->attachment_name, m->attachment_type};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (!is_header_value(values[i]) || !text_is_utf8(values[i]))
            return err_set(err, ERR_PERMANENT, "a header of the mail holds a line break or is not UTF-8");
    if (!text_is_email(m->from_address) || !text_is_email(m->to_address))
        return err_set(err, ERR_PERMANENT, "the mail has no valid address");
    return true;
}

static struct text domain_of(struct text address)
{
    const char *at = memrchr(address.p, '@', address.n);
    return text_slice(address, at ? (size_t)(at - address.p) + 1 : 0, address.n);
}

/* GMime wants closing NULs. */
static char *z(struct arena *mem, struct text t)
{
    return arena_printf(mem, "%.*s", TEXT_ARG(t));
}

static bool add_mailbox(GMimeMessage *message, GMimeAddressType type, struct text name, struct text address,
                        struct arena *mem)
{
    char *n = z(mem, name), *a = z(mem, address);
    if (!n || !a)
        return false;
    g_mime_message_add_mailbox(message, type, *n ? n : NULL, a);
    return true;
}

static bool add_headers(GMimeMessage *message, const struct mime_mail *m, struct arena *mem)
{
    char *subject = z(mem, m->subject), *event = z(mem, m->event_id);
    struct text domain = domain_of(m->from_address);
    char *id = arena_printf(mem, "%.*s.%" PRId64 "@%.*s", TEXT_ARG(m->event_id), m->message_number, TEXT_ARG(domain));
    if (!subject || !event || !id ||
        !add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, m->from_name, m->from_address, mem) ||
        !add_mailbox(message, GMIME_ADDRESS_TYPE_TO, m->to_name, m->to_address, mem))
        return false;
    GDateTime *date = g_date_time_new_from_unix_utc(m->date_ms / 1000);
    g_mime_message_set_subject(message, subject, "utf-8");
    g_mime_message_set_date(message, date);
    g_mime_message_set_message_id(message, id);
    g_mime_object_set_header(GMIME_OBJECT(message), "X-Money-Manager-Event", event, "utf-8");
    /* Out-of-office replies to a program are noise. */
    g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-generated", "utf-8");
    g_date_time_unref(date);
    return true;
}

static GMimeObject *text_part(const char *subtype, struct text body)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(body.n ? body.p : "", body.n);
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_mime_part_set_content(part, content);
    g_object_unref(content);
    g_object_unref(stream);
    return GMIME_OBJECT(part);
}

static GMimeObject *body(const struct mime_mail *m)
{
    GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
    const struct {
        const char *subtype;
        struct text body;
    } parts[] = {{"plain", m->plain}, {"html", m->html}}; /* the best form last */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        GMimeObject *part = text_part(parts[i].subtype, parts[i].body);
        g_mime_multipart_add(both, part);
        g_object_unref(part);
    }
    return GMIME_OBJECT(both);
}

static GMimeObject *file_part(const struct mime_mail *m, struct arena *mem)
{
    char *name = z(mem, m->attachment_name), *type = z(mem, m->attachment_type);
    int fd = dup(m->attachment_fd); /* the stream closes its own */
    if (!name || !type || fd < 0) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GMimePart *part = g_mime_part_new();
    GMimeContentType *parsed = g_mime_content_type_parse(NULL, type);
    GMimeStream *stream = g_mime_stream_fs_new_with_bounds(fd, 0, -1);
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_object_set_content_type(GMIME_OBJECT(part), parsed);
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_ATTACHMENT);
    g_mime_part_set_filename(part, name);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    g_mime_part_set_content(part, content);
    g_object_unref(content);
    g_object_unref(stream);
    g_object_unref(parsed);
    return GMIME_OBJECT(part);
}

/* The texts alone, or the texts and the file. */
static bool add_body(GMimeMessage *message, const struct mime_mail *m, struct arena *mem)
{
    GMimeObject *texts = body(m), *file = m->attachment_name.p ? file_part(m, mem) : NULL;
    if (!m->attachment_name.p) {
        g_mime_message_set_mime_part(message, texts);
    } else if (file) {
        GMimeMultipart *mixed = g_mime_multipart_new_with_subtype("mixed");
        g_mime_multipart_add(mixed, texts);
        g_mime_multipart_add(mixed, file);
        g_mime_message_set_mime_part(message, GMIME_OBJECT(mixed));
        g_object_unref(mixed);
        g_object_unref(file);
    }
    g_object_unref(texts);
    return file || !m->attachment_name.p;
}

/* Bare line feeds are smuggling, and the mail client finds lines by CRLF: whatever GMime wrote, each line ends so. */
static bool has_crlf(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] == '\n' && (i == 0 || p[i - 1] != '\r')) || (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
            return false;
    return n >= 2 && p[n - 1] == '\n';
}

static bool with_crlf(const char *p, size_t n, struct arena *mem, struct text *out)
{
    /* The usual case, and the only one for a mail of megabytes: no copy but the arena's own. */
    if (has_crlf(p, n) && n <= MAIL_MAX) {
        *out = arena_text(mem, (struct text){p, n});
        return out->p != NULL;
    }
    struct buf b;
    buf_init(&b, MAIL_MAX);
    for (size_t i = 0; i < n; i++) {
        bool bare_lf = p[i] == '\n' && (i == 0 || p[i - 1] != '\r');
        bool bare_cr = p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n');
        if (bare_lf)
            buf_char(&b, '\r');
        buf_char(&b, p[i]);
        if (bare_cr)
            buf_char(&b, '\n');
    }
    if (b.n < 2 || b.p[b.n - 1] != '\n')
        buf_str(&b, "\r\n");
    *out = b.failed ? TEXT_NONE : arena_text(mem, buf_view(&b));
    buf_release(&b);
    return out->p != NULL;
}

static bool write_message(GMimeMessage *message, struct arena *mem, struct text *out)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    bool ok = g_mime_object_write_to_stream(GMIME_OBJECT(message), options, stream) > 0;
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    ok = ok && with_crlf((const char *)bytes->data, bytes->len, mem, out);
    g_object_unref(stream);
    g_mime_format_options_free(options);
    return ok;
}

bool mime_build(const struct mime_mail *mail, struct arena *mem, struct text *out, struct err *err)
{
    if (!check(mail, err))
        return false;
    GMimeMessage *message = g_mime_message_new(TRUE);
    bool ok = add_body(message, mail, mem) && add_headers(message, mail, mem) && write_message(message, mem, out);
    g_object_unref(message);
    return ok || err_set(err, ERR_NO_MEMORY, "no memory for a mail");
}
